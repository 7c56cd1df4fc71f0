/** How heatmaps are looked at: what they explain, how they are laid over the photo, and the box that is drawn. */

import { shareInBox } from "./share.js";
import { loadMap } from "./maps.js";

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
  #mapUrl = "";
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

  /** Has the map ready that belongs to what is shown. @param {string | null | undefined} url */
  useMap(url) {
    const address = url?.split("?")[0] ?? "";
    if (address === this.#mapUrl) return;
    this.#mapUrl = address;
    this.map = null;
    if (url) void this.#load(url, address);
  }

  /** @param {string} url @param {string} address */
  async #load(url, address) {
    const map = await loadMap(url).catch(() => null);
    if (address !== this.#mapUrl) return;
    this.map = map;
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
