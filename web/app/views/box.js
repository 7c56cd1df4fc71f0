/** The box that is drawn over a photo with the pointer, or set by numbers, and what of the heatmap lies in it. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { percent } from "./words.js";

/** @typedef {import("../heatmaps/look.js").Look} Look */

const SIDES = [
  { side: "left", label: "Left edge" },
  { side: "top", label: "Upper edge" },
  { side: "right", label: "Right edge" },
  { side: "bottom", label: "Lower edge" },
];

/** @param {PointerEvent} event on the layer over the photo */
function place(event) {
  const { left, top, width, height } = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
}

/** @param {Look} look */
export function boxOverlay(look) {
  /** @type {{x: number, y: number} | null} */
  let start = null;
  const down = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    const layer = /** @type {HTMLElement} */ (event.currentTarget);
    layer.setPointerCapture(event.pointerId);
    start = place(event);
    const move = (/** @type {PointerEvent} */ moved) => {
      const { x, y } = place(moved);
      if (start) look.draw({ left: start.x, top: start.y, right: x, bottom: y });
    };
    layer.addEventListener("pointermove", move);
    layer.addEventListener("lostpointercapture", () => layer.removeEventListener("pointermove", move), { once: true });
    event.preventDefault();
  };
  return html`<div class="drawing" @pointerdown=${down}>${look.box ? html`<div class="box" .style=${boxStyle(look.box)}></div>` : nothing}</div>`;
}

/** @param {import("../heatmaps/share.js").Box} box */
function boxStyle({ left, top, right, bottom }) {
  const sides = { left, top, width: right - left, height: bottom - top };
  return Object.entries(sides).map(([name, share]) => `${name}: ${100 * share}%`).join("; ");
}

/** @param {Look} look @param {import("../batch/open_batch.js").OpenBatch} batch @param {any} heatmap */
export function boxPanel(look, batch, heatmap) {
  if (heatmap?.status !== "done") return nothing;
  return html`<section class="box-panel" aria-labelledby="box-title">
    <h2 id="box-title">Does the product carry the score?</h2>
    <p>Draw a box around something in the photo to see how much of the heatmap lies in it.</p>
    ${look.box ? edges(look) : html`<p><button @click=${() => look.drawInTheMiddle()}>Put a box in the middle</button></p>`}
    ${look.mapProblem ? mapFailure(look, batch) : html`<p class="share" role="status">${shareText(look)}</p>`}
  </section>`;
}

/** @param {Look} look */
function edges(look) {
  const box = /** @type {import("../heatmaps/share.js").Box} */ (look.box);
  return html`<fieldset class="edges">
      <legend>The box, in % of the photo</legend>
      ${SIDES.map(
        ({ side, label }) => html`<label
          >${label}
          <input
            type="number"
            min="0"
            max="100"
            .value=${String(Math.round(100 * box[side]))}
            @change=${(/** @type {any} */ event) => look.draw({ ...box, [side]: event.target.valueAsNumber / 100 || 0 })}
        /></label>`,
      )}
    </fieldset>
    <p><button class="plain" @click=${() => look.draw(null)}>Remove the box</button></p>`;
}

/** @param {Look} look @param {import("../batch/open_batch.js").OpenBatch} batch */
function mapFailure(look, batch) {
  const retry = () => {
    batch.watch(); // for new links, where it is theirs that have expired
    look.retryMap();
  };
  return html`<div class="notice failure" role="status">
    <p>The heatmap’s numbers are missing: ${look.mapProblem}.</p>
    <button class="plain" @click=${retry}>Try again</button>
  </div>`;
}

/** @param {Look} look */
function shareText(look) {
  if (!look.box) return nothing;
  const { share } = look;
  if (!share) return "The heatmap’s numbers are being loaded …";
  const raising = share.raising === null ? "Nothing in this photo raises the score" : html`<strong>${percent(share.raising)}</strong> of what raises the score lies in the box`;
  const lowering = share.lowering === null ? "" : html`, and ${percent(share.lowering)} of what lowers it`;
  return html`${raising}${lowering}. The box is ${percent(share.area)} of the photo.`;
}
