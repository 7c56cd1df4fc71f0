/** How heatmaps are looked at: what they explain, how they are laid over the photo, and the box that is drawn. */

import { shareInBox } from "./share.js";
import { loadMap, mapKey } from "./maps.js";

/** @type {import("./share.js").Box} where the first box lies for those who draw without a pointer */
const MIDDLE = { left: 0.3, top: 0.3, right: 0.7, bottom: 0.7 };
const SMALLEST = 0.02;

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export class Look {
  /** @type {string | null} key of the subject; null: the measure that the batch is ranked by */
  subject = null;
  method = "gradcam";
  opacity = 0.75;
  /** @type {import("./share.js").Box | null} */
  box = null;
  /** @type {import("./share.js").SignedMap | null} */
  map = null;
  /** @type {string | null} why there is no map */
  mapProblem = null;
  #mapKey = "";
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @param {Partial<Pick<Look, "subject" | "method" | "opacity">>} change */
  set(change) {
    Object.assign(this, change);
    this.#onChange();
  }

  /** Shares of the map that lie in the box, once both are there. */
  get share() {
    return this.map && this.box ? shareInBox(this.map, this.box) : null;
  }

  /** Has the map ready that belongs to the heatmap that is shown. @param {any} heatmap as the API gives it */
  useMap(heatmap) {
    const key = heatmap?.map_url ? mapKey(heatmap) : "";
    if (key === this.#mapKey) return;
    this.#mapKey = key;
    this.map = null;
    this.mapProblem = null;
    if (key) void this.#load(heatmap.map_url, key);
  }

  /** Has a map loaded again that could not be. */
  retryMap() {
    this.#mapKey = "";
    this.#onChange();
  }

  /** @param {string} url @param {string} key */
  async #load(url, key) {
    /** @type {Partial<Look>} */
    const found = await loadMap(url, key).then((map) => ({ map }), ({ message }) => ({ mapProblem: message }));
    if (key !== this.#mapKey) return;
    Object.assign(this, found);
    this.#onChange();
  }

  /** @param {import("./share.js").Box | null} box any two corners; null takes it away */
  draw(box) {
    this.box = box && {
      left: clamp(Math.min(box.left, box.right), 0, 1 - SMALLEST),
      top: clamp(Math.min(box.top, box.bottom), 0, 1 - SMALLEST),
      right: clamp(Math.max(box.left, box.right), SMALLEST, 1),
      bottom: clamp(Math.max(box.top, box.bottom), SMALLEST, 1),
    };
    this.#onChange();
  }

  drawInTheMiddle() {
    this.draw(MIDDLE);
  }
}
