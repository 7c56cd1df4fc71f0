/** What the page must know of its deployment: `settings.json` beside it, which Terraform writes. */

const NAMES = ["api_url", "client_id", "sign_in_url"];

/**
 * @typedef {object} Settings
 * @property {string} apiUrl address of the HTTP API, without a slash at the end
 * @property {string} clientId the page's client in the user pool
 * @property {boolean} hasHeatmaps whether heatmaps can be asked for; those that come with the scores need no workers
 * @property {string} signInUrl address of the hosted sign-in pages, without a slash at the end
 */

/** @returns {Promise<Settings>} */
export async function loadSettings() {
  const answer = await fetch("settings.json", { cache: "no-cache" });
  if (!answer.ok) throw new Error(`settings.json could not be read (${answer.status})`);
  const found = await answer.json();
  const missing = NAMES.filter((name) => typeof found[name] !== "string" || !found[name]);
  if (missing.length) throw new Error(`settings.json lacks ${missing.join(", ")}`);
  return {
    apiUrl: found.api_url.replace(/\/+$/, ""),
    clientId: found.client_id,
    hasHeatmaps: found.heatmaps !== false, // older deployments say nothing of it
    signInUrl: found.sign_in_url.replace(/\/+$/, ""),
  };
}
