/** Looks at a batch again and again while it changes: soon after a change, ever more seldom without one. */

const SHORTEST_MS = 400;
const LONGEST_MS = 15_000;
const GROWTH = 1.5;

export class Watch {
  #look;
  #timer = 0;
  #wait = SHORTEST_MS;
  #running = false;
  #again = false;
  #stopped = false;
  #cancel = new AbortController();

  /**
   * @param {() => Promise<"changed" | "same" | "settled">} look reads the batch and says what became of it; must not
   *   throw. After "settled" nothing more is read until `hurry`.
   */
  constructor(look) {
    this.#look = look;
    addEventListener("online", () => this.hurry(), { signal: this.#cancel.signal });
  }

  /** Looks now, and often for a while: something is about to change. */
  hurry() {
    this.#wait = SHORTEST_MS;
    if (this.#running) this.#again = true;
    else void this.#run();
  }

  stop() {
    this.#stopped = true;
    this.#cancel.abort();
    clearTimeout(this.#timer);
  }

  async #run() {
    clearTimeout(this.#timer);
    this.#running = true;
    const start = performance.now();
    const outcome = navigator.onLine ? await this.#look() : "same";
    const took = performance.now() - start;
    this.#running = false;
    if (this.#stopped) return;
    if (this.#again) {
      this.#again = false;
      this.#wait = SHORTEST_MS;
    } else if (outcome === "settled") {
      return;
    } else {
      this.#wait = outcome === "changed" ? SHORTEST_MS : Math.min(this.#wait * GROWTH, LONGEST_MS);
    }
    // A large batch takes several requests; they shall not be all that the page does.
    this.#timer = setTimeout(() => void this.#run(), Math.max(this.#wait, took));
  }
}
