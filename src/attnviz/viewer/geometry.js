/**
 * Where everything stands in the attention viewer: matrix, lines and thumbnails, and what lies under a point. No DOM here.
 *
 * @typedef {object} Figure
 * @property {number} width @property {number} height
 * @property {number} size  of the letters in pixels
 * @property {number} cell  side of a cell, a multiple of half a pixel; 0 where there is no matrix
 * @property {number} left @property {number} top  of the rows
 * @property {number} rows @property {number} columns  that are shown
 * @property {number} rowPitch @property {number} keyPitch  between the tokens of the lines
 * @property {[number, number] | null} lines  from where to where lines run, left to right
 * @property {boolean} matrix
 */

/** Most letters of a label in pixels. */
export const LONGEST_LABEL = 120;

/**
 * Matrix and lines side by side on one row axis, or one of them alone.
 * @param {{ width: number, height: number, rows: number, columns: number, size: number, queryWidth: number,
 *   keyWidth: number, views: "both" | "matrix" | "lines" }} facts  widths are those of the longest labels
 * @returns {Figure}
 */
export function figureOf({ width, height, rows, columns, size, queryWidth, keyWidth, views }) {
  const left = Math.ceil(Math.max(Math.min(queryWidth, LONGEST_LABEL) + 16, 5.9 * size + 8));
  const keys = Math.ceil(Math.min(keyWidth, LONGEST_LABEL) + 10);
  const percents = 3.3 * size;
  const matrix = views !== "lines";
  const top = matrix ? Math.ceil(0.71 * Math.min(keyWidth, LONGEST_LABEL) + 1.3 * size + 24) : 2 * size + 8;
  const tall = height - top - 4;
  const beside = views === "both" ? keys + percents + Math.max(110, 0.17 * width) + 10 : matrix ? 0.71 * keys * 0.4 + 4 : 0;
  const fit = Math.min(tall / rows, matrix ? (width - left - beside) / columns : 56, 56);
  const floored = fit >= 2 ? Math.floor(fit * 2) / 2 : fit;
  const cell = matrix ? floored : 0;
  const rowPitch = matrix ? cell : Math.min(tall / rows, 56);
  const keyPitch = columns === rows ? rowPitch : Math.min(tall / columns, 56);
  const from = left + cell * columns + 6;
  const lines = views === "matrix" ? null : [from, Math.max(from + 60, width - keys - percents)];
  return { width, height, size, cell, left, top, rows, columns, rowPitch, keyPitch, lines, matrix };
}

/** The middle of a row, and of a key at the right of the lines. */
export const rowMiddle = (figure, row) => figure.top + (row + 0.5) * figure.rowPitch;
export const keyMiddle = (figure, column) => figure.top + (column + 0.5) * figure.keyPitch;

/** The room between cells. */
export const gapOf = (cell) => (cell >= 12 ? 1.5 : cell >= 4 ? 0.5 : 0);

/**
 * What lies under a point.
 * @returns {{ part: "cell" | "query" | "key" | "lines", row: number, column: number } | null}  -1 where there is none
 */
export function hit(figure, x, y) {
  const { left, top, cell, rows, columns, rowPitch, keyPitch, lines } = figure;
  const row = Math.floor((y - top) / rowPitch);
  const column = Math.floor((y - top) / keyPitch);
  const within = (number, count) => (number >= 0 && number < count ? number : -1);
  if (x < left && x >= 0) return within(row, rows) < 0 ? null : { part: "query", row, column: -1 };
  if (cell && x < left + cell * columns) {
    const across = Math.floor((x - left) / cell);
    if (y < top) return { part: "key", row: -1, column: within(across, columns) };
    return within(row, rows) < 0 ? null : { part: "cell", row, column: within(across, columns) };
  }
  if (!lines) return null;
  if (x >= lines[1] - 4) return within(column, columns) < 0 ? null : { part: "key", row: -1, column };
  return within(row, rows) < 0 ? null : { part: "lines", row, column: -1 };
}

/**
 * Thumbnails of all heads: layers across and heads down, in bands one below the other where they are larger so.
 * @param {number} height  that more than one band must keep to
 * @returns {{ tile: number, pitch: number, left: number, top: number, layers: number, heads: number, across: number,
 *   band: number, width: number, height: number }}  `across` layers stand in a band, `band` pixels high
 */
export function sheetOf(width, layers, heads, height = 0, largest = 60) {
  const left = 30;
  const top = 24;
  let [pitch, across] = [0, layers];
  for (let bands = 1; bands <= layers; bands += 1) {
    const wide = Math.floor((width - left) / Math.ceil(layers / bands));
    const tall = bands > 1 ? Math.floor((height / bands - top) / heads) : largest;
    if (Math.min(wide, tall, largest) > pitch) [pitch, across] = [Math.min(wide, tall, largest), Math.ceil(layers / bands)];
  }
  pitch = Math.max(6, pitch);
  const gap = pitch >= 14 ? 3 : 1;
  const band = top + pitch * heads;
  return { tile: pitch - gap, pitch, left, top, layers, heads, across, band, width: Math.min(width, left + pitch * across + 8), height: band * Math.ceil(layers / across) };
}

/** Where the thumbnail of a head begins. @returns {[number, number]} */
export function tileAt({ left, top, pitch, across, band }, layer, head) {
  return [left + (layer % across) * pitch, Math.floor(layer / across) * band + top + head * pitch];
}

/** The head under a point of the thumbnails. @returns {{ layer: number, head: number } | null} */
export function headAt(sheet, x, y) {
  const column = Math.floor((x - sheet.left) / sheet.pitch);
  const band = Math.floor(y / sheet.band);
  const layer = band * sheet.across + column;
  const head = Math.floor((y - band * sheet.band - sheet.top) / sheet.pitch);
  const inside = column >= 0 && column < sheet.across && layer >= 0 && layer < sheet.layers && head >= 0 && head < sheet.heads;
  return inside ? { layer, head } : null;
}

/**
 * A window of `count` places around a place, never beyond the ends of `all`: what is left of an axis when it is enlarged.
 * @returns {[number, number]}  first and one past the last
 */
export function windowAround(place, count, all) {
  const size = Math.max(1, Math.min(Math.round(count), all));
  const first = Math.max(0, Math.min(Math.round(place - size / 2), all - size));
  return [first, first + size];
}
