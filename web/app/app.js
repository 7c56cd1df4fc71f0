/** The page's state, and everything that users can do to it. Views read the one and call the other. */

import { ApiError } from "./api/client.js";
import { asked } from "./batch/ensembles.js";
import { OpenBatch, declared } from "./batch/open_batch.js";
import { Look } from "./heatmaps/look.js";
import { address, parseRoute } from "./routes.js";
import { SignedOutError } from "./session/session.js";
import { accepted, leftOutText } from "./upload/accepted.js";
import { filesOfDrop, filesOfInput, toPhotos } from "./upload/files.js";

/** @param {string | null} folder @param {number} count @param {Date} time */
function nameOfBatch(folder, count, time) {
  const moment = time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return folder ?? `${count} ${count === 1 ? "photo" : "photos"}, ${moment}`;
}

/** @typedef {{id: string, name: string, photos: number}} Deletion */
/**
 * @typedef {object} Wish what becomes of a drop, fixed when it is dropped: tried again, it never makes two batches
 * @property {string} key
 * @property {Date} time
 * @property {string} name empty: one is made of the folder or the time
 * @property {string[]} ensembles
 * @property {boolean} previews
 */
/** @typedef {{batches: any[], cursor: string | null, isReading: boolean}} BatchList as far as it was read */

export class App {
  route = parseRoute(location.hash);
  isOnline = navigator.onLine;
  /** @type {{text: string, retry: (() => void) | null} | null} */
  problem = null;
  /** @type {{models: any[], ensembles: any[]} | null} null before it has been read */
  catalogue = null;
  /** @type {BatchList | null} null before it has been read */
  list = null;
  /** @type {{name: string, ensembles: Set<string>, previews: boolean, isCreating: boolean}} the batch to be made */
  draft = { name: "", ensembles: new Set(), previews: false, isCreating: false };
  /** @type {OpenBatch | null} */
  batch = null;
  /** @type {Deletion | null} what is about to be deleted */
  deleting = null;
  isHeadingWanted = false; // to be focused, with the same view
  look = new Look(() => this.changed());
  /** @type {Map<string, OpenBatch>} batches that are shown or uploaded to */
  #open = new Map();
  #isQueued = false;
  #render;

  /**
   * @param {import("./session/session.js").Session} session
   * @param {import("./api/client.js").ApiClient} api
   * @param {{hasHeatmaps: boolean}} settings
   * @param {(app: App) => void} render
   */
  constructor(session, api, { hasHeatmaps }, render) {
    this.session = session;
    this.api = api;
    this.hasHeatmaps = hasHeatmaps;
    this.#render = render;
    session.onEnd = () => this.#onSignedOut();
  }

  start() {
    addEventListener("hashchange", () => this.#go());
    addEventListener("online", () => this.#setOnline(true));
    addEventListener("offline", () => this.#setOnline(false));
    addEventListener("beforeunload", (event) => {
      if ([...this.#open.values()].some(({ queue }) => queue.isBusy)) event.preventDefault();
    });
    this.#go();
  }

  /** Shows the present state, once for all changes of this moment. */
  changed() {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      this.#render(this);
    });
  }

  /** Does something that may fail, and says so if it does. @param {() => Promise<void>} action */
  async attempt(action) {
    this.problem = null;
    try {
      await action();
    } catch (error) {
      if (error instanceof SignedOutError) this.#onSignedOut();
      else this.#tell(/** @type {Error} */ (error), action);
    }
    this.changed();
  }

  dismissProblem() {
    this.problem = null;
    this.changed();
  }

  signIn() {
    return this.attempt(() => this.session.signIn());
  }

  signOut() {
    this.session.signOut();
  }

  /** @param {Partial<App["draft"]>} change */
  edit(change) {
    Object.assign(this.draft, change);
    this.changed();
  }

  /** @param {DataTransfer} transfer */
  async drop(transfer) {
    const picked = filesOfDrop(transfer); // before anything else, see there
    const wish = this.#wish();
    await this.attempt(async () => this.#take(await picked, wish));
  }

  /** @param {FileList} list */
  async choose(list) {
    const picked = filesOfInput(list);
    const wish = this.#wish();
    await this.attempt(() => this.#take(picked, wish));
  }

  loadMoreBatches() {
    return this.attempt(async () => {
      const before = this.list;
      this.#setReading(before, true);
      try {
        const page = await this.api.batches(before?.cursor ?? null);
        if (this.list !== before) return; // it was read anew, or another answer was faster
        const batches = [...(before?.batches ?? []), ...page.batches];
        this.list = { batches, cursor: page.next_cursor, isReading: false };
      } finally {
        this.#setReading(before, false);
      }
    });
  }

  /** @param {Deletion | null} what null: nothing after all */
  askToDelete(what) {
    this.deleting = what;
    this.changed();
  }

  /** @param {Deletion} what */
  confirmDelete({ id }) {
    return this.attempt(async () => {
      const queue = this.#open.get(id)?.queue;
      const ended = queue?.isBusy ? queue.pause() : null;
      await this.api.deleteBatch(id).catch((error) => {
        queue?.resume();
        throw error;
      });
      this.#close(id);
      if (this.list) this.list.batches = this.list.batches.filter((batch) => batch.id !== id);
      this.isHeadingWanted = this.route.view === "batches"; // the button that had the focus is gone
      location.hash = address("batches");
      if (!ended) return;
      await ended;
      await this.api.deleteBatch(id); // with what arrived while the batch was being deleted
    });
  }

  /** @param {OpenBatch} batch */
  downloadCsv(batch) {
    return this.attempt(async () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await this.api.exportCsv(batch.id));
      link.download = `${batch.info.name.replace(/[^\p{L}\p{N}._ -]+/gu, "_")}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    });
  }

  /** @param {OpenBatch} batch @param {string[]} names @param {object} subject @param {string} method */
  requestHeatmaps(batch, names, subject, method) {
    return this.attempt(() => batch.requestHeatmaps(names, subject, method));
  }

  /** @returns {Wish} */
  #wish() {
    const { name, ensembles, previews } = this.draft;
    const refs = asked(this.catalogue?.ensembles ?? [], ensembles);
    return { key: crypto.randomUUID(), time: new Date(), name: name.trim(), ensembles: refs, previews };
  }

  /**
   * Files go to the batch that is shown, else to a new one.
   *
   * @param {import("./upload/files.js").Picked} picked
   * @param {Wish} wish
   */
  async #take({ files, folder }, wish) {
    const batch = this.route.view === "batch" ? this.batch : null;
    const { photos, leftOut } = toPhotos(files, batch?.names, (name, file) => batch?.awaits(name, file) ?? false);
    const taken = await (batch ? batch.add(photos) : this.#create(photos, folder, wish));
    const all = [...leftOut, ...taken.leftOut];
    if (!taken.batch) throw new Error(`There is nothing to upload${all.length ? `: ${leftOutText(all)}` : ""}.`);
    taken.batch.leftOut = all;
  }

  /**
   * @param {import("./upload/files.js").Photo[]} photos
   * @param {string | null} folder
   * @param {Wish} wish
   * @returns {Promise<import("./batch/open_batch.js").Taken>}
   */
  async #create(photos, folder, { key, time, name, ensembles, previews }) {
    this.edit({ isCreating: true });
    try {
      const taken = await accepted(photos, (some) => {
        const wanted = { name: name || nameOfBatch(folder, some.length, time), ensembles, preview_heatmaps: previews };
        return this.api.createBatch({ ...wanted, files: some.map(declared) }, key);
      });
      const batch = taken.answer && this.#begun(taken.answer.batch);
      batch?.upload(taken.photos, taken.answer.uploads);
      return { batch, leftOut: taken.leftOut };
    } finally {
      this.edit({ isCreating: false });
    }
  }

  /** Shows a batch that was just made. @param {any} info as the API gives it */
  #begun(info) {
    const batch = this.#opened(info.id);
    batch.info = info;
    this.edit({ name: "" });
    location.hash = address("batches", batch.id);
    return batch;
  }

  /** @param {string} id */
  #opened(id) {
    const batch = this.#open.get(id) ?? new OpenBatch(id, this.api, () => this.changed());
    this.#open.set(id, batch);
    return batch;
  }

  /** @param {string} id */
  #close(id) {
    this.#open.get(id)?.stop();
    this.#open.delete(id);
    if (this.batch?.id === id) this.batch = null;
  }

  #go() {
    const route = parseRoute(location.hash);
    if (JSON.stringify(route) !== JSON.stringify(this.route)) this.route = route;
    this.problem = null;
    if (this.session.user) this.#load();
    this.changed();
  }

  /** Reads what the route shows. */
  #load() {
    const { route } = this;
    const id = "batch" in route ? route.batch : null;
    for (const batch of this.#open.values()) if (batch.id !== id && !batch.queue.isBusy) this.#close(batch.id);
    this.batch = id ? this.#opened(id) : null;
    this.batch?.watch();
    if (!this.catalogue) void this.attempt(() => this.#loadCatalogue());
    if (route.view === "batches") {
      this.list = null;
      void this.loadMoreBatches();
    }
  }

  /** @param {BatchList | null} list @param {boolean} isReading whether its next page is on the way */
  #setReading(list, isReading) {
    if (list) list.isReading = isReading;
    this.changed();
  }

  async #loadCatalogue() {
    const [models, ensembles] = await Promise.all([this.api.models(), this.api.ensembles()]);
    this.catalogue = { models, ensembles };
  }

  /** @param {boolean} isOnline */
  #setOnline(isOnline) {
    this.isOnline = isOnline;
    if (isOnline && this.problem?.retry) this.problem.retry();
    this.changed();
  }

  #onSignedOut() {
    for (const id of [...this.#open.keys()]) this.#close(id);
    this.problem = { text: "Your sign-in has ended. Please sign in again.", retry: null };
    this.changed();
  }

  /** @param {Error} error @param {() => Promise<void>} action */
  #tell(error, action) {
    const canRetry = error instanceof ApiError && (error.kind === "network" || error.kind === "server");
    this.problem = { text: error.message, retry: canRetry ? () => void this.attempt(action) : null };
  }
}
