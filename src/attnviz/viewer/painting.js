/**
 * Two papers to draw on with the same strokes: a canvas for the screen, an SVG for what is saved.
 *
 * @typedef {object} Paper
 * @property {(x: number, y: number, width: number, height: number, style: {fill?: string, stroke?: string, line?: number, radius?: number}) => void} box
 * @property {(x: number, y: number, text: string, style: {size: number, family: string, weight?: number, fill: string,
 *   anchor?: "start" | "middle" | "end", turn?: number, rtl?: boolean}) => void} text
 * @property {(x1: number, y1: number, x2: number, y2: number, style: {stroke: string, line: number, alpha?: number, dash?: number[]}) => void} curve
 *   from one side to the other, level at both ends
 * @property {(x1: number, y1: number, x2: number, y2: number, style: {stroke: string, line: number}) => void} line
 * @property {(x: number, y: number, radius: number, fill: string, alpha?: number) => void} dot
 * @property {(picture: HTMLCanvasElement, x: number, y: number, width: number, height: number) => void} image
 */

import { font, shape } from "./core.js";

/** @param {CanvasRenderingContext2D} context @returns {Paper} */
export function onCanvas(context) {
  const now = {}; // to set a font costs as much as to write with it
  const set = (name, value) => {
    if (now[name] !== value) now[name] = context[name] = value;
  };
  return {
    box(x, y, width, height, { fill, stroke, line = 1, radius = 0 }) {
      if (!radius && !stroke) {
        set("fillStyle", fill);
        context.fillRect(x, y, width, height);
        return;
      }
      context.beginPath();
      context.roundRect(x, y, width, height, radius);
      if (fill) {
        set("fillStyle", fill);
        context.fill();
      }
      if (stroke) {
        context.strokeStyle = stroke;
        context.lineWidth = line;
        context.setLineDash(NO_DASH);
        now.dashed = false;
        context.stroke();
      }
    },
    text(x, y, text, { size, family, weight = 400, fill, anchor = "start", turn = 0, rtl = false }) {
      if (turn) {
        stamp(context, x, y, { text, spec: font(size, family, weight), size, fill, turn });
        return;
      }
      set("font", font(size, family, weight));
      set("fillStyle", fill);
      set("direction", rtl ? "rtl" : "ltr");
      set("textAlign", { start: "left", middle: "center", end: "right" }[anchor]);
      context.fillText(text, x, y);
    },
    curve(x1, y1, x2, y2, { stroke, line, alpha = 1, dash = NO_DASH }) {
      const middle = (x1 + x2) / 2;
      context.globalAlpha = alpha;
      context.strokeStyle = stroke;
      context.lineWidth = line;
      set("lineCap", "round");
      if (dash.length || now.dashed) context.setLineDash(dash);
      now.dashed = dash.length > 0;
      context.beginPath();
      context.moveTo(x1, y1);
      context.bezierCurveTo(middle, y1, middle, y2, x2, y2);
      context.stroke();
      context.globalAlpha = 1;
    },
    line(x1, y1, x2, y2, { stroke, line }) {
      context.strokeStyle = stroke;
      context.lineWidth = line;
      context.setLineDash(NO_DASH);
      now.dashed = false;
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
    },
    dot(x, y, radius, fill, alpha = 1) {
      context.globalAlpha = alpha;
      set("fillStyle", fill);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
      context.globalAlpha = 1;
    },
    image(picture, x, y, width, height) {
      context.imageSmoothingEnabled = width < picture.width;
      context.drawImage(picture, x, y, width, height);
    },
  };
}

const NO_DASH = [];
const stamps = new Map();

/** Turned text, which is slow to write, from a picture that is kept; it runs from left to right and starts at a point. */
function stamp(context, x, y, { text, spec, size, fill, turn }) {
  const dense = context.getTransform().a;
  const key = `${dense} ${turn} ${fill} ${spec}\n${text}`;
  let found = stamps.get(key);
  if (!found) {
    if (stamps.size > 1500) stamps.clear();
    const picture = document.createElement("canvas");
    const own = picture.getContext("2d");
    own.font = spec;
    const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
    const corners = [0, own.measureText(text).width].flatMap((right) => [-1.2 * size, 0.5 * size].map((down) => [right * cos - down * sin, right * sin + down * cos]));
    const [across, along] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
    const [left, top] = [Math.floor(Math.min(...across)) - 1, Math.floor(Math.min(...along)) - 1];
    picture.width = Math.ceil((Math.max(...across) + 1 - left) * dense);
    picture.height = Math.ceil((Math.max(...along) + 1 - top) * dense);
    own.setTransform(dense, 0, 0, dense, -left * dense, -top * dense);
    own.rotate((turn * Math.PI) / 180);
    Object.assign(own, { font: spec, fillStyle: fill, direction: "ltr" });
    own.fillText(text, 0, 0);
    found = { picture, left, top };
    stamps.set(key, found);
  }
  const at = (place) => Math.round(place * dense) / dense; // on whole pixels it stays sharp
  context.drawImage(found.picture, at(x + found.left), at(y + found.top), found.picture.width / dense, found.picture.height / dense);
}

const short = (number) => Math.round(number * 100) / 100;

/** @param {SVGElement} drawing @returns {Paper} */
export function onSvg(drawing) {
  const add = (name, attributes, ...children) => drawing.append(shape(name, attributes, ...children));
  return {
    box: (x, y, width, height, { fill = "none", stroke, line, radius = 0 }) =>
      add("rect", {
        x: short(x),
        y: short(y),
        width: short(width),
        height: short(height),
        rx: radius || undefined,
        fill,
        stroke,
        "stroke-width": line,
      }),
    text: (x, y, text, { size, family, weight = 400, fill, anchor = "start", turn = 0, rtl = false }) =>
      add(
        "text",
        {
          x: short(x),
          y: short(y),
          "font-size": size,
          "font-family": family,
          "font-weight": weight,
          fill,
          // in a text that runs from the right, the start is at the right
          "text-anchor": rtl ? { start: "end", end: "start" }[anchor] ?? anchor : anchor,
          direction: rtl ? "rtl" : undefined,
          transform: turn ? `rotate(${turn} ${short(x)} ${short(y)})` : undefined,
        },
        text,
      ),
    curve: (x1, y1, x2, y2, { stroke, line, alpha = 1, dash }) => {
      const [a, b, c, d, middle] = [x1, y1, x2, y2, (x1 + x2) / 2].map(short);
      add("path", {
        d: `M${a} ${b}C${middle} ${b} ${middle} ${d} ${c} ${d}`,
        fill: "none",
        stroke,
        "stroke-width": short(line),
        "stroke-opacity": alpha < 1 ? short(alpha) : undefined,
        "stroke-linecap": "round",
        "stroke-dasharray": dash?.length ? dash.join(" ") : undefined,
      });
    },
    line: (x1, y1, x2, y2, { stroke, line }) =>
      add("line", { x1: short(x1), y1: short(y1), x2: short(x2), y2: short(y2), stroke, "stroke-width": line }),
    dot: (x, y, radius, fill, alpha = 1) =>
      add("circle", { cx: short(x), cy: short(y), r: radius, fill, "fill-opacity": alpha < 1 ? alpha : undefined }),
    image: (picture, x, y, width, height) =>
      add("image", {
        x: short(x),
        y: short(y),
        width: short(width),
        height: short(height),
        href: picture.toDataURL("image/png"),
        preserveAspectRatio: "none",
        "image-rendering": width < picture.width ? undefined : "pixelated",
      }),
  };
}
