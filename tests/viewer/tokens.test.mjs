import assert from "node:assert/strict";
import { test } from "node:test";
import { flowed } from "../../src/attnviz/viewer/tokens.js";

test("chips stand side by side until the line is full", () => {
  const places = flowed([40, 50, 60], 100, false);
  assert.deepEqual(places.map(({ x }) => x), [0, 43, 0]);
  assert.equal(places[0].y, places[1].y);
  assert.ok(places[2].y > places[1].y);
});

test("a text that runs from the right begins there", () => {
  const [first, second] = flowed([40, 30], 100, true);
  assert.deepEqual([first.x, second.x], [60, 27]);
});

test("a chip wider than the room has a line of its own", () => {
  assert.deepEqual(flowed([200, 10], 100, false).map(({ x }) => x), [0, 0]);
  assert.deepEqual(flowed([], 100, false), []);
});
