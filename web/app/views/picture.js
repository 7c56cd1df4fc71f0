/** Pictures: the server's small ones, and the photo itself where a browser can show it. */

import { html } from "../../vendor/lit-html/lit-html.js";

/** Puts another picture in the place of one that cannot be shown, or an empty frame. @param {Event} event */
function replace(event) {
  const image = /** @type {HTMLImageElement} */ (event.target);
  const other = image.dataset.other;
  delete image.dataset.other;
  if (other && other !== image.src) image.src = other;
  else image.classList.add("unshown");
}

/** @param {any} photo */
export function thumbnail({ thumbnail_url, photo_url, width, height }) {
  const url = thumbnail_url ?? photo_url ?? "";
  return html`<img class="thumbnail" src=${url} data-other=${photo_url ?? ""} alt="" loading="lazy" decoding="async"
    width=${width ?? 3} height=${height ?? 2} @error=${replace} />`;
}

/**
 * A photo to be looked at closely.
 *
 * @param {any} photo
 * @param {boolean} isLarge whether the small picture would be blurred
 * @param {boolean} isUnderHeatmap whether its own colours shall step back
 */
export function picture({ name, thumbnail_url, photo_url, width, height }, isLarge, isUnderHeatmap) {
  const [url, other] = isLarge ? [photo_url, thumbnail_url] : [thumbnail_url ?? photo_url, photo_url];
  return html`<img class=${isUnderHeatmap ? "picture paler" : "picture"} src=${url ?? ""} data-other=${other ?? ""} alt=${name} decoding="async"
    width=${width ?? 3} height=${height ?? 2} draggable="false" @error=${replace} />`;
}
