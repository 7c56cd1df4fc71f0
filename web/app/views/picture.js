/** Pictures: the server's small ones, and the photo itself where a browser can show it. */

import { html } from "../../vendor/lit-html/lit-html.js";

// A thumbnail is written a moment after the score that it stands beside.
const RETRY_MS = [300, 1000, 3000];

/**
 * Asks again for a picture that may not be there yet; then puts another in its place, or an empty frame.
 *
 * @param {Event} event
 */
function replace(event) {
  const image = /** @type {HTMLImageElement} */ (event.target);
  const tries = Number(image.dataset.tries ?? 0);
  if (image.classList.contains("thumbnail") && tries < RETRY_MS.length) {
    image.dataset.tries = String(tries + 1);
    const { src } = image;
    setTimeout(() => {
      if (image.src === src) image.src = src;
    }, RETRY_MS[tries]);
    return;
  }
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
