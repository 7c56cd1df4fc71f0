/** What heatmaps can explain, and how: for people, and to find a photo's own among those that the API gives. */

import { MEASURES } from "../batch/measures.js";

export const METHODS = [
  {
    id: "gradcam",
    label: "Grad-CAM",
    explains: "Quick and coarse: which regions of the picture the model’s last layers rely on.",
  },
  {
    id: "integrated-gradients",
    label: "Integrated gradients",
    explains: "Fine: every pixel’s part in the difference between this score and that of an empty picture.",
  },
  {
    id: "occlusion",
    label: "Occlusion",
    explains: "Slow and plain: how much the score falls when a place of the picture is covered.",
  },
];

/** @param {string} ref `NAME` or `NAME@VERSION` */
export function nameOf(ref) {
  return ref.split("@")[0];
}

/** @param {{model?: string, ensemble?: string, measure?: string}} subject */
export function subjectKey(subject) {
  return subject.model ? `model.${nameOf(subject.model)}` : `ensemble.${nameOf(subject.ensemble ?? "")}.${subject.measure}`;
}

/**
 * What can be explained of a result: every measure of the ensemble, and every model in it.
 *
 * @param {{ensemble: string, measures: Record<string, {models: {model: string}[]}>} | undefined} result
 */
export function subjectsOf(result) {
  if (!result) return [];
  const measures = Object.entries(result.measures);
  const several = measures.filter(([, { models }]) => models.length > 1);
  const ensembles = (several.length ? several : measures).map(([measure]) => ({
    label: `${MEASURES[measure].title}, ${several.length ? "all models" : "as ranked"}`,
    subject: { ensemble: result.ensemble, measure },
  }));
  const models = measures.flatMap(([measure, { models }]) =>
    models.map(({ model }) => ({ label: `${MEASURES[measure].title}, ${model} alone`, subject: { model } })),
  );
  return [...ensembles, ...models].map((option) => ({ ...option, key: subjectKey(option.subject) }));
}

/**
 * @param {{heatmaps: any[]}} photo as the API gives it
 * @param {string} key of a subject
 * @param {string} method
 */
export function heatmapOf(photo, key, method) {
  return photo.heatmaps.find((heatmap) => subjectKey(heatmap.subject) === key && heatmap.method === method);
}
