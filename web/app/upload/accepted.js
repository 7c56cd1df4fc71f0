/** What the API refuses is left out of a request, and the rest of the photos is sent. */

const PLACE = /^body\/files\/(\d+)(\/|$)/;

/** @typedef {{name: string, reason: string}} LeftOut */

/**
 * @template Answer
 * @typedef {object} Accepted
 * @property {import("./files.js").Photo[]} photos that the API took
 * @property {Answer | null} answer null where it took none
 * @property {LeftOut[]} leftOut the others, with its reasons
 */

/**
 * Sends a request until every file in it is accepted. Each time there are fewer, so that it ends.
 *
 * @template Answer
 * @param {import("./files.js").Photo[]} photos
 * @param {(photos: import("./files.js").Photo[]) => Promise<Answer>} send makes the request for some of them
 * @returns {Promise<Accepted<Answer>>}
 */
export async function accepted(photos, send) {
  /** @type {LeftOut[]} */
  const leftOut = [];
  let left = photos;
  while (left.length) {
    try {
      return { photos: left, answer: await send(left), leftOut };
    } catch (error) {
      const faults = faultsOfFiles(/** @type {Error & {faults?: Fault[]}} */ (error));
      if (!faults.size) throw error;
      leftOut.push(...[...faults].map(([position, detail]) => refused(left[position], detail)));
      left = left.filter((_, position) => !faults.has(position));
    }
  }
  return { photos: [], answer: null, leftOut };
}

/** @typedef {import("../api/client.js").Fault} Fault */

/**
 * @param {Error & {faults?: Fault[]}} error
 * @returns {Map<number, string>} what is wrong with files, by their positions; empty where anything else is wrong too
 */
function faultsOfFiles({ faults = [] }) {
  const found = faults.map(({ place, detail }) => ({ position: PLACE.exec(place)?.[1], detail }));
  if (found.some(({ position }) => position === undefined)) return new Map();
  return new Map(found.map(({ position, detail }) => [Number(position), detail]));
}

/** @param {import("./files.js").Photo} photo @param {string} detail @returns {LeftOut} */
function refused({ name, file }, detail) {
  return { name: file.name, reason: detail.startsWith(`${name} `) ? detail.slice(name.length + 1) : detail };
}

/** @param {LeftOut[]} leftOut */
export function leftOutText(leftOut) {
  const named = leftOut.slice(0, 8).map(({ name, reason }) => `${name} (${reason})`);
  const more = leftOut.length > named.length ? ` and ${leftOut.length - named.length} more` : "";
  return `${named.join(", ")}${more}`;
}
