import assert from "node:assert/strict";
import { test } from "node:test";
import { drawnRibbons, headAfter, headGrid, inside, ribbon, ribbonsLayout } from "../../src/attnviz/viewer/ribbons.js";

const measure = (text, size) => [...text].length * size * 0.5;
const words = (text, rtl = false) => text.split(" ").map((word) => ({ text: word, rtl }));
const english = words("She bought an old wooden table at the market .");
const portuguese = words("Ela comprou uma velha mesa de madeira no mercado .");
const long = words("lighthouse keepers climbed narrow staircases although nobody touched them ".repeat(8).trim());
const widths = [300, 358, 560, 683, 950, 1616];
const pairs = [
  [english, portuguese],
  [long, english],
  [words("a"), words("o")],
  [words("x".repeat(300)), words("y".repeat(300))],
  [words("القطة جلست على السجادة", true), english],
];
const numbersOf = (path) => path.match(/-?[\d.]+/g).map(Number);

test("no word leaves the drawing, and letters stay large", () => {
  for (const width of widths) {
    for (const [source, target] of pairs) {
      const layout = ribbonsLayout(source, target, width, 110, measure);
      assert.ok(layout.size >= 15 && layout.width <= width);
      assert.deepEqual([layout.source.length, layout.target.length], [source.length, target.length]);
      for (const spot of [...layout.source, ...layout.target]) {
        assert.ok(spot.x - spot.width / 2 >= 8 && spot.x + spot.width / 2 <= layout.width - 8, `${spot.text} at ${width}`);
        if (layout.form === "rows") assert.ok(Math.min(spot.x, layout.width - spot.x) >= 12, "the widest ribbon is 14 wide");
        assert.ok(spot.y > 0 && spot.y < layout.height);
      }
    }
  }
});

test("texts that fit stand in rows, others in columns", () => {
  assert.equal(ribbonsLayout(english, portuguese, 950, 110, measure).form, "rows");
  assert.equal(ribbonsLayout(english, portuguese, 358, 110, measure).form, "columns");
  assert.equal(ribbonsLayout(long, english, 950, 110, measure).form, "columns");
});

test("words of a row do not touch and go in reading order", () => {
  for (const rtl of [false, true]) {
    const turned = english.map((word) => ({ ...word, rtl }));
    const { source } = ribbonsLayout(turned, portuguese, 950, 110, measure);
    for (let index = 1; index < source.length; index += 1) {
      const [a, b] = rtl ? [source[index], source[index - 1]] : [source[index - 1], source[index]];
      assert.ok(a.x + a.width / 2 + 8 < b.x - b.width / 2);
    }
  }
  const { source } = ribbonsLayout(words("القطة جلست", true), portuguese, 950, 110, measure);
  assert.ok(source[0].x > 900, "a text that runs from right to left begins at the right");
});

test("a ribbon runs from the written word to the one that was read", () => {
  for (const width of [358, 950]) {
    const layout = ribbonsLayout(english, portuguese, width, 110, measure);
    const numbers = numbersOf(ribbon(layout, 6, 4));
    const axis = layout.form === "rows" ? "x" : "y";
    const place = layout.form === "rows" ? 0 : 1;
    assert.ok(Math.abs(numbers[place] - layout.target[6][axis]) < 0.01);
    assert.ok(Math.abs(numbers.at(place - 2) - layout.source[4][axis]) < 0.01);
    assert.ok(numbers.every(Number.isFinite));
  }
});

test("weights below 3 % get no ribbon, and the strongest lie on top", () => {
  const drawn = drawnRibbons([
    [0.9, 0.029, 0.071],
    [0.03, 0.97, 0],
  ]);
  assert.deepEqual(
    drawn.map(({ target, source }) => [target, source]),
    [
      [1, 0],
      [0, 2],
      [0, 0],
      [1, 1],
    ],
  );
});

test("thumbnails fit in the width, with scores where these can be read", () => {
  for (const width of widths) {
    for (const [count, across] of [
      [16, 8],
      [12, 4],
      [192, 16],
      [144, 12],
      [24, 4],
      [3, 1],
    ]) {
      const grid = headGrid(count, across, width);
      assert.ok(grid.left + across * grid.column <= width + 0.01);
      assert.ok(grid.image.width > 0 && grid.image.height <= grid.row);
      assert.equal(grid.down, count / across);
      const room = { beneath: grid.row - grid.image.height, beside: grid.column - grid.image.width, "": 99 }[grid.scores];
      assert.ok(room >= 20, "a score has room");
      assert.equal(Boolean(grid.scores), grid.column >= (grid.down > 4 ? 70 : 36));
    }
  }
});

test("all heads of a deep model are seen at once, each with its score", () => {
  const grid = headGrid(144, 12, 950);
  assert.ok(grid.height <= 300 && grid.scores === "beside");
  assert.ok(headGrid(24 * 16, 16, 950).height <= 320);
});

test("a share stays on the drawing", () => {
  assert.deepEqual([inside(5, 40, 950), inside(300, 40, 950), inside(945, 40, 950)], [20, 300, 930]);
});

test("arrow keys go from head to head and stop at the edges", () => {
  assert.equal(headAfter("ArrowRight", 3, 8, 16), 4);
  assert.equal(headAfter("ArrowDown", 3, 8, 16), 11);
  assert.equal(headAfter("ArrowUp", 3, 8, 16), undefined);
  assert.equal(headAfter("ArrowLeft", 0, 8, 16), undefined);
  assert.equal(headAfter("End", 0, 8, 16), 15);
  assert.equal(headAfter("a", 0, 8, 16), undefined);
});
