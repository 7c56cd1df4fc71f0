/** Photos out of what people drop or choose: files, folders within folders, phone photos. */

const TYPES = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  jpe: "image/jpeg",
  jfif: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  avif: "image/avif",
  tif: "image/tiff",
  tiff: "image/tiff",
  bmp: "image/bmp",
};

const MOST_PHOTOS = 200; // of a batch, as the API has it

/** For the file dialogue: some systems know no type for phone photos, so that the endings are named too. */
export const ACCEPTED = ["image/*", ...Object.keys(TYPES).map((ending) => `.${ending}`)].join(",");

/**
 * @typedef {object} Photo a file under a name of its own in its batch
 * @property {string} name
 * @property {File} file
 * @property {string} type
 */

/**
 * @typedef {object} Picked
 * @property {File[]} files
 * @property {string | null} folder its name, where one folder was given
 */

/** @param {FileList} list of an input; of a folder input, files know their path */
export function filesOfInput(list) {
  const files = [...list];
  const folder = files[0]?.webkitRelativePath.split("/")[0] || null;
  return { files, folder };
}

/**
 * What was dropped, folders opened. Must be called while the drop event is handled: entries are gone afterwards.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Picked>}
 */
export async function filesOfDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null);
  if (!entries.length) return { files: [...transfer.files], folder: null };
  const folder = entries.length === 1 && entries[0].isDirectory ? entries[0].name : null;
  return { files: (await Promise.all(entries.map(filesUnder))).flat(), folder };
}

/** @param {FileSystemEntry} entry @returns {Promise<File[]>} */
async function filesUnder(entry) {
  if (entry.isFile) {
    const file = new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    return [/** @type {File} */ (await file)];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const inside = [];
  for (;;) {
    // A reader hands out some entries at a time, and none at the end.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    inside.push(...some);
  }
  inside.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  return (await Promise.all(inside.map(filesUnder))).flat();
}

/** @param {string} name */
function ending(name) {
  return name.includes(".") ? name.slice(name.lastIndexOf(".") + 1).toLowerCase() : "";
}

/** @param {File} file */
function typeOf(file) {
  return TYPES[ending(file.name)] ?? (Object.values(TYPES).includes(file.type) ? file.type : null);
}

/**
 * Photos under names that nobody else in the batch has (`-2`, `-3` … where several files have the same), and why the
 * other files are left out. Hidden files, which systems put into folders, are left out silently.
 *
 * @param {File[]} files
 * @param {Iterable<string>} present names that the batch has
 * @param {(name: string, file: File) => boolean} isAwaited whether the file may come under a name that the batch has
 * @returns {{photos: Photo[], leftOut: {name: string, reason: string}[]}}
 */
export function toPhotos(files, present = [], isAwaited = () => false) {
  const names = new Set(present);
  const own = new Set(files.map((file) => file.name));
  const given = new Set();
  const photos = [];
  const leftOut = [];
  for (const file of files.filter(({ name }) => !name.startsWith("."))) {
    const type = typeOf(file);
    const isTaken = (/** @type {string} */ name) => given.has(name) || (names.has(name) && !isAwaited(name, file));
    const name = isTaken(file.name) ? numbered(file.name, (other) => isTaken(other) || own.has(other)) : file.name;
    const reason = type === null ? "no photo" : file.size === 0 ? "an empty file" : "more than a batch can hold";
    if (type === null || file.size === 0 || (names.size >= MOST_PHOTOS && !names.has(name))) {
      leftOut.push({ name: file.name, reason });
      continue;
    }
    names.add(name);
    given.add(name);
    photos.push({ name, file, type });
  }
  return { photos, leftOut };
}

/** @param {string} name @param {(name: string) => boolean} isTaken */
function numbered(name, isTaken) {
  const end = ending(name);
  const stem = end ? name.slice(0, -end.length - 1) : name;
  for (let number = 2; ; number++) {
    const other = `${stem}-${number}${end && name.slice(stem.length)}`;
    if (!isTaken(other)) return other;
  }
}
