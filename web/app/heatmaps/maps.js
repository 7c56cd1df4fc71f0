/** The signed maps behind the heatmaps, each loaded once. */

import { readNpz } from "./npz.js";

/** @type {Map<string, Promise<import("./share.js").SignedMap>>} */
const loaded = new Map();

/** What tells maps apart: a photo that is scored anew has another at the same place. @param {any} heatmap that is done */
export function mapKey({ map_url: url, score }) {
  return `${url.split("?")[0]} ${score}`;
}

/** @param {string} url of the `.npz` file @param {string} key of its own */
export function loadMap(url, key) {
  const map = loaded.get(key) ?? fetchMap(url);
  loaded.set(key, map);
  map.catch(() => loaded.delete(key));
  return map;
}

/** @param {string} url */
async function fetchMap(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the map could not be loaded (${answer.status})`);
  const buffer = await answer.arrayBuffer();
  const [map, frame] = [await readNpz(buffer, "map"), await readNpz(buffer, "frame")];
  if (map?.shape.length !== 2 || frame?.values.length !== 2) throw new Error("the file holds no map");
  const [resize, crop] = [...frame.values].map(Number);
  return {
    height: map.shape[0],
    width: map.shape[1],
    values: /** @type {Float32Array} */ (map.values),
    frame: placeOf(resize, crop),
  };
}

/**
 * Where the part that a model looks at lies in the photo: the photo becomes a square of side `resize`, of which the
 * model sees the centre, of side `crop`.
 *
 * @param {number} resize
 * @param {number} crop
 */
function placeOf(resize, crop) {
  const half = (resize - crop) / 2;
  const margin = half % 2 === 0.5 ? half - 0.5 : Math.round(half); // halves to the even number, as the models do
  const [first, last] = [margin / resize, (margin + crop) / resize];
  return { left: first, top: first, right: last, bottom: last };
}
