/**
 * The text as the model reads it: one chip a token, its id below; words alternate between two greys.
 *
 * Payload: see tokens.py. Sends `token` (a trigger): the index of the token that was pressed.
 */

import { choose, element, fitted, font, mix, shape, shown } from "./core.js";

const LABEL = 20; // pixels of a token's letters
const ID = 12; // and of its id
const HEIGHT = 50; // of a chip
const GAP = 3;
const BETWEEN = 8; // lines
const PAD = 8;
const LEAST = 28;

/**
 * Where chips of these widths stand: in lines of at most `room`, from the right where the text runs so.
 * @param {number[]} widths @param {number} room @param {boolean} rtl
 */
export function flowed(widths, room, rtl) {
  let right = 0;
  let y = 0;
  return widths.map((width) => {
    if (right > 0 && right + width > room) [right, y] = [0, y + HEIGHT + BETWEEN];
    const x = rtl ? room - right - width : right;
    right += width + GAP;
    return { x, y };
  });
}

/** @type {import("./core.js").Picture} */
export const tokens = {
  name: "tokens",
  choice: "token",
  draw(root, payload, host) {
    const list = element("ol", { class: "av-tokens", dir: payload.rtl ? "rtl" : "ltr" });
    const press = (index) => {
      choose(host, "token", index);
      mark(list, index);
    };
    list.append(...payload.tokens.map((token, index) => chip(token, () => press(index))));
    mark(list, host.state.token);
    const focused = [...root.querySelectorAll("button")].indexOf(root.getRootNode().activeElement);
    root.replaceChildren(list);
    if (focused >= 0) list.children[focused]?.firstChild.focus({ preventScroll: true });
    host.note(payload.hint, "", payload.title);
  },
  drawing({ tokens: all, rtl }, host) {
    const { theme, measure, width: room } = host;
    const spec = font(LABEL, theme.sans, 500);
    const labels = all.map(({ label }) => fitted(shown(label), room - 2 * PAD, (text) => measure(text, spec)));
    const widths = all.map(({ id }, index) =>
      Math.max(LEAST, 2 * PAD + Math.max(measure(labels[index], spec), measure(id, font(ID, theme.sans)))),
    );
    const places = flowed(widths, room, rtl);
    const height = places.length ? places.at(-1).y + HEIGHT : HEIGHT;
    const drawn = all.map((token, index) => drawnChip(token, labels[index], places[index], widths[index], index === host.state.token, theme));
    return shape("svg", { width: room, height, viewBox: `0 0 ${room} ${height}` }, ...drawn);
  },
};

function mark(list, chosen) {
  list.childNodes.forEach((item, index) => item.firstChild.setAttribute("aria-pressed", index === chosen));
}

function chip(token, press) {
  const look = `av-token av-token-${token.look}`;
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", class: look, title: token.facts, onclick: press },
      element("b", {}, token.label),
      element("small", {}, token.id),
    ),
  );
}

function drawnChip(token, label, { x, y }, width, chosen, theme) {
  const fill = { even: mix(theme.paper, theme.ink, 0.07), odd: mix(theme.paper, theme.ink, 0.15) }[token.look] ?? "none";
  const outline = {
    special: { stroke: theme.quiet, "stroke-width": 1.5, "stroke-dasharray": "4 3" },
    unknown: { stroke: theme.dark ? "#EF8A62" : "#B2182B", "stroke-width": 1.5 },
  };
  const box = { x: x + 0.75, y: y + 0.75, width: width - 1.5, height: HEIGHT - 1.5, rx: 4 };
  const line = (text, size, weight, below, colour) =>
    shape(
      "text",
      {
        x: x + width / 2,
        y: y + below,
        "text-anchor": "middle",
        "font-size": size,
        "font-weight": weight,
        "font-family": theme.sans,
        fill: chosen ? theme.paper : colour,
      },
      text,
    );
  return shape(
    "g",
    {},
    shape("rect", { ...box, ...(chosen ? { fill: theme.query.text } : { fill, ...outline[token.look] }) }),
    line(label, LABEL, 500, 25, theme.ink),
    line(token.id, ID, 400, 42, theme.quiet),
  );
}
