/** Draws the attention figure: matrix and lines on one row axis, with their labels, on either paper of painting.js. */

import { fitted, font, shown, thinned } from "./core.js";
import { gapOf, keyMiddle, LONGEST_LABEL, rowMiddle } from "./geometry.js";
import { DASHES, HEADS, paletteOf } from "./shades.js";
import { curveOf, everyLine, linesOf, looked, placesOf, strongest } from "./weights.js";

/** A weight below 3 % gets no line. */
export const LEAST_LINE = 0.03;
const LEAST_VALUE = 0.045; // and below 4.5 % no value in its cell
/** Lines of the rows that are not chosen: more would take longer to draw than a frame, and be one grey shape. */
export const MOST_LINES = 500;
const MOST_BOXES = 1600; // cells that are drawn one by one; more become one picture

/** A share in whole per cent; one that may be wrong in its last digit has a sign before it. */
export const percent = (share, exact = true) => {
  const rounded = Math.round(100 * share);
  if (!rounded && share >= 0.0005) return "under 1\u00a0%";
  return `${exact || !rounded ? "" : "≈"}${rounded}\u00a0%`;
};

const strands = new WeakMap();

/** The strongest `MOST_LINES` lines of all rows, and how many there are; kept with the view. */
export function strandsOf(view, mass) {
  const known = strands.get(view);
  if (known?.mass === mass) return known;
  const found = { mass, ...everyLine(view, mass, LEAST_LINE, MOST_LINES) };
  strands.set(view, found);
  return found;
}

/** Draws a scene. `weights` may be between those of two heads. `at` is what is pointed at. */
export function paint(paper, scene, weights, at) {
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
  paper.end();
}

function cells(paper, scene, weights) {
  const { view, figure, theme, choice } = scene;
  const { rows, columns } = view;
  const { css, pixels, inks } = paletteOf(theme);
  const { cell, left, top } = figure;
  const gap = gapOf(cell);
  if (rows * columns > MOST_BOXES) {
    paper.image(pictureOf(weights, rows, columns, choice.scale, pixels, cell), left, top, columns * cell, rows * cell);
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
  const places = placesOf(weights, rows, columns, choice.scale);
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
let dots; // its pixels, and their places on the palette: new megabytes for each change of a long text would be too much
let spots = new Uint8Array();

/** A matrix as one picture with a pixel a cell; where cells are smaller than a pixel, the largest of neighbours. */
function pictureOf(weights, rows, columns, scale, pixels, cell) {
  sheet ??= document.createElement("canvas");
  const context = sheet.getContext("2d");
  if (dots?.width !== columns || dots.height !== rows) {
    sheet.width = columns;
    sheet.height = rows;
    dots = context.createImageData(columns, rows);
  }
  const target = new Uint32Array(dots.data.buffer);
  if (cell >= 1) looked(weights, rows, columns, scale, pixelsOf(pixels, scale), target);
  else {
    if (spots.length !== target.length) spots = new Uint8Array(target.length);
    const places = placesOf(weights, rows, columns, scale, spots);
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
  context.putImageData(dots, 0, 0);
  return sheet;
}

const tables = new WeakMap();

/** The pixels of 4096 weights from 0 to 1. */
function pixelsOf(pixels, scale) {
  if (!tables.has(pixels)) tables.set(pixels, new Map());
  const known = tables.get(pixels);
  if (!known.has(scale)) known.set(scale, Uint32Array.from(curveOf(scale), (place) => pixels[place]));
  return known.get(scale);
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

const fittedLabels = new Map();

/** A label as it fits; kept, because all labels are drawn for each frame. */
function labelled(scene, label, weight = 400) {
  const spec = font(scene.figure.size, scene.theme.sans, weight);
  let known = fittedLabels.get(spec);
  if (!known || known.size > 5000) fittedLabels.set(spec, (known = new Map()));
  let text = known.get(label);
  if (text === undefined) {
    text = fitted(shown(label) || "␣", LONGEST_LABEL, (part) => scene.measure(part, spec));
    known.set(label, text);
  }
  return text;
}

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
    const shownNow = several ? own : weights === view.weights ? view : { ...view, weights };
    const colour = several ? colours[index % colours.length] : strong;
    const dash = several ? DASHES[Math.floor(index / colours.length) % DASHES.length] : [];
    const toKey = at?.part === "key";
    if (toKey || !alone) {
      const every = toKey ? everyLine(shownNow, mass, least) : strandsOf(shownNow, mass);
      const drawn = [];
      for (let one = 0; one < every.cells.length; one += 1) {
        const cell = every.cells[one];
        if (toKey ? cell % view.columns === at.column : Math.floor(cell / view.columns) !== focus) drawn.push(cell);
      }
      const thin = Math.min(1, Math.max(0.12, 240 / drawn.length)); // many lines would become one black shape
      const style = { stroke: several ? colour : toKey ? theme.key.mark : theme.ink, line: 0, alpha: 1, dash };
      for (const cell of drawn) {
        const weight = shownNow.weights[cell];
        style.line = toKey ? 1 + weight * wide : 0.6 + 2 * weight;
        style.alpha = toKey ? 0.35 + 0.65 * weight : (0.05 + 0.3 * weight) * thin;
        paper.curve(from, rowMiddle(figure, Math.floor(cell / view.columns)), to - 6, keyMiddle(figure, cell % view.columns), style);
      }
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
  const kept = thinned(places, 1.08 * size, [at?.column ?? -1, ...lit]);
  for (const column of kept) {
    const weight = focus >= 0 ? weights[focus * view.columns + column] : 0;
    const bold = column === lit[0] || column === at?.column;
    const fill = weight >= LEAST_LINE || column === at?.column ? theme.key.text : theme.quiet;
    const label = labelled(scene, view.keyLabels[column], bold ? 600 : 400);
    const y = places[column] + size * 0.34;
    paper.text(x, y, label, { size, family: theme.sans, weight: bold ? 600 : 400, fill, rtl: view.keyRtl[column], anchor: "start" });
  }
  for (const column of kept) {
    const weight = focus >= 0 ? weights[focus * view.columns + column] : 0;
    if (weight < 0.01) continue;
    const bold = column === lit[0] || column === at?.column;
    const y = places[column] + size * 0.34;
    const value = { size: size - 0.5, family: theme.sans, weight: bold ? 600 : 400, anchor: "end", fill: weight >= LEAST_LINE ? theme.ink : theme.quiet };
    paper.text(figure.width - 2, y, percent(weight, view.exact), value);
  }
  const heading = { size: size - 1, family: theme.sans, weight: 600, fill: theme.key.text };
  paper.text(x, figure.top - 9, "key (to)", heading);
}
