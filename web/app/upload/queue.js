/** Uploads of one batch: four at a time, again after losses, with new links where the old ones have expired. */

import { TransferError, transfer } from "./transfer.js";

const AT_ONCE = 4;
const ATTEMPTS = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;
const NEW_LINKS_A_FILE = 3;

/**
 * @typedef {object} Upload
 * @property {string} name
 * @property {File} file
 * @property {string} type
 * @property {"waiting" | "sending" | "sent" | "stopped"} state
 * @property {number} share sent, 0 to 1
 * @property {string | null} problem what keeps it from being sent
 */

/**
 * @typedef {Upload & {link: {url: string, fields: Record<string, string>} | null, attempts: number, newLinks: number,
 *   notBefore: number}} Entry
 */

export class UploadQueue {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Set<Promise<void>>} */
  #sending = new Set();
  #isPaused = false;
  #timer = 0;
  #fetchLinks;
  #onChange;
  #cancel = new AbortController();
  #line = new AbortController();

  /**
   * @param {(photos: import("./files.js").Photo[]) => Promise<{name: string, url: string, fields: object}[]>} fetchLinks
   *   asks the API for new links
   * @param {(justSent: string | null) => void} onChange called whenever something changed
   */
  constructor(fetchLinks, onChange) {
    this.#fetchLinks = fetchLinks;
    this.#onChange = onChange;
    const signal = this.#cancel.signal;
    addEventListener("online", () => this.#isPaused || this.resume(), { signal });
    addEventListener("offline", () => this.#hangUp(), { signal });
  }

  /** @returns {Upload[]} */
  get uploads() {
    return [...this.#entries.values()];
  }

  /** Whether there is something that leaving the page would interrupt. */
  get isBusy() {
    return this.uploads.some(({ state }) => state === "waiting" || state === "sending");
  }

  /**
   * @param {import("./files.js").Photo[]} photos
   * @param {{name: string, url: string, fields: Record<string, string>}[]} links
   */
  add(photos, links) {
    const byName = new Map(links.map((link) => [link.name, link]));
    for (const photo of photos) {
      const link = byName.get(photo.name) ?? null;
      this.#entries.set(photo.name, { ...photo, link, ...fresh() });
    }
    this.#changed();
  }

  /** Tries again what was given up. */
  retry() {
    for (const entry of this.#entries.values()) {
      if (entry.state === "stopped") Object.assign(entry, fresh(), { link: null });
    }
    this.#changed();
  }

  /** Ends what is being sent and starts nothing until `resume`. @returns {Promise<unknown>} once nothing is on its way */
  pause() {
    this.#isPaused = true;
    this.#hangUp();
    return Promise.all(this.#sending);
  }

  /** Goes on at once, also with what waited to be tried again. */
  resume() {
    this.#isPaused = false;
    for (const entry of this.#entries.values()) entry.notBefore = 0;
    this.#changed();
  }

  /** Stops everything for good. */
  stop() {
    this.#cancel.abort();
    void this.pause();
    clearTimeout(this.#timer);
  }

  /** Ends what is being sent: a browser itself may wait for minutes for an answer on a line that is gone. */
  #hangUp() {
    this.#line.abort();
    this.#line = new AbortController();
  }

  /** @param {string | null} justSent */
  #changed(justSent = null) {
    this.#startWhatIsDue();
    this.#onChange(justSent);
  }

  #startWhatIsDue() {
    clearTimeout(this.#timer);
    if (!navigator.onLine || this.#isPaused) return;
    const waiting = [...this.#entries.values()].filter(({ state }) => state === "waiting");
    const now = performance.now();
    for (const entry of waiting.filter(({ notBefore }) => notBefore <= now).slice(0, AT_ONCE - this.#sending.size)) {
      this.#start(entry);
    }
    const later = waiting.map(({ notBefore }) => notBefore).filter((time) => time > now);
    if (later.length) this.#timer = setTimeout(() => this.#changed(), Math.min(...later) - now);
  }

  /** @param {Entry} entry */
  #start(entry) {
    const sending = this.#send(entry).then(() => {
      this.#sending.delete(sending);
      this.#changed(entry.state === "sent" ? entry.name : null);
    });
    this.#sending.add(sending);
  }

  /** @param {Entry} entry */
  async #send(entry) {
    const { signal } = this.#line;
    Object.assign(entry, { state: "sending", share: 0, problem: null });
    try {
      entry.link ??= (await this.#fetchLinks([entry]))[0];
      const onProgress = (/** @type {number} */ share) => {
        entry.share = share;
        this.#onChange(null);
      };
      await transfer(/** @type {NonNullable<Entry["link"]>} */ (entry.link), entry.file, onProgress, signal);
      Object.assign(entry, { state: "sent", share: 1 });
    } catch (error) {
      this.#failed(entry, /** @type {Error & {kind?: string}} */ (error));
    }
  }

  /** @param {Entry} entry @param {Error & {kind?: string}} error */
  #failed(entry, error) {
    Object.assign(entry, { state: "waiting", share: 0, problem: error.message });
    if (error instanceof TransferError && error.kind === "expired" && entry.newLinks < NEW_LINKS_A_FILE) {
      entry.link = null;
      entry.newLinks++;
    } else if (["network", "server"].includes(error.kind ?? "") && entry.attempts < ATTEMPTS) {
      const wait = Math.min(FIRST_WAIT_MS * 2 ** entry.attempts, LONGEST_WAIT_MS);
      entry.notBefore = performance.now() + wait * (0.5 + Math.random() / 2);
      if (navigator.onLine) entry.attempts++;
    } else {
      entry.state = "stopped";
    }
  }
}

function fresh() {
  return {
    state: /** @type {const} */ ("waiting"),
    share: 0,
    problem: null,
    attempts: 0,
    newLinks: 0,
    notBefore: 0,
  };
}
