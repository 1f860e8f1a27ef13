import assert from "node:assert/strict";
import { test } from "node:test";
import {
  arcHeight,
  arch,
  columnArc,
  hops,
  laneArc,
  sentenceLayout,
} from "../../src/attnviz/viewer/sentence.js";

const measure = (text, size) => [...text].length * size * 0.5;
const words = (text, rtl = false) => text.split(" ").map((word) => ({ text: word, rtl }));
const short = words("The animal didn't cross the street because it was too tired.");
const long = words(
  "lighthouse keepers climbed narrow staircases although nobody had touched them ".repeat(6).trim(),
);
const widths = [300, 358, 520, 683, 950, 1240, 1616];

const numbersOf = (path) => path.match(/-?[\d.]+/g).map(Number);

test("letters are never below 18 px and no word leaves the drawing", () => {
  for (const width of widths) {
    for (const sentence of [short, long, words("a"), words("x".repeat(400)), words("مرحبا يا عالم", true)]) {
      const layout = sentenceLayout(sentence, width, measure);
      assert.ok(layout.size >= 18, `${layout.size} at ${width}`);
      assert.equal(layout.words.length, sentence.length);
      for (const word of layout.words) {
        assert.ok(
          word.x - word.width / 2 >= 0 && word.x + word.width / 2 <= width,
          `${word.text} at ${width}`,
        );
        assert.ok(word.y > 0 && word.y < layout.height);
      }
    }
  }
});

test("words of a line do not touch and go in reading order", () => {
  for (const width of widths) {
    for (const rtl of [false, true]) {
      const layout = sentenceLayout(
        long.map((word) => ({ ...word, rtl })),
        width,
        measure,
      );
      for (let index = 1; index < layout.words.length; index += 1) {
        const [a, b] = [layout.words[index - 1], layout.words[index]];
        if (a.line !== b.line) assert.ok(b.y > a.y);
        else if (rtl) assert.ok(b.x + b.width / 2 + 8 < a.x - a.width / 2);
        else assert.ok(a.x + a.width / 2 + 8 < b.x - b.width / 2);
      }
    }
  }
});

test("the form follows the room", () => {
  assert.equal(sentenceLayout(short, 950, measure).form, "line");
  assert.equal(sentenceLayout(short, 358, measure).form, "column");
  assert.equal(sentenceLayout(long, 950, measure).form, "lines");
  assert.equal(sentenceLayout(long, 358, measure).form, "lines");
});

test("there are as many hops as words between, from one to the next", () => {
  for (const [sentence, width] of [
    [short, 950],
    [short, 358],
    [long, 950],
    [long, 358],
  ]) {
    const layout = sentenceLayout(sentence, width, measure);
    for (const [from, to] of [
      [1, 7],
      [7, 1],
      [0, sentence.length - 1],
      [3, 4],
    ]) {
      const found = hops(layout, from, to);
      assert.equal(found.length, Math.abs(to - from));
      for (const hop of found) {
        assert.ok(
          hop.x >= 0 && hop.x <= width && hop.y <= layout.height,
          `number of a hop at ${hop.x}, ${hop.y}`,
        );
        for (const path of hop.paths) assert.ok(!path.includes("NaN"), path);
      }
    }
  }
});

test("a hop begins where the last one ended", () => {
  const layout = sentenceLayout(short, 950, measure);
  const ends = hops(layout, 1, 7).map((hop) => {
    const numbers = numbersOf(hop.paths[0]);
    return [numbers[0], numbers.at(-2)];
  });
  ends.slice(1).forEach(([start], index) => {
    assert.ok(start > ends[index][1]);
    assert.ok(start - ends[index][1] < 10);
  });
  assert.ok(Math.abs(ends[0][0] - layout.words[1].x) < 5);
  assert.ok(Math.abs(ends.at(-1)[1] - layout.words[7].x) < 5);
});

test("at the end of a line a hop leaves the drawing and enters the next line", () => {
  for (const rtl of [false, true]) {
    const layout = sentenceLayout(
      long.map((word) => ({ ...word, rtl })),
      700,
      measure,
    );
    const edge = layout.words.findIndex((word, index) => layout.words[index + 1]?.line > word.line);
    const [hop] = hops(layout, edge, edge + 1);
    assert.equal(hop.paths.length, 2);
    const exit = numbersOf(hop.paths[0]).at(-2);
    const entry = numbersOf(hop.paths[1])[0];
    assert.ok(rtl ? exit < 5 && entry > 695 : exit > 695 && entry < 5);
  }
});

test("arcs nest: a wider one is higher, and none higher than there is room", () => {
  let before = 0;
  for (let span = 10; span <= 900; span += 10) {
    const height = arcHeight(span, 900, 150);
    assert.ok(height >= before && height <= 150);
    before = height;
  }
});

test("an arch reaches the height it is told", () => {
  const [x0, y0, , c1, , c2, x1, y1] = numbersOf(arch(100, 300, 200, 60));
  const middle = (y0 + 3 * c1 + 3 * c2 + y1) / 8;
  assert.ok(Math.abs(middle - 140) < 0.1, String(middle));
  assert.deepEqual([x0, x1], [100, 300]);
});

test("arcs begin and end at their words", () => {
  const layout = sentenceLayout(long, 950, measure);
  for (const [from, to] of [
    [0, 5],
    [2, 40],
    [40, 2],
    [12, 13],
    [58, 59],
  ]) {
    const numbers = numbersOf(laneArc(layout, from, to));
    assert.ok(!numbers.some(Number.isNaN));
    assert.ok(Math.abs(numbers[0] - layout.words[from].x) < 0.01);
    assert.ok(Math.abs(numbers.at(-2) - layout.words[to].x) < 0.01);
  }
  const tall = sentenceLayout(short, 358, measure);
  const numbers = numbersOf(columnArc(tall, 1, 7, 80));
  assert.equal(numbers[1], tall.words[1].y);
  assert.ok(numbers[0] > tall.words[1].x + tall.words[1].width / 2);
});
