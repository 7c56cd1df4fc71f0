/** The HTTP API of the platform, as docs/schema/openapi.json describes it. */

import { SignedOutError } from "../session/session.js";

const PAGE_SIZE = 100;
const NOT_OFFERED = 501; // by this deployment
const CONCURRENT = "urn:memorability:problem:concurrent-request"; // others are at it: the same may be asked again

/** @typedef {{place: string, detail: string}} Fault what is wrong with a request, and where: `body/files/3/name` */

/**
 * What went wrong, in a sentence for people. `kind` is "network" where no answer came, and "server" where the same
 * request may have another answer later.
 */
export class ApiError extends Error {
  /**
   * @param {"network" | "refused" | "missing" | "server"} kind
   * @param {string} message
   * @param {Fault[]} faults
   */
  constructor(kind, message, faults = []) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.faults = faults;
  }
}

/** @param {Response} answer an RFC 9457 problem document, or whatever a gateway sends */
async function problemOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const message = problem.detail ?? problem.title ?? problem.message ?? `The service answered ${answer.status}.`;
  if (answer.status === 404) return new ApiError("missing", message);
  return new ApiError(mayPass(answer.status, problem.type) ? "server" : "refused", message, problem.errors);
}

/** @param {number} status @param {string | undefined} type of the problem */
function mayPass(status, type) {
  return (status >= 500 && status !== NOT_OFFERED) || status === 429 || type === CONCURRENT;
}

/** @param {Record<string, string | undefined | null>} values */
function query(values) {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.length ? `?${new URLSearchParams(/** @type {[string, string][]} */ (given))}` : "";
}

export class ApiClient {
  #url;
  #session;

  /**
   * @param {string} url
   * @param {import("../session/session.js").Session} session
   */
  constructor(url, session) {
    this.#url = url;
    this.#session = session;
  }

  /**
   * @param {{name: string, ensembles: string[], preview_heatmaps: boolean, files: object[]}} batch
   * @param {string} key of this wish: however often it is sent, one batch is made
   */
  async createBatch(batch, key) {
    return this.#json("POST", "/batches", batch, { "idempotency-key": key });
  }

  /** @param {string | null} cursor */
  async batches(cursor) {
    return this.#json("GET", `/batches${query({ cursor })}`);
  }

  /** @param {string} id */
  async batch(id) {
    return this.#json("GET", `/batches/${encodeURIComponent(id)}`);
  }

  /** Every photo of a batch, with its places by every measure. @param {string} id */
  async photos(id) {
    return this.#everything(`/batches/${encodeURIComponent(id)}/photos`, "photos");
  }

  /** New links for photos, of which the batch may have some already.
   * @param {string} id
   * @param {object[]} files
   */
  async uploadLinks(id, files) {
    return (await this.#json("POST", `/batches/${encodeURIComponent(id)}/uploads`, { files })).uploads;
  }

  /**
   * @param {string} id
   * @param {{photos: string[], subjects: object[], methods: string[]}} wanted
   */
  async requestHeatmaps(id, wanted) {
    return this.#json("POST", `/batches/${encodeURIComponent(id)}/heatmaps`, wanted);
  }

  /** @param {string} id */
  async exportCsv(id) {
    return (await this.#send("GET", `/batches/${encodeURIComponent(id)}/export.csv`)).blob();
  }

  /** @param {string} id */
  async deleteBatch(id) {
    await this.#send("DELETE", `/batches/${encodeURIComponent(id)}`);
  }

  async models() {
    return this.#everything("/models", "models");
  }

  async ensembles() {
    return this.#everything("/ensembles", "ensembles");
  }

  /** All pages of a list. @param {string} path @param {string} name of the list in the answer */
  async #everything(path, name) {
    const found = [];
    let cursor = null;
    do {
      const page = await this.#json("GET", path + query({ cursor, limit: String(PAGE_SIZE) }));
      found.push(...page[name]);
      cursor = page.next_cursor;
    } while (cursor);
    return found;
  }

  async #json(method, path, body, headers) {
    return (await this.#send(method, path, body, headers)).json();
  }

  async #send(method, path, body, headers = {}) {
    const send = (/** @type {string} */ token) => this.#fetch(method, path, body, headers, token);
    const first = await send(await this.#token(() => this.#session.token())).catch((error) => this.#maybeRefused(error));
    const isRefused = first === null || first.status === 401;
    const answer = isRefused ? await send(await this.#token(() => this.#session.renew())) : first;
    if (answer.status === 401) throw new SignedOutError();
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }

  /**
   * A gateway's refusal may lack the headers that let a page read it, and then looks like a lost connection: null, where
   * that may be so.
   *
   * @param {Error} error
   */
  #maybeRefused(error) {
    if (!navigator.onLine || this.#session.isFresh) throw error;
    return null;
  }

  async #token(get) {
    try {
      return await get();
    } catch (error) {
      throw error instanceof TypeError ? new ApiError("network", "The sign-in service cannot be reached.") : error;
    }
  }

  async #fetch(method, path, body, headers, token) {
    try {
      return await fetch(this.#url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }), ...headers },
        body: body && JSON.stringify(body),
      });
    } catch (error) {
      throw new ApiError("network", `The service cannot be reached (${/** @type {Error} */ (error).message}).`);
    }
  }
}
