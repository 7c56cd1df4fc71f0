/** What scores mean, and on what terms they may be used. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { MEASURES } from "../batch/measures.js";
import { measuresOf } from "../batch/ranking.js";

/** @typedef {import("../app.js").App} App */

/** @param {any} result */
function modelRefs(result) {
  const measures = /** @type {any[]} */ (Object.values(result?.measures ?? {}));
  return measures.flatMap(({ models }) => models.map(({ model }) => model));
}

/** Never hidden: weights that are not for commercial use. @param {App} app @param {any[]} rows */
export function termsNotice(app, rows) {
  if (!rows.length || !app.catalogue) return nothing;
  const used = new Set(rows.flatMap(({ photo }) => photo.results.flatMap(modelRefs)));
  const restricted = app.catalogue.models.filter(({ ref, licence }) => used.has(ref) && !licence.commercial_use);
  if (!restricted.length) return nothing;
  return html`<aside class="notice restricted" aria-labelledby="terms-title">
    <h2 id="terms-title">Not for commercial use</h2>
    <p>
      The weights behind these scores are licensed for non-commercial use only:
      ${restricted.map(({ ref }) => ref).join(", ")}. <a href="#/models">Licences and contacts</a>
    </p>
  </aside>`;
}

/** @param {App} app @param {import("../batch/open_batch.js").OpenBatch} batch @param {any[]} rows */
export function readingHelp(app, batch, rows) {
  const measures = measuresOf(batch.photos, batch.ensemble);
  const several = rows.some(({ result }) => result.models.length > 1);
  return html`<section class="chapter" aria-labelledby="reading-title">
    <h2 id="reading-title">How to read this</h2>
    <dl class="details">
      ${measures.map((measure) => html`<dt>${MEASURES[measure].title}</dt><dd>${MEASURES[measure].explains}</dd>`)}
      <dt>Reference photos</dt>
      <dd>“Higher than 71 %” means: of 100 reference photos, 71 get a lower score. ${reference(app, batch)}</dd>
      <dt>Rank</dt>
      <dd>Photos share a rank, which a = marks, where their scores differ by no more than the models disagree about them.</dd>
      <dt>Spread</dt>
      <dd>${several
          ? "How far apart the models are on a photo: the standard deviation of their scores. A difference between two photos that is smaller than their spread says little."
          : "How far apart several models are on a photo. Here one model alone gives each score, so there is none: nothing on this page says how sure a score is."}</dd>
      <dt>Under a model’s name</dt>
      <dd>Spearman’s rank correlation (ρ) between its ranking and people’s memory on a set of n photos, with its 95 % interval:
        1 is the same order, 0 none in common. <a href="#/models">More on the models</a></dd>
    </dl>
  </section>`;
}

/** @param {App} app @param {import("../batch/open_batch.js").OpenBatch} batch */
function reference(app, batch) {
  const found = app.catalogue?.ensembles.find(({ ref }) => ref === batch.ensemble)?.measures[batch.measure]?.reference;
  return found ? `They are: ${found.description} (n\u00a0=\u00a0${found.n.toLocaleString("en")}).` : "";
}
