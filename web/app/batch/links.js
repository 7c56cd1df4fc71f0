/**
 * Keeps the links to pictures that the page shows already. The API gives the same link for a quarter of an hour, but each
 * of its processes another, and another address would make the browser load the same picture again.
 */

const KEPT_MS = 4 * 60_000; // less than a link lasts

export class Links {
  /** @type {Map<string, {url: string, since: number}>} */
  #kept = new Map();

  /**
   * @param {string | null} url
   * @param {string} version what the picture depends on; another one needs another picture
   */
  stable(url, version) {
    if (!url) return url;
    const key = `${url.split("?")[0]} ${version}`;
    const kept = this.#kept.get(key);
    if (kept && performance.now() - kept.since < KEPT_MS) return kept.url;
    this.#kept.set(key, { url, since: performance.now() });
    return url;
  }
}
