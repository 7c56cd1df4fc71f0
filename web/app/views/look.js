/** One photo with its heatmap and a box to draw, or two to four side by side. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { MEASURES } from "../batch/measures.js";
import { percentileText, ranked, resultOf, scoreText } from "../batch/ranking.js";
import { METHODS, heatmapOf, subjectsOf } from "../heatmaps/subjects.js";
import { address } from "../routes.js";
import { boxOverlay, boxPanel } from "./box.js";
import { choice } from "./choice.js";
import { picture } from "./picture.js";
import { percent } from "./words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../batch/open_batch.js").OpenBatch} OpenBatch */

/** @param {App} app */
export function lookView(app) {
  const batch = /** @type {OpenBatch} */ (app.batch);
  const names = /** @type {{photos: string[]}} */ (/** @type {unknown} */ (app.route)).photos;
  const rows = ranked(batch.photos, batch.ensemble, batch.measure);
  const shown = rows.filter(({ photo }) => names.includes(photo.name));
  if (!shown.length) return unknown(batch);
  const subjects = subjectsOf(resultOf(shown[0].photo, batch.ensemble));
  const subject = subjects.find(({ key }) => key === app.look.subject) ?? subjects[0];
  const heatmaps = new Map(shown.map(({ photo }) => [photo.name, heatmapOf(photo, subject.key, app.look.method)]));
  const single = shown.length === 1;
  const hasControls = app.hasHeatmaps || shown.some(({ photo }) => photo.heatmaps.length);
  app.look.useMap(single ? heatmaps.get(shown[0].photo.name) : null);
  return html`
    <p class="quiet"><a href=${address("batches", batch.id)}>${batch.info?.name ?? "The batch"}</a></p>
    <h1 tabindex="-1">${single ? shown[0].photo.name : `${shown.length} photos side by side`}</h1>
    ${hasControls ? controls(app, subjects, subject) : nothing} ${making(app, batch, shown, heatmaps, subject)}
    <div class=${single ? "look single" : "look"}>
      ${repeat(shown, ({ photo }) => photo.name, (row) => figure(app, batch, row, heatmaps.get(row.photo.name), single))}
      ${single ? boxPanel(app.look, batch, heatmaps.get(shown[0].photo.name)) : nothing}
    </div>
    ${single ? nothing : html`<p class="quiet">Differences between photos that are smaller than the models’ spread say little.</p>`}
  `;
}

/** @param {OpenBatch} batch */
function unknown(batch) {
  const isReading = batch.state === "loading" && !batch.problem;
  return html`<h1 tabindex="-1">${isReading ? "Loading …" : "There is no score for this photo"}</h1>
    <p><a href=${address("batches", batch.id)}>Back to the batch</a></p>`;
}

/** @param {App} app @param {any[]} subjects @param {any} subject */
function controls({ look }, subjects, subject) {
  return html`<form class="look-controls" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <div class="field">
      <label for="subject">The heatmap explains</label>
      <select id="subject" @change=${(/** @type {any} */ event) => look.set({ subject: event.target.value })}>
        ${subjects.map(({ key, label }) => html`<option value=${key} ?selected=${key === subject.key}>${label}</option>`)}
      </select>
    </div>
    ${choice("Method", "method", METHODS, look.method, (method) => look.set({ method }))}
    <div class="field">
      <label for="opacity">Opacity of the heatmap</label>
      <input
        id="opacity"
        type="range"
        min="0"
        max="100"
        .value=${String(Math.round(100 * look.opacity))}
        @input=${(/** @type {any} */ event) => look.set({ opacity: event.target.valueAsNumber / 100 })}
      />
    </div>
    <figure class="legend">
      <div class="colours"></div>
      <figcaption><span>lowers the score</span><span>no part in it</span><span>raises it</span></figcaption>
    </figure>
    <p class="quiet explains">${METHODS.find(({ id }) => id === look.method)?.explains}</p>
  </form>`;
}

/** @param {App} app @param {OpenBatch} batch @param {any} row @param {any} heatmap @param {boolean} single */
function figure({ look }, batch, { photo, result, rank }, heatmap, single) {
  return html`<figure class="closer">
    <div class="stage" .style=${`width: min(100%, ${(single ? 75 : 45) * (photo.width / photo.height)}vh)`}>
      ${picture(photo, single, Boolean(heatmap?.overlay_url))}
      ${heatmap?.overlay_url
        ? html`<img class="overlay" src=${heatmap.overlay_url} alt="" .style=${`opacity: ${look.opacity}`} draggable="false" />`
        : nothing}
      ${single && heatmap?.status === "done" ? boxOverlay(look) : nothing}
    </div>
    <figcaption>
      ${single ? nothing : html`<h2><a href=${address("batches", batch.id, "look", photo.name)}>${photo.name}</a></h2>`}
      <p class="score"><b>${scoreText(result.score)}</b> <span class="quiet">${MEASURES[batch.measure].label}, rank ${rank}</span></p>
      ${result.percentile === null
        ? nothing
        : html`<p>scores higher than <strong>${percentileText(result.percentile)}</strong> of the reference photos</p>`}
      ${byModel(photo, batch)} ${heatmapText(heatmap)}
    </figcaption>
  </figure>`;
}

/** @param {any} photo @param {OpenBatch} batch */
function byModel(photo, batch) {
  const measures = Object.entries(resultOf(photo, batch.ensemble).measures);
  return html`<dl class="members">
    ${measures.map(([measure, { models, spread }]) => [
      models.map(({ model, score }) => html`<div><dt>${model} <span class="quiet">${MEASURES[measure].label}</span></dt><dd>${scoreText(score)}</dd></div>`),
      models.length > 1 ? html`<div><dt>Spread <span class="quiet">${MEASURES[measure].label}</span></dt><dd>± ${scoreText(spread)}</dd></div>` : nothing,
    ])}
  </dl>`;
}

/** What there is to say of a heatmap beside its picture. @param {any} heatmap */
function heatmapText(heatmap) {
  if (!heatmap) return html`<p class="quiet">There is no heatmap of this kind.</p>`;
  if (heatmap.status === "queued") return html`<p class="quiet" role="status">The heatmap is being made …</p>`;
  if (heatmap.status === "failed") return html`<p class="failure">The heatmap could not be made: ${heatmap.error?.message}</p>`;
  return html`${faithfulnessText(heatmap.faithfulness)}
  ${heatmap.disagreement
    ? html`<p class="quiet">The models’ maps differ by ${percent(heatmap.disagreement)} of their strength.</p>`
    : nothing}`;
}

/** @param {{map: {deletion: number}, random: {deletion: number}} | null} faithfulness */
function faithfulnessText(faithfulness) {
  if (!faithfulness) return nothing;
  const { map, random } = faithfulness;
  const holds = map.deletion < random.deletion;
  return html`<p class="quiet">
    Check: with the map’s strongest places taken out first, the score averages ${scoreText(map.deletion)}, with places in random
    order ${scoreText(random.deletion)}. ${holds ? "The map names places that matter." : "Do not rely on this map."}
  </p>`;
}

/** The button for what is not there yet. */
function making(app, batch, shown, heatmaps, subject) {
  const wanted = shown.map(({ photo }) => photo.name).filter((name) => !heatmaps.get(name) || heatmaps.get(name).status === "failed");
  if (!wanted.length) return nothing;
  if (!app.hasHeatmaps) {
    return html`<p class="quiet">
      This service makes heatmaps only along with the scores: by Grad-CAM, of all models together, where that was ticked
      before the photos were dropped.
    </p>`;
  }
  const make = () => app.requestHeatmaps(batch, wanted, subject.subject, app.look.method);
  return html`<p class="actions">
    <button class="primary" @click=${make}>${wanted.length === 1 ? "Make the heatmap" : `Make ${wanted.length} heatmaps`}</button>
  </p>`;
}

