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

/**
 * The four matrices of an attention sublayer on a strip, to scale: outputs of query, key and value, and the width that the
 * output projection writes. Query, key and value are divided into their heads.
 * @returns {{ part: string, x: number, width: number, pieces: number }[]}
 */
export function headStrip(sublayer, room) {
  const gap = 4;
  const widths = [sublayer.heads, sublayer.key_value_heads, sublayer.key_value_heads].map((heads) => heads * sublayer.d_head);
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
  const beside = two && host.width >= 500;
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
    towers.push({ ...tower, x, y: top });
    nodes.push(shape("g", { transform: `translate(${x} ${top})` }, ...tower.nodes));
    parts.push(...tower.parts);
    if (!beside) top += tower.height + 20;
  });
  const whole = beside ? 2 * width + gap : width;
  const height = Math.ceil(beside ? Math.max(...towers.map((tower) => tower.height)) : top - 20);
  if (two) nodes.unshift(bridge(towers[0], towers[1], width, gap, beside, theme));

  const drawing = shape(
    "svg",
    { class: "av-drawing", width: whole, height, viewBox: `0 0 ${whole} ${height}`, role: "group", "aria-label": payload.alt },
    ...nodes,
  );
  root.replaceChildren(drawing);
  const choiceOf = (index) => ({ part: parts[index].part, stack: parts[index].stack, layer: null });
  const told = (index, event) => {
    if (index !== null && event.type === "focusin") host.say(parts[index].name);
  };
  alive(drawing, parts.map((part) => part.node), host, choiceOf, told);
  const light = () => {
    const choice = lit(host);
    for (const one of parts) {
      const among = meant(choice, one.part, one.stack);
      for (const node of one.nodes) node.setAttribute("opacity", !choice || among ? "1" : "0.35");
      one.edge?.setAttribute("stroke", choice && among ? theme.ink : one.still);
    }
  };
  host.lights.set(root, light);
  light();
}

/** From the end of the encoder to every cross-attention of the decoder. */
function bridge(from, to, width, gap, beside, theme) {
  const attributes = { fill: "none", stroke: theme.cross.mark, "stroke-width": 3, "stroke-linejoin": "round" };
  const [x, y] = [from.x + from.end.x, from.y + from.end.y];
  const goal = { x: to.x + to.cross.x, y: to.y + to.cross.y };
  const lane = beside ? width + gap / 2 : width - 6;
  const tip = beside ? goal.x - 2 : goal.x + 2;
  const head = beside ? `M${tip - 7} ${goal.y - 5}l7 5l-7 5` : `M${tip + 7} ${goal.y - 5}l-7 5l7 5`;
  return shape("g", {}, shape("path", { d: `M${x} ${y}V${y + 12}H${lane}V${goal.y}H${tip}`, ...attributes }), shape("path", { d: head, ...attributes }));
}

/** One stack, drawn from the top down; everything in its own coordinates. */
function draftOf(stack, width, { mirrored, lane, titled }, host) {
  const { theme } = host;
  const right = width - (lane ? 22 : 1); // the frame's outer edge
  const flip = (x) => (mirrored ? width - x : x);
  const sx = flip(STREAM);
  const inner = right - PAD - BOX; // width of a box
  const bx = mirrored ? width - BOX - inner : BOX;
  const entry = mirrored ? bx + inner - BRANCH : bx + BRANCH;
  const nodes = [];
  const parts = [];
  const stream = [];
  const line = (d, more = {}) =>
    shape("path", { d, fill: "none", stroke: theme.stream.mark, "stroke-width": 2, "stroke-linejoin": "round", ...more });
  const write = (x, y, content, { size = 13, weight = 400, fill = theme.quiet, anchor = "start" } = {}) =>
    shape("text", { x, y, fill, "font-size": size, "font-weight": weight, "font-family": theme.sans, "text-anchor": anchor }, content);
  const wrapped = (content, size, room, weight = 400) => lines(content, room, (part) => host.measure(part, font(size, theme.sans, weight)));

  const add = (part, name, node, more = {}) => {
    node.setAttribute("class", "av-part");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", name);
    parts.push({ part, name, stack: stack.stack, node, nodes: [node], ...more });
    nodes.push(node);
  };
  const plus = (y) =>
    nodes.push(
      shape("circle", { cx: sx, cy: y, r: 9, fill: theme.paper, stroke: theme.stream.mark, "stroke-width": 2 }),
      line(`M${sx - 5} ${y}h10M${sx} ${y - 5}v10`),
    );
  const pill = (x, y) => {
    const edge = shape("rect", { x: x - 25, y: y - 10, width: 50, height: 20, rx: 10, fill: theme.paper, stroke: theme.stream.mark, "stroke-width": 2 });
    add("norm", stack.norm, shape("g", {}, edge, write(x, y + 4.5, "norm", { anchor: "middle", fill: theme.stream.text })), { edge, still: theme.stream.mark });
  };
  /** A box with title and detail; returns where its own drawing begins. */
  const box = (part, title, detail, y, x, room, extra) => {
    const titles = wrapped(title, 15, room - 2 * PAD, 600);
    const details = detail ? wrapped(detail, 13, room - 2 * PAD) : [];
    const height = 6 + titles.length * 19 + details.length * 17 + extra;
    const edge = shape("rect", { x, y, width: room, height, rx: 5, fill: theme.panel, stroke: "none", "stroke-width": 1.5 });
    const node = shape(
      "g", {}, edge,
      ...titles.map((one, index) => write(x + PAD, y + 21 + index * 19, one, { size: 15, weight: 600, fill: theme.ink })),
      ...details.map((one, index) => write(x + PAD, y + 19 + titles.length * 19 + index * 17, one)),
    );
    add(part, [title, detail].filter(Boolean).join(", "), node, { edge, still: "none" });
    return { height, inside: y + height - extra, node };
  };
  const bar = (part, x, y, room) => {
    const d = `M${x} ${y}h${room}v2a5 5 0 0 1 -5 5h${10 - room}a5 5 0 0 1 -5 -5z`;
    const node = shape("path", { d, fill: colourOf(part, theme), "pointer-events": "none" });
    nodes.push(node);
    parts.at(-1).nodes.push(node);
  };
  /** A sublayer's box with its matrices; returns its height. */
  const sublayerBox = (sublayer, y, x, room) => {
    const own = room - 2 * PAD;
    if (sublayer.kind === "recurrence") {
      const { height } = box("recurrence", sublayer.title, sublayer.detail, y, x, room, 16);
      bar("recurrence", x, y + height - 7, room);
      return height;
    }
    if (sublayer.kind === "feed_forward") {
      const shapes = widthShapes(sublayer, own);
      const last = shapes.at(-1);
      const { height, inside } = box("feed_forward", sublayer.title, sublayer.detail, y, x, room, last.y + last.height + (sublayer.gated ? 32 : 19));
      const [ox, oy] = [x + PAD, inside + (sublayer.gated ? 20 : 8)];
      for (const one of shapes) {
        const [left, under] = [ox + one.x - one.from / 2, ox + one.x - one.to / 2];
        const d = `M${left} ${oy + one.y}h${one.from}L${under + one.to} ${oy + one.y + one.height}h${-one.to}z`;
        const matrix = one.part.split(".")[1];
        const corner = sublayer.gated && one.y === 0
          ? { x: ox + one.x, y: oy - 4, anchor: "middle" }
          : { x: ox, y: one.to > one.from ? oy + 8 : oy + one.y + one.height + 1, anchor: "start" };
        const fill = nameColourOf(one.part, theme);
        add(one.part, `Feed-forward ${matrix}`, shape("g", {}, shape("path", { d, fill: colourOf(one.part, theme) }), write(corner.x, corner.y, matrix, { size: 12, weight: 600, fill, anchor: corner.anchor })));
      }
      if (sublayer.gated) {
        const at = [ox + own / 2, oy + 14];
        nodes.push(shape("path", { d: `M${at[0] - 4} ${at[1] - 4}l8 8m0 -8l-8 8`, stroke: theme.quiet, "stroke-width": 1.75, fill: "none", "pointer-events": "none" }));
      }
      return height;
    }
    const { height, inside } = box(sublayer.kind, sublayer.title, sublayer.detail, y, x, room, 40);
    const strip = headStrip(sublayer, own);
    const long = (segment) => segment.part.split(".")[1];
    const bold = font(12, theme.sans, 600);
    const full = strip.every((segment) => host.measure(long(segment), bold) <= segment.width + 2);
    for (const segment of strip) {
      const left = x + PAD + segment.x;
      const top = inside + 7;
      const piece = segment.width / segment.pieces;
      const d = piece < 2
        ? `M${left} ${top}h${segment.width}v12h${-segment.width}z`
        : Array.from({ length: segment.pieces }, (_, index) => {
            const own = piece - (index < segment.pieces - 1 ? Math.min(1, piece * 0.25) : 0);
            return `M${left + index * piece} ${top}h${own}v12h${-own}z`;
          }).join("");
      const matrix = long(segment);
      const name = full ? matrix : matrix[0].toUpperCase();
      add(
        segment.part, `${sublayer.title}, ${matrix}`,
        shape(
          "g", {},
          shape("rect", { x: left - 2, y: top - 5, width: segment.width + 4, height: 36, fill: "transparent", "data-live": "" }),
          shape("path", { d, fill: colourOf(segment.part, theme) }),
          write(left, top + 26, name, { size: 12, weight: 600, fill: nameColourOf(segment.part, theme) }),
        ),
      );
    }
    return height;
  };

  // Into the model.
  let y = 16;
  nodes.push(write(mirrored ? bx + inner : bx, y, stack.source, { anchor: mirrored ? "end" : "start" }));
  stream.push(line(`M${sx} 4V${y + 40}`, { "stroke-dasharray": "3 3" }));
  y += 12;
  stack.before.forEach((one, index) => {
    const { height } = box(one.part, one.title, one.detail, y, bx, inner, 13);
    bar(one.part, bx, y + height - 7, inner);
    const join = y + height / 2;
    stream.push(line(`M${mirrored ? bx : bx + inner} ${join}`), line(`M${mirrored ? bx + inner : bx} ${join}H${sx}`));
    if (index === 0) stream.push(shape("circle", { cx: sx, cy: join, r: 3.5, fill: theme.stream.mark }));
    else plus(join);
    if (index === 0) stream.start = join;
    y += height + 9;
  });
  if (stack.first_norm) {
    pill(sx, y + 5);
    y += 15;
  }
  y += 8;

  // One layer.
  const frame = y;
  const times = `× ${stack.layers} ${stack.layers === 1 ? "layer" : "layers"}`;
  nodes.push(
    write(mirrored ? bx : bx + inner, y + 20, titled ? `${stack.title} ${times}` : times, { weight: 600, fill: theme.ink, anchor: mirrored ? "start" : "end" }),
  );
  y += 26;
  let cross;
  const before = stack.placement === "before" || stack.placement === "both";
  const behind = stack.placement === "both" || stack.placement === "output";
  const branchIn = (from, to, x) => {
    stream.push(line(`M${sx} ${from}H${x}V${to}`));
    if (before) pill(x, from + 17);
  };
  if (stack.parallel && stack.sublayers.length === 2) {
    const half = (inner - 12) / 2;
    const xs = mirrored ? [bx + half + 12, bx] : [bx, bx + half + 12];
    const middles = xs.map((x) => x + half / 2);
    const topOf = y + (before ? 40 : 16);
    middles.forEach((x) => branchIn(y, topOf, x));
    const heights = stack.sublayers.map((sublayer, index) => sublayerBox(sublayer, topOf, xs[index], half));
    const bottom = topOf + Math.max(...heights) + 16;
    middles.forEach((x, index) => stream.push(line(`M${x} ${topOf + heights[index]}V${bottom}H${sx}`)));
    plus(bottom);
    y = bottom + 26;
  } else {
    for (const sublayer of stack.sublayers) {
      const topOf = y + (before ? 34 : 11);
      branchIn(y, topOf, entry);
      const height = sublayerBox(sublayer, topOf, bx, inner);
      if (sublayer.kind === "cross") cross = { x: mirrored ? bx : bx + inner, y: topOf + 28 };
      let bottom = topOf + height + (behind ? 36 : 11);
      stream.push(line(`M${entry} ${topOf + height}V${bottom}H${sx}`));
      if (behind) pill(entry, topOf + height + 18);
      plus(bottom);
      if (stack.placement === "after") {
        bottom += 22;
        pill(sx, bottom);
      }
      y = bottom + 20;
    }
  }
  const framed = y - 4;
  nodes.unshift(
    shape("rect", { x: mirrored ? width - right : 1, y: frame, width: right - 1, height: framed - frame, rx: 8, fill: "none", stroke: theme.hairline, "stroke-width": 1.5 }),
  );
  y = framed + 12;

  // Out of the model.
  if (stack.final_norm) {
    pill(sx, y + 9);
    y += 29;
  }
  let end = { x: sx, y };
  const told = (at, x) => {
    const room = mirrored ? x - 16 : right - x - 16;
    const said = wrapped(stack.result, 13, room);
    nodes.push(...said.map((one, index) => write(x + (mirrored ? -14 : 14), at + index * 17, one, { anchor: mirrored ? "end" : "start" })));
    return at + said.length * 17;
  };
  const arrow = (x, at) => line(`M${x - 5} ${at - 6}l5 7l5 -7`, { "stroke-width": 2.5 });
  let streamEnd = y;
  let ended = false;
  for (const one of stack.after) {
    const { height } = box(one.part, one.title, one.detail, y, bx, inner, 13);
    bar(one.part, bx, y + height - 7, inner);
    const join = y + height / 2;
    const edge = mirrored ? bx + inner : bx;
    stream.push(line(`M${sx} ${join}H${edge}`, one.part === "head" ? { "stroke-width": 3 } : {}));
    streamEnd = join;
    if (one.part === "head") {
      ended = true;
      stream.push(line(`M${entry} ${y + height}v18`, { "stroke-dasharray": "3 3" }), arrow(entry, y + height + 18));
      y = told(y + height + 18, entry) + 2;
    } else y += height + 8;
  }
  if (!ended) {
    const under = told(y + 12, sx + (mirrored ? -12 : 12));
    streamEnd = Math.max(y + 22, under - 8);
    if (stack.after.length || !titled || stack.stack === "decoder") stream.push(arrow(sx, streamEnd));
    end = { x: sx, y: streamEnd };
    y = under;
  }
  stream.push(line(`M${sx} ${stream.start ?? 4}V${streamEnd}`, { "stroke-width": 3 }));
  return { nodes: [nodes[0], ...stream, ...nodes.slice(1)], parts, height: Math.max(y, streamEnd) + 6, cross, end };
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
