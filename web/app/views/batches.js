/** Earlier batches. */

import { html } from "../../vendor/lit-html/lit-html.js";
import { address } from "../routes.js";
import { day, moment, photosText } from "./words.js";

/** @param {import("../app.js").App} app */
export function batchesView(app) {
  const { list } = app;
  return html`
    <h1 tabindex="-1">Batches</h1>
    ${list ? (list.batches.length ? table(app, list) : empty()) : app.problem ? "" : html`<p class="quiet">Loading …</p>`}
  `;
}

function empty() {
  return html`<p class="lede">There are no batches yet.</p>
    <p><a class="button primary" href="#/">Rank your first photos</a></p>`;
}

/** @param {import("../app.js").App} app @param {import("../app.js").BatchList} list */
function table(app, { batches, cursor, isReading }) {
  const more = () => app.loadMoreBatches();
  return html`<ul class="batches">
      ${batches.map(
        (batch) => html`<li>
          <h2><a href=${address("batches", batch.id)}>${batch.name}</a></h2>
          <p class="quiet">
            ${photosText(batch.declared)}, ${moment(batch.created_at)}. Kept until ${day(batch.expires_at)}.
          </p>
          <button
            class="plain"
            aria-label=${`Delete ${batch.name}`}
            @click=${() => app.askToDelete({ id: batch.id, name: batch.name, photos: batch.declared })}
          >
            Delete
          </button>
        </li>`,
      )}
    </ul>
    ${cursor ? html`<p><button ?disabled=${isReading} @click=${more}>Show more</button></p>` : ""}`;
}
