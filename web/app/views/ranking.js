/** The ranking as a table; on narrow screens its rows are cards. Roles are named, as CSS would take them away there. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { MEASURES } from "../batch/measures.js";
import { percentileText, performanceText, resultOf, scoreText } from "../batch/ranking.js";
import { LOOK_AT_MOST, address } from "../routes.js";
import { thumbnail } from "./picture.js";
import { strip } from "./strip.js";
import { photosText } from "./words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../batch/open_batch.js").OpenBatch} OpenBatch */
/** @typedef {import("../batch/ranking.js").Ranked} Ranked */

/** @param {App} app @param {OpenBatch} batch @param {Ranked[]} rows */
export function rankingTable(app, batch, rows) {
  const places = rows.map(({ result }) => result.percentile).filter((place) => place !== null);
  const columns = modelColumns(batch, rows);
  const hasSpread = rows.some(({ result }) => result.models.length > 1);
  return html`<table class="ranking" role="table" aria-label="Ranking">
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col"><span class="spoken">Pick</span></th>
        <th role="columnheader" scope="col">Rank</th>
        <th role="columnheader" scope="col">Photo</th>
        <th role="columnheader" scope="col">Score and place among reference photos</th>
        ${hasSpread ? html`<th role="columnheader" scope="col" class="number">Spread</th>` : nothing}
        ${columns.map((column) => modelHeader(app, batch, column))}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${repeat(rows, ({ photo }) => photo.name, (row) => photoRow(batch, row, { places, columns, hasSpread }))}
    </tbody>
  </table>`;
}

/**
 * Every model of the ensemble: those of the measure that ranks first.
 *
 * @param {OpenBatch} batch @param {Ranked[]} rows
 * @returns {{measure: string, model: string}[]}
 */
function modelColumns(batch, rows) {
  const { measures } = resultOf(rows[0].photo, batch.ensemble);
  const order = Object.keys(measures).sort((one) => (one === batch.measure ? -1 : 1));
  return order.flatMap((measure) => measures[measure].models.map(({ model }) => ({ measure, model })));
}

/** @param {App} app @param {OpenBatch} batch @param {{measure: string, model: string}} column */
function modelHeader(app, batch, { measure, model }) {
  const measured = app.catalogue?.models.find(({ ref }) => ref === model)?.performance[0];
  const text = measured && performanceText(measured);
  return html`<th role="columnheader" scope="col" class="number by-model">
    ${brokenBeforeVersion(model)}
    <span class="quiet">${measure === batch.measure ? nothing : html`${MEASURES[measure].label}<br />`}
      ${text ? html`<span title="Spearman’s rank correlation with people’s memory, with its 95 % interval">${text.agreement}</span><br />${text.data}` : "not measured against people"}</span>
  </th>`;
}

/** Long names break before their version, if anywhere. @param {string} ref */
function brokenBeforeVersion(ref) {
  const [name, version] = ref.split("@");
  return html`${name}<wbr />@${version}`;
}

/** @param {OpenBatch} batch @param {Ranked} row */
function photoRow(batch, { photo, result, rank }, { places, columns, hasSpread }) {
  const { name } = photo;
  const pick = (/** @type {any} */ event) => batch.pick(name, event.target.checked);
  return html`<tr role="row" class=${batch.picked.has(name) ? "picked" : ""}>
    <td role="cell" class="pick"><input type="checkbox" aria-label=${`Pick ${name}`} .checked=${batch.picked.has(name)} @change=${pick} /></td>
    <td role="cell" class="rank">${rank.replace("=", "")}${rank.endsWith("=") ? html`<span class="tie" aria-label="tied">=</span>` : nothing}</td>
    <td role="cell" class="photo">
      <a href=${address("batches", batch.id, "look", name)}>${thumbnail(photo)}<span class="name">${name}</span></a>
      ${heatmapNote(photo)}
    </td>
    <td role="cell" class="score">
      <b>${scoreText(result.score)}</b> <span class="quiet">${MEASURES[batch.measure].label}</span>
      ${result.percentile === null ? nothing : html`${strip(places, result.percentile)}<span>scores higher than <strong>${percentileText(result.percentile)}</strong> of reference photos</span>`}
    </td>
    ${hasSpread ? html`<td role="cell" class="number" data-label="Spread">± ${scoreText(result.spread)}</td>` : nothing}
    ${columns.map(({ measure, model }) => html`<td role="cell" class="number" data-label=${model}>${modelScore(photo, batch, measure, model)}</td>`)}
  </tr>`;
}

/** @param {any} photo */
function heatmapNote({ heatmaps }) {
  if (heatmaps.some(({ status }) => status === "queued")) return html`<span class="quiet note">heatmap is being made …</span>`;
  return heatmaps.some(({ status }) => status === "done") ? html`<span class="quiet note">heatmap ready</span>` : nothing;
}

/** @param {any} photo @param {OpenBatch} batch @param {string} measure @param {string} model */
function modelScore(photo, batch, measure, model) {
  const scores = resultOf(photo, batch.ensemble)?.measures[measure]?.models ?? [];
  const found = scores.find((one) => one.model === model);
  return found ? scoreText(found.score) : "–";
}

/** What can be done with the photos that were picked; it stays in sight. @param {App} app @param {OpenBatch} batch */
export function picksBar(app, batch) {
  const picked = [...batch.picked];
  if (!picked.length) return nothing;
  const tooMany = picked.length > LOOK_AT_MOST;
  const subject = { ensemble: batch.ensemble, measure: batch.measure };
  const make = () => app.requestHeatmaps(batch, picked, subject, "gradcam");
  const hasHeatmap = app.hasHeatmaps || batch.photos.some(({ name, heatmaps }) => name === picked[0] && heatmaps.length);
  return html`<div class="picks" role="region" aria-label="Picked photos">
    <p>${photosText(picked.length)} picked</p>
    ${tooMany
      ? html`<span class="quiet">Pick at most ${LOOK_AT_MOST} to compare them.</span>`
      : html`<a class="button primary" href=${address("batches", batch.id, "look", ...picked)}
          >${picked.length > 1 ? "Compare" : hasHeatmap ? "Look at its heatmap" : "Look closer"}</a
        >`}
    ${app.hasHeatmaps ? html`<button @click=${make}>Make heatmaps</button>` : nothing}
    <button class="plain" @click=${() => batch.unpickAll()}>Pick none</button>
  </div>`;
}
