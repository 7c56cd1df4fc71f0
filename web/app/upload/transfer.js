/** One photo to the uploads bucket, by the form that the API signed. */

const STALLED_MS = 30_000; // without a byte sent or an answer, the connection is taken for lost

/** Why a photo did not arrive: `kind` says what helps. */
export class TransferError extends Error {
  /**
   * @param {"network" | "expired" | "refused"} kind try again; ask for a new link; neither helps
   * @param {string} message
   */
  constructor(kind, message) {
    super(message);
    this.name = "TransferError";
    this.kind = kind;
  }
}

/**
 * XMLHttpRequest and not fetch, which tells nothing of how much has been sent.
 *
 * @param {{url: string, fields: Record<string, string>}} link
 * @param {File} file
 * @param {(sent: number) => void} onProgress told the share that was sent, 0 to 1
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function transfer(link, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const lost = () => reject(new TransferError("network", "The connection was lost."));
    if (signal.aborted) return lost();
    let watchdog = setTimeout(() => request.abort(), STALLED_MS);
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => request.abort(), STALLED_MS);
    };
    const abort = () => request.abort();
    request.upload.onprogress = ({ loaded, total }) => {
      alive();
      onProgress(total ? loaded / total : 0);
    };
    request.onload = () => (request.status < 300 ? resolve() : reject(refusal(request)));
    request.onerror = lost;
    request.onabort = lost;
    request.onloadend = () => {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    request.open("POST", link.url);
    request.send(form(link.fields, file));
  });
}

/** @param {Record<string, string>} fields @param {File} file */
function form(fields, file) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  data.append("file", file); // S3 ignores what comes after it
  return data;
}

/** @param {XMLHttpRequest} request answered with S3's XML error document */
function refusal(request) {
  const answer = new DOMParser().parseFromString(request.responseText, "application/xml");
  const code = answer.querySelector("Code")?.textContent ?? "";
  if (request.status === 403) return new TransferError("expired", "The upload link is no longer valid.");
  if (code === "EntityTooLarge") return new TransferError("refused", "The file is larger than is accepted.");
  if (code === "EntityTooSmall") return new TransferError("refused", "The file is empty.");
  if (request.status >= 500 || request.status === 429 || code === "RequestTimeout") {
    return new TransferError("network", "The storage is busy.");
  }
  return new TransferError("refused", `The storage refused the file (${code || request.status}).`);
}
