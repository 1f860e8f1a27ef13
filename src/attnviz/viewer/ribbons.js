/**
 * Two texts and the attention between them: what was read above, what was written below, ribbons from each written word to
 * the words that it looked at; under them every head as a small picture with its score.
 *
 * Payload: see ribbons.py. Sends `word` (a trigger), the index of the written word that was chosen, and `head`, the index
 * of the head.
 *
 * The texts stand in two rows where these fit, else in two columns beside each other.
 */

import { choose, element, fitted, font, mix, shape, shown, visualOrder } from "./core.js";

/**
 * @typedef {object} Spot  a word on the drawing
 * @property {string} text @property {number} x @property {number} y  middle of the word
 * @property {number} width
 *
 * @typedef {object} Ribbons
 * @property {"rows" | "columns"} form
 * @property {number} size  of the letters @property {number} width @property {number} height
 * @property {Spot[]} source @property {Spot[]} target
 * @property {[number, number]} ends  y of the two ends of a ribbon in rows, x in columns: at the target, at the source
 *
 * @typedef {{ side: "source" | "target", index: number }} Pointed
 */

const LEAST_SHARE = 0.03; // a weight below 3 % gets no ribbon
const WIDEST = 13; // pixels that a ribbon of all the weight is wider than one of none
const SMALLEST = 15; // letters of a row; what needs smaller ones stands in columns
const LARGEST = 22;
const SHARES = 20; // height of the line of percentages beyond a row
const HALF = 15; // of a row's height
const MARGIN = 10; // beside the first and the last word: room for its box, its ring and its ribbon
const MAP_HEIGHT = 276; // of all heads where there are more than four layers
const DRAWN = new WeakMap(); // what each place showed last, to move from there

/**
 * @param {{ text: string, rtl: boolean }[]} source @param {{ text: string, rtl: boolean }[]} target
 * @param {number} width @param {number} gap  between the rows
 * @param {(text: string, size: number) => number} measure @returns {Ribbons}
 */
export function ribbonsLayout(source, target, width, gap, measure) {
  const long = (words, size) => words.reduce((sum, word) => sum + measure(word.text, size) + space(size), -space(size)) + 2 * MARGIN;
  const longest = (size) => Math.max(long(source, size), long(target, size));
  let size = LARGEST;
  while (size > SMALLEST && longest(size) > width) size -= 0.5;
  if (width < 560 || longest(size) > width) return inColumns(source, target, width, measure);
  const span = Math.min(width, longest(size) * 1.35, longest(size) + 28 * Math.max(source.length, target.length));
  const above = SHARES + HALF;
  const below = above + 2 * HALF + gap;
  const row = (words, y) => spread(words, y, width, span, size, measure, long(words, size));
  return {
    form: "rows",
    size,
    width,
    height: below + HALF + SHARES + 4,
    source: row(source, above),
    target: row(target, below),
    ends: [below - HALF, above + HALF],
  };
}

const space = (size) => size * 0.3 + 12;

/** A row of words, spread over `span` as far as that leaves no holes; it begins where its script begins. */
function spread(words, y, width, span, size, measure, natural) {
  const rightToLeft = words.filter((word) => word.rtl).length * 2 > words.length;
  const more = words.length > 1 ? Math.min((span - natural) / (words.length - 1), 64) : 0;
  const total = natural + more * (words.length - 1);
  let x = (rightToLeft ? width - total : 0) + MARGIN;
  const order = visualOrder(
    words.map((word) => word.rtl),
    rightToLeft,
  );
  const placed = Array(words.length);
  for (const index of order) {
    const { text } = words[index];
    const own = measure(text, size);
    placed[index] = { text, x: x + own / 2, y, width: own };
    x += own + space(size) + more;
  }
  return placed;
}

/** @returns {Ribbons} */
function inColumns(source, target, width, measure) {
  const size = 16;
  const most = Math.max(source.length, target.length);
  const pitch = width < 560 ? (most <= 16 ? 44 : 34) : 26;
  const height = Math.max(most * pitch, 120);
  const room = Math.min(width * 0.34, 220);
  const across = Math.min(width, 640);
  const column = (words, right) =>
    words.map((word, index) => {
      const text = fitted(word.text, room, (part) => measure(part, size));
      const own = measure(text, size);
      const x = right ? across - own / 2 - 8 : own / 2 + 8;
      return { text, x, y: ((index + 0.5) * height) / words.length, width: own };
    });
  const [left, right] = [column(source, false), column(target, true)];
  const widest = (spots) => Math.max(...spots.map((spot) => spot.width));
  return {
    form: "columns",
    size,
    width: across,
    height,
    source: left,
    target: right,
    ends: [across - widest(right) - 20, widest(left) + 20],
  };
}

/** The line from a written word to one that was read. @param {Ribbons} layout */
export function ribbon(layout, target, source) {
  const [from, to] = [layout.target[target], layout.source[source]];
  const [start, end] = layout.ends;
  const n = (value) => Math.round(value * 100) / 100;
  if (layout.form === "rows") {
    const bend = (start - end) * 0.5;
    return `M${n(from.x)} ${n(start)}C${n(from.x)} ${n(start - bend)} ${n(to.x)} ${n(end + bend)} ${n(to.x)} ${n(end)}`;
  }
  const bend = (start - end) * 0.5;
  return `M${n(start)} ${n(from.y)}C${n(start - bend)} ${n(from.y)} ${n(end + bend)} ${n(to.y)} ${n(end)} ${n(to.y)}`;
}

/** Ribbons that are drawn, thin ones first. @param {number[][]} weights (target, source) */
export function drawnRibbons(weights) {
  return weights
    .flatMap((row, target) => row.map((weight, source) => ({ target, source, weight })))
    .filter(({ weight }) => weight >= LEAST_SHARE)
    .sort((a, b) => a.weight - b.weight);
}

/**
 * Where the small pictures of the heads stand, and their scores: beneath them; beside them where there are many layers, so
 * that all are seen at once; nowhere where they would not fit.
 * @returns {{ left: number, top: number, column: number, row: number, image: { width: number, height: number },
 *   scores: "beneath" | "beside" | "", height: number, down: number }}
 */
export function headGrid(count, across, width) {
  const left = 30;
  const top = 24;
  const down = Math.ceil(count / across);
  const column = Math.min((width - left) / across, 108);
  const whole = Math.max(column - 8, 4);
  if (down <= 4) {
    const scores = column >= 36 ? "beneath" : "";
    const image = { width: whole, height: Math.min(Math.max(whole, 20), 44) };
    const row = image.height + (scores ? 23 : 8);
    return { left, top, column, row, image, scores, height: top + down * row, down };
  }
  const row = Math.min(Math.max(MAP_HEIGHT / down, 12), 40);
  const scores = column >= 70 && row >= 18 ? "beside" : "";
  const image = { width: scores ? whole - 36 : whole, height: row - 4 };
  return { left, top, column, row, image, scores, height: top + down * row, down };
}

/** The middle of a label of this width that should stand at `x`, moved as far as it takes to stay on the drawing. */
export function inside(x, width, drawing) {
  return Math.min(Math.max(x, width / 2), drawing - width / 2);
}

/** The row that the arrow keys lead to, or undefined. */
export function headAfter(key, index, across, count) {
  const to = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index - across,
    ArrowDown: index + across,
    Home: 0,
    End: count - 1,
  }[key];
  return to === undefined || to < 0 || to >= count ? undefined : to;
}

function draw(root, payload, host) {
  const words = (list) => list.map((word) => ({ text: shown(word.text) || "␣", rtl: word.rtl }));
  const measure = (text, size) => host.measure(text, font(size, host.theme.serif));
  const gap = Math.min(Math.max(window.innerHeight - 690, 84), 190);
  const layout = ribbonsLayout(words(payload.source), words(payload.target), host.width, gap, measure);
  const focused = root.getRootNode().activeElement?.dataset?.part;
  const before = DRAWN.get(root);
  const between = drawBetween(layout, payload, host, before?.words === wordsOf(payload) ? before.weights : null);
  const parts = [between];
  if (payload.heads.length > 1) parts.push(drawHeads(payload, host));
  root.replaceChildren(...parts);
  if (focused) root.querySelector(`[data-part="${focused}"]`)?.focus();
  host.note(payload.hint, payload.note, payload.title);
  DRAWN.set(root, { words: wordsOf(payload), weights: payload.weights });
}

const wordsOf = ({ source, target }) => JSON.stringify([source, target]);

// The two texts ---------------------------------------------------------------------------------------------------------

function drawBetween(layout, payload, host, before) {
  const { theme, state } = host;
  const held = () => ({ side: "target", index: state.word });
  const lines = drawnRibbons(payload.weights).map(({ target, source, weight }) => ({
    target,
    source,
    weight,
    node: shape("path", {
      d: ribbon(layout, target, source),
      fill: "none",
      stroke: theme.cross.mark,
      "stroke-width": (1 + WIDEST * weight).toFixed(2),
    }),
  }));
  const shares = shape("g", { "aria-hidden": "true" });
  const chips = [
    ...layout.source.map((spot, index) => chip(spot, "source", index, layout.size, payload, host)),
    ...layout.target.map((spot, index) => chip(spot, "target", index, layout.size, payload, host)),
  ];
  const light = () => {
    const asked = state.pointed ?? state.kept ?? held();
    const isolated = Boolean(state.pointed ?? state.kept);
    for (const line of lines) {
      const lit = line[asked.side] === asked.index;
      const quiet = isolated ? 0.07 : 0.14 + 0.3 * line.weight;
      line.node.setAttribute("stroke-opacity", (lit ? 0.45 + 0.55 * line.weight : quiet).toFixed(3));
      line.node.setAttribute("stroke", lit ? theme.cross.text : theme.cross.mark);
    }
    for (const one of chips) one.light(asked, lines);
    shares.replaceChildren(...shareLabels(layout, asked, lines, host));
  };
  light();
  if (before && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    for (const { target, source, node } of lines) {
      const from = { strokeWidth: `${1 + WIDEST * before[target][source]}px` };
      node.animate([from, { strokeWidth: `${node.getAttribute("stroke-width")}px` }], { duration: 220, easing: "ease-out" });
    }
  }
  const drawing = shape(
    "svg",
    {
      class: "av-drawing",
      width: layout.width,
      height: layout.height,
      viewBox: `0 0 ${layout.width} ${layout.height}`,
      role: "group",
      "aria-label": payload.alt,
    },
    shape("g", { "aria-hidden": "true" }, ...lines.map(({ node }) => node)),
    shares,
    ...chips.map(({ node }) => node),
  );
  listen(drawing, chips, payload, host, light);
  return drawing;
}

/** What the word that is pointed at gives to each word, or gets from each: beyond the other row. */
function shareLabels(layout, asked, lines, host) {
  const other = asked.side === "target" ? "source" : "target";
  const outside = other === "source" ? -HALF - 4 : HALF + 15;
  const font13 = font(13, host.theme.sans);
  return lines
    .filter((line) => line[asked.side] === asked.index)
    .map((line) => {
      const spot = layout[other][line[other]];
      const rows = layout.form === "rows";
      const label = `${Math.round(100 * line.weight)} %`;
      const beside = other === "source" ? spot.x + spot.width / 2 + 12 : spot.x - spot.width / 2 - 12;
      return shape(
        "text",
        {
          x: rows ? inside(spot.x, host.measure(label, font13) + 4, layout.width) : beside,
          y: rows ? spot.y + outside : spot.y - 9,
          "text-anchor": rows ? "middle" : other === "source" ? "start" : "end",
          "font-size": 13,
          "font-family": host.theme.sans,
          fill: host.theme.cross.text,
          stroke: host.theme.paper,
          "stroke-width": 4,
          "paint-order": "stroke",
        },
        label,
      );
    });
}

/** A word as a button: the one that asks filled, those that answer outlined. */
function chip(spot, side, index, size, payload, host) {
  const { theme, state } = host;
  const role = side === "target" ? theme.query : theme.key;
  const box = {
    x: spot.x - spot.width / 2 - 8,
    y: spot.y - HALF + 1,
    width: spot.width + 16,
    height: 2 * HALF - 2,
    rx: 4,
  };
  const back = shape("rect", { ...box, class: "av-back", fill: "transparent" });
  const text = shape("text", {
    x: spot.x,
    y: spot.y + 6,
    "text-anchor": "middle",
    "font-family": theme.serif,
    "font-size": size,
  });
  text.append(spot.text);
  const node = shape(
    "g",
    {
      class: "av-word",
      role: "button",
      tabindex: index === (side === "target" ? state.word : 0) ? "0" : "-1",
      "data-part": `${side}-${index}`,
      "aria-label": payload.said[side][index],
    },
    shape("rect", { ...box, x: box.x - 2, y: box.y - 2, width: box.width + 4, height: box.height + 4, rx: 6, class: "av-ring" }),
    back,
    text,
  );
  return {
    node,
    side,
    index,
    light(asked, lines) {
      const asks = asked.side === side && asked.index === index;
      const answers = lines.some(
        (line) => line[asked.side] === asked.index && line[side] === index && asked.side !== side,
      );
      const strongest = answers && lines.filter((line) => line[asked.side] === asked.index).at(-1)?.[side] === index;
      back.setAttribute("fill", asks ? role.mark : "transparent");
      back.setAttribute("stroke", strongest ? role.mark : "none");
      back.setAttribute("stroke-width", "1.5");
      text.setAttribute("fill", asks ? theme.paper : answers ? role.text : theme.ink);
      if (side === "target") node.setAttribute("aria-pressed", String(index === state.word));
    },
  };
}

/** Pointer and keyboard: pointing or focus isolates a word, a press keeps it. */
function listen(drawing, chips, payload, host, light) {
  const { state } = host;
  const at = (event) => {
    const found = event.target.closest?.(".av-word");
    return chips.find(({ node }) => node === found);
  };
  const point = (one) => {
    const pointed = one ? { side: one.side, index: one.index } : null;
    if (JSON.stringify(pointed) === JSON.stringify(state.pointed ?? null)) return;
    state.pointed = pointed;
    light();
  };
  const press = (one) => {
    host.say(payload.said[one.side][one.index]);
    if (one.side === "source") {
      const same = state.kept?.index === one.index;
      state.kept = same ? null : { side: "source", index: one.index };
    } else {
      state.kept = null;
      choose(host, "word", one.index);
    }
    state.pointed = null;
    light();
  };
  drawing.onpointermove = (event) => {
    if (event.pointerType !== "touch") point(at(event));
  };
  drawing.onpointerleave = () => point(undefined);
  drawing.onclick = (event) => {
    const one = at(event);
    if (one) press(one);
  };
  drawing.onkeydown = (event) => {
    const one = at(event);
    if (!one) return;
    const row = chips.filter(({ side }) => side === one.side);
    if (event.key === "Enter" || event.key === " ") press(one);
    else if (event.key === "Escape") {
      state.kept = null;
      state.pointed = null;
      light();
    } else {
      const to = { ArrowLeft: one.index - 1, ArrowRight: one.index + 1, Home: 0, End: row.length - 1 }[event.key];
      const next = event.key === "ArrowDown" || event.key === "ArrowUp" ? across(chips, one, event.key) : row[to];
      if (!next) return;
      row.forEach(({ node }) => node.setAttribute("tabindex", "-1"));
      next.node.setAttribute("tabindex", "0");
      next.node.focus();
    }
    event.preventDefault();
  };
  for (const one of chips) {
    one.node.onfocus = () => {
      if (one.node.matches(":focus-visible")) point(one);
    };
    one.node.onblur = () => point(undefined);
  }
}

/** The word of the other text that stands nearest. */
function across(chips, one, key) {
  const other = chips.filter(({ side }) => side === (key === "ArrowDown" ? "target" : "source") && side !== one.side);
  const middle = (chipOf) => Number(chipOf.node.querySelector("text").getAttribute("x"));
  return other.sort((a, b) => Math.abs(middle(a) - middle(one)) - Math.abs(middle(b) - middle(one)))[0];
}

// The heads -------------------------------------------------------------------------------------------------------------

function drawHeads(payload, host) {
  const { theme } = host;
  const { heads, across: columns } = payload;
  const grid = headGrid(heads.length, columns, host.width);
  const write = (x, y, text, strong, anchor = "middle") =>
    shape(
      "text",
      {
        x,
        y,
        "text-anchor": anchor,
        "font-size": 13,
        "font-family": theme.sans,
        "font-weight": strong ? 600 : 400,
        fill: strong ? theme.ink : theme.quiet,
      },
      text,
    );
  const chosen = payload.head;
  const middleOf = (index) => grid.top + Math.floor(index / columns) * grid.row + grid.image.height / 2;
  const every = grid.row < 15 ? 2 : 1; // lines of numbers that would touch
  const named = (layer) => layer % every === Math.floor(chosen / columns) % every;
  const numbers = [
    ...Array.from({ length: columns }, (_, head) =>
      write(grid.left + (head + 0.5) * grid.column, 16, `H${head}`, head === chosen % columns),
    ),
    ...Array.from({ length: grid.down }, (_, layer) => layer).filter(named).map((layer) =>
      write(0, middleOf(layer * columns) + 5, `L${layer}`, layer === Math.floor(chosen / columns), "start"),
    ),
  ];
  const buttons = heads.map((head, index) => {
    const x = grid.left + (index % columns) * grid.column + 4;
    const y = middleOf(index) - grid.image.height / 2;
    const score = {
      beneath: () => write(x + grid.image.width / 2, y + grid.image.height + 16, head.score, index === chosen),
      beside: () => write(x + grid.image.width + 5, middleOf(index) + 5, head.score, index === chosen, "start"),
    }[grid.scores];
    const ring = { x: x - 2, y: y - 2, width: grid.image.width + 4, height: grid.image.height + 4, rx: 4 };
    return shape(
      "g",
      {
        class: "av-part",
        role: "button",
        tabindex: index === chosen ? "0" : "-1",
        "data-part": `head-${index}`,
        "aria-label": head.said,
        "aria-pressed": String(index === chosen),
      },
      shape("title", {}, head.said),
      shape("image", { x, y, ...grid.image, href: thumbnail(head.places, payload, theme), preserveAspectRatio: "none", style: "image-rendering:pixelated" }),
      shape("rect", { ...ring, class: index === chosen ? "" : "av-ring", fill: "none", stroke: index === chosen ? theme.ink : "none", "stroke-width": 2 }),
      score?.() ?? null,
    );
  });
  const drawing = shape(
    "svg",
    {
      class: "av-drawing av-heads",
      width: host.width,
      height: grid.height,
      viewBox: `0 0 ${host.width} ${grid.height}`,
      role: "group",
      "aria-label": "All heads; choose one",
    },
    ...numbers,
    ...buttons,
  );
  const pick = (index) => host.emit("head", index);
  drawing.onclick = (event) => {
    const index = buttons.indexOf(event.target.closest?.(".av-part"));
    if (index >= 0) pick(index);
  };
  drawing.onkeydown = (event) => {
    const index = buttons.indexOf(event.target);
    if (index < 0) return;
    if (event.key === "Enter" || event.key === " ") pick(index);
    else {
      const to = headAfter(event.key, index, columns, heads.length);
      if (to === undefined) return;
      buttons.forEach((button, other) => button.setAttribute("tabindex", other === to ? "0" : "-1"));
      buttons[to].focus();
    }
    event.preventDefault();
  };
  return element("div", { class: "av-beneath" }, element("p", { class: "av-note" }, payload.caption), drawing);
}

/** The weights of a head as a picture of its own, one cell a pixel. */
function thumbnail(places, payload, theme) {
  const [height, width] = payload.cells;
  const colours = payload.palette[theme.dark ? "dark" : "light"];
  const stops = Array.from({ length: 256 }, (_, place) => {
    const at = (place / 255) * (colours.length - 1);
    const low = Math.min(Math.floor(at), colours.length - 2);
    return mix(colours[low], colours[low + 1], at - low);
  });
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  const bytes = atob(places);
  for (let cell = 0; cell < bytes.length; cell += 1) {
    context.fillStyle = stops[bytes.charCodeAt(cell)];
    context.fillRect(cell % width, Math.floor(cell / width), 1, 1);
  }
  return canvas.toDataURL();
}

/** @type {import("./core.js").Picture} */
export const ribbons = { name: "ribbons", choice: "word", draw };
