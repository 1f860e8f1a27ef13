/**
 * The attention viewer: every layer and head of a model as matrix, as lines and as thumbnails, all linked.
 *
 * Payload: see attention.py. The weights come apart from it, as messages (packing.py) that a feed keeps or that lie in the
 * payload of a saved page. Sends `choice` (a trigger): what is chosen, the whole of it; and `need` (a trigger): a layer of a
 * long text whose weights are not there yet, {kind, layer}.
 *
 * Keys in the figure: left and right change the layer, up and down the head, Tab goes through the tokens, + and - enlarge.
 */

import { choose, element, fitted, font, mix, channels, shape, shown, thinned } from "./core.js";
import { blocksOf, bytesOf, fromBase64, keep, listen, smallOf, toBase64 } from "./messages.js";
import { figureOf, gapOf, headAt, hit, keyMiddle, LONGEST_LABEL, rowMiddle, sheetOf, windowAround } from "./geometry.js";
import { onCanvas, onSvg } from "./painting.js";
import { blockOf, linesOf, patternOf, placesOf, pooled, rowOf, strongest, viewOf } from "./weights.js";

const STOPS = {
  light: "FFFFFF E3EFF8 C3DDF0 9BC8E6 6DAFDA 3D93CA 0072B2 005D96 004775 003052".split(" "),
  dark: "0F1318 12202C 143145 174763 1C6288 2A82B3 56B4E9 86CBF3 B2E0FA DDF3FF".split(" "),
};
const HEADS = {
  light: "#0072B2 #D55E00 #009E73 #A3487F #B58900 #56B4E9 #6B7280".split(" "),
  dark: "#56B4E9 #FF9E4A #3CC9A3 #E3A3C6 #E6C35C #9BD3F3 #A1A9B5".split(" "),
};
const DASHES = [[], [7, 4], [2, 4]];
const LEAST_LINE = 0.03; // a weight below 3 % gets no line
const LEAST_VALUE = 0.045; // and below 4.5 % no value in its cell
const MOST_LINES = 1500;
const MOST_BOXES = 4096; // cells that are drawn one by one; more become one picture
const MOTION = 220; // milliseconds from one head to the next
const SETTLED = 140; // milliseconds after the last change until Python is told
const NARROW = 620; // pixels of width below which the views are tabs
const DEEP = 12; // layers above which the thumbnails stand below, in the full width

const percent = (share) => {
  const rounded = Math.round(100 * share);
  return rounded || share < 0.0005 ? `${rounded}\u00a0%` : "under 1\u00a0%";
};

// What is shown --------------------------------------------------------------------------------------------------------

/** The kind of attention that is chosen, with its number among the kinds. */
function kindOf(payload, choice) {
  return payload.kinds.find((kind) => kind.kind === choice.kind) ?? payload.kinds[0];
}

const numberOf = (numbers, index) => numbers?.[index] ?? index;

/** The heads that are shown together: the chosen ones, all of the layer, or one. */
function headsOf(kind, choice) {
  if (choice.mean) return Array.from({ length: kind.heads }, (_, head) => head);
  const several = choice.heads.filter((head) => head < kind.heads);
  return several.length > 1 ? several : [Math.min(choice.head, kind.heads - 1)];
}

/** "layer 3, head 1", as it is said of the present choice. */
function placeNamed(kind, choice) {
  const heads = headsOf(kind, choice).map((head) => numberOf(kind.headNumbers, head));
  const layer = `layer ${numberOf(kind.layerNumbers, layerOf(kind, choice))}`;
  if (kind.heads === 1 && kind.together) return `${layer}, all heads`;
  if (kind.heads > 1 && heads.length === kind.heads) return `${layer}, mean of its ${kind.heads} heads`;
  return heads.length > 1 ? `${layer}, mean of heads ${heads.join(", ")}` : `${layer}, head ${heads[0]}`;
}

const layerOf = (kind, choice) => Math.min(choice.layer, kind.layers - 1);

/** The matrix that is shown, from a store of those seen last; null without its weights, {empty: true} where all is hidden. */
function viewNow(payload, host, heads) {
  const { choice } = host.state;
  const kind = kindOf(payload, choice);
  const block = blockOf(blocksOf(payload.of), kind.kind, layerOf(kind, choice));
  if (!block) return null;
  const { first, special, merge, least } = choice;
  const key = JSON.stringify([payload.of, kind.kind, layerOf(kind, choice), heads, first, special, merge, least]);
  const { views } = host.ui;
  let view = views.get(key);
  if (view === undefined) {
    if (views.size > 40) views.delete(views.keys().next().value);
    const [asking, answering] = [payload.axes[kind.queries], payload.axes[kind.keys]];
    view = viewOf(block, layerOf(kind, choice), heads, asking, answering, { first, special, merge, least: least / 100 });
    view ??= { empty: true };
    views.set(key, view);
  }
  return view;
}

/** The part of a view that is enlarged. */
function seenThrough(view, part) {
  if (!part) return view;
  const [top, bottom] = part.rows;
  const [left, right] = part.columns;
  const [rows, columns] = [bottom - top, right - left];
  const weights = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    const start = (top + row) * view.columns;
    weights.set(view.weights.subarray(start + left, start + right), row * columns);
  }
  return {
    ...view,
    rows,
    columns,
    weights,
    hidden: view.hidden.subarray(top, bottom),
    queries: view.queries.slice(top, bottom),
    keys: view.keys.slice(left, right),
    queryLabels: view.queryLabels.slice(top, bottom),
    keyLabels: view.keyLabels.slice(left, right),
    queryRtl: view.queryRtl.slice(top, bottom),
    keyRtl: view.keyRtl.slice(left, right),
  };
}

// Colours --------------------------------------------------------------------------------------------------------------

const palettes = new Map();

/** 256 colours for weights, as CSS, as the four bytes of a pixel, and with the ink that can be read on each. */
function paletteOf(theme) {
  const key = `${theme.dark}${theme.paper}${theme.panel}`;
  let found = palettes.get(key);
  if (!found) {
    const stops = STOPS[theme.dark ? "dark" : "light"].map((stop) => `#${stop}`);
    stops[0] = mix(theme.paper, theme.panel, 0.6); // as white as the paper, a tiny weight would look emptier than none
    const css = Array.from({ length: 256 }, (_, place) => {
      const at = (place / 255) * (stops.length - 1);
      const below = Math.min(Math.floor(at), stops.length - 2);
      return mix(stops[below], stops[below + 1], at - below);
    });
    const pixels = new Uint32Array(256);
    const bytes = new Uint8Array(pixels.buffer);
    css.forEach((colour, place) => bytes.set([...channels(colour), 255], 4 * place));
    found = { css, pixels, inks: css.map((colour) => (luminance(colour) > 0.179 ? "#000000" : "#FFFFFF")) };
    palettes.set(key, found);
  }
  return found;
}

/** Relative luminance of sRGB (WCAG 2.1); above 0.179 black can be read better than white. */
function luminance(colour) {
  const [red, green, blue] = channels(colour).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// Drawing --------------------------------------------------------------------------------------------------------------

/** What the figure is drawn from; the same for the screen and for a saved picture. */
function sceneOf(payload, host, width, height, views) {
  const { choice } = host.state;
  const kind = kindOf(payload, choice);
  const heads = headsOf(kind, choice);
  const whole = viewNow(payload, host, heads);
  if (!whole || whole.empty) return { kind, heads, whole, figure: null };
  const view = seenThrough(whole, host.ui.part);
  const { measure, theme } = host;
  const longest = Math.max(view.rows, view.columns);
  const size = width < 480 || (longest > 28 && height < 600) ? 12 : height >= 600 ? 16 : 14;
  const spec = font(size, theme.sans);
  const widest = (labels) => labels.reduce((most, label) => Math.max(most, label.length < 2 ? 0 : measure(shown(label), spec)), 0);
  const facts = { width, height, rows: view.rows, columns: view.columns, size, views };
  const figure = figureOf({ ...facts, queryWidth: widest(view.queryLabels), keyWidth: widest(view.keyLabels) });
  const chosen = rowOf(view, choice.token);
  const each = heads.length > 1 && !choice.mean && figure.lines ? heads.map((head) => seenThrough(viewNow(payload, host, [head]), host.ui.part)) : [view];
  return { kind, heads, whole, view, figure, chosen, each, choice, theme, measure };
}

/** Draws a scene. `weights` may be between those of two heads. `at` is what is pointed at. */
function paint(paper, scene, weights, at) {
  const { view, figure, chosen, theme } = scene;
  const focus = at?.row >= 0 && at.part !== "cell" ? at.row : chosen;
  const lit = focus >= 0 ? strongest({ ...view, weights }, focus, view.columns).filter((column) => weights[focus * view.columns + column] >= LEAST_LINE || column === -1) : [];
  if (figure.matrix) {
    cells(paper, scene, weights);
    borders(paper, scene);
    if (at?.part === "cell") cross(paper, figure, at, theme);
    if (focus >= 0) {
      const y = figure.top + focus * figure.rowPitch;
      const ring = { stroke: theme.query.mark, line: 2, radius: figure.cell >= 14 ? 4 : 2 };
      paper.box(figure.left - 1, y - 1, figure.columns * figure.cell + 2, Math.max(figure.cell, 3) + 2 - gapOf(figure.cell), ring);
    }
    topLabels(paper, scene, lit, at);
  }
  if (figure.lines) lines_(paper, scene, weights, focus, at);
  rowLabels(paper, scene, focus, at);
  if (figure.lines) keyLabels(paper, scene, weights, focus, lit, at);
}

function cells(paper, scene, weights) {
  const { view, figure, theme, choice } = scene;
  const { rows, columns } = view;
  const { css, pixels, inks } = paletteOf(theme);
  const places = placesOf(weights, rows, columns, choice.scale);
  const { cell, left, top } = figure;
  const gap = gapOf(cell);
  if (rows * columns > MOST_BOXES) {
    paper.image(pictureOf(places, rows, columns, pixels, cell), left, top, columns * cell, rows * cell);
    if (gap) {
      const line = { stroke: theme.paper, line: gap };
      for (let column = 1; column < columns; column += 1) {
        const x = left + column * cell - gap / 2;
        paper.line(x, top, x, top + rows * cell, line);
      }
      for (let row = 1; row < rows; row += 1) {
        const y = top + row * cell - gap / 2;
        paper.line(left, y, left + columns * cell, y, line);
      }
    }
    return;
  }
  const radius = cell >= 14 ? 3 : 0;
  const side = cell - gap;
  for (let row = 0; row < rows; row += 1) {
    const y = top + row * cell;
    for (let column = 0; column < columns; column += 1) {
      paper.box(left + column * cell, y, side, side, { fill: css[places[row * columns + column]], radius });
    }
  }
  if (cell < 21 || Math.max(rows, columns) > 24) return;
  const style = { size: Math.min(15, Math.round(cell * 0.52)), family: theme.sans, weight: 500, anchor: "middle" };
  for (let row = 0; row < rows; row += 1) {
    const y = top + row * cell + side / 2 + style.size * 0.36;
    for (let column = 0; column < columns; column += 1) {
      const index = row * columns + column;
      if (weights[index] < LEAST_VALUE) continue;
      paper.text(left + column * cell + side / 2, y, String(Math.round(100 * weights[index])), { ...style, fill: inks[places[index]] });
    }
  }
}

let sheet;

/** A matrix as one picture with a pixel a cell; where cells are smaller than a pixel, the largest of neighbours. */
function pictureOf(places, rows, columns, pixels, cell) {
  sheet ??= document.createElement("canvas");
  sheet.width = columns;
  sheet.height = rows;
  const context = sheet.getContext("2d");
  const image = context.createImageData(columns, rows);
  const target = new Uint32Array(image.data.buffer);
  if (cell >= 1) for (let index = 0; index < target.length; index += 1) target[index] = pixels[places[index]];
  else {
    const reach = Math.ceil(1 / Math.max(cell, 0.1));
    for (let row = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1) {
        let largest = 0;
        for (let y = row; y < Math.min(rows, row + reach); y += 1)
          for (let x = column; x < Math.min(columns, column + reach); x += 1) {
            const place = places[y * columns + x];
            if (place > largest) largest = place;
          }
        target[row * columns + column] = pixels[largest];
      }
  }
  context.putImageData(image, 0, 0);
  return sheet;
}

/** Where the second text of a pair begins. */
function borders(paper, scene) {
  const { figure, theme, kind, view } = scene;
  const line = { stroke: theme.ink, line: 1.5 };
  const first = (groups, segments) => groups.findIndex((group, index) => index > 0 && segments[group[0]] !== segments[groups[index - 1][0]]);
  const row = first(view.queries, kind.segments[0]);
  const column = first(view.keys, kind.segments[1]);
  const [right, bottom] = [figure.left + figure.columns * figure.cell, figure.top + figure.rows * figure.cell];
  if (row > 0) paper.line(figure.left, figure.top + row * figure.cell - 0.75, right, figure.top + row * figure.cell - 0.75, line);
  if (column > 0) paper.line(figure.left + column * figure.cell - 0.75, figure.top, figure.left + column * figure.cell - 0.75, bottom, line);
}

/** Row and column of the cell that is pointed at. */
function cross(paper, figure, at, theme) {
  const { left, top, cell, rows, columns } = figure;
  const side = Math.max(cell, 3);
  paper.box(left - 1, top + at.row * cell - 0.5, columns * cell + 1, side, { stroke: theme.query.mark, line: 1, radius: 2 });
  paper.box(left + at.column * cell - 0.5, top - 1, side, rows * cell + 1, { stroke: theme.key.mark, line: 1, radius: 2 });
}

const labelled = (scene, label, weight = 400) => {
  const spec = font(scene.figure.size, scene.theme.sans, weight);
  return fitted(shown(label) || "␣", LONGEST_LABEL, (text) => scene.measure(text, spec));
};

function rowLabels(paper, scene, focus, at) {
  const { view, figure, theme } = scene;
  const { size } = figure;
  const places = view.queryLabels.map((_, row) => rowMiddle(figure, row));
  const first = [focus, at?.part === "cell" ? at.row : -1];
  const kept = thinned(places, 1.08 * size, first);
  const x = figure.left - 8;
  for (const row of kept) {
    const label = labelled(scene, view.queryLabels[row], row === focus ? 500 : 400);
    const style = { size, family: theme.sans, anchor: "end", rtl: view.queryRtl[row], fill: theme.query.text };
    const y = places[row] + size * 0.34;
    if (row === focus) {
      const width = scene.measure(label, font(size, theme.sans, 500));
      paper.box(x - width - 6, places[row] - size * 0.72, width + 12, size * 1.44, { fill: theme.query.mark, radius: 4 });
      paper.text(x, y, label, { ...style, fill: theme.paper, weight: 500 });
    } else paper.text(x, y, label, { ...style, weight: row === at?.row ? 600 : 400 });
    if (figure.lines && !figure.matrix) paper.dot(figure.lines[0] - 2, places[row], 2, theme.quiet);
  }
  const heading = { size: size - 1, family: theme.sans, weight: 600, fill: theme.query.text, anchor: "end" };
  paper.text(x, figure.top - 9, "query (from)", heading);
}

function topLabels(paper, scene, lit, at) {
  const { view, figure, theme } = scene;
  const { size, cell, left, top } = figure;
  const places = view.keyLabels.map((_, column) => left + (column + 0.5) * cell);
  const kept = thinned(places, 1.2 * size, [at?.part === "cell" || at?.part === "key" ? at.column : -1, ...lit]);
  for (const column of kept) {
    const bold = column === lit[0] || column === at?.column;
    const label = labelled(scene, view.keyLabels[column], bold ? 600 : 400);
    const style = { size, family: theme.sans, weight: bold ? 600 : 400, fill: theme.key.text, turn: -45, rtl: false };
    paper.text(places[column] + size * 0.1, top - 7, label, style);
  }
  const heading = { size: size - 1, family: theme.sans, weight: 600, fill: theme.key.text };
  paper.text(left, size, "key (to)", heading);
}

function lines_(paper, scene, weights, focus, at) {
  const { view, figure, theme, each, heads, choice, kind } = scene;
  const [from, to] = figure.lines;
  const several = each.length > 1;
  const colours = HEADS[theme.dark ? "dark" : "light"];
  const least = LEAST_LINE;
  const mass = choice.mass / 100;
  const alone = at?.part === "query" || at?.part === "lines" || at?.part === "key";
  const strong = kind.kind === "cross" ? theme.cross.mark : theme.query.mark;
  const wide = Math.min(12, 0.45 * Math.max(figure.rowPitch, 4));
  each.forEach((own, index) => {
    const shownNow = several ? own : { ...view, weights };
    const colour = several ? colours[index % colours.length] : strong;
    const dash = several ? DASHES[Math.floor(index / colours.length) % DASHES.length] : [];
    const faint = [];
    for (let row = 0; row < view.rows; row += 1) {
      if (row === focus && at?.part !== "key") continue;
      if (alone && at.part !== "key") break;
      for (const column of linesOf(shownNow, row, mass, least).columns) {
        if (at?.part === "key" && column !== at.column) continue;
        faint.push([row, column, shownNow.weights[row * view.columns + column]]);
      }
    }
    if (faint.length > MOST_LINES) faint.sort((a, b) => b[2] - a[2]).length = MOST_LINES;
    const bright = at?.part === "key";
    const thin = Math.min(1, Math.max(0.12, 240 / faint.length)); // many lines would become one black shape
    for (const [row, column, weight] of faint) {
      const style = bright
        ? { stroke: several ? colour : theme.key.mark, line: 1 + weight * wide, alpha: 0.35 + 0.65 * weight, dash }
        : { stroke: several ? colour : theme.ink, line: 0.6 + 2 * weight, alpha: (0.05 + 0.3 * weight) * thin, dash };
      paper.curve(from, rowMiddle(figure, row), to - 6, keyMiddle(figure, column), style);
    }
    if (focus < 0 || at?.part === "key") return;
    const offset = several ? (index - (heads.length - 1) / 2) * Math.min(2, figure.rowPitch / heads.length / 2) : 0;
    for (const column of linesOf(shownNow, focus, mass, least).columns.reverse()) {
      const weight = shownNow.weights[focus * view.columns + column];
      const line = 1 + weight * (several ? wide / 2 : wide);
      const style = { stroke: colour, line, alpha: 0.35 + 0.65 * weight, dash };
      paper.curve(from, rowMiddle(figure, focus) + offset, to - 6, keyMiddle(figure, column) + offset, style);
    }
  });
  if (figure.rowPitch >= 7)
    for (let row = 0; row < view.rows; row += 1) paper.dot(from, rowMiddle(figure, row), row === focus ? 4 : 2, row === focus ? strong : theme.quiet, row === focus ? 1 : 0.7);
}

function keyLabels(paper, scene, weights, focus, lit, at) {
  const { view, figure, theme } = scene;
  const { size } = figure;
  const places = view.keyLabels.map((_, column) => keyMiddle(figure, column));
  const x = figure.lines[1];
  for (const column of thinned(places, 1.08 * size, [at?.column ?? -1, ...lit])) {
    const weight = focus >= 0 ? weights[focus * view.columns + column] : 0;
    const bold = column === lit[0] || column === at?.column;
    const fill = weight >= LEAST_LINE || column === at?.column ? theme.key.text : theme.quiet;
    const label = labelled(scene, view.keyLabels[column], bold ? 600 : 400);
    const y = places[column] + size * 0.34;
    paper.text(x, y, label, { size, family: theme.sans, weight: bold ? 600 : 400, fill, rtl: view.keyRtl[column], anchor: "start" });
    if (weight < 0.01) continue;
    const value = { size: size - 0.5, family: theme.sans, weight: bold ? 600 : 400, anchor: "end", fill: weight >= LEAST_LINE ? theme.ink : theme.quiet };
    paper.text(figure.width - 2, y, percent(weight), value);
  }
  const heading = { size: size - 1, family: theme.sans, weight: 600, fill: theme.key.text };
  paper.text(x, figure.top - 9, "key (to)", heading);
}

// In words -------------------------------------------------------------------------------------------------------------

/** The chosen row as parts of a sentence, [text, role]; and what of it is not shown. */
function told(payload, host) {
  const { choice } = host.state;
  const kind = kindOf(payload, choice);
  const place = placeNamed(kind, choice);
  const view = viewNow(payload, host, headsOf(kind, choice));
  if (!view) return { parts: [], place, remarks: [] };
  const asking = payload.axes[kind.queries];
  if (view.empty) return { parts: [["Every token of this text is hidden.", ""]], place, remarks: [] };
  const row = rowOf(view, choice.token);
  if (row < 0) return { parts: [[asking.labels[choice.token], "query"], [" is hidden.", ""]], place, remarks: [] };
  const itself = (column) => kind.queries === kind.keys && view.keys[column][0] === view.queries[row][0];
  const found = strongest(view, row);
  const parts = [[view.queryLabels[row], "query"]];
  if (!found.length) parts.push([" gives all its weight to tokens that are hidden.", ""]);
  found.forEach((column, index) => {
    const before = index === 0 ? " looks " : index === found.length - 1 ? " and " : ", ";
    parts.push([`${before}${percent(view.weights[row * view.columns + column])} at `, ""]);
    parts.push(itself(column) ? ["itself", ""] : [view.keyLabels[column], "key"]);
  });
  if (found.length) parts.push([".", ""]);
  const remarks = [];
  if (view.hidden[row] >= 0.005) remarks.push(`${percent(view.hidden[row])} of this row lies on hidden tokens. What you see is the rest, scaled to 100\u00a0% again.`);
  if (choice.least) remarks.push(`Weights below ${choice.least}\u00a0% are left out.`);
  const { drawn, total } = linesOf(view, row, choice.mass / 100, LEAST_LINE);
  if (total > 0 && drawn / total < 0.995) {
    const rule = choice.mass < 100 ? `the strongest down to ${choice.mass}\u00a0% of the weight, none below 3\u00a0%` : "weights of at least 3\u00a0%";
    remarks.push(`Lines show ${rule}: ${percent(1 - drawn / total)} of this row is not drawn.`);
  }
  return { parts, place, remarks };
}

/** What a screen reader hears: "layer 5, head 3: 'was' looks 62 % at 'John'". */
function spoken(payload, host) {
  const { parts, place } = told(payload, host);
  return `${place}: ${parts.map(([text, role]) => (role ? `‘${text}’` : text)).join("")}`;
}

// Acting ---------------------------------------------------------------------------------------------------------------

/** Take a change into the choice, draw at once, tell Python when the reader pauses, and tell linked viewers. */
function change(payload, host, changes, { moving = true, linked = true } = {}) {
  const before = host.state.choice;
  const kind = kindOf(payload, { ...before, ...changes });
  const after = { ...before, ...changes };
  if (kind.kind !== before.kind) {
    after.layer = Math.min(after.layer, kind.layers - 1);
    after.head = Math.min(after.head, kind.heads - 1);
    after.token = Math.min(after.token, payload.axes[kind.queries].labels.length - 1);
    after.heads = after.heads.filter((head) => head < kind.heads);
    host.ui.part = null;
  }
  if ("head" in changes && !("heads" in changes)) {
    after.heads = [];
    after.mean = false;
  }
  if (JSON.stringify(after) === JSON.stringify(before)) return;
  host.state.choice = after;
  if (changes.first !== undefined || changes.special !== undefined || changes.merge !== undefined) host.ui.part = null;
  show(payload, host, moving);
  host.say(spoken(payload, host));
  clearTimeout(host.ui.timer);
  host.ui.timer = setTimeout(() => choose(host, "choice", host.state.choice), SETTLED);
  if (linked && payload.link) for (const follow_ of links(payload.link)) if (follow_.host !== host) follow_.take(after, kind);
}

function links(name) {
  globalThis.attnvizLinks ??= new Map();
  if (!globalThis.attnvizLinks.has(name)) globalThis.attnvizLinks.set(name, new Set());
  return globalThis.attnvizLinks.get(name);
}

/** What a linked viewer chose, in the depth and length of this one. */
function followed(payload, host, choice, kind) {
  const own = payload.kinds.find((one) => one.kind === choice.kind) ?? kindOf(payload, host.state.choice);
  const deep = kind.layers > 1 ? layerOf(kind, choice) / (kind.layers - 1) : 0;
  const { heads, mean, first, special, merge, least, mass, scale } = choice;
  change(
    payload,
    host,
    {
      kind: own.kind,
      layer: Math.round(deep * (own.layers - 1)),
      head: Math.min(choice.head, own.heads - 1),
      heads: heads.filter((head) => head < own.heads),
      token: Math.min(choice.token, payload.axes[own.queries].labels.length - 1),
      ...{ mean, first, special, merge, least, mass, scale },
    },
    { linked: false },
  );
}

// The page around the figure -------------------------------------------------------------------------------------------

const button = (attributes, ...children) => element("button", { type: "button", ...attributes }, ...children);

function build(root, payload, host) {
  host.ui?.stop?.();
  const ui = { views: new Map(), part: null, at: null, drawn: null, touches: new Map(), timer: 0, frame: 0, thumbs: null };
  host.ui = ui;
  const state = () => host.state.choice;
  const latest = () => host.ui.payload;
  const act = (changes, options) => change(latest(), host, changes, options);
  const several = payload.kinds.some((kind) => kind.heads > 1);
  const special = payload.axes.some((axis) => axis.special.some(Boolean));
  const startsSpecial = payload.axes.every((axis) => axis.special[0]);
  const pieces = payload.axes.some((axis) => axis.words.length < axis.labels.length);

  ui.layer = stepper("Layer", (layer) => act({ layer }));
  ui.head = stepper("Head", (head) => act({ head }));
  ui.kinds = choices("Attention", payload.kinds.map(({ kind, title }) => [kind, title]), (kind) => act({ kind }));
  ui.tabs = choices("View", [["matrix", "Matrix"], ["lines", "Lines"], ["heads", "All heads"]], (view) => act({ view }));
  ui.tabs.box.classList.add("av-tabs");
  ui.figure = element("canvas", {
    class: "av-figure",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "attention matrix",
  });
  ui.card = element("div", { class: "av-card", hidden: "" });
  ui.wait = element("p", { class: "av-wait", role: "status" });
  ui.sheet = element("canvas", { class: "av-sheet", tabindex: 0, role: "application", "aria-roledescription": "all heads" });
  ui.sheetCard = element("div", { class: "av-card", hidden: "" });
  ui.sheetBox = element("div", { class: "av-sheet-box" }, ui.sheet, ui.sheetCard);
  ui.legend = element("div", { class: "av-legend" });

  const quick = [];
  if (special) quick.push(toggle("Hide special tokens", "special", state, act));
  else quick.push(toggle("Hide the first token", "first", state, act));
  const more = [];
  if (special && !startsSpecial) more.push(toggle("Hide the first token", "first", state, act));
  if (pieces) more.push(toggle("Merge word pieces", "merge", state, act));
  if (several) {
    more.push(toggle("Mean of all heads", "mean", state, act));
    ui.heads = element("div", { class: "av-heads", role: "group", "aria-label": "Heads together" });
    more.push(element("div", { class: "av-field" }, element("span", {}, "Heads together, each in its colour"), ui.heads));
  }
  ui.least = range("Leave out below", 50, 5, (least) => act({ least }, { moving: false }));
  ui.mass = range("Lines down to", 100, 5, (mass) => act({ mass }, { moving: false }), 50);
  ui.scale = element("select", { onchange: (event) => act({ scale: event.target.value }) });
  for (const [value, name] of [["", "Small weights told apart"], ["linear", "Linear"], ["root", "Square root"], ["row", "Per row"]])
    ui.scale.append(element("option", { value }, name));
  more.push(ui.least.box, ui.mass.box, element("label", { class: "av-field" }, element("span", {}, "Colours"), ui.scale));
  if (payload.kinds.some((kind) => kind.segments.some((side) => side.some(Boolean)))) {
    const names = [["", "All"], ["00", "A to A"], ["01", "A to B"], ["10", "B to A"], ["11", "B to B"]];
    ui.quadrants = choices("Part of the pair", names, (name) => {
      ui.quadrant = name;
      ui.part = quadrant(latest(), host, name);
      show(latest(), host, false);
    });
    more.push(ui.quadrants.box);
  }
  more.push(
    element(
      "div",
      { class: "av-field av-zoom" },
      element("span", {}, "Enlarge"),
      button({ "aria-label": "Enlarge", onclick: () => zoom(latest(), host, 0.5) }, "+"),
      button({ "aria-label": "Reduce", onclick: () => zoom(latest(), host, 2) }, "−"),
      button({ onclick: () => zoom(latest(), host, 0) }, "Whole"),
    ),
  );
  ui.toggles = [...quick, ...more].filter((part) => part.refresh);
  const panel = element("div", { class: "av-panel", hidden: "" }, ...more.map((part) => part.box ?? part));
  const open = button({ class: "av-more", "aria-expanded": "false", onclick: () => expand(panel.hidden) }, "View");
  const expand = (wanted) => {
    panel.hidden = !wanted;
    open.setAttribute("aria-expanded", String(wanted));
  };
  panel.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    expand(false);
    open.focus();
  };
  const options = element("div", { class: "av-options" }, ...quick.map((part) => part.box), open, panel);
  ui.stage = element("div", { class: "av-stage" }, ui.figure, ui.wait, ui.card);
  ui.room = element("div", { class: "av-room", "aria-hidden": "true" });
  ui.said = element("p", { class: "av-looks" });
  ui.remark = element("p", { class: "av-remark" });
  ui.table = element("details", { class: "av-table" }, element("summary", {}, "As a table"), element("div", {}));
  ui.table.ontoggle = () => fillTable(latest(), host);
  ui.side = element("div", { class: "av-side" }, element("div", { class: "av-steppers" }, ui.layer.box, ui.head.box), ui.kinds.box, ui.tabs.box);
  ui.main = element("div", { class: "av-main" }, ui.room, options, ui.stage, ui.said, ui.remark);
  ui.grid = element("div", { class: "av-attention" }, ui.side, ui.main, ui.table);
  root.replaceChildren(ui.grid);

  const sized = new ResizeObserver(() => {
    const size = `${ui.room.clientWidth} ${ui.room.clientHeight}`;
    if (ui.size && ui.size !== size) show(latest(), host, false);
  });
  sized.observe(ui.room);
  const stopped = listen((of) => {
    if (of !== latest().of) return;
    ui.views.clear();
    ui.thumbs = null;
    show(latest(), host, false);
  });
  const link = { host, take: (choice, kind) => followed(latest(), host, choice, kind) };
  if (payload.link) links(payload.link).add(link);
  const kept = (payload.messages ?? []).map((text) => keep(fromBase64(text)));
  const outside = (event) => {
    if (!panel.hidden && !event.composedPath().includes(options)) expand(false);
  };
  document.addEventListener("pointerdown", outside);
  ui.stop = () => {
    sized.disconnect();
    stopped();
    kept.forEach((release) => release());
    if (payload.link) links(payload.link).delete(link);
    document.removeEventListener("pointerdown", outside);
    clearTimeout(ui.timer);
    cancelAnimationFrame(ui.frame);
    cancelAnimationFrame(ui.thumbing);
  };
  listenToFigure(host, act);
  listenToSheet(host, act);
}

/** A number with a step to either side and a slider below. */
function stepper(name, set) {
  const value = element("b", {});
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": name, oninput: () => set(Number(slider.value)) });
  const step = (by) => () => set(Math.min(Math.max(Number(slider.value) + by, 0), Number(slider.max)));
  const less = button({ "aria-label": `${name} before`, onclick: step(-1) }, arrow(-1));
  const next = button({ "aria-label": `Next ${name.toLowerCase()}`, onclick: step(1) }, arrow(1));
  const box = element("div", { class: "av-stepper", role: "group", "aria-label": name }, less, element("div", {}, element("span", {}, name), value), next, slider);
  return {
    box,
    refresh(count, at, numbers) {
      box.hidden = count < 2;
      slider.max = String(count - 1);
      slider.value = String(at);
      slider.setAttribute("aria-valuetext", `${name} ${numberOf(numbers, at)}`);
      value.textContent = String(numberOf(numbers, at));
      less.disabled = at <= 0;
      next.disabled = at >= count - 1;
    },
  };
}

function arrow(side) {
  const line = shape("path", { d: side < 0 ? "M8 2 3 7l5 5" : "m4 2 5 5-5 5", fill: "none", stroke: "currentColor", "stroke-width": 1.6 });
  return shape("svg", { width: 12, height: 14, viewBox: "0 0 12 14", "aria-hidden": "true" }, line);
}

/** A row of buttons of which one is pressed. */
function choices(name, options, set) {
  const buttons = options.map(([value, title]) => button({ role: "radio", "data-value": value, onclick: () => set(value) }, title));
  const box = element("div", { class: "av-choices", role: "radiogroup", "aria-label": name }, ...buttons);
  box.hidden = options.length < 2;
  box.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = buttons.indexOf(event.target);
    if (!step || at < 0) return;
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.click();
    next.focus();
    event.preventDefault();
  };
  return {
    box,
    refresh: (chosen) =>
      buttons.forEach((one) => {
        const on = one.dataset.value === chosen;
        one.setAttribute("aria-checked", String(on));
        one.tabIndex = on ? 0 : -1;
      }),
  };
}

function toggle(name, field, state, act) {
  const input = element("input", { type: "checkbox", role: "switch", onchange: () => act({ [field]: input.checked }) });
  return {
    box: element("label", { class: "av-switch" }, input, name),
    refresh: () => {
      input.checked = state()[field];
    },
  };
}

function range(name, most, step, set, least = 0) {
  const input = element("input", { type: "range", min: least, max: most, step, "aria-label": name, oninput: () => set(Number(input.value)) });
  const value = element("b", {});
  return {
    box: element("label", { class: "av-field" }, element("span", {}, name, " ", value), input),
    set(number) {
      input.value = String(number);
      value.textContent = `${number}\u00a0%`;
    },
  };
}

// Showing --------------------------------------------------------------------------------------------------------------

function show(payload, host, moving) {
  const { ui, theme } = host;
  const { choice } = host.state;
  const kind = kindOf(payload, choice);
  const narrow = host.width < NARROW;
  ui.grid.dataset.form = narrow ? "narrow" : host.width < 900 ? "middle" : "wide";
  const below = kind.layers > DEEP && !narrow;
  const home = narrow ? ui.main : below ? ui.grid : ui.side;
  if (ui.sheetBox.parentNode !== home) {
    if (narrow) ui.stage.after(ui.sheetBox);
    else if (below) ui.table.before(ui.sheetBox);
    else ui.side.append(ui.sheetBox);
    (narrow ? ui.main : ui.side).append(ui.legend);
  }
  ui.grid.dataset.view = choice.view;
  ui.layer.refresh(kind.layers, layerOf(kind, choice), kind.layerNumbers);
  ui.head.refresh(kind.heads, Math.min(choice.head, kind.heads - 1), kind.headNumbers);
  ui.kinds.refresh(kind.kind);
  ui.tabs.refresh(choice.view);
  ui.quadrants?.refresh(ui.part ? ui.quadrant ?? "" : "");
  ui.toggles.forEach((one) => one.refresh());
  ui.least.set(choice.least);
  ui.mass.set(choice.mass);
  ui.scale.value = choice.scale;
  showHeads(payload, host, kind);
  showLegend(ui, theme, choice);
  showFigure(payload, host, moving);
  if (!narrow || choice.view === "heads") showSheet(payload, host, kind);
  showWords(payload, host);
  if (ui.table.open) fillTable(payload, host);
}

function showHeads(payload, host, kind) {
  const { ui, theme } = host;
  if (!ui.heads) return;
  const { choice } = host.state;
  const chosen = headsOf(kind, choice);
  const colours = HEADS[theme.dark ? "dark" : "light"];
  if (ui.heads.children.length !== kind.heads)
    ui.heads.replaceChildren(
      ...Array.from({ length: kind.heads }, (_, head) =>
        button({ onclick: () => together(ui.payload, host, head) }, String(numberOf(kind.headNumbers, head))),
      ),
    );
  [...ui.heads.children].forEach((one, head) => {
    const place = choice.mean ? -1 : chosen.indexOf(head);
    one.setAttribute("aria-pressed", String(chosen.includes(head)));
    one.style.borderColor = place >= 0 && chosen.length > 1 ? colours[place % colours.length] : "";
    one.style.borderStyle = place >= colours.length ? "dashed" : "";
  });
}

/** Add a head to those that are drawn together, or take it away. */
function together(payload, host, head) {
  const { choice } = host.state;
  const kind = kindOf(payload, choice);
  const now = choice.mean ? [] : headsOf(kind, choice);
  const heads = now.includes(head) ? now.filter((one) => one !== head) : [...now, head].sort((a, b) => a - b);
  if (!heads.length) return;
  change(payload, host, heads.length > 1 ? { heads, mean: false } : { head: heads[0], heads: [], mean: false }, { moving: false });
}

function showLegend(ui, theme, choice) {
  const key = `${theme.dark}${theme.paper}${choice.scale}`;
  if (ui.legendKey === key) return;
  ui.legendKey = key;
  const power = { linear: 1, root: 0.5 }[choice.scale] ?? 0.6;
  const { css } = paletteOf(theme);
  const bar = element("div", { class: "av-bar" });
  bar.style.background = `linear-gradient(to right, ${[0, 28, 57, 85, 113, 142, 170, 198, 227, 255].map((place) => css[place]).join(", ")})`;
  const ticks = element("div", { class: "av-ticks" });
  for (const tick of [0, 5, 20, 50, 100]) {
    const mark = element("span", {}, tick === 100 ? "100\u00a0%" : String(tick));
    mark.style.left = `${100 * (tick / 100) ** power}%`;
    ticks.append(mark);
  }
  ui.legend.replaceChildren(element("span", {}, choice.scale === "row" ? "Weight, of the largest in its row" : "Attention weight"), bar, ticks);
}

function viewsShown(host) {
  if (host.width >= NARROW) return "both";
  return host.state.choice.view === "lines" ? "lines" : "matrix";
}

function showFigure(payload, host, moving) {
  const { ui } = host;
  const { choice } = host.state;
  if (host.width < NARROW && choice.view === "heads") return;
  const [width, height] = [ui.room.clientWidth, ui.room.clientHeight];
  ui.size = `${width} ${height}`;
  if (!width) return;
  const scene = sceneOf(payload, host, width, height, viewsShown(host));
  ask(payload, host, scene);
  ui.figure.setAttribute("aria-label", figureNamed(payload, scene.kind));
  if (!scene.figure) {
    ui.wait.textContent = scene.whole?.empty ? "Every token of this text is hidden." : `Receiving layer ${layerOf(scene.kind, choice)}`;
    ui.wait.hidden = false;
    ui.figure.classList.add("av-old");
    if (scene.whole?.empty) ui.figure.getContext("2d").clearRect(0, 0, 1e5, 1e5);
    return;
  }
  ui.stage.style.height = `${heightOf(scene.figure)}px`;
  ui.wait.hidden = true;
  ui.figure.classList.remove("av-old");
  const before = ui.drawn;
  const now = performance.now();
  const alike = before && before.view.rows === scene.view.rows && before.view.columns === scene.view.columns;
  const hurried = before && now - before.since < MOTION;
  cancelAnimationFrame(ui.frame);
  ui.drawn = { ...scene, weights: scene.view.weights, since: now };
  if (!alike || !moving || hurried || still() || before.view === scene.view || document.hidden) {
    render(host);
    return;
  }
  const [from, to] = [before.weights, scene.view.weights];
  const between = new Float32Array(to.length);
  const step = (time) => {
    const share = Math.min(1, Math.max(0, (time - now) / MOTION));
    const eased = 1 - (1 - share) ** 3;
    if (share < 1) {
      for (let index = 0; index < to.length; index += 1) between[index] = from[index] + (to[index] - from[index]) * eased;
      ui.drawn.weights = between;
      ui.frame = requestAnimationFrame(step);
    } else ui.drawn.weights = to;
    render(host);
  };
  step(now);
}

/** As much of the height as the figure fills: where the width is short, the rest would be empty. */
const heightOf = ({ top, rows, columns, rowPitch, keyPitch, lines, height }) =>
  Math.min(height, Math.ceil(top + Math.max(rows * rowPitch, lines ? columns * keyPitch : 0) + 6));

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Put what is drawn now onto the canvas. */
function render(host) {
  const { ui } = host;
  const { drawn } = ui;
  if (!drawn?.figure) return;
  const { width, height } = drawn.figure;
  const context = fitCanvas(ui.figure, width, height);
  context.clearRect(0, 0, width, height);
  paint(onCanvas(context), drawn, drawn.weights, ui.at);
}

function fitCanvas(canvas, width, height) {
  const dense = Math.min(globalThis.devicePixelRatio || 1, 3);
  const [across, down] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(dense, 0, 0, dense, 0, 0);
  return context;
}

/** Ask for a layer that is not there, or soon will be wanted; each once. */
function ask(payload, host, { kind }) {
  if (!payload.partial) return;
  const layer = layerOf(kind, host.state.choice);
  const blocks = blocksOf(payload.of);
  if (!blocks.length) return;
  const wanted = [layer, layer + 1, layer - 1].find((one) => one >= 0 && one < kind.layers && !blockOf(blocks, kind.kind, one));
  if (wanted === undefined) return;
  host.ui.asked ??= new Set();
  const name = `${payload.of} ${kind.kind} ${wanted}`;
  if (host.ui.asked.has(name)) return;
  host.ui.asked.add(name);
  setTimeout(() => host.emit("need", { kind: kind.kind, layer: wanted }), wanted === layer ? 0 : SETTLED);
}

function figureNamed(payload, kind) {
  const keys = "Left and right arrows change the layer, up and down the head, Tab goes through the tokens, Escape lets Tab leave.";
  return `${payload.alt} ${kind.title} attention. ${keys}`;
}

// Thumbnails -----------------------------------------------------------------------------------------------------------

function showSheet(payload, host, kind) {
  const { ui, theme } = host;
  const { choice } = host.state;
  const room = ui.sheetBox.clientWidth;
  if (room < 40) return;
  const dense = Math.min(globalThis.devicePixelRatio || 1, 3);
  const plan = sheetOf(room, kind.layers, kind.heads);
  const { first, special, merge, scale } = choice;
  const key = JSON.stringify([payload.of, kind.kind, plan, first, special, merge, scale, theme.dark, theme.paper, dense]);
  if (ui.thumbs?.key !== key) {
    cancelAnimationFrame(ui.thumbing);
    const picture = document.createElement("canvas");
    picture.width = Math.round(plan.width * dense);
    picture.height = Math.round(plan.height * dense);
    ui.thumbs = { key, plan, kind, picture, next: 0 };
    const context = picture.getContext("2d");
    context.setTransform(dense, 0, 0, dense, 0, 0);
    const work = () => {
      const began = performance.now();
      while (ui.thumbs.next < kind.layers * kind.heads && performance.now() - began < 10) {
        drawThumb(context, payload, host, kind, plan, Math.floor(ui.thumbs.next / kind.heads), ui.thumbs.next % kind.heads);
        ui.thumbs.next += 1;
      }
      renderSheet(host);
      if (ui.thumbs.next < kind.layers * kind.heads) ui.thumbing = requestAnimationFrame(work);
    };
    work();
    return;
  }
  renderSheet(host);
}

let mini;

function drawThumb(context, payload, host, kind, plan, layer, head) {
  const { choice } = host.state;
  const { pixels } = paletteOf(host.theme);
  const block = blockOf(blocksOf(payload.of), kind.kind, layer);
  let small = block ? null : smallOf(payload.of, kind.kind, layer, head);
  if (block) {
    const [asking, answering] = [payload.axes[kind.queries], payload.axes[kind.keys]];
    const view = viewOf(block, layer, [head], asking, answering, { first: choice.first, special: choice.special, merge: choice.merge });
    small = view && pooled(view.weights, view.rows, view.columns, Math.max(16, Math.min(64, plan.tile * 2)));
  }
  if (!small) return;
  const places = placesOf(small.cells, small.rows, small.columns, choice.scale);
  mini ??= document.createElement("canvas");
  mini.width = small.columns;
  mini.height = small.rows;
  const own = mini.getContext("2d");
  const image = own.createImageData(small.columns, small.rows);
  const target = new Uint32Array(image.data.buffer);
  for (let index = 0; index < target.length; index += 1) target[index] = pixels[places[index]];
  own.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = plan.tile * (globalThis.devicePixelRatio || 1) < small.columns;
  context.drawImage(mini, plan.left + layer * plan.pitch, plan.top + head * plan.pitch, plan.tile, plan.tile);
}

function renderSheet(host) {
  const { ui } = host;
  if (!ui.thumbs) return;
  const { plan } = ui.thumbs;
  const context = fitCanvas(ui.sheet, plan.width, plan.height);
  context.clearRect(0, 0, plan.width, plan.height);
  context.drawImage(ui.thumbs.picture, 0, 0, plan.width, plan.height);
  frameSheet(onCanvas(context), host);
}

/** Numbers of layers and heads, and the rings around what is chosen and pointed at. */
function frameSheet(paper, host) {
  const { ui, theme } = host;
  const { plan, kind } = ui.thumbs;
  const { choice } = host.state;
  const [layer, heads] = [layerOf(kind, choice), headsOf(kind, choice)];
  const size = plan.pitch < 20 ? 11 : 12;
  const name = (text, on, x, y, anchor) =>
    paper.text(x, y, text, { size, family: theme.sans, weight: on ? 600 : 400, fill: on ? theme.ink : theme.quiet, anchor });
  const columns = thinned(Array.from({ length: plan.layers }, (_, one) => one * plan.pitch), size * 2.1, [layer]);
  for (const one of columns) name(`L${numberOf(kind.layerNumbers, one)}`, one === layer, plan.left + one * plan.pitch + plan.tile / 2, plan.top - 9, "middle");
  const rows = thinned(Array.from({ length: plan.heads }, (_, one) => one * plan.pitch), size * 1.1, heads.slice(0, 1));
  for (const one of rows) name(`H${numberOf(kind.headNumbers, one)}`, heads.includes(one), plan.left - 7, plan.top + one * plan.pitch + plan.tile / 2 + size * 0.35, "end");
  const ring = (at, line, stroke) =>
    paper.box(plan.left + at.layer * plan.pitch - 1.5, plan.top + at.head * plan.pitch - 1.5, plan.tile + 3, plan.tile + 3, { stroke, line, radius: 3 });
  const colours = HEADS[theme.dark ? "dark" : "light"];
  const several = heads.length > 1 && !choice.mean;
  heads.forEach((head, index) => ring({ layer, head }, 2, several ? colours[index % colours.length] : theme.ink));
  if (ui.sheetAt) ring(ui.sheetAt, 1, theme.ink);
}

/** What a head does most, in words. */
function headNamed(payload, kind, { layer, head }) {
  const name = `L${numberOf(kind.layerNumbers, layer)}H${numberOf(kind.headNumbers, head)}`;
  const known = payload.names[kind.kind]?.[layer]?.[head];
  if (known !== undefined) return known ? `${name}: ${known}` : name;
  const block = blockOf(blocksOf(payload.of), kind.kind, layer);
  const found = block && kind.queries === kind.keys ? patternOf(block, layer, head) : null;
  return found && found[1] >= 0.2 ? `${name}: ${percent(found[1])} to ${found[0]}` : name;
}

function listenToSheet(host, act) {
  const { ui } = host;
  const { sheet: canvas } = ui;
  const at = (event) => (ui.thumbs ? headAt(ui.thumbs.plan, event.offsetX, event.offsetY) : null);
  const point = (place) => {
    if (JSON.stringify(ui.sheetAt ?? null) === JSON.stringify(place)) return;
    ui.sheetAt = place;
    ui.sheetCard.hidden = !place;
    if (place && ui.thumbs) {
      const { plan, kind } = ui.thumbs;
      const name = headNamed(ui.payload, kind, place);
      ui.sheetCard.textContent = name;
      host.say(name);
      const x = plan.left + (place.layer + 0.5) * plan.pitch;
      placeCard(ui.sheetCard, x, plan.top + place.head * plan.pitch, plan.tile, Math.max(plan.width, 200));
    }
    renderSheet(host);
  };
  const take = (place) => place && act({ layer: place.layer, head: place.head, ...(host.width < NARROW ? { view: "matrix" } : {}) });
  canvas.onpointermove = (event) => event.pointerType !== "touch" && point(at(event));
  canvas.onpointerleave = () => point(null);
  canvas.onclick = (event) => take(at(event));
  canvas.onblur = () => point(null);
  canvas.onkeydown = (event) => {
    if (!ui.thumbs) return;
    const { plan, kind } = ui.thumbs;
    const { choice } = host.state;
    const now = ui.sheetAt ?? { layer: layerOf(kind, choice), head: headsOf(kind, choice)[0] };
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) {
      const [layer, head] = [now.layer + step[0], now.head + step[1]];
      if (layer >= 0 && layer < plan.layers && head >= 0 && head < plan.heads) point({ layer, head });
    } else if (event.key === "Enter" || event.key === " ") take(now);
    else if (event.key === "Escape") point(null);
    else return;
    event.preventDefault();
  };
}

function placeCard(card, x, y, below, width) {
  card.style.maxWidth = `${Math.min(320, width)}px`;
  const own = card.offsetWidth;
  card.style.left = `${Math.max(0, Math.min(x - own / 2, width - own))}px`;
  const above = y - card.offsetHeight - 8;
  card.style.top = `${above >= 0 ? above : y + below + 8}px`;
}

// Pointer and keys in the figure ---------------------------------------------------------------------------------------

function listenToFigure(host, act) {
  const { ui } = host;
  const canvas = ui.figure;
  const found = (event) => (ui.drawn?.figure && ui.drawn.view ? hit(ui.drawn.figure, event.offsetX, event.offsetY) : null);
  const point = (at) => {
    if (JSON.stringify(ui.at) === JSON.stringify(at)) return;
    ui.at = at;
    showCard(host, at);
    render(host);
  };
  canvas.onpointermove = (event) => {
    if (ui.touches.has(event.pointerId)) {
      pinch(host, event);
      return;
    }
    if (event.pointerType !== "touch") point(found(event));
  };
  canvas.onpointerleave = (event) => event.pointerType !== "touch" && point(null);
  canvas.onpointerdown = (event) => {
    if (event.pointerType === "touch") ui.touches.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    ui.pinched = null;
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    ui.touches.delete(event.pointerId);
  };
  canvas.onclick = (event) => {
    const at = found(event);
    if (event.pointerType === "touch") point(at?.part === "cell" ? at : null);
    if (at?.row >= 0) act({ token: ui.drawn.view.queries[at.row][0] }, { moving: false });
  };
  canvas.onwheel = (event) => {
    if (event.ctrlKey) zoom(ui.payload, host, event.deltaY > 0 ? 1.25 : 0.8, found(event));
    else if (ui.part) pan(ui.payload, host, Math.sign(event.deltaX), Math.sign(event.deltaY));
    else return;
    event.preventDefault();
  };
  canvas.onblur = () => {
    ui.leaving = false;
  };
  canvas.onkeydown = (event) => {
    const { choice } = host.state;
    const kind = kindOf(ui.payload, choice);
    const [layer, head] = [layerOf(kind, choice), headsOf(kind, choice)[0]];
    const view = ui.drawn?.whole;
    const row = view?.rows ? rowOf(view, choice.token) : -1;
    const step = (number, by, count) => Math.min(Math.max(number + by, 0), count - 1);
    const token = (to) => act({ token: view.queries[to][0] }, { moving: false });
    if (event.key === "ArrowLeft") act({ layer: step(layer, -1, kind.layers) });
    else if (event.key === "ArrowRight") act({ layer: step(layer, 1, kind.layers) });
    else if (event.key === "ArrowUp") act({ head: step(head, -1, kind.heads) });
    else if (event.key === "ArrowDown") act({ head: step(head, 1, kind.heads) });
    else if (event.key === "Tab" && view?.rows && !ui.leaving) {
      const next = row + (event.shiftKey ? -1 : 1);
      if (next < 0 || next >= view.rows) return;
      token(next);
    } else if (event.key === "Home" && view?.rows) token(0);
    else if (event.key === "End" && view?.rows) token(view.rows - 1);
    else if (event.key === "+" || event.key === "=") zoom(ui.payload, host, 0.5);
    else if (event.key === "-") zoom(ui.payload, host, 2);
    else if (event.key === "0") zoom(ui.payload, host, 0);
    else if (event.key === "Escape") {
      ui.leaving = true;
      host.say("Tab now leaves the figure.");
    } else return;
    event.preventDefault();
  };
}

function showCard(host, at) {
  const { ui } = host;
  const { drawn } = ui;
  ui.card.hidden = true;
  if (!at || !drawn?.view) return;
  const { view, figure } = drawn;
  const named = (label) => shown(label);
  if (at.part === "cell" && at.column >= 0) {
    const weight = drawn.view.weights[at.row * view.columns + at.column];
    ui.card.replaceChildren(
      named(view.queryLabels[at.row]),
      element("span", {}, " to "),
      named(view.keyLabels[at.column]),
      element("span", {}, ": "),
      element("b", {}, `${(100 * weight).toFixed(1)}\u00a0%`),
    );
    ui.card.hidden = false;
    placeCard(ui.card, figure.left + (at.column + 0.5) * figure.cell, figure.top + at.row * figure.cell, figure.cell, figure.width);
  } else if (at.part === "key" && at.column >= 0 && (view.keyLabels[at.column].length > 12 || figure.keyPitch < figure.size)) {
    ui.card.replaceChildren(named(view.keyLabels[at.column]));
    ui.card.hidden = false;
    placeCard(ui.card, figure.lines ? figure.lines[1] : figure.left, keyMiddle(figure, at.column) - 8, 16, figure.width);
  } else if (at.part === "query" && (view.queryLabels[at.row].length > 12 || figure.rowPitch < figure.size)) {
    ui.card.replaceChildren(named(view.queryLabels[at.row]));
    ui.card.hidden = false;
    placeCard(ui.card, figure.left, rowMiddle(figure, at.row) - 8, 16, figure.width);
  }
}

/** Enlarge (below 1) or reduce what is seen around a place, or the chosen row; 0 shows the whole again. */
function zoom(payload, host, factor, at) {
  const { ui } = host;
  const whole = ui.drawn?.whole;
  if (!whole?.rows) return;
  const now = ui.part ?? { rows: [0, whole.rows], columns: [0, whole.columns] };
  if (!factor || (factor > 1 && now.rows[1] - now.rows[0] >= whole.rows && now.columns[1] - now.columns[0] >= whole.columns)) ui.part = null;
  else {
    const row = at?.row >= 0 ? now.rows[0] + at.row : rowOf(whole, host.state.choice.token);
    const column = at?.column >= 0 ? now.columns[0] + at.column : (strongest(whole, Math.max(row, 0), 1)[0] ?? 0);
    const sized = ([from, to], all) => Math.max(Math.min(4, all), (to - from) * factor);
    ui.part = {
      rows: windowAround(Math.max(row, 0), sized(now.rows, whole.rows), whole.rows),
      columns: windowAround(column, sized(now.columns, whole.columns), whole.columns),
    };
  }
  ui.quadrant = "";
  show(payload, host, false);
}

function pan(payload, host, right, down) {
  const { ui } = host;
  const { whole } = ui.drawn;
  const moved = ([from, to], by, all) => {
    const shift = Math.max(-from, Math.min(all - to, by));
    return [from + shift, to + shift];
  };
  ui.part = { rows: moved(ui.part.rows, down, whole.rows), columns: moved(ui.part.columns, right, whole.columns) };
  show(payload, host, false);
}

/** Two fingers: apart enlarges, together reduces, both along moves. */
function pinch(host, event) {
  const { ui } = host;
  ui.touches.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  if (ui.touches.size !== 2 || !ui.drawn?.figure) return;
  const [a, b] = [...ui.touches.values()];
  const apart = Math.hypot(a.x - b.x, a.y - b.y);
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  ui.pinched ??= { apart, middle };
  const factor = ui.pinched.apart / Math.max(apart, 1);
  const { rowPitch } = ui.drawn.figure;
  if (factor < 0.8 || factor > 1.25) {
    zoom(ui.payload, host, factor, hit(ui.drawn.figure, middle.x, middle.y));
    ui.pinched = { apart, middle };
  } else if (ui.part && Math.hypot(middle.x - ui.pinched.middle.x, middle.y - ui.pinched.middle.y) > rowPitch) {
    pan(ui.payload, host, -Math.sign(Math.round((middle.x - ui.pinched.middle.x) / rowPitch)), -Math.sign(Math.round((middle.y - ui.pinched.middle.y) / rowPitch)));
    ui.pinched.middle = middle;
  }
}

/** The rows and columns of one quarter of a pair of texts. */
function quadrant(payload, host, name) {
  const kind = kindOf(payload, host.state.choice);
  const whole = viewNow(payload, host, headsOf(kind, host.state.choice));
  if (!name || !whole?.rows) return null;
  const span = (groups, segments, wanted) => {
    const inside = groups.flatMap((group, index) => (Number(segments[group[0]]) === wanted ? [index] : []));
    return inside.length ? [inside[0], inside.at(-1) + 1] : [0, groups.length];
  };
  return {
    rows: span(whole.queries, kind.segments[0], Number(name[0])),
    columns: span(whole.keys, kind.segments[1], Number(name[1])),
  };
}

// Words and tables -----------------------------------------------------------------------------------------------------

function showWords(payload, host) {
  const { ui } = host;
  const own = told(payload, host);
  // Python's numbers come from the weights themselves, and stand for as long as the choice is theirs
  const exact = payload.said && JSON.stringify(payload.said.choice) === JSON.stringify(host.state.choice);
  const parts = exact ? payload.said.parts : own.parts;
  const remarks = exact ? [...payload.said.remarks, ...own.remarks.filter((remark) => remark.startsWith("Lines"))] : own.remarks;
  const place = own.place[0].toUpperCase() + own.place.slice(1);
  ui.said.replaceChildren(
    ...parts.map(([text, role]) => (role ? element("span", { class: `av-chip-${role}` }, shown(text)) : text)),
    " ",
    element("span", { class: "av-where" }, place),
  );
  ui.remark.textContent = remarks.join(" ");
  const heading = `${parts.map(([text]) => text).join("")} ${place}.`;
  host.note("", "", heading);
}

/** The present head as rows: query, key, weight. */
function table(payload, host) {
  const kind = kindOf(payload, host.state.choice);
  const view = viewNow(payload, host, headsOf(kind, host.state.choice));
  return view && !view.empty ? view : null;
}

function fillTable(payload, host) {
  const { ui } = host;
  const box = ui.table.lastChild;
  const view = ui.table.open ? table(payload, host) : null;
  if (!view) {
    box.replaceChildren();
    return;
  }
  const cell = (name, text) => element(name, name === "th" ? { scope: "row" } : {}, text);
  const label = (text) => shown(text) || "␣";
  const whole = view.rows * view.columns <= 700;
  const kind = kindOf(payload, host.state.choice);
  const caption = element("caption", {}, `${kind.title} attention, ${placeNamed(kind, host.state.choice)}`);
  const heads = whole ? view.keyLabels.map(label) : ["strongest key", "second", "third", "fourth", "fifth"];
  const body = view.queryLabels.map((query, row) => {
    const weight = (column) => percent(view.weights[row * view.columns + column]);
    const cells = whole
      ? view.keyLabels.map((_, column) => weight(column))
      : strongest(view, row, 5, 0.001).map((column) => `${label(view.keyLabels[column])} ${weight(column)}`);
    return element("tr", {}, cell("th", label(query)), ...cells.map((text) => cell("td", text)));
  });
  const head = element("tr", {}, element("th", {}, "query (from)"), ...heads.map((text) => element("th", { scope: "col" }, text)));
  box.replaceChildren(element("table", {}, caption, element("thead", {}, head), element("tbody", {}, ...body)));
}

/** A cell of a CSV file; a text that a spreadsheet would run as a formula gets an apostrophe before it. */
function csvCell(value) {
  const text = typeof value === "string" && value.length > 1 && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(payload, host) {
  const view = table(payload, host);
  const rows = [["query", "key", "weight"]];
  for (let row = 0; row < (view?.rows ?? 0); row += 1)
    for (let column = 0; column < view.columns; column += 1)
      rows.push([view.queryLabels[row], view.keyLabels[column], Number(view.weights[row * view.columns + column].toPrecision(4))]);
  return rows.map((row) => row.map(csvCell).join(",")).join("\r\n");
}

// What core.js asks for ------------------------------------------------------------------------------------------------

function draw(root, payload, host) {
  const key = JSON.stringify([payload.of, payload.kinds.map(({ kind, layers, heads }) => [kind, layers, heads]), payload.axes.map((axis) => axis.labels)]);
  if (host.ui?.key !== key || host.ui.grid.parentNode !== root) {
    build(root, payload, host);
    host.ui.key = key;
  }
  host.ui.payload = payload;
  show(payload, host, host.moving);
}

/** The present view as SVG drawings, for saving. @returns {SVGElement} */
function drawing(payload, host) {
  const { ui } = host;
  const { choice } = host.state;
  if (host.width < NARROW && choice.view === "heads" && ui.thumbs) {
    const { plan, picture } = ui.thumbs;
    const svg = shape("svg", { width: plan.width, height: plan.height });
    const paper = onSvg(svg);
    paper.image(picture, 0, 0, plan.width, plan.height);
    frameSheet(paper, { ...host, ui: { ...ui, sheetAt: null } });
    return svg;
  }
  const [width, height] = [ui.room.clientWidth, ui.room.clientHeight];
  const scene = sceneOf(payload, host, width, height, viewsShown(host));
  const svg = shape("svg", { width, height: scene.figure ? heightOf(scene.figure) : 40 });
  if (scene.figure) paint(onSvg(svg), scene, scene.view.weights, null);
  return svg;
}

/** @type {import("./core.js").Picture} */
export const attention = {
  name: "attention",
  choice: "choice",
  asides: ["said", "names"],
  draw,
  drawing,
  csv,
  saved: (payload, host) => ({ ...payload, partial: false, said: null, messages: bytesOf(payload.of).map(toBase64) }),
  ended: (host) => host.ui?.stop?.(),
};
