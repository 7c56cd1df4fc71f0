/** The line from the lowest reference photo to the highest, with a tick for every photo. */

import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";

/** @param {number[]} places percentiles @param {number} height of the ticks */
function ticks(places, height) {
  return places.map((place) => `M${place} ${8 - height / 2}v${height}`).join("");
}

/**
 * @param {number[]} every percentiles of all photos
 * @param {number | null} here of the one that is meant, if one is
 */
export function strip(every, here = null) {
  return html`<svg class="strip" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
    <path class="axis" d="M0 8H100M0 4v8M50 5v6M100 4v8" />
    <path class="every" d=${ticks(every, here === null ? 14 : 7)} />
    ${here === null ? nothing : svg`<path class="reach" d="M0 8H${here}" /><path class="here" d="M${here} 8h0.001" />`}
  </svg>`;
}
