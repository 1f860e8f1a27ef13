import assert from "node:assert/strict";
import { test } from "node:test";
import { placed } from "../../src/attnviz/viewer/flow.js";

test("boxes of a row stand side by side and fill the width", () => {
  const row = [0, 1, 2].map((column) => placed({ row: 1, left: column, right: column }, 3, 216));
  for (const [left, right] of [[row[0], row[1]], [row[1], row[2]]]) {
    assert.ok(left.x + left.width < right.x);
    assert.equal(left.y, right.y);
  }
  const whole = placed({ row: 0, left: 0, right: 2 }, 3, 216);
  assert.equal(whole.x, row[0].x);
  assert.ok(Math.abs(whole.x + whole.width - row[2].x - row[2].width) < 1e-9);
  assert.ok(whole.x + whole.width <= 216);
});

test("a line runs in the middle of its column", () => {
  const box = placed({ row: 2, left: 0, right: 1 }, 3, 216);
  const column = placed({ row: 1, left: 1, right: 1 }, 3, 216);
  assert.ok(Math.abs(box.middle(1) - (column.x + column.width / 2)) < 1e-9);
  assert.ok(Math.abs(box.middle(0.5) - (box.x + box.width / 2)) < 1e-9);
});
