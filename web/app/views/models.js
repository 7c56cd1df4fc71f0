/** The models and ensembles behind the scores, on what terms they may be used, and how well they do. */

import { html } from "../../vendor/lit-html/lit-html.js";
import { MEASURES } from "../batch/measures.js";
import { performanceText } from "../batch/ranking.js";
import { day } from "./words.js";

/** @param {import("../app.js").App} app */
export function modelsView(app) {
  const { catalogue } = app;
  return html`
    <h1 tabindex="-1">Models</h1>
    <p class="lede">
      Agreement with people is Spearman’s rank correlation (ρ) between a model’s ranking and people’s memory, with its 95 %
      interval: 1 is the same order, 0 none in common.
    </p>
    ${catalogue ? [catalogue.models.map(model), ensembles(catalogue.ensembles)] : html`<p class="quiet">Loading …</p>`}
  `;
}

/** @param {any} model */
function model({ ref, measure, licence, citation, training_data, performance, reference }) {
  return html`<article class="model">
    <h2>${ref}</h2>
    <p class="quiet">predicts the ${MEASURES[measure].label}</p>
    <dl class="details">
      <dt>Licence</dt>
      <dd>${licenceText(licence)}</dd>
      <dt>Agreement with people</dt>
      ${performance.length ? performance.map(measured) : html`<dd>not measured</dd>`}
      <dt>Training data</dt>
      <dd>${training_data}</dd>
      <dt>Reference photos</dt>
      <dd>${reference ? `${reference.description}, n\u00a0=\u00a0${reference.n.toLocaleString("en")}` : "none"}</dd>
      <dt>Citation</dt>
      <dd>${citation}</dd>
    </dl>
  </article>`;
}

/** @param {any} licence */
function licenceText({ name, url, commercial_use, text }) {
  const title = url ? html`<a href=${url} rel="noreferrer">${name}</a>` : name;
  const terms = commercial_use ? "Commercial use allowed" : "Non-commercial use only";
  return html`<strong>${terms}</strong>, ${title}${text ? `. ${text}` : ""}`;
}

/** @param {any} performance */
function measured(performance) {
  const { agreement, data } = performanceText(performance);
  return html`<dd>${agreement} on ${data}, measured on ${day(performance.measured_on)}</dd>`;
}

/** @param {any[]} all */
function ensembles(all) {
  return html`<section class="model" aria-labelledby="ensembles-title">
    <h2 id="ensembles-title">Ensembles</h2>
    <dl class="details">
      ${all.map(
        ({ ref, is_default, measures }) => html`<dt>${ref}${is_default ? " (default)" : ""}</dt>
          ${Object.entries(measures).map(
            ([measure, { members }]) => html`<dd>${MEASURES[measure].title}: ${members.join(", ")}</dd>`,
          )}`,
      )}
    </dl>
  </section>`;
}
