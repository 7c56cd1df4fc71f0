/** The order of photos, as the API ranks them, and how ranks, scores and percentiles are written. */

import { MEASURES } from "./measures.js";

/**
 * @typedef {object} Ranked a photo's place by one measure of one ensemble
 * @property {any} photo as the API gives it
 * @property {any} result the ensemble's for the measure
 * @property {string} rank `4`, or `4=` where it shares the place
 */

/**
 * @param {any[]} photos
 * @param {string | null} ensemble
 * @param {string} measure
 * @returns {Ranked[]} the scored ones, best first
 */
export function ranked(photos, ensemble, measure) {
  const found = photos
    .map((photo) => ({ photo, result: resultOf(photo, ensemble)?.measures[measure] }))
    .filter(({ result }) => result);
  const isShared = (/** @type {number} */ rank) => found.filter(({ result }) => result.rank === rank).length > 1;
  const sign = MEASURES[measure].lowerIsBetter ? 1 : -1;
  return found
    .map(({ photo, result }) => ({ photo, result, rank: `${result.rank}${isShared(result.rank) ? "=" : ""}` }))
    .sort(({ result: one }, { result: other }) => one.rank - other.rank || sign * (one.score - other.score));
}

/** @param {any} photo @param {string | null} ensemble */
export function resultOf(photo, ensemble) {
  return photo.results.find((result) => result.ensemble === ensemble);
}

/**
 * Those that photos were scored with by name, of their versions the one of most photos first, else the newest.
 *
 * @param {any[]} photos
 * @returns {string[]} pinned references
 */
export function ensemblesOf(photos) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { ensemble } of photos.flatMap(({ results }) => results)) counts.set(ensemble, (counts.get(ensemble) ?? 0) + 1);
  const found = [...counts].map(([ref, count]) => ({ ref, count, name: ref.split("@")[0], version: Number(ref.split("@")[1]) }));
  found.sort((one, other) => one.name.localeCompare(other.name) || other.count - one.count || other.version - one.version);
  return found.map(({ ref }) => ref);
}

/** @param {any[]} photos @param {string | null} ensemble */
export function measuresOf(photos, ensemble) {
  const seen = new Set(photos.flatMap((photo) => Object.keys(resultOf(photo, ensemble)?.measures ?? {})));
  return ["hit_rate", "false_alarm_rate"].filter((measure) => seen.has(measure));
}

/** @param {number} score */
export function scoreText(score) {
  return score.toFixed(3);
}

/** Never “0 %” or “100 %”: there is always something lower and something higher. @param {number} percentile */
export function percentileText(percentile) {
  const whole = Math.round(percentile);
  if (whole < 1) return "under 1 %";
  return whole > 99 ? "over 99 %" : `${whole} %`;
}

/** @param {{dataset: string, n: number, spearman: number, ci95: number[]}} measured */
export function performanceText({ dataset, n, spearman, ci95 }) {
  const [low, high] = ci95.map((bound) => bound.toFixed(2));
  return { agreement: `ρ ${spearman.toFixed(2)} (${low} to ${high})`, data: `${dataset}, n\u00a0=\u00a0${n.toLocaleString("en")}` };
}
