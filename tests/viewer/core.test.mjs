import assert from "node:assert/strict";
import { test } from "node:test";
import {
  channels,
  counted,
  fitted,
  follow,
  lines,
  mix,
  numbered,
  shown,
  thinned,
  visualOrder,
} from "../../src/attnviz/viewer/core.js";

const wide = (text) => [...text].length * 10;

test("repeated tokens are numbered from the second on", () => {
  assert.deepEqual(numbered(["the", "-bel", "the", "the"]), ["the", "-bel", "the²", "the³"]);
  assert.equal(numbered(Array(12).fill(","))[11], ",¹²");
});

test("labels keep their distance, and the important ones are kept", () => {
  const places = Array.from({ length: 47 }, (_, index) => index * 8);
  const kept = thinned(places, 15, [30, 17]);
  assert.ok(kept.has(30) && kept.has(17) && kept.has(0) && kept.has(46));
  const shownPlaces = [...kept].map((index) => places[index]).sort((a, b) => a - b);
  for (let index = 1; index < shownPlaces.length; index += 1) {
    assert.ok(shownPlaces[index] - shownPlaces[index - 1] >= 15);
  }
  for (const place of places)
    assert.ok(
      shownPlaces.some((other) => Math.abs(other - place) < 15),
      "no room is left",
    );
});

test("all labels are kept where there is room, and none are made up", () => {
  assert.equal(thinned([0, 20, 40], 20).size, 3);
  assert.equal(thinned([], 20, [3]).size, 0);
  assert.deepEqual([...thinned([5], 20, [9, -1])], [0]);
});

test("words stand in visual order", () => {
  const [l, r] = [false, true];
  assert.deepEqual(visualOrder([l, l, l], false), [0, 1, 2]);
  assert.deepEqual(visualOrder([r, r, r], true), [2, 1, 0]);
  assert.deepEqual(
    visualOrder([r, l, l, r], true),
    [3, 1, 2, 0],
    "Latin words keep their order in an Arabic line",
  );
  assert.deepEqual(visualOrder([l, r, r, l], false), [0, 2, 1, 3]);
  assert.deepEqual(visualOrder([], true), []);
});

test("every word has one place whatever the directions", () => {
  for (let mask = 0; mask < 128; mask += 1) {
    const flags = Array.from({ length: 7 }, (_, bit) => Boolean(mask & (1 << bit)));
    for (const base of [true, false]) {
      assert.deepEqual([...visualOrder(flags, base)].sort(), [0, 1, 2, 3, 4, 5, 6]);
    }
  }
});

test("texts can be drawn and saved as XML", () => {
  assert.equal(shown("a\nb\tc"), "a⏎b⇥c");
  assert.equal(shown("\0\u001b\u007f"), "␀␛␡");
  assert.equal(shown("\u202eabc\u2066"), "abc");
  assert.equal(shown("\ud800x\udc00"), "�x�");
  assert.equal(shown("👩‍👩‍👧 مرحبا <b>&amp;"), "👩‍👩‍👧 مرحبا <b>&amp;");
  for (let code = 0; code < 0x10000; code += 1) {
    const text = shown(String.fromCharCode(code));
    assert.match(text, /^[\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd]*$/u, `U+${code.toString(16)}`);
  }
});

test("a text that is too wide is cut between characters, and nothing else is touched", () => {
  assert.equal(fitted("short", 100, wide), "short");
  assert.equal(fitted("a long word", 60, wide), "a lon…");
  const family = "👩‍👩‍👧";
  const clusters = (text) => [...new Intl.Segmenter().segment(text)].length * 10;
  assert.equal(fitted(family.repeat(5), 30, clusters), `${family.repeat(2)}…`);
});

test("lines hold whole words", () => {
  assert.deepEqual(lines("one two three four", 90, wide), ["one two", "three", "four"]);
  assert.deepEqual(lines("unbreakable", 20, wide), ["unbreakable"]);
  assert.equal(lines("a b c d e f g", 33, wide).join(" "), "a b c d e f g");
});

test("colours are read and mixed", () => {
  assert.deepEqual(channels("#fff"), [255, 255, 255]);
  assert.deepEqual(channels(" #0072B2 "), [0, 114, 178]);
  assert.deepEqual(channels("rgb(15, 19, 24)"), [15, 19, 24]);
  assert.deepEqual(channels("rgba(15 19 24 / 0.5)"), [15, 19, 24]);
  for (const wrong of ["", "unset", "red", "#12345", "var(--x)"]) assert.equal(channels(wrong), undefined);
  assert.equal(mix("#000000", "#ffffff", 0.5), "#808080");
  assert.equal(mix("#0072B2", "#ffffff", 0), "#0072b2");
});

test("numbers have thousands", () => assert.equal(counted(22713216), "22,713,216"));

test("an echo of a choice is no wish", () => {
  const state = { query: 5, sent: [3, 5] };
  assert.equal(
    follow("query", { query: 3 }, { query: 7 }, state),
    false,
    "the answer to the first of two clicks",
  );
  assert.equal(state.query, 5);
  assert.equal(follow("query", { query: 5 }, { query: 3 }, state), false);
  assert.equal(follow("query", { query: 9 }, { query: 5 }, state), true, "what Python means is followed");
  assert.equal(state.query, 9);
  assert.equal(
    follow("query", { query: 9 }, { query: 9 }, { query: 2, sent: [2] }),
    false,
    "a page that never answers",
  );
});
