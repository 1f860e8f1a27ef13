import assert from "node:assert/strict";
import { test } from "node:test";
import { headStrip, widthShapes } from "../../src/attnviz/viewer/block.js";

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("heads are to scale: shared keys and values are as much narrower as they are fewer", () => {
  const strip = headStrip({ kind: "attention", heads: 9, key_value_heads: 3, d_head: 64, d_model: 576 }, 250);
  const [query, key, value, output] = strip;
  assert.deepEqual(
    strip.map((one) => one.pieces),
    [9, 3, 3, 1],
  );
  near(query.width / 3, key.width);
  near(key.width, value.width);
  near(query.width, output.width);
  near(query.width / 9, key.width / 3);
  near(output.x + output.width, 250);
  assert.deepEqual(
    strip.map((one) => one.part),
    ["query", "key", "value", "output"].map((name) => `attention.${name}`),
  );
});

test("a head may be wider than its share of the stream", () => {
  const [query, , , output] = headStrip(
    { kind: "cross", heads: 8, key_value_heads: 8, d_head: 256, d_model: 1024 },
    200,
  );
  near(query.width, 2 * output.width);
});

test("feed-forward widths are to one scale", () => {
  const plain = widthShapes({ d_model: 384, d_ff: 1536, gated: false }, 200);
  assert.deepEqual(
    plain.map((one) => one.part),
    ["feed_forward.in", "feed_forward.out"],
  );
  near(plain[0].to, 200);
  near(plain[0].to / plain[0].from, 4);
  near(plain[1].from, plain[0].to);
  near(plain[1].to, plain[0].from);
  const gated = widthShapes({ d_model: 576, d_ff: 1536, gated: true }, 200);
  assert.deepEqual(
    gated.map((one) => one.part),
    ["feed_forward.gate", "feed_forward.in", "feed_forward.out"],
  );
  for (const one of gated) {
    near(Math.max(one.from, one.to) / Math.min(one.from, one.to), 1536 / 576);
    assert.ok(
      one.x - Math.max(one.from, one.to) / 2 >= -1e-9 && one.x + Math.max(one.from, one.to) / 2 <= 200 + 1e-9,
    );
  }
  assert.ok(
    gated[0].x + gated[0].to / 2 < gated[1].x - gated[1].to / 2,
    "gate and in stand beside each other",
  );
});

test("a network that narrows stays in its box", () => {
  for (const one of widthShapes({ d_model: 512, d_ff: 128, gated: false }, 100)) {
    assert.ok(Math.max(one.from, one.to) <= 100);
  }
});
