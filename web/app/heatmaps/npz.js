/** Reads the arrays of a NumPy `.npz` file: a ZIP archive (APPNOTE.TXT 4.3) of `.npy` files (NumPy NEP 1). */

const END_OF_DIRECTORY = 0x06054b50;
const END_OF_DIRECTORY_BYTES = 22;
const DIRECTORY_ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

const ARRAYS = { "<f4": Float32Array, "<f8": Float64Array, "<i8": BigInt64Array };

/**
 * @typedef {object} NpyArray
 * @property {number[]} shape
 * @property {Float32Array | Float64Array | BigInt64Array} values in C order
 */

/**
 * @param {ArrayBuffer} buffer
 * @param {string} name of the array, without `.npy`
 * @returns {Promise<NpyArray | null>} null if there is no array of that name
 */
export async function readNpz(buffer, name) {
  const entry = [...directory(buffer)].find((found) => found.name === `${name}.npy`);
  return entry ? parseNpy(await contentOf(buffer, entry)) : null;
}

/** @param {ArrayBuffer} buffer */
function* directory(buffer) {
  const view = new DataView(buffer);
  let end = view.byteLength - END_OF_DIRECTORY_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new Error("not a ZIP archive");
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const nameBytes = view.getUint16(at + 28, true);
    yield {
      name: new TextDecoder().decode(new Uint8Array(buffer, at + DIRECTORY_ENTRY_BYTES, nameBytes)),
      method: view.getUint16(at + 10, true),
      bytes: view.getUint32(at + 20, true),
      at: view.getUint32(at + 42, true),
    };
    at += DIRECTORY_ENTRY_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
}

/** @param {ArrayBuffer} buffer @param {{method: number, bytes: number, at: number, name: string}} entry */
async function contentOf(buffer, { method, bytes, at, name }) {
  const view = new DataView(buffer);
  const start = at + LOCAL_HEADER_BYTES + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const content = buffer.slice(start, start + bytes);
  if (method === STORED) return content;
  if (method !== DEFLATED) throw new Error(`${name} is packed in a way that is not read here (${method})`);
  return new Response(new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer();
}

/** @param {ArrayBuffer} buffer @returns {NpyArray} */
function parseNpy(buffer) {
  const view = new DataView(buffer);
  const isFirstVersion = view.getUint8(6) === 1;
  const start = isFirstVersion ? 10 : 12;
  const bytes = isFirstVersion ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(new Uint8Array(buffer, start, bytes));
  const kind = header.match(/'descr': '([^']+)'/)?.[1] ?? "";
  const shape = (header.match(/'shape': \(([^)]*)\)/)?.[1] ?? "").split(",").filter((n) => n.trim()).map(Number);
  const TypedArray = ARRAYS[kind];
  if (!TypedArray || header.includes("'fortran_order': True")) throw new Error(`arrays of ${kind} are not read here`);
  return { shape, values: new TypedArray(buffer.slice(start + bytes)) };
}
