import assert from "node:assert/strict";
import { test } from "node:test";
import { arranged, bestArrangement, places, squaresPath } from "../../src/attnviz/viewer/parameters.js";
import { summed } from "../../src/attnviz/viewer/explorer.js";
import { meant } from "../../src/attnviz/viewer/parts.js";

const part = (name, count) => ({ part: name, name, count, shape: "", arithmetic: "" });
const matrices = (kind, count) =>
  ["query", "key", "value", "output"].map((matrix) => part(`${kind}.${matrix}`, count));
const layer = (index, stack = "encoder") => ({
  title: `Layer ${index}`,
  stack,
  layer: index,
  count: 1774464,
  rows: [
    matrices("attention", 147840),
    [part("feed_forward.in", 591360), part("feed_forward.out", 590208)],
    [part("norm", 1536)],
  ],
});
const minilm = [
  {
    title: "Embeddings",
    stack: "",
    layer: null,
    count: 11918592,
    rows: [[part("embeddings", 11721216), part("positions", 196608), part("norm", 768)]],
  },
  ...Array.from({ length: 6 }, (_, index) => layer(index)),
  { title: "Pooler", stack: "", layer: null, count: 147840, rows: [[part("pooler", 147840)]] },
];

/** Area of a path of rectangles "M x y h w v h h -w z". */
const area = (path) =>
  [...path.matchAll(/M[-\d.]+ [-\d.]+h([-\d.]+)v([-\d.]+)h/g)].reduce(
    (sum, [, width, height]) => sum + width * height,
    0,
  );

test("the coloured area is the count, to a thousandth of a square", () => {
  const [pitch, side] = [10, 8];
  for (const unit of [500, 10000, 7, 1000000]) {
    const { placed } = arranged(minilm, unit, 60, false);
    let total = 0;
    for (const one of placed) {
      if (one.squares > 3000) continue;
      const drawn =
        area(
          squaresPath(
            one,
            (x) => x * pitch,
            (y) => y * pitch,
            side,
            pitch,
          ),
        ) /
        side ** 2;
      assert.ok(Math.abs(drawn - one.squares) < 0.002, `${one.part.part} ${drawn} for ${one.squares}`);
      total += one.part.count;
    }
    assert.ok(total > 0);
  }
});

test("every place is taken once", () => {
  for (const inline of [false, true]) {
    for (let columns = 36; columns <= 84; columns += 1) {
      const { placed, lines, spans } = arranged(minilm, 10000, columns, inline);
      const taken = new Set();
      for (const one of placed) {
        assert.equal(
          one.runs.reduce((sum, run) => sum + run.slots, 0),
          places(one.squares),
        );
        for (const run of one.runs) {
          assert.ok(run.line < lines);
          for (let slot = run.column; slot < run.column + run.slots; slot += 1) {
            const name = `${run.line}/${slot}`;
            assert.ok(!taken.has(name), `${name} with ${columns} columns`);
            taken.add(name);
            assert.ok(slot < columns || (slot === columns + 1 && one.part.part === "norm"));
          }
        }
      }
      assert.equal(spans.at(-1).first + spans.at(-1).lines, lines);
    }
  }
});

test("a part takes the places it needs, at least one", () => {
  assert.deepEqual([0.001, 1, 1.0001, 14.784, 15].map(places), [1, 1, 2, 15, 15]);
  assert.equal(places(147840 / 10000), 15);
  assert.equal(places((3 * 0.1) / 0.1), 3, "an error of rounding is no square");
});

test("MiniLM has one line of attention and two of feed-forward", () => {
  const best = bestArrangement(minilm, 10000, 520, 440);
  assert.equal(best.columns, 60);
  const { spans } = arranged(minilm, 10000, best.columns, best.inline);
  assert.deepEqual(
    spans.map((span) => span.lines),
    [20, 3, 3, 3, 3, 3, 3, 1],
  );
});

test("squares fit into the room they are given, also with many layers", () => {
  const many = Array.from({ length: 48 }, (_, index) => layer(index, "decoder"));
  for (const groups of [minilm, many]) {
    for (const room of [300, 358, 520, 900, 1300]) {
      const { columns, pitch } = bestArrangement(groups, 30000, room, 480);
      assert.ok(pitch * (columns + 2) <= room && pitch >= 3, `${pitch} at ${room}`);
    }
  }
});

test("in a layer no part is torn that fits on a line", () => {
  const { placed } = arranged(minilm, 10000, 64, false);
  for (const one of placed) {
    if (minilm[one.group].layer !== null && places(one.squares) <= 64) assert.equal(one.runs.length, 1);
  }
});

test("what is meant by a choice", () => {
  const any = (name, stack = "", number = null) => ({ part: name, stack, layer: number });
  assert.ok(meant(any("attention"), "attention.key", "encoder"));
  assert.ok(meant(any("attention.key"), "attention", "encoder"), "a matrix lights its box");
  assert.ok(!meant(any("attention.key"), "attention.query", "encoder"));
  assert.ok(!meant(any("attention.key", "decoder"), "attention.key", "encoder"));
  assert.ok(meant(any("embeddings", "encoder"), "embeddings", ""));
  assert.ok(!meant(any("feed_forward"), "feed_forward_other", ""));
  assert.ok(!meant(null, "norm", ""));
});

test("what is lit is added up", () => {
  const payload = { groups: minilm, total: 22713216 };
  const told = summed({ part: "attention.query", stack: "encoder", layer: 3 }, payload);
  assert.equal(told, "Attention.query in 6 layers: 887,040 parameters, 3.9 % of all.");
  assert.equal(summed(null, payload), undefined);
});
