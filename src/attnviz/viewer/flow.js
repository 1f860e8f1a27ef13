/**
 * The steps of a computation: boxes on a grid from top to bottom, lines between them, the present step filled.
 *
 * Payload: see flow.py. Sends `step` (a trigger): the step whose box was chosen.
 */

import { choose, fitted, font, shape, shown } from "./core.js";

const HEIGHT = 46; // of a box
const BETWEEN = 17; // rows
const GAP = 8; // columns
const INSET = 2; // room for the outline of a box

/**
 * Where a box stands.
 * @param {{ row: number, left: number, right: number }} box @param {number} columns @param {number} width of the drawing
 */
export function placed(box, columns, width) {
  const column = (width - 2 * INSET - GAP * (columns - 1)) / columns;
  return {
    x: INSET + box.left * (column + GAP),
    y: INSET + box.row * (HEIGHT + BETWEEN),
    width: column * (box.right - box.left + 1) + GAP * (box.right - box.left),
    middle: (at) => INSET + (at + 0.5) * column + at * GAP,
  };
}

export const flow = {
  name: "flow",
  choice: "step",
  draw(root, payload, host) {
    const { theme } = host;
    const { boxes, columns, rows } = payload;
    const width = Math.min(host.width, 480);
    const height = rows * (HEIGHT + BETWEEN) - BETWEEN + 2 * INSET;
    const places = boxes.map((box) => placed(box, columns, width));
    const colours = (meaning) => (meaning === "ink" ? { mark: theme.quiet, text: theme.ink } : theme[meaning]);
    const lines = boxes.flatMap((box, index) =>
      box.above.map(({ box: source, column }) => {
        const x = places[index].middle(column);
        const top = places[source].y + HEIGHT;
        const bottom = places[index].y - 1;
        const colour = colours(boxes[source].meaning).mark;
        return shape(
          "g",
          {},
          shape("path", { d: `M${x} ${top}V${bottom - 4}`, stroke: colour, "stroke-width": 2, fill: "none" }),
          shape("path", { d: `M${x - 4} ${bottom - 7}h8l-4 7z`, fill: colour }),
        );
      }),
    );
    const drawn = boxes.map((box, index) => node(box, places[index], host, colours(box.meaning)));
    const drawing = shape(
      "svg",
      { class: "av-drawing", width, height, viewBox: `0 0 ${width} ${height}`, role: "group" },
      ...lines,
      ...drawn,
    );
    const focused = [...root.querySelectorAll(".av-part")].indexOf(root.getRootNode().activeElement);
    root.replaceChildren(drawing);
    if (focused >= 0) drawn[focused]?.focus({ preventScroll: true });
    host.note("", "", payload.title);
  },
};

function node(box, place, host, colour) {
  const { theme, measure } = host;
  const present = box.step === host.state.step;
  const room = place.width - 6;
  const line = (text, y, size, weight, fill) =>
    shape(
      "text",
      {
        x: place.x + place.width / 2,
        y: place.y + y,
        "text-anchor": "middle",
        "font-size": size,
        "font-weight": weight,
        "font-family": theme.sans,
        fill,
      },
      fitted(shown(text), room, (part) => measure(part, font(size, theme.sans, weight))),
    );
  const act = () => {
    choose(host, "step", box.step);
    host.redraw();
  };
  return shape(
    "g",
    {
      class: "av-part",
      role: "button",
      tabindex: 0,
      "aria-pressed": present,
      "aria-label": `${box.name}, ${box.shape}`,
      onclick: act,
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        act();
      },
    },
    shape("rect", {
      class: "av-ring",
      x: place.x,
      y: place.y,
      width: place.width,
      height: HEIGHT,
      rx: 6,
      style: `fill: ${present ? colour.text : theme.panel}`,
      fill: present ? colour.text : theme.panel,
    }),
    line(box.name, 20, 15, 600, present ? theme.paper : colour.text),
    line(box.shape, 37, 13, 400, present ? theme.paper : theme.quiet),
  );
}
