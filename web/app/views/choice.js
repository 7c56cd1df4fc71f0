/** One of several, all of them visible: radio buttons that look like a switch. */

import { html } from "../../vendor/lit-html/lit-html.js";

/**
 * @param {string} legend
 * @param {string} name of the group, unique on the page
 * @param {{id: string, label: string}[]} options
 * @param {string} chosen
 * @param {(id: string) => void} onChoose
 */
export function choice(legend, name, options, chosen, onChoose) {
  return html`<fieldset class="switch">
    <legend>${legend}</legend>
    ${options.map(
      ({ id, label }) => html`<label
        ><input type="radio" name=${name} .value=${id} .checked=${id === chosen} @change=${() => onChoose(id)} /><span
          >${label}</span
        ></label
      >`,
    )}
  </fieldset>`;
}
