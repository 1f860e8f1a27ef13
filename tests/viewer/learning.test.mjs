import assert from "node:assert/strict";
import { test } from "node:test";
import { cellOf, following, placeOfStep, pointsOf, signed, weightsOf } from "../../src/attnviz/viewer/learning.js";

test("steps stand on a logarithmic axis from 0 to the last", () => {
  assert.equal(placeOfStep(0, 9999), 0);
  assert.equal(placeOfStep(9999, 9999), 1);
  assert.equal(placeOfStep(99, 9999), 0.5);
  assert.equal(placeOfStep(0, 0), 0);
});

test("a cell fits into width and height and is never invisible", () => {
  assert.equal(cellOf(4, 6, 600, 400), 46);
  assert.equal(cellOf(40, 6, 600, 400), 10);
  assert.equal(cellOf(2, 99, 300, 400), 3);
});

test("weights of a head lie where Python packed them", () => {
  const payload = { sounds: ["A", "B"], letters: ["a", "b", "c"], layers: 2, heads: 2 };
  const bytes = Uint8Array.from({ length: 2 * 4 * 6 }, (_, index) => index);
  assert.deepEqual(weightsOf(bytes, payload, 1, 3), [42, 43, 44, 45, 46, 47].map((value) => value / 255));
});

test("a number has a minus sign, and none where it rounds to nothing", () => {
  assert.deepEqual([-0.071, -0.004, 1.5].map(signed), ["−0.07", "0.00", "1.50"]);
});

test("playing ends at the last moment", () => {
  assert.equal(following(0, 3), 1);
  assert.equal(following(2, 3), undefined);
});

test("a curve goes from the lower left to the upper right of its box", () => {
  const box = { x: 10, y: 20, width: 100, height: 50 };
  assert.deepEqual(pointsOf([0, 9], [0, 2], 9, 0, 2, box), [
    [10, 70],
    [110, 20],
  ]);
  assert.deepEqual(pointsOf([0], [1], 9, 1, 1, box), [[10, 70]]);
  assert.deepEqual(pointsOf([0], [4.7], 9, 0, 1, box), [[10, 20]]);
});
