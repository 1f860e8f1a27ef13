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
  return {
    box(x, y, width, height, { fill, stroke, line = 1, radius = 0 }) {
      if (!radius && !stroke) {
        context.fillStyle = fill;
        context.fillRect(x, y, width, height);
        return;
      }
      context.beginPath();
      context.roundRect(x, y, width, height, radius);
      if (fill) {
        context.fillStyle = fill;
        context.fill();
      }
      if (stroke) {
        context.strokeStyle = stroke;
        context.lineWidth = line;
        context.setLineDash([]);
        context.stroke();
      }
    },
    text(x, y, text, { size, family, weight = 400, fill, anchor = "start", turn = 0, rtl = false }) {
      context.font = font(size, family, weight);
      context.fillStyle = fill;
      context.direction = rtl ? "rtl" : "ltr";
      context.textAlign = { start: "left", middle: "center", end: "right" }[anchor];
      if (!turn) {
        context.fillText(text, x, y);
        return;
      }
      context.save();
      context.translate(x, y);
      context.rotate((turn * Math.PI) / 180);
      context.fillText(text, 0, 0);
      context.restore();
    },
    curve(x1, y1, x2, y2, { stroke, line, alpha = 1, dash = NO_DASH }) {
      const middle = (x1 + x2) / 2;
      context.globalAlpha = alpha;
      context.strokeStyle = stroke;
      context.lineWidth = line;
      context.lineCap = "round";
      context.setLineDash(dash);
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
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
    },
    dot(x, y, radius, fill, alpha = 1) {
      context.globalAlpha = alpha;
      context.fillStyle = fill;
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
