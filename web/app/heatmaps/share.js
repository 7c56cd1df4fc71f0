/** How much of a heatmap lies in a box. */

/**
 * @typedef {object} Box in fractions of the upright photo, 0 to 1
 * @property {number} left
 * @property {number} top
 * @property {number} right
 * @property {number} bottom
 */

/**
 * @typedef {object} SignedMap
 * @property {number} width
 * @property {number} height
 * @property {ArrayLike<number>} values row by row; above 0 where the place raises the score
 * @property {Box} frame where the map lies in the photo: models look at a part of it
 */

/**
 * @param {SignedMap} map
 * @param {Box} box
 * @returns {{raising: number | null, lowering: number | null, area: number}} shares, 0 to 1, of all that raises the
 *   score, of all that lowers it (null where nothing does), and of the photo's area
 */
export function shareInBox(map, box) {
  const columns = overlaps(map.width, map.frame.left, map.frame.right, box.left, box.right);
  const rows = overlaps(map.height, map.frame.top, map.frame.bottom, box.top, box.bottom);
  const inside = { raising: 0, lowering: 0 };
  const total = { raising: 0, lowering: 0 };
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < map.width; x++) {
      const value = map.values[y * map.width + x];
      const direction = value > 0 ? "raising" : "lowering";
      total[direction] += value;
      inside[direction] += value * columns[x] * rows[y];
    }
  }
  return {
    raising: total.raising ? inside.raising / total.raising : null,
    lowering: total.lowering ? inside.lowering / total.lowering : null,
    area: (box.right - box.left) * (box.bottom - box.top),
  };
}

/**
 * The share of each of `count` equal cells from `first` to `last` that lies between `from` and `to`.
 *
 * @returns {Float64Array}
 */
function overlaps(count, first, last, from, to) {
  const size = (last - first) / count;
  return Float64Array.from({ length: count }, (_, index) => {
    const start = first + index * size;
    return Math.max(0, Math.min(to, start + size) - Math.max(from, start)) / size;
  });
}
