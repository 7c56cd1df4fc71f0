/** Which ensembles score a new batch. Nothing chosen means the default, whichever that is when photos are scored. */

import { nameOf } from "../heatmaps/subjects.js";

/** @typedef {{ref: string, is_default: boolean}} Ensemble as the API gives it */

/** @param {Ensemble[]} all @param {Set<string>} wanted @returns {Set<string>} references of those that will score */
export function chosenOf(all, wanted) {
  if (wanted.size) return wanted;
  return new Set(all.filter((ensemble) => ensemble.is_default).map(({ ref }) => ref));
}

/**
 * One more, or one fewer; of the versions of one ensemble there is never more than one.
 *
 * @param {Set<string>} chosen
 * @param {string} ref
 */
export function toggled(chosen, ref) {
  if (chosen.has(ref)) return new Set([...chosen].filter((other) => other !== ref));
  return new Set([...[...chosen].filter((other) => nameOf(other) !== nameOf(ref)), ref]);
}

/** What the API is told. @param {Ensemble[]} all @param {Set<string>} wanted @returns {string[]} */
export function asked(all, wanted) {
  const isDefault = wanted.size === 1 && all.some(({ ref, is_default }) => is_default && wanted.has(ref));
  return isDefault ? [] : [...wanted];
}
