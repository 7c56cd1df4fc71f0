/** Proof Key for Code Exchange, RFC 7636 with S256. */

const VERIFIER_BYTES = 32; // 43 characters, the shortest that RFC 7636 section 4.1 allows and its recommendation

/** @param {Uint8Array} bytes */
function base64Url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** A secret that nobody guesses, in characters that need no escaping. */
export function randomText() {
  return base64Url(crypto.getRandomValues(new Uint8Array(VERIFIER_BYTES)));
}

/** @param {string} verifier */
export async function challengeOf(verifier) {
  return base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}
