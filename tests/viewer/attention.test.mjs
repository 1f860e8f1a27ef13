import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { figureOf, gapOf, headAt, hit, keyMiddle, rowMiddle, sheetOf, tileAt, windowAround } from "../../src/attnviz/viewer/geometry.js";
import {
  addWeights,
  blockOf,
  everyLine,
  linesOf,
  opened,
  patternOf,
  placesOf,
  pooled,
  rowOf,
  strongest,
  takenApart,
  viewOf,
} from "../../src/attnviz/viewer/weights.js";

/** The message of test_packing.py's golden example: layer 4, one head, rows (1), (.25, .75), (.5, .25, .25), key 0 exact. */
function golden() {
  const header = JSON.stringify({
    of: "é",
    blocks: [{ kind: "decoder", first: 4, layers: 1, heads: 1, queries: 3, keys: 3, causal: true, exact: [0], fine: true, gaps: 0 }],
  });
  const text = new TextEncoder().encode(header);
  const length = Math.ceil(text.length / 4) * 4;
  const bytes = new Uint8Array(8 + length + 32 + 16 + 4).fill(32, 8, 8 + length);
  bytes.set(new TextEncoder().encode("AVW2"));
  bytes.set(text, 8);
  const data = new DataView(bytes.buffer);
  data.setUint32(4, length, true);
  [65535, 850, 2048, 0].forEach((u, index) => data.setUint16(8 + length + 2 * index, u, true));
  [0, 0.75, 0.5, 1, 0.25, 0.5].forEach((weight, index) => data.setFloat32(16 + length + 4 * index, weight, true));
  bytes.set([0, 0, 255, 0, 128, 128, 0, 0, 0, 0, 4, 0, 128, 128], 8 + length + 32);
  return bytes;
}

const axis = (labels, extra = {}) => ({
  labels,
  rtl: labels.map(() => false),
  special: labels.map(() => false),
  segments: labels.map(() => 0),
  words: labels.map((_, index) => [index]),
  wordLabels: labels,
  ...extra,
});
const near = (found, wanted, within = 0.004) =>
  [...wanted].forEach((value, index) => assert.ok(Math.abs(found[index] - value) < within, `${found} is not ${wanted}`));

/** A block of one layer whose weights are given exactly, key by key. */
function block(...heads) {
  const [queries, keys] = [heads[0].length, heads[0][0].length];
  const kept = Float32Array.from(heads.flat(2));
  const rows = heads.length * queries;
  const exact = Array.from({ length: keys }, (_, key) => key);
  const nothing = new Float32Array(rows);
  const none = { starts: new Uint32Array(heads.length + 1), places: new Uint32Array(), sides: new Uint8Array() };
  return { kind: "encoder", first: 0, layers: 1, heads: heads.length, queries, keys, causal: false, exact, fine: false, step: nothing, sums: nothing, kept, levels: new Uint8Array(rows * keys), ...none };
}

test("a message is read byte by byte", async () => {
  for (const { header, blocks } of [takenApart(golden().buffer), await opened(gzipSync(golden()))]) {
    assert.equal(header.of, "é");
    const found = blockOf(blocks, "decoder", 4);
    assert.equal(blockOf(blocks, "decoder", 5), undefined);
    const weights = new Float32Array(9);
    const totals = new Float32Array(3);
    addWeights(found, 4, 0, 1, weights, totals);
    near(weights, [1, 0, 0, 0.25, 0.75, 0, 0.5, 0.25, 0.25], 0.001);
    near(totals, [1, 1, 1], 1e-6);
    near(weights, [1, 0, 0, 0.25, 0.75, 0, 0.5, 0.25, 0.25], 1e-4);
  }
  assert.throws(() => takenApart(new TextEncoder().encode("AVW1aaaa").buffer));
});

test("a correction puts a weight on the other side of the nearest half per cent", () => {
  // 159 steps of 0.6 / 255 are 37.41 %, and mean 37.6 %; key 0, sent exactly, is read as 12.505 % and was 12.495 %
  const found = {
    ...{ kind: "encoder", first: 0, layers: 1, heads: 2, queries: 1, keys: 3, causal: false, exact: [0], fine: false },
    step: Float32Array.of(0.6 / 255, 0.6 / 255),
    sums: Float32Array.of(0.5, 0.5),
    kept: Float32Array.of(0.12505, 0.12505),
    levels: Uint8Array.of(0, 159, 53, 0, 159, 53),
    finer: new Int8Array(),
    ...{ starts: Uint32Array.of(0, 0, 2), places: Uint32Array.of(0, 1), sides: Uint8Array.of(0, 1) },
  };
  const tokens = axis(["a", "b", "c"]);
  const said = (heads, options = {}) => [...viewOf(found, 0, heads, axis(["q"]), tokens, options).weights].map((weight) => Math.round(100 * weight));
  assert.deepEqual(said([0]), [13, 37, 12]);
  assert.deepEqual(said([1]), [12, 38, 12]);
  const exact = (heads, options = {}) => viewOf(found, 0, heads, axis(["q"]), tokens, options).exact;
  assert.deepEqual([exact([1]), exact([0, 1]), exact([1], { merge: true })], [true, false, false]);
});

test("hidden keys are shared out, as exactly as they are sent", () => {
  const [found] = takenApart(golden().buffer).blocks;
  const tokens = axis(["a", "b", "c"]);
  const view = viewOf(found, 4, [0], tokens, tokens, { first: true });
  assert.deepEqual([view.rows, view.columns, view.queryLabels], [2, 2, ["b", "c"]]);
  near(view.weights, [1, 0, 0.5, 0.5], 0.003);
  near(view.hidden, [0.25, 0.5], 0.001);
  assert.equal(rowOf(view, 0), -1);
  assert.equal(rowOf(view, 2), 1);
  assert.equal(viewOf(found, 4, [0], axis(["a", "b", "c"], { special: [true, true, true] }), tokens, { special: true }), null);
});

test("a row that gives all to hidden keys is empty", () => {
  const tokens = axis(["a", "b"]);
  const view = viewOf(block([[1, 0], [1, 0]]), 0, [0], tokens, tokens, { first: true });
  near(view.weights, [0]);
  near(view.hidden, [1]);
});

test("to a word goes the sum, from a word the mean; heads are averaged", () => {
  const pieces = axis(["un", "-do", "it"], { words: [[0, 1], [2]], wordLabels: ["undo", "it"] });
  const one = [[0.2, 0.3, 0.5], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]];
  const two = [[0.6, 0.3, 0.1], [0.0, 0.4, 0.6], [0.3, 0.2, 0.5]];
  const both = block(one, two);
  near(viewOf(both, 0, [0], pieces, pieces, { merge: true }).weights, [0.65, 0.35, 0.3, 0.7], 1e-3);
  near(viewOf(both, 0, [0, 1], pieces, pieces, {}).weights, [0.4, 0.3, 0.3, 0.2, 0.4, 0.4, 0.2, 0.2, 0.6], 1e-3);
  near(viewOf(both, 0, [1], pieces, pieces, { least: 0.35 }).weights, [0.6, 0, 0, 0, 0.4, 0.6, 0, 0, 0.5], 1e-3);
  const hidden = viewOf(both, 0, [0], pieces, pieces, { merge: true, first: true });
  assert.deepEqual(hidden.keyLabels, ["it"]);
  near(hidden.hidden, [0.3], 1e-3);
});

test("lines go down to the mass that is wanted, and never below three per cent", () => {
  const view = { rows: 1, columns: 5, weights: Float32Array.of(0.5, 0.02, 0.3, 0.1, 0.08) };
  const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-6);
  const all = linesOf(view, 0);
  assert.deepEqual(all.columns, [0, 2, 3, 4]);
  near(all.drawn, 0.98);
  assert.deepEqual(linesOf(view, 0, 0.8).columns, [0, 2]);
  assert.deepEqual(strongest(view, 0), [0, 2, 3]);
  assert.deepEqual(strongest({ ...view, weights: Float32Array.of(0.01, 0.02, 0, 0, 0) }, 0), [1]);
  assert.deepEqual(strongest({ ...view, weights: new Float32Array(5) }, 0), []);
});

test("the lines of all rows: those of each, and of too many the strongest", () => {
  const [rows, columns] = [60, 50];
  const weights = Float32Array.from({ length: rows * columns }, (_, cell) => ((cell * 7919) % 97) / 970); // many alike
  const view = { rows, columns, weights };
  for (const mass of [1, 0.6]) {
    const wanted = Array.from({ length: rows }, (_, row) => linesOf(view, row, mass).columns.map((column) => row * columns + column)).flat();
    const all = everyLine(view, mass);
    assert.deepEqual([...all.cells].sort((a, b) => a - b), wanted.sort((a, b) => a - b));
    const some = everyLine(view, mass, 0.03, 500);
    assert.deepEqual([all.count, some.count, some.cells.length], [wanted.length, wanted.length, 500]);
    const strongest = wanted.map((cell) => weights[cell]).sort((a, b) => b - a).slice(0, 500);
    assert.deepEqual([...some.cells].map((cell) => weights[cell]).sort((a, b) => b - a), strongest);
    assert.equal(new Set(some.cells).size, 500);
  }
});

test("a head's strongest pattern", () => {
  const back = block([[1, 0, 0], [0.9, 0.1, 0], [0.1, 0.8, 0.1]]);
  const [name, share] = patternOf(back, 0, 0);
  assert.equal(name, "the token before");
  assert.ok(Math.abs(share - 0.85) < 1e-3);
  assert.equal(patternOf(block([[1]]), 0, 0), null);
});

test("weights stand at their 0.6th power on the palette, or as the reader wants", () => {
  const weights = Float32Array.of(0, 0.25, 1, 0.1, 0.05, 0);
  assert.deepEqual([...placesOf(weights, 2, 3, "")].slice(0, 3), [0, 111, 255]);
  assert.deepEqual([...placesOf(weights, 2, 3, "linear")], [0, 64, 255, 26, 13, 0]);
  assert.deepEqual([...placesOf(weights, 2, 3, "root")].slice(1, 3), [128, 255]);
  assert.deepEqual([...placesOf(weights, 2, 3, "row")].slice(3), [255, 168, 0]);
  assert.deepEqual([...placesOf(Float32Array.of(0, 0), 1, 2, "row")], [0, 0]);
  assert.deepEqual([...placesOf(Float32Array.of(1.00001, 0.5), 1, 2, "linear")], [255, 128]);
});

test("a thumbnail keeps thin lines", () => {
  const weights = new Float32Array(100 * 100);
  for (let row = 0; row < 100; row += 1) weights[row * 100 + row] = 1;
  const { rows, columns, cells } = pooled(weights, 100, 100, 10);
  assert.deepEqual([rows, columns], [10, 10]);
  for (let row = 0; row < 10; row += 1) assert.equal(cells[row * 11], 1);
  assert.equal(cells.reduce((sum, cell) => sum + cell), 10);
});

const FACTS = { width: 950, height: 470, rows: 16, columns: 16, size: 14, queryWidth: 60, keyWidth: 60, views: "both" };

test("matrix and lines share one row axis and stay inside the figure", () => {
  for (const change of [{}, { rows: 1, columns: 1 }, { rows: 512, columns: 512 }, { rows: 5, columns: 40 }, { rows: 40, columns: 5 }, { width: 360, views: "matrix" }, { width: 360, views: "lines" }]) {
    const figure = figureOf({ ...FACTS, ...change });
    assert.ok(figure.cell * 2 === Math.round(figure.cell * 2) || figure.cell < 2, "cells end at half pixels");
    assert.ok(figure.cell <= 56 && figure.rowPitch > 0);
    assert.ok(rowMiddle(figure, figure.rows - 1) < figure.height);
    assert.ok(keyMiddle(figure, figure.columns - 1) < figure.height);
    assert.ok(figure.left + figure.cell * figure.columns <= figure.width);
    if (figure.matrix) assert.equal(figure.rowPitch, figure.cell);
    if (figure.lines) assert.ok(figure.lines[1] - figure.lines[0] >= 60 && figure.lines[1] < figure.width);
  }
  assert.deepEqual([gapOf(20), gapOf(8), gapOf(2)], [1.5, 0.5, 0]);
});

test("what lies under a point", () => {
  const figure = figureOf(FACTS);
  const x = (column) => figure.left + (column + 0.5) * figure.cell;
  assert.deepEqual(hit(figure, x(3), rowMiddle(figure, 7)), { part: "cell", row: 7, column: 3 });
  assert.deepEqual(hit(figure, 5, rowMiddle(figure, 0)), { part: "query", row: 0, column: -1 });
  assert.deepEqual(hit(figure, x(2), figure.top - 20), { part: "key", row: -1, column: 2 });
  assert.deepEqual(hit(figure, figure.lines[1] + 5, keyMiddle(figure, 15)), { part: "key", row: -1, column: 15 });
  assert.deepEqual(hit(figure, (figure.lines[0] + figure.lines[1]) / 2, rowMiddle(figure, 4)), { part: "lines", row: 4, column: -1 });
  assert.equal(hit(figure, x(3), figure.height + 50), null);
});

test("thumbnails of thirty layers find their head", () => {
  const sheet = sheetOf(950, 30, 9);
  assert.ok(sheet.width <= 950);
  const at = (layer, head) => headAt(sheet, sheet.left + (layer + 0.4) * sheet.pitch, sheet.top + (head + 0.4) * sheet.pitch);
  assert.deepEqual(at(29, 8), { layer: 29, head: 8 });
  assert.deepEqual(at(0, 0), { layer: 0, head: 0 });
  assert.equal(at(30, 0), null);
  assert.equal(headAt(sheet, 2, 60), null);
  const side = sheetOf(216, 30, 9, 345); // in two bands they are twice as large
  assert.ok(side.across === 15 && side.pitch === 12 && side.width <= 216 && side.height <= 345);
  for (const [layer, head] of [[0, 0], [14, 8], [15, 0], [29, 8]]) {
    const [x, y] = tileAt(side, layer, head);
    assert.deepEqual(headAt(side, x + 1, y + 1), { layer, head });
  }
  assert.equal(sheetOf(216, 6, 12, 345).across, 6);
});

test("an enlarged part never leaves the whole", () => {
  assert.deepEqual(windowAround(0, 10, 40), [0, 10]);
  assert.deepEqual(windowAround(39, 10, 40), [30, 40]);
  assert.deepEqual(windowAround(20, 400, 40), [0, 40]);
});
