/** What surrounds every view: head, notices, the question before something is deleted. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { address } from "../routes.js";
import { batchView } from "./batch.js";
import { batchesView } from "./batches.js";
import { lookView } from "./look.js";
import { modelsView } from "./models.js";
import { newBatchView } from "./new_batch.js";
import { signInView } from "./sign_in.js";
import { photosText } from "./words.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app */
export function page(app) {
  return html`
    <a class="skip" href="#main" @click=${skip}>Skip to the content</a>
    ${head(app)}
    <div class="notices" aria-live="assertive">${offline(app)} ${problem(app)}</div>
    <main id="main" class="sheet" tabindex="-1">${app.session.user ? view(app) : signInView(app)}</main>
    ${deleteDialog(app)}
  `;
}

/** @param {App} app */
export function titleOf(app) {
  const { batch, route } = app;
  const own = { new: "New batch", batches: "Batches", models: "Models", batch: batch?.info?.name, look: "Heatmaps" };
  const title = app.session.user ? own[route.view] : "Sign in";
  return title ? `${title} · Memorability` : "Memorability";
}

/** What screen readers are told of a batch's progress: every quarter of it, and its end. @param {App} app */
export function announcement({ batch }) {
  if (!batch?.photos.length) return "";
  const { all, scored, failed, waiting } = batch.counts;
  if (waiting === 0) return `All ${all} photos are done: ${scored} scored, ${failed} could not be scored.`;
  const quarters = Math.floor((4 * (scored + failed)) / all);
  return ["Photos are uploaded and scored.", "A quarter is done.", "Half is done.", "Three quarters are done."][quarters];
}

/** A link to the content would change the address, which is the page's. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** @param {App} app */
function head(app) {
  const { user } = app.session;
  const link = (/** @type {string} */ view, /** @type {string} */ hash, /** @type {string} */ text) =>
    html`<a href=${hash} aria-current=${app.route.view === view ? "page" : nothing}>${text}</a>`;
  return html`<header class="head">
    <a class="wordmark" href="#/">Memorability</a>
    ${user &&
    html`<nav aria-label="Main">
        ${link("new", "#/", "New batch")} ${link("batches", address("batches"), "Batches")}
        ${link("models", address("models"), "Models")}
      </nav>
      <p class="user"><span class="quiet">${user.email}</span> <button class="plain" @click=${() => app.signOut()}>Sign out</button></p>`}
  </header>`;
}

/** @param {App} app */
function offline(app) {
  if (app.isOnline) return nothing;
  return html`<p class="notice">You are offline. Uploads and scores go on by themselves once you are back.</p>`;
}

/** @param {App} app */
function problem(app) {
  if (!app.problem) return nothing;
  const { text, retry } = app.problem;
  return html`<div class="notice failure">
    <p>${text}</p>
    ${retry && html`<button class="plain" @click=${retry}>Try again</button>`}
    <button class="plain" @click=${() => app.dismissProblem()}>Dismiss</button>
  </div>`;
}

/** @param {App} app */
function view(app) {
  if ("batch" in app.route && !app.batch) return html`<h1 tabindex="-1">Loading …</h1>`;
  switch (app.route.view) {
    case "batches":
      return batchesView(app);
    case "batch":
      return batchView(app);
    case "look":
      return lookView(app);
    case "models":
      return modelsView(app);
    default:
      return newBatchView(app);
  }
}

/** Gives the focus back to what opened the dialog, which taking it out of the page would not. @param {Event} event */
function close({ target }) {
  /** @type {HTMLElement} */ (target).closest("dialog")?.close();
}

/** @param {App} app */
function deleteDialog(app) {
  const what = app.deleting;
  if (!what) return nothing;
  const confirm = (/** @type {Event} */ event) => {
    close(event);
    void app.confirmDelete(what);
  };
  return html`<dialog aria-labelledby="delete-title" aria-describedby="delete-text" @close=${() => app.askToDelete(null)}>
    <h2 id="delete-title">Delete “${what.name}”?</h2>
    <p id="delete-text">
      Its ${photosText(what.photos)}, scores and heatmaps are deleted for good. Nobody
      can bring them back.
    </p>
    <p class="actions">
      <button autofocus @click=${close}>Keep it</button>
      <button class="danger" @click=${confirm}>Delete the batch</button>
    </p>
  </dialog>`;
}
