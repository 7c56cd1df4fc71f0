/** What people see who have not signed in. */

import { html } from "../../vendor/lit-html/lit-html.js";

/** @param {import("../app.js").App} app */
export function signInView(app) {
  return html`<div class="welcome">
    <h1 tabindex="-1">Which of your photos stay in mind?</h1>
    <p class="lede">
      Drop a campaign’s photos and see them ranked by how memorable they are, next to thousands of reference photos, and
      where in each picture that comes from.
    </p>
    <p><button class="primary large" @click=${() => app.signIn()}>Sign in</button></p>
    <ul class="facts three">
      <li><strong>Ranks, not promises.</strong> The models were measured against people’s memory. How well each of them
        does is shown beside its scores.</li>
      <li><strong>Your photos stay yours.</strong> They are kept in your company’s own account and deleted with their
        batch, or by their age.</li>
      <li><strong>Straight from the phone.</strong> JPEG, PNG, WebP, HEIC and AVIF, single files or a whole folder.</li>
    </ul>
  </div>`;
}
