import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { begun, blockAt, bytesOf, holds, keep, listen, smallOf } from "../../src/attnviz/viewer/messages.js";
import { addWeights } from "../../src/attnviz/viewer/weights.js";

/** A message of one layer with one head and one query over two keys, whose larger weight is `weight`. */
function message(of, layer, weight, extra = {}) {
  const facts = { kind: "decoder", first: layer, layers: 1, heads: 1, queries: 1, keys: 2, causal: false, exact: [0], fine: true, gaps: 0 };
  const text = new TextEncoder().encode(JSON.stringify({ of, ...extra, blocks: [facts] }));
  const length = Math.ceil(text.length / 4) * 4;
  const bytes = new Uint8Array(8 + length + 24).fill(32, 8, 8 + length);
  bytes.set(new TextEncoder().encode("AVW2"));
  bytes.set(text, 8);
  const data = new DataView(bytes.buffer);
  data.setUint32(4, length, true);
  data.setFloat32(8 + length + 4, 0, true); // the sum outside key 0
  data.setFloat32(8 + length + 8, weight, true);
  return gzipSync(bytes);
}

/** The next thing that listeners are told. */
const told = () =>
  new Promise((done) => {
    const stop = listen((...what) => {
      stop();
      done(what);
    });
  });
const weightOf = (block, layer) => {
  const into = new Float32Array(2);
  addWeights(block, layer, 0, 1, into, new Float32Array(1));
  return Math.round(100 * into[0]);
};

test("four messages are open at once; others are opened when they are wanted, to the same weights", async () => {
  const releases = [];
  assert.equal(begun("text"), false);
  let wanted = 0;
  for (; wanted < 6; wanted += 1) {
    releases.push(keep(message("text", wanted, (10 + wanted) / 100)));
    assert.deepEqual(await told(), ["text", false, false]);
    assert.ok(holds("text", "decoder", wanted));
    if (wanted > 0) {
      assert.equal(blockAt("text", "decoder", wanted), null); // the first is open, others wait until they are wanted
      assert.deepEqual(await told(), ["text", false, true]);
    }
    assert.equal(weightOf(blockAt("text", "decoder", wanted), wanted), 10 + wanted);
  }
  releases.push(keep(message("text", 7, 0.17))); // one that nobody waits for does not take the place of those in use
  await told();
  assert.ok(begun("text") && holds("text", "decoder", 0) && !holds("text", "decoder", 6) && !holds("text", "cross", 0));
  assert.equal(bytesOf("text").length, 7);
  for (const layer of [2, 3, 4, 5]) assert.equal(weightOf(blockAt("text", "decoder", layer), layer), 10 + layer);
  const again = told();
  assert.equal(blockAt("text", "decoder", 0), null);
  assert.equal(blockAt("text", "decoder", 0), null); // and is opened once
  assert.deepEqual(await again, ["text", false, true]);
  assert.equal(weightOf(blockAt("text", "decoder", 0), 0), 10);
  for (let turn = 0; turn < 8; turn += 1) {
    // again and again, in buffers that are used again
    const layer = (turn * 3) % 6;
    if (!blockAt("text", "decoder", layer)) await told();
    for (const one of [layer, 0, 5]) {
      const block = blockAt("text", "decoder", one);
      if (block) assert.equal(weightOf(block, one), 10 + one);
      else await told();
    }
  }
  releases.forEach((release) => release());
  assert.equal(holds("text", "decoder", 0), false);
  assert.equal(globalThis.attnvizMessages.kept.size, 0);
});

test("thumbnails come apart, and other texts stay open", async () => {
  const small = keep(message("other", 0, 0.25, { small: true }));
  assert.deepEqual(await told(), ["other", true, false]);
  assert.deepEqual([begun("other"), smallOf("other", "decoder", 1, 0)], [false, null]);
  assert.equal(Math.round(100 * smallOf("other", "decoder", 0, 0).cells[0]), 25);
  small();
  assert.equal(smallOf("other", "decoder", 0, 0), null);
});
