/** Numbers and dates in words. */

/** @param {number} count */
export function photosText(count) {
  return `${count.toLocaleString()} ${count === 1 ? "photo" : "photos"}`;
}

/** @param {string} time */
export function moment(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** @param {string} time */
export function day(time) {
  return new Date(time).toLocaleDateString(undefined, { dateStyle: "medium" });
}

/** @param {number} share */
export function percent(share) {
  return `${Math.round(100 * share)} %`;
}
