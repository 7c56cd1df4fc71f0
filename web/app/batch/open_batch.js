/** A batch that is shown or uploaded to: its photos, their uploads, and what the user has chosen of it. */

import { accepted } from "../upload/accepted.js";
import { UploadQueue } from "../upload/queue.js";
import { Links } from "./links.js";
import { ensemblesOf, measuresOf } from "./ranking.js";
import { Watch } from "./watch.js";

const MOST_HEATMAP_PHOTOS = 50; // of a request, as the API has it

/** @param {import("../upload/files.js").Photo} photo */
export function declared({ name, file, type }) {
  return { name, bytes: file.size, type };
}

// Heatmaps that a batch asked for are made after the scores, and come without having been announced.
const PREVIEW_PATIENCE_MS = 120_000;

/**
 * @typedef {object} Taken what became of photos that were dropped
 * @property {OpenBatch | null} batch that takes them; null where none was accepted
 * @property {import("../upload/accepted.js").LeftOut[]} leftOut
 */

export class OpenBatch {
  /** @type {any} what the API says of the batch; null before it has been read */
  info = null;
  /** @type {any[]} */
  photos = [];
  /** @type {"loading" | "ready" | "missing"} */
  state = "loading";
  /** @type {string | null} why the photos could not be read just now */
  problem = null;
  /** @type {string | null} pinned reference of the one that ranks; null before there is a result */
  ensemble = null;
  measure = "hit_rate";
  /** @type {Set<string>} names of the photos that were picked */
  picked = new Set();
  /** @type {import("../upload/accepted.js").LeftOut[]} files that were dropped and are not uploaded */
  leftOut = [];
  /** @type {Map<string, File>} what was taken for the batch here, by the photo's name */
  #files = new Map();
  #hasChosenEnsemble = false;
  #api;
  #onChange;
  #links = new Links();
  #watch = new Watch(() => this.#look());
  #fingerprint = "";
  #changedAt = 0;

  /**
   * @param {string} id
   * @param {import("../api/client.js").ApiClient} api
   * @param {(event?: unknown) => void} onChange
   */
  constructor(id, api, onChange) {
    this.id = id;
    this.#api = api;
    this.#onChange = () => onChange();
    this.queue = new UploadQueue(
      (photos) => api.uploadLinks(id, photos.map(declared)),
      (justSent) => {
        if (justSent) this.#watch.hurry();
        onChange();
      },
    );
  }

  /** Starts reading the batch, and goes on as long as it changes. */
  watch() {
    this.#watch.hurry();
  }

  stop() {
    this.#watch.stop();
    this.queue.stop();
  }

  /**
   * @param {import("../upload/files.js").Photo[]} photos that the batch has
   * @param {any[]} links
   */
  upload(photos, links) {
    for (const { name, file } of photos) this.#files.set(name, file);
    this.queue.add(photos, links);
    this.#watch.hurry();
  }

  /**
   * Adds photos to the batch, those that the API accepts.
   *
   * @param {import("../upload/files.js").Photo[]} photos
   * @returns {Promise<Taken>}
   */
  async add(photos) {
    for (const { name, file } of photos) this.#files.set(name, file); // before links come: more may be dropped meanwhile
    const taken = await accepted(photos, (some) => this.#api.uploadLinks(this.id, some.map(declared)));
    for (const photo of photos) if (!taken.photos.includes(photo)) this.#files.delete(photo.name);
    if (taken.answer) this.upload(taken.photos, taken.answer);
    return { batch: taken.answer && this, leftOut: taken.leftOut };
  }

  /** Names that the batch's photos have, and those that are about to be declared. */
  get names() {
    return new Set([...this.photos.map(({ name }) => name), ...this.#files.keys()]);
  }

  /**
   * Whether a file may come under a name of the batch: nothing has come under it yet, and no other file is about to.
   *
   * @param {string} name
   * @param {File} file
   */
  awaits(name, file) {
    const photo = this.photos.find((one) => one.name === name);
    if (photo && photo.state !== "waiting") return false;
    const coming = this.#files.get(name);
    return !coming || (coming.size === file.size && coming.lastModified === file.lastModified);
  }

  /** @param {{ensemble: string} | {measure: string}} ranking */
  rankBy(ranking) {
    Object.assign(this, ranking);
    this.#hasChosenEnsemble ||= "ensemble" in ranking;
    this.#onChange();
  }

  /** @param {string} name @param {boolean} isPicked */
  pick(name, isPicked) {
    if (isPicked) this.picked.add(name);
    else this.picked.delete(name);
    this.#onChange();
  }

  unpickAll() {
    this.picked.clear();
    this.#onChange();
  }

  /** @param {string[]} names @param {object} subject @param {string} method */
  async requestHeatmaps(names, subject, method) {
    for (let start = 0; start < names.length; start += MOST_HEATMAP_PHOTOS) {
      const photos = names.slice(start, start + MOST_HEATMAP_PHOTOS);
      await this.#api.requestHeatmaps(this.id, { photos, subjects: [subject], methods: [method] });
      this.#watch.hurry();
    }
  }

  get counts() {
    const count = (/** @type {string} */ state) => this.photos.filter((photo) => photo.state === state).length;
    return { all: this.photos.length, scored: count("scored"), failed: count("failed"), waiting: count("waiting") };
  }

  async #look() {
    try {
      this.info ??= await this.#api.batch(this.id);
      return this.#take(await this.#api.photos(this.id));
    } catch (error) {
      return this.#lost(/** @type {Error & {kind?: string}} */ (error));
    }
  }

  /** @param {any[]} photos */
  #take(photos) {
    this.photos = photos.map((photo) => this.#withStableLinks(photo));
    if (!this.#hasChosenEnsemble) this.ensemble = ensemblesOf(photos)[0] ?? null;
    const measures = measuresOf(photos, this.ensemble);
    if (measures.length && !measures.includes(this.measure)) this.measure = measures[0];
    const fingerprint = JSON.stringify([photos.map(essence), this.state]);
    const hasChanged = fingerprint !== this.#fingerprint;
    this.#fingerprint = fingerprint;
    this.state = "ready";
    this.problem = null;
    if (hasChanged) this.#onChange();
    const pending = photos.some(({ state, heatmaps }) => state === "waiting" || heatmaps.some(isQueued));
    if (hasChanged) {
      this.#changedAt = performance.now();
      return "changed";
    }
    return pending || this.queue.isBusy || this.#awaitsPreviews ? "same" : "settled";
  }

  get #awaitsPreviews() {
    const hasPatience = performance.now() - this.#changedAt < PREVIEW_PATIENCE_MS;
    const isMissing = this.photos.some(({ state, heatmaps }) => state === "scored" && !heatmaps.length);
    return Boolean(this.info?.preview_heatmaps) && isMissing && hasPatience;
  }

  /** @param {Error & {kind?: string}} error */
  #lost(error) {
    this.state = error.kind === "missing" ? "missing" : this.state;
    this.problem = error.message;
    this.#onChange();
    return error.kind === "network" || error.kind === "server" ? "same" : "settled";
  }

  /** @param {any} photo */
  #withStableLinks(photo) {
    const version = String(photo.results.flatMap(({ measures }) => Object.values(measures).map(({ score }) => score)));
    return {
      ...photo,
      thumbnail_url: this.#links.stable(photo.thumbnail_url, version),
      photo_url: this.#links.stable(photo.photo_url, version),
      heatmaps: photo.heatmaps.map((heatmap) => ({
        ...heatmap,
        overlay_url: this.#links.stable(heatmap.overlay_url, `${version} ${heatmap.score}`),
      })),
    };
  }
}

/** @param {{status: string}} heatmap */
function isQueued({ status }) {
  return status === "queued";
}

/** What the page shows of a photo, without links, which differ in every answer. @param {any} photo */
function essence({ name, state, error, results, heatmaps }) {
  return [name, state, error, results, heatmaps.map((map) => [map.subject, map.method, map.status, map.score])];
}
