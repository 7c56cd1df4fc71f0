/**
 * Who uses the page: signs in at the user pool's hosted pages (authorization code with PKCE), keeps the tokens for this
 * tab alone (sessionStorage), renews them before they end.
 */

import { challengeOf, randomText } from "./pkce.js";

const TOKENS = "memorability.tokens";
const PENDING = "memorability.signing-in";
const RENEW_BEFORE_MS = 60_000;
const FRESH_MS = 60_000;
const SCOPE = "openid email";

/** @typedef {{id_token: string, refresh_token?: string, ends_at: number}} Tokens */

export class SignedOutError extends Error {
  constructor() {
    super("Please sign in again.");
    this.name = "SignedOutError";
  }
}

/** The page's own address without query and fragment: where the hosted pages send people back to. */
export function pageAddress() {
  return new URL("./", location.href).href;
}

/** @param {string} token a JSON web token; its signature is the API's to check */
function claimsOf(token) {
  const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))));
}

export class Session {
  #settings;
  #storage;
  /** @type {Tokens | null} */
  #tokens;
  /** @type {Promise<string> | null} */
  #renewal = null;
  #issuedAt = 0;
  /** Called once the session has ended and cannot be renewed. */
  onEnd = () => {};

  /**
   * @param {import("../settings.js").Settings} settings
   * @param {Storage} storage
   */
  constructor(settings, storage = sessionStorage) {
    this.#settings = settings;
    this.#storage = storage;
    this.#tokens = JSON.parse(storage.getItem(TOKENS) ?? "null");
  }

  /** @returns {{email: string} | null} the user, null while nobody has signed in */
  get user() {
    if (!this.#tokens) return null;
    const claims = claimsOf(this.#tokens.id_token);
    return { email: claims.email ?? claims["cognito:username"] ?? claims.sub };
  }

  /** Whether the pool has just said that all is well, so that a renewal would tell nothing new. */
  get isFresh() {
    return Date.now() - this.#issuedAt < FRESH_MS;
  }

  /** Leaves the page for the hosted sign-in; people come back to where they were. */
  async signIn() {
    const pending = { verifier: randomText(), state: randomText(), hash: location.hash };
    this.#storage.setItem(PENDING, JSON.stringify(pending));
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.#settings.clientId,
      redirect_uri: pageAddress(),
      scope: SCOPE,
      state: pending.state,
      code_challenge: await challengeOf(pending.verifier),
      code_challenge_method: "S256",
    });
    location.assign(`${this.#settings.signInUrl}/oauth2/authorize?${query}`);
  }

  /**
   * Finishes a sign-in if the hosted pages have just sent somebody back, and takes the code out of the address.
   *
   * @throws {Error} if it was refused, or is not the answer to what this tab asked for
   */
  async completeSignIn() {
    const query = new URLSearchParams(location.search);
    if (!query.has("code") && !query.has("error")) return;
    const pending = JSON.parse(this.#storage.getItem(PENDING) ?? "null");
    this.#storage.removeItem(PENDING);
    history.replaceState(null, "", pageAddress() + (pending?.hash ?? ""));
    if (query.has("error")) throw new Error(query.get("error_description") ?? "The sign-in was refused.");
    if (!pending || query.get("state") !== pending.state) {
      throw new Error("This sign-in was not begun in this tab, or was used already. Please sign in again.");
    }
    await this.#exchange({
      grant_type: "authorization_code",
      code: /** @type {string} */ (query.get("code")),
      redirect_uri: pageAddress(),
      code_verifier: pending.verifier,
    });
  }

  /** Ends the session here and at the user pool, which sends people back to the page. */
  signOut() {
    this.#forget();
    const query = new URLSearchParams({ client_id: this.#settings.clientId, logout_uri: pageAddress() });
    location.assign(`${this.#settings.signInUrl}/logout?${query}`);
  }

  /**
   * The token for a request, renewed if it is about to end.
   *
   * @returns {Promise<string>}
   * @throws {SignedOutError} if nobody is signed in any more
   */
  async token() {
    if (!this.#tokens) throw new SignedOutError();
    return Date.now() < this.#tokens.ends_at - RENEW_BEFORE_MS ? this.#tokens.id_token : this.renew();
  }

  /** A new token, whatever the age of the present one. Several callers share one renewal. */
  renew() {
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  async #renew() {
    const refresh = this.#tokens?.refresh_token;
    if (!refresh) return this.#end();
    try {
      await this.#exchange({ grant_type: "refresh_token", refresh_token: refresh });
    } catch (error) {
      if (error instanceof TypeError) throw error; // the network, not a refusal
      return this.#end();
    }
    return /** @type {Tokens} */ (this.#tokens).id_token;
  }

  /** @param {Record<string, string>} grant */
  async #exchange(grant) {
    const answer = await fetch(`${this.#settings.signInUrl}/oauth2/token`, {
      method: "POST",
      body: new URLSearchParams({ client_id: this.#settings.clientId, ...grant }),
    });
    if (answer.status >= 500) throw new TypeError(`the sign-in service answered ${answer.status}`);
    if (!answer.ok) throw new Error("The sign-in could not be completed. Please sign in again.");
    const { id_token, refresh_token = this.#tokens?.refresh_token, expires_in } = await answer.json();
    this.#issuedAt = Date.now();
    this.#tokens = { id_token, refresh_token, ends_at: this.#issuedAt + expires_in * 1000 };
    this.#storage.setItem(TOKENS, JSON.stringify(this.#tokens));
  }

  #forget() {
    this.#tokens = null;
    this.#storage.removeItem(TOKENS);
  }

  /** @returns {never} */
  #end() {
    this.#forget();
    this.onEnd();
    throw new SignedOutError();
  }
}
