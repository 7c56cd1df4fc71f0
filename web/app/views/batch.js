/** One batch: how far it is, its ranking, and what could not be scored. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { MEASURES } from "../batch/measures.js";
import { ensemblesOf, measuresOf, ranked } from "../batch/ranking.js";
import { leftOutText } from "../upload/accepted.js";
import { dropTarget, fileButtons } from "./drop.js";
import { choice } from "./choice.js";
import { picksBar, rankingTable } from "./ranking.js";
import { readingHelp, termsNotice } from "./reading.js";
import { strip } from "./strip.js";
import { day, moment, percent, photosText } from "./words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../batch/open_batch.js").OpenBatch} OpenBatch */

/** @param {App} app */
export function batchView(app) {
  const batch = /** @type {OpenBatch} */ (app.batch);
  if (batch.state === "missing") return missing();
  if (!batch.info) return html`<h1 tabindex="-1">${batch.problem ? "The batch could not be read" : "Loading …"}</h1>${troubled(batch)}`;
  const rows = ranked(batch.photos, batch.ensemble, batch.measure);
  return html`
    <header class="batch-head">
      <div>
        <p class="quiet"><a href="#/batches">Batches</a> · ${moment(batch.info.created_at)} · kept until ${day(batch.info.expires_at)}</p>
        <h1 tabindex="-1">${batch.info.name}</h1>
        ${summary(batch, rows)}
      </div>
      ${termsNotice(app, rows)}
    </header>
    ${troubled(batch)} ${progress(batch)} ${leftOut(batch)}
    ${rows.length ? [toolbar(app, batch), rankingTable(app, batch, rows), picksBar(app, batch)] : nothing}
    ${failures(batch)} ${batch.state === "ready" ? addPhotos(app) : nothing} ${rows.length ? readingHelp(app, batch, rows) : nothing} ${end(app, batch)}
  `;
}

function missing() {
  return html`<h1 tabindex="-1">There is no such batch</h1>
    <p class="lede">It was deleted, has reached its age, or belongs to somebody else.</p>
    <p><a class="button primary" href="#/batches">Show the batches there are</a></p>`;
}

/** @param {OpenBatch} batch */
function troubled({ problem }) {
  return problem ? html`<p class="notice" role="status">${problem} What is shown may be old; the page goes on trying.</p>` : nothing;
}

/** @param {OpenBatch} batch @param {import("../batch/ranking.js").Ranked[]} rows */
function summary(batch, rows) {
  const places = rows.map(({ result }) => result.percentile).filter((place) => place !== null);
  if (!places.length) return html`<p class="lede">${photosText(batch.counts.all || batch.info.declared)}</p>`;
  const above = places.filter((place) => place > 50).length;
  return html`<p class="lede">
      ${above} of ${photosText(places.length)} ${above === 1 ? "scores" : "score"} above the middle of the reference photos.
    </p>
    <figure class="overview">
      ${strip(places)}
      <figcaption><span>lower than all</span><span>middle</span><span>higher than all</span></figcaption>
    </figure>`;
}

/** @param {OpenBatch} batch */
function progress(batch) {
  const uploads = new Map(batch.queue.uploads.map((upload) => [upload.name, upload]));
  const states = new Map(batch.photos.map(({ name, state }) => [name, state]));
  const names = new Set([...states.keys(), ...uploads.keys()]);
  const pending = [...names].filter((name) => (states.get(name) ?? "waiting") === "waiting");
  if (!pending.length) return nothing;
  const done = names.size - pending.length;
  const stopped = batch.queue.uploads.filter(({ state }) => state === "stopped");
  return html`<section class="progress" aria-labelledby="progress-title">
    <h2 id="progress-title">${done} of ${photosText(names.size)} done</h2>
    <progress max=${names.size} value=${done + sentShare(pending, uploads)} aria-labelledby="progress-title"></progress>
    ${stopped.length
      ? html`<p class="notice failure">
          ${photosText(stopped.length)} could not be sent.
          <button class="plain" @click=${() => batch.queue.retry()}>Send them again</button>
        </p>`
      : nothing}
    <ul class="transfers">
      ${repeat(pending, (name) => name, (name) => transferRow(name, uploads.get(name)))}
    </ul>
  </section>`;
}

/** Half of the work on a photo is to send it. @param {string[]} pending @param {Map<string, {share: number}>} uploads */
function sentShare(pending, uploads) {
  return pending.reduce((sum, name) => sum + (uploads.get(name)?.share ?? 0) / 2, 0);
}

/** @param {string} name @param {import("../upload/queue.js").Upload | undefined} upload */
function transferRow(name, upload) {
  const text = transferText(upload);
  const isSending = upload?.state === "sending";
  return html`<li class=${upload?.state ?? "elsewhere"}>
    <span class="name">${name}</span>
    ${isSending ? html`<progress max="1" value=${upload.share} aria-label=${`Upload of ${name}`}></progress>` : nothing}
    <span class="quiet">${text}</span>
  </li>`;
}

/** @param {import("../upload/queue.js").Upload | undefined} upload */
function transferText(upload) {
  switch (upload?.state) {
    case undefined:
      return "not scored yet; if it was never sent, add it again";
    case "sending":
      return percent(upload.share);
    case "sent":
      return "being scored";
    case "stopped":
      return upload.problem ?? "stopped";
    default:
      return upload?.problem ? `${upload.problem} It is sent again.` : "waiting to be sent";
  }
}

/** @param {OpenBatch} batch */
function leftOut({ leftOut: files }) {
  if (!files.length) return nothing;
  return html`<p class="notice" role="status">Left out: ${leftOutText(files)}.</p>`;
}

/** @param {App} app @param {OpenBatch} batch */
function toolbar(app, batch) {
  const ensembles = ensemblesOf(batch.photos);
  const measures = measuresOf(batch.photos, batch.ensemble);
  return html`<div class="toolbar">
    <h2>${MEASURES[batch.measure].title}, ${MEASURES[batch.measure].order}</h2>
    ${measures.length > 1
      ? choice("Rank by", "measure", measures.map((id) => ({ id, label: MEASURES[id].title })), batch.measure, (measure) => batch.rankBy({ measure }))
      : nothing}
    ${ensembles.length > 1
      ? choice("Scored by", "ensemble", ensembles.map((id) => ({ id, label: id })), batch.ensemble, (ensemble) => batch.rankBy({ ensemble }))
      : nothing}
    <button @click=${() => app.downloadCsv(batch)}>Download CSV</button>
  </div>`;
}

/** @param {OpenBatch} batch */
function failures({ photos }) {
  const failed = photos.filter(({ state }) => state === "failed");
  if (!failed.length) return nothing;
  return html`<section class="chapter" aria-labelledby="failed-title">
    <h2 id="failed-title">Could not be scored</h2>
    <ul class="failed">
      ${failed.map(({ name, error }) => html`<li><h3>${name}</h3><p>${error?.message ?? "No reason is known."}</p></li>`)}
    </ul>
  </section>`;
}

/** @param {App} app */
function addPhotos(app) {
  const target = dropTarget(app);
  return html`<section
    class="drop small"
    aria-labelledby="add-title"
    @dragenter=${target.over}
    @dragover=${target.over}
    @dragleave=${target.leave}
    @drop=${target.drop}
  >
    <h2 id="add-title">Add photos to this batch</h2>
    <p class="actions">${fileButtons(app)}</p>
  </section>`;
}

/** @param {App} app @param {OpenBatch} batch */
function end(app, batch) {
  const { ensemble } = batch;
  const what = { id: batch.id, name: batch.info.name, photos: batch.counts.all };
  return html`<footer class="batch-foot">
    <p class="quiet">${ensemble ? `Scored with ${ensemble}.` : ""}</p>
    <button class="danger plain" @click=${() => app.askToDelete(what)}>Delete this batch</button>
  </footer>`;
}
