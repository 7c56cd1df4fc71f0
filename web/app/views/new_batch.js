/** Where a batch begins: dropping photos is all that is needed, the rest has defaults. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { live } from "../../vendor/lit-html/directives/live.js";
import { chosenOf, toggled } from "../batch/ensembles.js";
import { dropTarget, fileButtons } from "./drop.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app */
export function newBatchView(app) {
  const { isCreating } = app.draft;
  const target = dropTarget(app);
  return html`
    <h1 tabindex="-1">Rank a new batch of photos</h1>
    <section
      class="drop"
      aria-labelledby="drop-title"
      @dragenter=${target.over}
      @dragover=${target.over}
      @dragleave=${target.leave}
      @drop=${target.drop}
    >
      <h2 id="drop-title">${isCreating ? "Making the batch …" : "Drop photos or a folder here"}</h2>
      <p class="actions">${fileButtons(app, { primary: true, isDisabled: isCreating })}</p>
      <p class="quiet">Up to 200 photos. JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF or BMP. They start uploading at once.</p>
    </section>
    ${options(app)}
  `;
}

/** @param {App} app */
function options(app) {
  const { name, previews } = app.draft;
  return html`<form class="options" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <h2>Before you drop them, if you like</h2>
    <div class="field">
      <label for="batch-name">Name of the batch</label>
      <input
        id="batch-name"
        maxlength="120"
        autocomplete="off"
        placeholder="The folder’s name, or the date"
        .value=${name}
        @input=${(/** @type {any} */ event) => app.edit({ name: event.target.value })}
      />
    </div>
    ${ensembleChoice(app)}
    <div class="field check">
      <input
        id="previews"
        type="checkbox"
        .checked=${previews}
        @change=${(/** @type {any} */ event) => app.edit({ previews: event.target.checked })}
      />
      <label for="previews">Make a heatmap of every photo along with its score</label>
    </div>
  </form>`;
}

/** Only where there is a choice. @param {App} app */
function ensembleChoice(app) {
  const ensembles = app.catalogue?.ensembles ?? [];
  if (ensembles.length < 2) return nothing;
  const chosen = chosenOf(ensembles, app.draft.ensembles);
  const toggle = (/** @type {string} */ ref) => app.edit({ ensembles: toggled(chosen, ref) });
  return html`<fieldset class="field">
    <legend>Scored by</legend>
    ${ensembles.map(
      (ensemble) => html`<div class="check">
        <input
          type="checkbox"
          id=${`ensemble-${ensemble.ref}`}
          .checked=${live(chosen.has(ensemble.ref))}
          @change=${() => toggle(ensemble.ref)}
        />
        <label for=${`ensemble-${ensemble.ref}`}>
          ${ensemble.ref}${ensemble.is_default ? " (the default)" : ""}
          <span class="quiet">${ensemble.commercial_use ? "" : "not for commercial use"}</span>
        </label>
      </div>`,
    )}
  </fieldset>`;
}
