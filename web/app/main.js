/** Starts the page. */

import { html, render } from "../vendor/lit-html/lit-html.js";
import { ApiClient } from "./api/client.js";
import { App } from "./app.js";
import { Session } from "./session/session.js";
import { loadSettings } from "./settings.js";
import { announcement, page, titleOf } from "./views/page.js";

const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const announcer = /** @type {HTMLElement} */ (document.getElementById("announcer"));
/** @type {import("./routes.js").Route | null} */
let shownRoute = null;
let isHeadingToBeFocused = false;

/** @param {App} app */
function show(app) {
  render(page(app), root);
  document.title = titleOf(app);
  const words = announcement(app);
  if (announcer.textContent !== words) announcer.textContent = words;
  const dialog = root.querySelector("dialog");
  if (app.deleting && !dialog?.open) dialog?.showModal();
  followRoute(app);
}

/** Another view begins at its top, and keyboards and screen readers at its heading. @param {App} app */
function followRoute(app) {
  if (shownRoute && shownRoute !== app.route) {
    isHeadingToBeFocused = true;
    scrollTo(0, 0);
  }
  shownRoute = app.route;
  isHeadingToBeFocused ||= app.isHeadingWanted;
  app.isHeadingWanted = false;
  if (!isHeadingToBeFocused) return;
  /** @type {HTMLElement | null} */ (root.querySelector("h1"))?.focus({ preventScroll: true });
  isHeadingToBeFocused = app.batch?.state === "loading"; // what has been read has a heading of its own
}

async function start() {
  const settings = await loadSettings();
  const session = new Session(settings);
  const app = new App(session, new ApiClient(settings.apiUrl, session), settings, show);
  await app.attempt(() => session.completeSignIn());
  const problem = app.problem;
  app.start();
  app.problem = problem;
}

start().catch((error) => {
  const retry = () => location.reload();
  render(
    html`<main class="sheet">
      <h1>The page could not start</h1>
      <p class="lede">${error.message}.</p>
      <p><button class="primary" @click=${retry}>Try again</button></p>
    </main>`,
    root,
  );
});
