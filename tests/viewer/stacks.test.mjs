import assert from "node:assert/strict";
import { test } from "node:test";
import { along, placed, toldOf } from "../../src/attnviz/viewer/stacks.js";

test("three models fit into one row, and two stacks have the room that they need", () => {
  for (const width of [900, 950, 1024, 1300, 1600]) {
    const [first, second, both] = placed(width, [1, 1, 2]);
    assert.ok(first === second && first >= 190);
    assert.ok(both >= 460 || width < 930);
    assert.ok(first + second + both + 2 * 28 <= width);
  }
});

test("on narrow screens they stand below each other", () => {
  assert.deepEqual(placed(390, [1, 1, 2]), [390, 390, 390]);
  const [first, second, both] = placed(650, [1, 1, 2]);
  assert.ok(first + second + 28 <= 650);
  assert.equal(both, 650);
});

test("a way along lines is walked at one speed", () => {
  const corner = [
    [0, 0],
    [10, 0],
    [10, 30],
  ];
  assert.deepEqual(along(corner, 0), [0, 0]);
  assert.deepEqual(along(corner, 0.25), [10, 0]);
  assert.deepEqual(along(corner, 0.5), [10, 10]);
  assert.deepEqual(along(corner, 1), [10, 30]);
  assert.deepEqual(along(corner, 7), [10, 30]);
  assert.deepEqual(
    along(
      [
        [3, 3],
        [3, 3],
      ],
      0.5,
    ),
    [3, 3],
  );
});

test("what is said of a stack comes before what is said of any", () => {
  const told = { "decoder.attention": "only before", attention: "all", "encoder.": "done" };
  assert.equal(toldOf({ stack: "decoder", part: "attention" }, told), "only before");
  assert.equal(toldOf({ stack: "encoder", part: "attention" }, told), "all");
  assert.equal(toldOf({ stack: "encoder", part: "" }, told), "done");
  assert.equal(toldOf({ stack: "decoder", part: "" }, told), "");
});
