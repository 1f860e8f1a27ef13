/**
 * One layer of a model as a diagram: the residual stream is a line, and what reads from it and adds to it stands beside it.
 *
 * Payload: see block.py. Sends `part` (a trigger): {part, stack, layer} of what was clicked, with an empty `part` when it is
 * let go. Widths are to scale within a box: heads among each other, and the feed-forward widths among each other.
 */

import { element, font, lines, shape } from "./core.js";
import { alive, colourOf, lit, meant, nameColourOf } from "./parts.js";

const STREAM = 34; // where the stream runs, from its side
const BOX = 60; // where boxes begin
const BRANCH = 26; // where a branch enters a box, from the box's edge
const PAD = 12;
const HALF = 132; // the least width of a box beside another: "Self-attention" and its margins

/**
 * The four matrices of an attention sublayer on a strip, to scale: outputs of query, key and value, and the width that the
 * output projection writes. Query, key and value are divided into their heads.
 * @returns {{ part: string, x: number, width: number, pieces: number }[]}
 */
export function headStrip(sublayer, room) {
  const gap = 4;
  const widths = [sublayer.heads, sublayer.key_value_heads, sublayer.key_value_heads].map(
    (heads) => heads * sublayer.d_head,
  );
  widths.push(sublayer.d_model);
  const scale = (room - 3 * gap) / widths.reduce((sum, width) => sum + width, 0);
  const pieces = [sublayer.heads, sublayer.key_value_heads, sublayer.key_value_heads, 1];
  let x = 0;
  return ["query", "key", "value", "output"].map((matrix, index) => {
    const width = widths[index] * scale;
    const segment = { part: `${sublayer.kind}.${matrix}`, x, width, pieces: pieces[index] };
    x += width + gap;
    return segment;
  });
}

/**
 * The matrices of a feed-forward network as trapezoids from the width they read to the width they write, to one scale.
 * @returns {{ part: string, x: number, y: number, height: number, from: number, to: number }[]}  x is the middle
 */
export function widthShapes(sublayer, room) {
  const { d_model: narrow, d_ff: wide, gated } = sublayer;
  const height = 17;
  const between = 22;
  const scale = (gated ? (room - between) / 2 : room) / Math.max(wide, narrow);
  const into = (part, x) => ({ part: `feed_forward.${part}`, x, y: 0, height, from: narrow * scale, to: wide * scale });
  const out = { part: "feed_forward.out", x: room / 2, y: height + 3, height, from: wide * scale, to: narrow * scale };
  if (!gated) return [into("in", room / 2), out];
  const side = (room - between) / 4;
  return [into("gate", side), into("in", room - side), { ...out, y: height + 9 }];
}

export function drawBlock(root, payload, host) {
  const { theme } = host;
  const two = payload.stacks.length > 1;
  const beside = two && host.width >= 460;
  const gap = beside ? 56 : 0;
  const most = 400;
  const width = Math.min(most, beside ? (host.width - gap) / 2 : host.width);
  const parts = [];
  const nodes = [];
  const towers = [];
  let top = 0;
  payload.stacks.forEach((stack, index) => {
    const tower = draftOf(stack, width, { mirrored: beside && index === 1, lane: two && !beside, titled: two }, host);
    const x = beside ? index * (width + gap) : 0;
    towers.push({ ...tower, x, y: top, stack: stack.stack });
    nodes.push(shape("g", { transform: `translate(${x} ${top})` }, ...tower.nodes));
    parts.push(...tower.parts);
    if (!beside) top += tower.height + 20;
  });
  const whole = beside ? 2 * width + gap : width;
  const height = Math.ceil(beside ? Math.max(...towers.map((tower) => tower.height)) : top - 20);
  const crossing = two ? bridgePath(towers[0], towers[1], width, gap, beside) : undefined;
  if (two) nodes.unshift(bridge(crossing, beside, theme));

  const drawing = shape(
    "svg",
    {
      class: "av-drawing",
      width: whole,
      height,
      viewBox: `0 0 ${whole} ${height}`,
      role: "group",
      "aria-label": payload.alt,
    },
    ...nodes,
  );
  root.replaceChildren(drawing);
  const choiceOf = (index) => ({ part: parts[index].part, stack: parts[index].stack, layer: null });
  const told = (index, event) => {
    if (index !== null && event.type === "focus") host.say(parts[index].name);
  };
  alive(
    drawing,
    parts.map((part) => part.node),
    host,
    choiceOf,
    told,
  );
  const light = () => {
    const choice = lit(host);
    for (const one of parts) {
      const among = meant(choice, one.part, one.stack);
      for (const mark of one.marks) mark.setAttribute("opacity", !choice || among ? "1" : "0.3");
      one.edge?.setAttribute("stroke", choice && among ? theme.ink : one.still);
    }
  };
  host.lights.set(root, light);
  light();
  return { drawing, route: routeOf(towers, crossing) };
}

/**
 * The way of one token through the drawing, in legs: what it passes (`part`, "" at the end, "bridge" between the stacks), and
 * lines for the token itself and for the copies of it that branch off.
 * @returns {{ part: string, stack: string, main: number[][], copies: number[][][] }[]}
 */
function routeOf(towers, crossing) {
  const moved = (tower, line) => line.map(([x, y]) => [x + tower.x, y + tower.y]);
  return towers.flatMap((tower, index) => {
    const legs = tower.legs.map(({ part, main, copies }) => ({
      part,
      stack: tower.stack,
      main: moved(tower, main),
      copies: copies.map((copy) => moved(tower, copy)),
    }));
    const between = { part: "bridge", stack: "decoder", main: crossing, copies: [] };
    return index === 0 && crossing ? [...legs, between] : legs;
  });
}

/** From the end of the encoder to the cross-attention of the decoder, as corners. */
function bridgePath(from, to, width, gap, beside) {
  const [x, y] = [from.x + from.end.x, from.y + from.end.y];
  const goal = { x: to.x + to.cross.x, y: to.y + to.cross.y };
  const lane = beside ? width + gap / 2 : width - 6;
  const tip = beside ? goal.x - 2 : goal.x + 2;
  return [[x, y], [x, y + 12], [lane, y + 12], [lane, goal.y], [tip, goal.y]]; // prettier-ignore
}

function bridge(corners, beside, theme) {
  const attributes = { fill: "none", stroke: theme.cross.mark, "stroke-width": 3, "stroke-linejoin": "round" };
  const [tip, y] = corners.at(-1);
  const head = beside ? `M${tip - 7} ${y - 5}l7 5l-7 5` : `M${tip + 7} ${y - 5}l-7 5l7 5`;
  return shape(
    "g",
    {},
    shape("path", { d: `M${corners.map((corner) => corner.join(" ")).join("L")}`, ...attributes }),
    shape("path", { d: head, ...attributes }),
  );
}

/**
 * What draws one stack: everything it draws goes to `nodes` (lines of the stream to `streams`, below all), and what can be
 * pointed at to `parts`, with the marks that fade where something else is meant.
 */
function penFor(stack, host) {
  const { theme } = host;
  const nodes = [];
  const streams = [];
  const parts = [];
  const legs = [];
  const leg = (part, main, copies = []) => legs.push({ part, main, copies });

  const line = (d, more = {}) =>
    shape("path", {
      d,
      fill: "none",
      stroke: theme.stream.mark,
      "stroke-width": 2,
      "stroke-linejoin": "round",
      ...more,
    });
  const write = (x, y, content, { size = 13, weight = 400, fill = theme.quiet, anchor = "start" } = {}) =>
    shape(
      "text",
      { x, y, fill, "font-size": size, "font-weight": weight, "font-family": theme.sans, "text-anchor": anchor },
      content,
    );
  const width = (content, size, weight = 400) => host.measure(content, font(size, theme.sans, weight));
  const wrapped = (content, size, room, weight = 400) => lines(content, room, (text) => width(text, size, weight));

  const add = (part, name, node, { marks = [], edge = undefined, still = "none" } = {}) => {
    node.setAttribute("class", "av-part");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", name);
    parts.push({ part, name, stack: stack.stack, node, marks, edge, still });
    nodes.push(node);
  };
  const plus = (x, y) => {
    const ring = { cx: x, cy: y, r: 9, fill: theme.paper, stroke: theme.stream.mark, "stroke-width": 2 };
    nodes.push(shape("circle", ring), line(`M${x - 5} ${y}h10M${x} ${y - 5}v10`));
  };
  const norm = (x, y) => {
    const still = theme.stream.mark;
    const place = { x: x - 25, y: y - 10, width: 50, height: 20, rx: 10 };
    const edge = shape("rect", { ...place, fill: theme.paper, stroke: still, "stroke-width": 2 });
    const word = write(x, y + 4.5, "norm", { anchor: "middle", fill: theme.stream.text });
    add("norm", stack.norm, shape("g", {}, edge, word), { edge, still });
  };
  /** A box with title and detail and `extra` room below them, which begins at `inside`. */
  const box = (part, { title, detail }, x, y, room, extra) => {
    const titles = wrapped(title, 15, room - 2 * PAD, 600);
    const details = detail ? wrapped(detail, 13, room - 2 * PAD) : [];
    const height = 6 + titles.length * 19 + details.length * 17 + extra;
    const edge = shape("rect", {
      x,
      y,
      width: room,
      height,
      rx: 5,
      fill: theme.panel,
      stroke: "none",
      "stroke-width": 1.5,
    });
    const under = y + 19 + titles.length * 19;
    const node = shape(
      "g",
      {},
      edge,
      ...titles.map((one, at) => write(x + PAD, y + 21 + at * 19, one, { size: 15, weight: 600, fill: theme.ink })),
      ...details.map((one, at) => write(x + PAD, under + at * 17, one)),
    );
    add(part, [title, detail].filter(Boolean).join(", "), node, { edge });
    return { height, inside: y + height - extra };
  };
  /** A box for what has one colour, shown along its lower edge; returns its height. */
  const plainBox = (part, words, x, y, room) => {
    const { height } = box(part, words, x, y, room, 13);
    const d = `M${x} ${y + height - 7}h${room}v2a5 5 0 0 1 -5 5h${10 - room}a5 5 0 0 1 -5 -5z`;
    const mark = shape("path", { d, fill: colourOf(part, theme), "pointer-events": "none" });
    nodes.push(mark);
    parts.at(-1).marks.push(mark);
    return height;
  };
  return { theme, nodes, streams, parts, legs, leg, line, write, width, wrapped, add, plus, norm, box, plainBox };
}

/** A sublayer's box with its matrices; returns its height. */
function sublayerBox(pen, sublayer, x, y, room) {
  if (sublayer.kind === "recurrence") return pen.plainBox("recurrence", sublayer, x, y, room);
  return sublayer.kind === "feed_forward"
    ? feedForwardBox(pen, sublayer, x, y, room)
    : attentionBox(pen, sublayer, x, y, room);
}

function attentionBox(pen, sublayer, x, y, room) {
  const { height, inside } = pen.box(sublayer.kind, sublayer, x, y, room, 40);
  const strip = headStrip(sublayer, room - 2 * PAD);
  const matrixOf = (segment) => segment.part.split(".")[1];
  const whole = strip.every((segment) => pen.width(matrixOf(segment), 12, 600) <= segment.width + 2);
  const top = inside + 7;
  for (const segment of strip) {
    const left = x + PAD + segment.x;
    const matrix = matrixOf(segment);
    const mark = shape("path", { d: piecesPath(segment, left, top), fill: colourOf(segment.part, pen.theme) });
    const touch = {
      x: left - 2,
      y: top - 5,
      width: segment.width + 4,
      height: 36,
      fill: "transparent",
      "data-live": "",
    };
    const style = { size: 12, weight: 600, fill: nameColourOf(segment.part, pen.theme) };
    const name = pen.write(left, top + 26, whole ? matrix : matrix[0].toUpperCase(), style);
    pen.add(segment.part, `${sublayer.title}, ${matrix}`, shape("g", {}, shape("rect", touch), mark, name), {
      marks: [mark],
    });
  }
  return height;
}

/** A matrix divided into its heads, where these are wide enough to be seen. */
function piecesPath({ width, pieces }, left, top) {
  const piece = width / pieces;
  if (piece < 2) return `M${left} ${top}h${width}v12h${-width}z`;
  const gap = Math.min(1, piece * 0.25);
  return Array.from({ length: pieces }, (_, index) => {
    const own = piece - (index < pieces - 1 ? gap : 0);
    return `M${left + index * piece} ${top}h${own}v12h${-own}z`;
  }).join("");
}

function feedForwardBox(pen, sublayer, x, y, room) {
  const { gated } = sublayer;
  const own = room - 2 * PAD;
  const shapes = widthShapes(sublayer, own);
  const last = shapes.at(-1);
  const { height, inside } = pen.box("feed_forward", sublayer, x, y, room, last.y + last.height + (gated ? 32 : 19));
  const [left, top] = [x + PAD, inside + (gated ? 20 : 8)];
  for (const one of shapes) {
    const matrix = one.part.split(".")[1];
    const [upper, lower] = [left + one.x - one.from / 2, left + one.x - one.to / 2];
    const foot = top + one.y + one.height;
    const d = `M${upper} ${top + one.y}h${one.from}L${lower + one.to} ${foot}h${-one.to}z`;
    const mark = shape("path", { d, fill: colourOf(one.part, pen.theme) });
    const above = gated && one.y === 0;
    const style = {
      size: 12,
      weight: 600,
      fill: nameColourOf(one.part, pen.theme),
      anchor: above ? "middle" : "start",
    };
    const at = above ? [left + one.x, top - 4] : [left, one.to > one.from ? top + 8 : foot + 1];
    pen.add(one.part, `Feed-forward ${matrix}`, shape("g", {}, mark, pen.write(at[0], at[1], matrix, style)), {
      marks: [mark],
    });
  }
  if (gated) {
    const times = {
      d: `M${left + own / 2 - 4} ${top + 10}l8 8m0 -8l-8 8`,
      stroke: pen.theme.quiet,
      "stroke-width": 1.75,
      fill: "none",
    };
    pen.nodes.push(shape("path", { ...times, "pointer-events": "none" }));
  }
  return height;
}

/** One stack, drawn from the top down, in its own coordinates; `mirrored` has the stream at the right. */
function draftOf(stack, width, { mirrored, lane, titled }, host) {
  const pen = penFor(stack, host);
  const right = width - (lane ? 22 : 1); // the frame's outer edge
  const room = right - PAD - BOX;
  const place = {
    mirrored,
    titled,
    room,
    right,
    sx: mirrored ? width - STREAM : STREAM,
    x: mirrored ? width - BOX - room : BOX,
    near: mirrored ? width - BOX : BOX, // edge of the boxes towards the stream
    entry: mirrored ? width - BOX - BRANCH : BOX + BRANCH,
  };
  const input = drawInput(pen, stack, place);
  const layer = drawLayer(pen, stack, place, input, width);
  const output = drawOutput(pen, stack, place, layer);
  const stream = pen.line(`M${place.sx} ${input.source}V${output.end.y}`, { "stroke-width": 3 });
  const nodes = [layer.frame, ...pen.streams, stream, ...pen.nodes];
  const height = Math.max(output.y, output.end.y) + 6;
  return { nodes, parts: pen.parts, legs: pen.legs, height, cross: layer.cross, end: output.end };
}

/** From token ids to the first vectors. Returns where the stream begins, where the layers may, and where the token is. */
function drawInput(pen, stack, { sx, x, near, room, mirrored }) {
  let y = 16;
  let source = 4;
  let at = 4;
  pen.nodes.push(pen.write(mirrored ? x + room : x, y, stack.source, { anchor: mirrored ? "end" : "start" }));
  pen.streams.push(pen.line(`M${sx} 4V${y + 40}`, { "stroke-dasharray": "3 3" })); // ids are no vectors yet
  y += 12;
  stack.before.forEach((one, index) => {
    const height = pen.plainBox(one.part, one, x, y, room);
    const join = y + height / 2;
    pen.streams.push(pen.line(`M${near} ${join}H${sx}`));
    if (index === 0) {
      source = join;
      pen.streams.push(shape("circle", { cx: sx, cy: join, r: 3.5, fill: pen.theme.stream.mark }));
    } else pen.plus(sx, join);
    pen.leg(one.part, [[sx, at], [sx, join]], [[[near, join], [sx, join]]]); // prettier-ignore
    at = join;
    y += height + 9;
  });
  if (stack.first_norm) {
    pen.norm(sx, y + 5);
    pen.leg("norm", [[sx, at], [sx, y + 5]]); // prettier-ignore
    at = y + 5;
    y += 15;
  }
  return { y: y + 8, source, at };
}

/** The frame with one layer in it. */
function drawLayer(pen, stack, place, { y: top, at: start }, width) {
  const { sx, x, room, right, entry, mirrored, titled } = place;
  const times = `× ${stack.layers} ${stack.layers === 1 ? "layer" : "layers"}`;
  const heading = { weight: 600, fill: pen.theme.ink, anchor: mirrored ? "start" : "end" };
  pen.nodes.push(pen.write(mirrored ? x : x + room, top + 20, titled ? `${stack.title} ${times}` : times, heading));
  const before = stack.placement === "before" || stack.placement === "both";
  const behind = stack.placement === "both" || stack.placement === "output";
  const branch = (from, to, at) => {
    pen.streams.push(pen.line(`M${sx} ${from}H${at}V${to}`));
    if (before) pen.norm(at, from + 17);
  };
  let y = top + 26;
  let at = start;
  let cross;
  if (stack.parallel && stack.sublayers.length === 2) {
    const beside = (room - 12) / 2 >= HALF;
    const drawn = beside ? sideBySide : oneBelowOther;
    const { bottom, copies } = drawn(pen, stack.sublayers, { sx, x, room, entry, mirrored, before, at }, y);
    pen.plus(sx, bottom);
    pen.leg("parallel", [[sx, at], [sx, bottom]], copies); // prettier-ignore
    at = bottom;
    y = bottom + 20;
  } else {
    for (const sublayer of stack.sublayers) {
      const topOf = y + (before ? 34 : 11);
      branch(y, topOf, entry);
      const height = sublayerBox(pen, sublayer, x, topOf, room);
      if (sublayer.kind === "cross") cross = { x: mirrored ? x : x + room, y: topOf + 28 };
      let bottom = topOf + height + (behind ? 36 : 11);
      pen.streams.push(pen.line(`M${entry} ${topOf + height}V${bottom}H${sx}`));
      if (behind) pen.norm(entry, topOf + height + 18);
      pen.plus(sx, bottom);
      const copy = [[sx, at], [sx, y], [entry, y], [entry, bottom], [sx, bottom]]; // prettier-ignore
      if (stack.placement === "after") {
        bottom += 22;
        pen.norm(sx, bottom);
        copy.push([sx, bottom]);
      }
      pen.leg(sublayer.kind, [[sx, at], [sx, bottom]], [copy]); // prettier-ignore
      at = bottom;
      y = bottom + 20;
    }
  }
  const outer = { x: mirrored ? width - right : 1, y: top, width: right - 1, height: y - 4 - top, rx: 8 };
  const frame = shape("rect", { ...outer, fill: "none", stroke: pen.theme.hairline, "stroke-width": 1.5 });
  return { y: y + 8, cross, frame, at };
}

/** Two sublayers that read the same vector, beside each other. Returns where they are added, and the ways through them. */
function sideBySide(pen, sublayers, { sx, x, room, mirrored, before, at }, y) {
  const half = (room - 12) / 2;
  const lefts = mirrored ? [x + half + 12, x] : [x, x + half + 12];
  const middles = lefts.map((left) => left + half / 2);
  const top = y + (before ? 38 : 14);
  middles.forEach((middle) => {
    pen.streams.push(pen.line(`M${sx} ${y}H${middle}V${top}`));
    if (before) pen.norm(middle, y + 17);
  });
  const heights = sublayers.map((sublayer, index) => sublayerBox(pen, sublayer, lefts[index], top, half));
  const bottom = top + Math.max(...heights) + 14;
  middles.forEach((middle, index) => {
    pen.streams.push(pen.line(`M${middle} ${top + heights[index]}V${bottom}H${sx}`));
  });
  const copies = middles.map((middle) => [[sx, at], [sx, y], [middle, y], [middle, bottom], [sx, bottom]]); // prettier-ignore
  return { bottom, copies };
}

/** The same where there is no room beside: a lane before the boxes feeds both, one behind them gathers. */
function oneBelowOther(pen, sublayers, { sx, x, room, entry, mirrored, before, at }, y) {
  const side = mirrored ? -1 : 1;
  const feed = sx + 13 * side;
  const far = mirrored ? x : x + room;
  const gather = far + 6 * side;
  const starts = [];
  const middles = [];
  let top = y;
  for (const sublayer of sublayers) {
    const start = top;
    const box = start + (before ? 34 : 11);
    pen.streams.push(pen.line(`M${feed} ${start}H${entry}V${box}`));
    if (before) pen.norm(entry, start + 17);
    const height = sublayerBox(pen, sublayer, x, box, room);
    starts.push(start);
    middles.push(box + height / 2);
    top = box + height + 12;
  }
  const bottom = top + 4;
  pen.streams.push(pen.line(`M${sx} ${y}H${feed}V${starts[1]}`));
  pen.streams.push(pen.line(`M${far} ${middles[0]}H${gather}V${bottom}H${sx}`));
  pen.streams.push(pen.line(`M${entry} ${top - 12}V${bottom}`));
  const copies = [
    [[sx, at], [sx, y], [entry, y], [entry, middles[0]], [gather, middles[0]], [gather, bottom], [sx, bottom]],
    [[sx, at], [sx, y], [feed, y], [feed, starts[1]], [entry, starts[1]], [entry, bottom], [sx, bottom]],
  ]; // prettier-ignore
  return { bottom, copies };
}

/** From the last vectors to what the model gives. Returns where the stream ends. */
function drawOutput(pen, stack, { sx, x, near, room, right, entry, mirrored, titled }, { y: top, at: start }) {
  const side = mirrored ? -1 : 1;
  let y = top;
  let at = start;
  if (stack.final_norm) {
    pen.norm(sx, y + 9);
    pen.leg("norm", [[sx, at], [sx, y + 9]]); // prettier-ignore
    at = y + 9;
    y += 29;
  }
  const arrow = (at, tip) => pen.streams.push(pen.line(`M${at - 5} ${tip - 6}l5 7l5 -7`, { "stroke-width": 2.5 }));
  const tell = (at, from) => {
    const said = pen.wrapped(stack.result, 13, (mirrored ? from : right - from) - 16);
    const style = { anchor: mirrored ? "end" : "start" };
    pen.nodes.push(...said.map((one, index) => pen.write(from + 14 * side, at + index * 17, one, style)));
    return at + said.length * 17;
  };
  for (const one of stack.after) {
    const height = pen.plainBox(one.part, one, x, y, room);
    const join = y + height / 2;
    const last = one.part === "head";
    pen.streams.push(pen.line(`M${sx} ${join}H${near}`, { "stroke-width": last ? 3 : 2 }));
    if (last) {
      pen.streams.push(pen.line(`M${entry} ${y + height}v18`, { "stroke-dasharray": "3 3" }));
      arrow(entry, y + height + 18);
      pen.leg("head", [[sx, at], [sx, join], [near, join], [entry, join], [entry, y + height + 18]]); // prettier-ignore
      return { y: tell(y + height + 18, entry) + 2, end: { x: sx, y: join } };
    }
    pen.leg(one.part, [[sx, at], [sx, join]], [[[sx, at], [sx, join], [near, join]]]); // prettier-ignore
    at = join;
    y += height + 8;
  }
  const under = tell(y + 12, sx + 12 * side);
  const end = { x: sx, y: Math.max(y + 22, under - 8) };
  if (!titled || stack.stack === "decoder") arrow(sx, end.y);
  pen.leg("", [[sx, at], [sx, end.y]]); // prettier-ignore
  return { y: under, end };
}

/** @type {import("./core.js").Picture} */
export const block = {
  name: "block",
  choice: "chosen",
  draw(root, payload, host) {
    drawBlock(root, payload, host);
    host.note(payload.hint, payload.note, payload.title);
  },
};
