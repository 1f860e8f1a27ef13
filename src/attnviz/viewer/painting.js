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
 * @property {() => void} end  puts down what was held back: a canvas writes at the end, above all else, font by font
 */

import { font, shape } from "./core.js";

/** On a canvas that is enlarged and no more. @param {CanvasRenderingContext2D} context @returns {Paper} */
export function onCanvas(context) {
  const dense = context.getTransform().a;
  const now = {}; // to set a colour again costs as much as a stroke, and a font as much as two words
  const seen = (alpha) => {
    if (now.alpha !== alpha) context.globalAlpha = now.alpha = alpha;
  };
  const filled = (fill, alpha = 1) => {
    seen(alpha);
    if (now.fill !== fill) context.fillStyle = now.fill = fill;
  };
  const stroked = (stroke, line, alpha = 1, dash = NO_DASH, cap = "butt") => {
    seen(alpha);
    if (now.stroke !== stroke) context.strokeStyle = now.stroke = stroke;
    if (now.line !== line) context.lineWidth = now.line = line;
    if (now.dash !== dash) context.setLineDash((now.dash = dash));
    if (now.cap !== cap) context.lineCap = now.cap = cap;
  };
  const texts = new Map(); // by font
  const whole = (place) => Math.round(place * dense); // on whole pixels turned text stays sharp
  const write = (x, y, text, { fill, anchor = "start", turn = 0, rtl = false }) => {
    filled(fill);
    if (now.anchor !== anchor) context.textAlign = ALIGNED[(now.anchor = anchor)];
    if (now.rtl !== rtl) context.direction = (now.rtl = rtl) ? "rtl" : "ltr";
    if (!turn) {
      context.fillText(text, x, y);
      return;
    }
    const [along, across] = [dense * Math.cos((turn * Math.PI) / 180), dense * Math.sin((turn * Math.PI) / 180)];
    context.setTransform(along, across, -across, along, whole(x), whole(y));
    context.fillText(text, 0, 0);
    context.setTransform(dense, 0, 0, dense, 0, 0);
  };
  return {
    box(x, y, width, height, { fill, stroke, line = 1, radius = 0 }) {
      if (!radius && !stroke) {
        filled(fill);
        context.fillRect(x, y, width, height);
        return;
      }
      context.beginPath();
      context.roundRect(x, y, width, height, radius);
      if (fill) {
        filled(fill);
        context.fill();
      }
      if (stroke) {
        stroked(stroke, line);
        context.stroke();
      }
    },
    text(x, y, text, style) {
      const { size, family, weight = 400 } = style;
      const name = 1000 * weight + size; // a picture has one family
      if (!texts.has(name)) texts.set(name, { spec: font(size, family, weight), waiting: [] });
      texts.get(name).waiting.push({ x, y, text, style });
    },
    end() {
      for (const { spec, waiting } of texts.values()) {
        context.font = spec;
        for (const { x, y, text, style } of waiting) write(x, y, text, style);
      }
      texts.clear();
    },
    curve(x1, y1, x2, y2, { stroke, line, alpha, dash }) {
      const middle = (x1 + x2) / 2;
      stroked(stroke, line, alpha, dash, "round");
      context.beginPath();
      context.moveTo(x1, y1);
      context.bezierCurveTo(middle, y1, middle, y2, x2, y2);
      context.stroke();
    },
    line(x1, y1, x2, y2, { stroke, line }) {
      stroked(stroke, line);
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
    },
    dot(x, y, radius, fill, alpha) {
      filled(fill, alpha);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    },
    image(picture, x, y, width, height) {
      seen(1);
      context.imageSmoothingEnabled = width < picture.width;
      context.drawImage(picture, x, y, width, height);
    },
  };
}

const NO_DASH = [];
const ALIGNED = { start: "left", middle: "center", end: "right" };

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
    end: () => {},
  };
}
