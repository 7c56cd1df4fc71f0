/** Takes photos: dropped, chosen one by one, or as a folder. */

import { html } from "../../vendor/lit-html/lit-html.js";
import { ACCEPTED } from "../upload/files.js";

/** @typedef {import("../app.js").App} App */

/** Handlers that make an element take what is dropped on it. @param {App} app */
export function dropTarget(app) {
  const over = (/** @type {DragEvent} */ event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (event.currentTarget).classList.add("over");
  };
  const leave = (/** @type {DragEvent} */ event) => {
    const target = /** @type {HTMLElement} */ (event.currentTarget);
    if (!target.contains(/** @type {Node | null} */ (event.relatedTarget))) target.classList.remove("over");
  };
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    /** @type {HTMLElement} */ (event.currentTarget).classList.remove("over");
    if (event.dataTransfer) void app.drop(event.dataTransfer);
  };
  return { over, leave, drop };
}

/** The two buttons. @param {App} app @param {{primary?: boolean, isDisabled?: boolean}} options */
export function fileButtons(app, { primary = false, isDisabled = false } = {}) {
  const choose = (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    // The list is the input's own and is emptied with it.
    const chosen = input.files?.length ? app.choose(input.files) : null;
    void Promise.resolve(chosen).then(() => (input.value = ""));
  };
  const button = (/** @type {string} */ text, /** @type {boolean} */ folder, /** @type {string} */ kind) =>
    html`<label class="button ${kind}">
      <input type="file" class="spoken" multiple accept=${ACCEPTED} ?webkitdirectory=${folder} ?disabled=${isDisabled} @change=${choose} />
      ${text}
    </label>`;
  return html`${button("Choose photos", false, primary ? "primary" : "")} ${button("Choose a folder", true, "")}`;
}
