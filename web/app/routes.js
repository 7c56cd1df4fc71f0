/** What the page shows, as the address tells: everything behind the `#`. */

/**
 * @typedef {{view: "new"} | {view: "batches"} | {view: "models"} | {view: "batch", batch: string}
 *   | {view: "look", batch: string, photos: string[]}} Route
 */

export const LOOK_AT_MOST = 4;

/** @param {string} hash @returns {Route} */
export function parseRoute(hash) {
  const [view, batch, action, ...photos] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (view === "models") return { view };
  if (view === "batches" && batch && action === "look" && photos.length) {
    return { view: "look", batch, photos: photos.slice(0, LOOK_AT_MOST) };
  }
  if (view === "batches" && batch) return { view: "batch", batch };
  return { view: view === "batches" ? "batches" : "new" };
}

/** @param {...string} parts */
export function address(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** @param {string} part of an address, which people may have cut anywhere */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
