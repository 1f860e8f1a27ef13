/**
 * The learner's sentence: one arc of attention above it, numbered hops of a recurrence below it.
 *
 * Payload: see sentence.py. Sends `word` (a trigger): the index of the word that was chosen.
 *
 * The sentence stands on one line where its letters stay large, on several lines where it is long, and in a column on a
 * phone; letters are never smaller than 18 px.
 */

import { choose, element, fitted, font, shape, shown, visualOrder } from "./core.js";

/**
 * @typedef {object} Placed  a word on the drawing, its box without the chip's padding
 * @property {string} text @property {number} x @property {number} y  middle of the box
 * @property {number} width @property {number} line
 *
 * @typedef {object} Layout
 * @property {"line" | "lines" | "column"} form
 * @property {number} size  of the letters @property {number} height @property {number} width
 * @property {boolean} rightToLeft
 * @property {Placed[]} words
 * @property {number} arcs  height of the space for arcs above a line
 * @property {number[]} tops  upper edge of the words of each line @property {number[]} bottoms
 * @property {number} [start]  column: where arcs begin
 */

const LEAST = 0.03; // a weight below 3 % gets no arc
const LANE = 13; // distance of the arcs' lane above a line, where there are several
const CHIP = 8; // padding of a chip to either side
/** Smallest letters of a sentence on one line; what needs smaller ones is broken into several lines. */
const smallestOnLine = (width) => Math.min(Math.max(18, width * 0.0255), 24);

/**
 * @param {{ text: string, rtl: boolean }[]} words @param {number} width
 * @param {(text: string, size: number) => number} measure @returns {Layout}
 */
export function sentenceLayout(words, width, measure) {
  const rightToLeft = words.filter((word) => word.rtl).length * 2 > words.length;
  if (width < 560 && words.length <= 14) return column(words, width, measure, rightToLeft);
  const largest = Math.min(Math.max(24, width * 0.0365), 52);
  const gap = (size) => size * 0.22 + CHIP * 1.4;
  const length = (size) =>
    words.reduce((sum, word) => sum + measure(word.text, size) + gap(size), -gap(size)) + 2 * CHIP;
  let size = largest;
  while (size > smallestOnLine(width) && length(size) > width) size -= 0.5;
  if (length(size) <= width) return oneLine(words, width, measure, rightToLeft, size, gap(size));
  return severalLines(words, width, measure, rightToLeft);
}

/** @returns {Layout} */
function oneLine(words, width, measure, rightToLeft, size, gap) {
  const arcs = Math.min(Math.max(118, width * 0.165), 250);
  const middle = arcs + 26 + size * 0.7;
  const placed = inRow(words, measure, size, gap, width, rightToLeft, middle, 0, CHIP);
  const half = size * 0.7;
  return {
    form: "line",
    size,
    width,
    rightToLeft,
    words: placed,
    arcs,
    height: Math.ceil(middle + half + 100),
    tops: [middle - half],
    bottoms: [middle + half],
  };
}

/** @returns {Layout} */
function severalLines(words, width, measure, rightToLeft) {
  const margin = width < 560 ? 12 : 22; // where hops leave a line and enter the next
  const room = width - 2 * margin;
  const smallest = Math.min(Math.max(20, width * 0.0255), 28);
  const space = (size) => size * 0.2 + 11;
  let size = Math.max(smallest, Math.min(width * 0.032, 36));
  let rows = broken(words, room, space(size), (text) => measure(text, size));
  while (rows.length > 3 && size > smallest) {
    size = Math.max(smallest, size - 1);
    rows = broken(words, room, space(size), (text) => measure(text, size));
  }
  const gap = space(size);
  const half = size * 0.68;
  const pitch = 2 * half + 60;
  const first = 64 + half;
  const placed = [];
  rows.forEach((row, line) => {
    const members = row.map((index) => words[index]);
    const at = inRow(members, measure, size, gap, width, rightToLeft, first + line * pitch, line, margin);
    placed.push(...at);
  });
  const middles = rows.map((_, line) => first + line * pitch);
  return {
    form: "lines",
    size,
    width,
    rightToLeft,
    words: placed,
    arcs: 0,
    height: Math.ceil(middles.at(-1) + half + 78),
    tops: middles.map((y) => y - half),
    bottoms: middles.map((y) => y + half),
  };
}

/** Indices of the words of each line, none longer than `room`. */
function broken(words, room, gap, width) {
  const rows = [[]];
  let used = 0;
  words.forEach((word, index) => {
    const own = Math.min(width(word.text), room);
    if (used + own > room && rows.at(-1).length) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push(index);
    used += own + gap;
  });
  return rows;
}

function inRow(words, measure, size, gap, width, rightToLeft, y, line, margin) {
  const texts = words.map((word) => fitted(word.text, width - 2 * margin, (text) => measure(text, size)));
  const widths = texts.map((text) => measure(text, size));
  const total = widths.reduce((sum, own) => sum + own + gap, -gap);
  let x = rightToLeft ? width - margin - total : margin;
  const placed = Array(words.length);
  for (const index of visualOrder(
    words.map((word) => word.rtl),
    rightToLeft,
  )) {
    placed[index] = { text: texts[index], x: x + widths[index] / 2, y, width: widths[index], line };
    x += widths[index] + gap;
  }
  return placed;
}

/** @returns {Layout} */
function column(words, width, measure, rightToLeft) {
  const size = 23;
  const pitch = 48;
  const left = 104;
  const room = Math.min(width * 0.42, width - left - 96);
  const texts = words.map((word) => fitted(word.text, room, (text) => measure(text, size)));
  const widths = texts.map((text) => measure(text, size));
  const mirrored = (x) => (rightToLeft ? width - x : x);
  const placed = texts.map((text, index) => ({
    text,
    x: mirrored(left + widths[index] / 2),
    y: 58 + index * pitch,
    width: widths[index],
    line: index,
  }));
  return {
    form: "column",
    size,
    width,
    rightToLeft,
    words: placed,
    arcs: 0,
    height: 58 + (words.length - 1) * pitch + 34,
    tops: placed.map((word) => word.y - 18),
    bottoms: placed.map((word) => word.y + 18),
    start: mirrored(left + Math.max(...widths) + 18),
  };
}

/** How high an arc over `span` rises where `widest` is the widest span and rises to `most`; wider ones rise higher. */
export function arcHeight(span, widest, most) {
  return Math.min(most * Math.sqrt(span / Math.max(widest, 1)), 0.9 * span + 22);
}

const round = (value) => Math.round(value * 100) / 100;
const path = (...parts) => parts.map((part) => (typeof part === "number" ? round(part) : part)).join(" ");

/** Half an ellipse from one point of a line to another, `height` above it (below, where negative). */
export function arch(from, to, y, height) {
  const bend = height * (4 / 3);
  const lean = (to - from) * 0.03;
  return path("M", from, y, "C", from + lean, y - bend, to - lean, y - bend, to, y);
}

/** The same standing: between two points of a column, reaching `reach` to the side. */
export function bow(from, to, x, reach) {
  const bend = reach * (4 / 3);
  return path("M", x, from, "C", x + bend, from, x + bend, to, x, to);
}

/** From one word's edge out to `start`, around, and back to another's: an arc beside a column. */
export function columnArc(layout, from, to, reach) {
  const side = layout.rightToLeft ? -1 : 1;
  const [a, b] = [layout.words[from], layout.words[to]];
  const edge = (word) => word.x + (word.width / 2 + CHIP + 5) * side;
  const bend = reach * (4 / 3);
  const x = layout.start;
  return path("M", edge(a), a.y, "H", x, "C", x + bend, a.y, x + bend, b.y, x, b.y, "H", edge(b));
}

/**
 * From one word to another where there are several lines: out of the upper word, down behind the lines between, along the
 * lane above the lower word's line, and into it from above.
 */
export function laneArc(layout, from, to) {
  const [a, b] = [layout.words[from], layout.words[to]];
  const lower = a.line > b.line ? a : b;
  const lane = layout.tops[lower.line] - LANE;
  const end = (word) => (word.line === lower.line ? layout.tops[word.line] - 1 : layout.bottoms[word.line] + 1);
  const [dx, side] = [Math.abs(b.x - a.x), Math.sign(b.x - a.x)];
  const leave = (word) => Math.min(dx / 2, word.line === lower.line ? 12 : 26);
  const turn = (word) => lane + Math.sign(end(word) - lane) * Math.min(leave(word), Math.abs(end(word) - lane));
  return path(
    "M",
    a.x,
    end(a),
    "L",
    a.x,
    turn(a),
    "Q",
    a.x,
    lane,
    a.x + leave(a) * side,
    lane,
    "L",
    b.x - leave(b) * side,
    lane,
    "Q",
    b.x,
    lane,
    b.x,
    turn(b),
    "L",
    b.x,
    end(b),
  );
}

/**
 * The hops of a recurrence from one word to another, one a step; at the end of a line a hop leaves it and enters the next.
 * @returns {{ paths: string[], x: number, y: number }[]}  with the place of its number
 */
export function hops(layout, from, to) {
  const step = Math.sign(to - from);
  const result = [];
  for (let index = from; index !== to; index += step) {
    const a = layout.words[index];
    const b = layout.words[index + step];
    if (layout.form === "column") {
      const [edge, side] = layout.rightToLeft ? [layout.width - 90, 1] : [90, -1];
      result.push({
        paths: [bow(a.y + 2 * step, b.y - 2 * step, edge, side * 24)],
        x: edge + side * 4,
        y: (a.y + b.y) / 2 + 4,
      });
    } else if (a.line === b.line) {
      const y = layout.bottoms[a.line] + 5;
      const depth = layout.form === "line" ? 24 : 13;
      const inset = 3 * Math.sign(b.x - a.x);
      result.push({ paths: [arch(a.x + inset, b.x - inset, y, -depth)], x: (a.x + b.x) / 2, y: y + depth + 16 });
    } else {
      const depth = 13;
      const forward = step > 0 !== layout.rightToLeft;
      const [exit, entry] = forward ? [layout.width - 1, 1] : [1, layout.width - 1];
      const [y, next] = [layout.bottoms[a.line] + 5, layout.bottoms[b.line] + 5];
      const paths = [half(a.x, exit, y, depth, false), half(b.x, entry, next, depth, true)];
      result.push({ paths, x: (entry + b.x) / 2, y: next + depth + 16 });
    }
  }
  return result;
}

/** Half a hop, between a word and the edge at which its line ends. */
function half(word, edge, y, depth, entering) {
  const inset = 3 * Math.sign(edge - word);
  const bend = depth * (4 / 3);
  return entering
    ? path(
        "M",
        edge,
        y + depth,
        "C",
        edge + (word - edge) * 0.5,
        y + depth,
        word + inset,
        y + bend * 0.55,
        word + inset,
        y,
      )
    : path(
        "M",
        word + inset,
        y,
        "C",
        word + inset,
        y + bend * 0.55,
        edge + (word - edge) * 0.5,
        y + depth,
        edge,
        y + depth,
      );
}

/** Where the label of an arc stands, inside the drawing. */
function within(x, width, layout) {
  return Math.min(Math.max(x, width / 2), layout.width - width / 2);
}

function draw(root, payload, host) {
  const { theme, state } = host;
  const look = payload.looks[state.query];
  const words = payload.words.map((word) => ({ text: shown(word.text) || "␣", rtl: word.rtl }));
  const layout = sentenceLayout(words, host.width, (text, size) => host.measure(text, font(size, theme.serif)));

  const focused = root.getRootNode().activeElement?.dataset?.word;
  const lead = leadLine(look);
  const arcs = shape("g", { "aria-hidden": "true" });
  const below = shape("g", { "aria-hidden": "true" });
  if (look.key !== null) {
    arcs.append(...attention(layout, look, state.query, host));
    below.append(...recurrence(layout, look, state.query, host));
  }
  const buttons = words.map((word, index) => button(word, index, layout, look, payload, host));
  const drawing = shape(
    "svg",
    {
      class: "av-drawing",
      width: layout.width,
      height: layout.height,
      viewBox: `0 0 ${layout.width} ${layout.height}`,
      role: "group",
      "aria-label": "Words; choose the one that asks",
    },
    arcs,
    below,
    ...buttons,
  );
  root.replaceChildren(...(lead ? [lead] : []), drawing);
  if (focused !== undefined) buttons[Number(focused)]?.focus({ preventScroll: true });
  host.note(look.hint, look.note, look.lead.map(([text]) => text).join(""));
}

function leadLine(look) {
  if (!look.lead.length) return null;
  const parts = look.lead.map(([text, role]) => (role ? element("b", { class: `av-${role}` }, shown(text)) : text));
  return element("p", { class: "av-lead" }, ...parts);
}

function button(word, index, layout, look, payload, host) {
  const { theme, state } = host;
  const at = layout.words[index];
  const role = index === state.query ? "query" : index === look.key ? "key" : "";
  const [width, height] = [at.width + 2 * CHIP, layout.size * 1.4];
  const box = {
    x: round(at.x - width / 2),
    y: round(at.y - height / 2),
    width: round(width),
    height: round(height),
    rx: 5,
  };
  const touch = Math.max(0, (44 - height) / 2);
  const fill = role === "query" ? theme.paper : role === "key" ? theme.key.text : theme.ink;
  const ask = () => {
    if (state.query === index) return;
    choose(host, "query", index, "word");
    host.redraw(true);
    host.say(payload.looks[index].say);
  };
  const move = (event) => {
    const next = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const turned = layout.rightToLeft && event.key.match(/Left|Right/) ? -1 : 1;
    const places = { Home: 0, End: layout.words.length - 1 };
    const target = next ? index + next * turned : places[event.key];
    if (event.key === "Enter" || event.key === " ") ask();
    else if (target === undefined) return;
    else event.currentTarget.parentNode.querySelector(`[data-word="${target}"]`)?.focus();
    event.preventDefault();
  };
  return shape(
    "g",
    {
      class: "av-word",
      "data-word": index,
      tabindex: index === state.query ? 0 : -1,
      role: "button",
      "aria-pressed": index === state.query,
      "aria-label": `${word.text}, word ${index + 1}`,
      onclick: ask,
      onkeydown: move,
    },
    shape("rect", { "data-live": "", ...box, y: box.y - touch, height: box.height + 2 * touch, fill: "transparent" }),
    shape("rect", { class: role ? undefined : "av-back", ...box, ...chip(role, theme) }),
    shape("rect", {
      class: "av-ring",
      stroke: "none",
      "data-live": "",
      ...box,
      x: box.x - 4,
      y: box.y - 4,
      width: box.width + 8,
      height: box.height + 8,
      rx: 8,
      fill: "none",
    }),
    shape(
      "text",
      {
        x: round(at.x),
        y: round(at.y + layout.size * 0.32),
        "text-anchor": "middle",
        fill,
        "font-size": layout.size,
        "font-family": theme.serif,
        direction: word.rtl ? "rtl" : "ltr",
        "unicode-bidi": "isolate",
        ...(layout.form === "lines" && role !== "query" ? halo(theme, 7) : {}),
      },
      at.text,
    ),
  );
}

function chip(role, theme) {
  if (role === "query") return { fill: theme.query.mark };
  if (role === "key") return { fill: theme.paper, stroke: theme.key.mark, "stroke-width": 2 };
  return { fill: "none" };
}

/** Paper around letters, so that lines pass behind them. */
function halo(theme, width) {
  return { stroke: theme.paper, "stroke-width": width, "paint-order": "stroke", "stroke-linejoin": "round" };
}

function attention(layout, look, query, host) {
  const { theme } = host;
  const seen = look.weights
    .map((weight, index) => ({ weight, index }))
    .filter(({ weight, index }) => index !== query && (weight >= LEAST || index === look.key))
    .sort((a, b) => Number(a.index === look.key) - Number(b.index === look.key) || a.weight - b.weight);
  const stroke = ({ weight, index }) => ({
    fill: "none",
    stroke: theme.query.mark,
    "stroke-width": round(1 + 8 * weight),
    pathLength: 1,
    "stroke-opacity": index === look.key ? 1 : round(0.35 + 0.65 * weight),
    class: host.moving ? "av-arc" : undefined,
  });
  const asks = layout.words[query];
  const answers = layout.words[look.key];
  const side = layout.rightToLeft ? -1 : 1;
  if (layout.form === "column") {
    const room = (layout.rightToLeft ? layout.start : layout.width - layout.start) - 34;
    const widest = Math.max(...seen.map(({ index }) => Math.abs(layout.words[index].y - asks.y)));
    const reach = (index) => room * Math.sqrt(Math.abs(layout.words[index].y - asks.y) / widest) * side;
    const x = layout.start + reach(look.key);
    const y = (asks.y + answers.y) / 2;
    const [left, right] = layout.rightToLeft ? ["attention", "recurrence"] : ["recurrence", "attention"];
    return [
      ...seen.map((one) => shape("path", { d: columnArc(layout, one.index, query, reach(one.index)), ...stroke(one) })),
      label(x, y + 2, look.step, 21, host, { family: theme.serif, weight: 600, cut: 14 }),
      label(x, y + 21, look.share, 14, host, { fill: theme.quiet, cut: 14 }),
      label(0, 16, left, 14, host, { fill: theme.quiet, anchor: "start" }),
      label(layout.width, 16, right, 14, host, { fill: theme.quiet, anchor: "end" }),
    ];
  }
  if (layout.form === "lines") {
    const x = layout.rightToLeft ? layout.width : 0;
    return [
      ...seen.map((one) => shape("path", { d: laneArc(layout, one.index, query), ...stroke(one) })),
      shape("path", {
        d: path("M", x, 15, "h", 34 * side),
        ...stroke({ weight: look.weights[look.key], index: look.key }),
      }),
      ...legend(x + 46 * side, 22, look.step, look.attention, theme.ink, host, side),
    ];
  }
  return overLine(layout, look, query, seen, stroke, host);
}

/** Arcs over a single line. They nest: a wider one runs higher, and clear of the label at the top of the strongest. */
function overLine(layout, look, query, seen, stroke, host) {
  const { theme } = host;
  const [asks, answers] = [layout.words[query], layout.words[look.key]];
  const top = layout.tops[0] - 1;
  const across = (index) => Math.abs(layout.words[index].x - asks.x);
  const widest = Math.max(...seen.map(({ index }) => across(index)));
  const caption = host.measure(look.attention, font(14, theme.sans));
  const span = across(look.key);
  const inside = span > 130;
  const whole = span > caption + 120;
  const sameSide = (index) => (layout.words[index].x - asks.x) * (answers.x - asks.x) > 0;
  const wider = seen.filter(({ index }) => sameSide(index) && across(index) > span).map(({ index }) => index);
  wider.sort((a, b) => across(a) - across(b));
  const clear = wider.length ? 36 + 10 * Math.min(wider.length - 1, 3) : 0;
  const main = Math.min(arcHeight(span, widest, layout.arcs), layout.arcs - clear - (inside ? 0 : 26));
  const height = (index) => {
    const rank = wider.indexOf(index);
    if (index === look.key) return main;
    if (rank < 0) return arcHeight(across(index), widest, layout.arcs);
    return main + 36 + ((layout.arcs - main - 36) * (rank + 1)) / wider.length;
  };
  const apex = top - main;
  const arcs = seen.map((one) =>
    shape("path", { d: arch(layout.words[one.index].x, asks.x, top, height(one.index)), ...stroke(one) }),
  );
  const centre = (asks.x + answers.x) / 2;
  if (!inside) {
    const x = within(centre, 96, layout);
    return [
      ...arcs,
      label(x, apex - 27, look.step, 23, host, { family: theme.serif, weight: 600, cut: 10 }),
      label(x, apex - 8, look.share, 14, host, { fill: theme.quiet, cut: 6 }),
    ];
  }
  return [
    ...arcs,
    label(centre, apex + 8, look.step, 23, host, { family: theme.serif, weight: 600, cut: 26 }),
    label(centre, apex + 33, whole ? look.attention : look.share, 14, host, { fill: theme.quiet, cut: 8 }),
  ];
}

function legend(x, y, strong, quiet, fill, host, side) {
  const { theme } = host;
  const anchor = side > 0 ? "start" : "end";
  const width = host.measure(strong, font(21, theme.serif, 600));
  return [
    label(x, y, strong, 21, host, { family: theme.serif, weight: 600, fill, anchor }),
    label(x + (width + 12) * side, y, quiet, 14, host, { fill: theme.quiet, anchor }),
  ];
}

/**
 * @param {number} x @param {number} y @param {string} text @param {number} size
 * @param {import("./core.js").Host} host
 * @param {{ family?: string, weight?: number, fill?: string, anchor?: string, cut?: number, moving?: object }} style
 *   `cut` is how wide the paper around the letters is, which cuts the lines behind them
 */
function label(x, y, text, size, host, style) {
  const { family, weight = 400, fill, anchor = "middle", cut = 0, moving } = style;
  const { theme } = host;
  return shape(
    "text",
    {
      x: round(x),
      y: round(y),
      "text-anchor": anchor,
      "font-size": size,
      "font-weight": weight,
      fill: fill ?? theme.ink,
      "font-family": family ?? theme.sans,
      ...(cut ? halo(theme, cut) : {}),
      ...moving,
    },
    text,
  );
}

function recurrence(layout, look, query, host) {
  const { theme } = host;
  const found = hops(layout, look.key, query);
  const each = 480 / found.length;
  const timed = (index) =>
    host.moving ? { class: "av-hop", style: `--av-time:${each}ms;--av-delay:${index * each}ms` } : {};
  const late = (index) => (host.moving ? { class: "av-late", style: `--av-delay:${index * each}ms` } : {});
  const narrow = Math.min(
    ...found.map((hop, index) =>
      index ? Math.abs(hop.x - found[index - 1].x) + Math.abs(hop.y - found[index - 1].y) : 99,
    ),
  );
  const every = Math.max(1, Math.ceil(18 / narrow));
  const drawn = found.flatMap((hop, index) => [
    ...hop.paths.map((d) =>
      shape("path", { d, fill: "none", stroke: theme.stream.mark, "stroke-width": 2, pathLength: 1, ...timed(index) }),
    ),
    (index + 1) % every === 0 || index === found.length - 1
      ? label(hop.x, hop.y, String(index + 1), 13, host, { fill: theme.stream.text, cut: 5, moving: late(index) })
      : null,
  ]);
  const last = late(found.length - 1);
  if (layout.form === "column") {
    const y = (layout.words[look.key].y + layout.words[query].y) / 2;
    const [number, word] = look.steps.split(" ");
    const x = layout.rightToLeft ? layout.width - 26 : 26;
    drawn.push(
      label(x, y, number, 22, host, { family: theme.serif, weight: 600, fill: theme.stream.mark, moving: last }),
      label(x, y + 18, word, 14, host, { fill: theme.quiet, moving: last }),
    );
  } else if (layout.form === "lines") {
    const side = layout.rightToLeft ? -1 : 1;
    const x = layout.rightToLeft ? layout.width : 0;
    const y = layout.height - 14;
    drawn.push(
      ...[0, 1].map((index) =>
        shape("path", {
          d: arch(x + 18 * index * side + side, x + 18 * (index + 1) * side - side, y - 10, -9),
          fill: "none",
          stroke: theme.stream.mark,
          "stroke-width": 2,
        }),
      ),
      ...legend(x + 46 * side, y, look.steps, look.recurrence, theme.stream.text, host, side),
    );
  } else {
    const strong = host.measure(look.steps, font(23, theme.serif, 600));
    const quiet = host.measure(look.recurrence, font(14, theme.sans));
    const total = strong + 14 + quiet;
    const centre = within((layout.words[look.key].x + layout.words[query].x) / 2, total, layout);
    const y = layout.height - 16;
    drawn.push(
      label(centre - total / 2, y, look.steps, 23, host, {
        family: theme.serif,
        weight: 600,
        fill: theme.stream.text,
        anchor: "start",
        moving: last,
      }),
      label(centre + total / 2, y, look.recurrence, 14, host, { fill: theme.quiet, anchor: "end", moving: last }),
    );
  }
  return drawn.filter(Boolean);
}

/** @type {import("./core.js").Picture} */
export const sentence = { name: "sentence", choice: "query", draw };
