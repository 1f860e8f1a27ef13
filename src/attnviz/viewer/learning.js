/**
 * A model learning. A slider over moments of its training with a play button; the cross-attention of one head as a matrix,
 * sounds in rows, letters in columns; every head small; the curves of the whole training with the present step marked.
 *
 * Payload: see learning.py. Sends `chosen` {moment, head} (a trigger).
 */

import { choose, counted, element, font, mix, shape, shown } from "./core.js";

const PACE = 900; // milliseconds for a moment while it plays
const POWER = 0.6; // a weight w stands at w ** 0.6 of the palette
const WRITTEN_FROM = 24; // pixels of a cell from which its value is written into it
const PLAYING = new WeakMap(); // the timer of each picture that plays

/** Place of a step on a logarithmic axis from 0 to `last`, as a share of its length. */
export function placeOfStep(step, last) {
  return last > 0 ? Math.log10(1 + step) / Math.log10(1 + last) : 0;
}

/** Edge of a cell in pixels: as large as width and height allow, half pixels, at most 46. */
export function cellOf(rows, columns, width, height) {
  return Math.max(3, Math.min(46, Math.floor((2 * width) / columns) / 2, Math.floor((2 * height) / rows) / 2));
}

/** The weights of one moment and head, (sound, letter), as shares of 1. */
export function weightsOf(bytes, payload, moment, head) {
  const size = payload.sounds.length * payload.letters.length;
  const start = (moment * payload.layers * payload.heads + head) * size;
  return Array.from(bytes.subarray(start, start + size), (value) => value / 255);
}

/** The moment that follows while it plays; after the last one it ends. */
export function following(moment, moments) {
  return moment + 1 < moments ? moment + 1 : undefined;
}

/** A curve's points in a box, for values from `low` to `high`; what is higher stands at the top. */
export function pointsOf(steps, values, last, low, high, box) {
  const span = high - low || 1;
  return steps.map((step, index) => [
    box.x + placeOfStep(step, last) * box.width,
    box.y + box.height - Math.min(1, (values[index] - low) / span) * box.height,
  ]);
}

/** A number with two digits and a minus sign that is one; what rounds to nothing has none. */
export function signed(value) {
  const written = value.toFixed(2);
  return written.replace("-", Number(written) ? "−" : "");
}

const decoded = new WeakMap();
function bytesOf(payload) {
  if (!decoded.has(payload)) decoded.set(payload, Uint8Array.from(atob(payload.weights), (c) => c.charCodeAt(0)));
  return decoded.get(payload);
}

function colours(payload, theme) {
  const stops = [mix(theme.paper, theme.panel, 0.6), ...payload.palette[theme.dark ? "dark" : "light"].slice(1)];
  return (weight) => {
    const at = Math.min(1, weight) ** POWER * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return mix(stops[low], stops[low + 1], at - low);
  };
}

function draw(root, payload, host) {
  const wide = host.width >= 860;
  const right = wide ? Math.min(420, Math.round(host.width * 0.36)) : host.width;
  const left = wide ? host.width - right - 40 : host.width;
  const focused = root.getRootNode().activeElement?.dataset?.part;
  const matrix = drawMatrix(payload, host, left);
  const heads = drawHeads(payload, host, left);
  const curves = drawCurves(payload, host, right);
  const controls = drawControls(payload, host);
  const said = element("p", { class: "av-looks" });
  const written = element("p", { class: "av-written" });
  const columns = element(
    "div",
    { class: "av-learning", style: `grid-template-columns: ${wide ? `minmax(0, 1fr) ${right}px` : "minmax(0, 1fr)"}` },
    element("div", {}, written, matrix.node, heads.node),
    element("div", {}, curves.node),
  );
  root.replaceChildren(controls.node, columns, said);
  if (focused) root.querySelector(`[data-part="${focused}"]`)?.focus();

  const show = (moving) => {
    const { moment, head } = host.state.chosen;
    matrix.show(moment, head, moving);
    heads.show(moment, head);
    curves.show(moment, head);
    controls.show(moment);
    const { text, right: isRight } = payload.written[moment];
    written.replaceChildren(
      `Step ${counted(payload.steps[moment])}: it writes `,
      element("b", { class: isRight ? "av-right" : "av-wrong" }, text || "nothing"),
      isRight ? ` – ${payload.mark}` : "",
    );
    said.textContent = payload.said[moment][head];
    host.note("", payload.note, `${payload.title}, step ${counted(payload.steps[moment])}`);
  };
  const go = (change, moving = true) => {
    const next = { ...host.state.chosen, ...change };
    if (next.moment === host.state.chosen.moment && next.head === host.state.chosen.head) return;
    choose(host, "chosen", next);
    show(moving);
    host.say(payload.said[next.moment][next.head]);
  };
  controls.onMoment((moment) => go({ moment }));
  heads.onHead((head) => go({ head }));
  show(host.moving);
}

// Slider and play button -----------------------------------------------------------------------------------------------

function drawControls(payload, host) {
  const count = payload.steps.length;
  const slider = element("input", {
    type: "range",
    min: 0,
    max: count - 1,
    step: 1,
    "aria-label": "Training step",
    "data-part": "moment",
  });
  const sign = shape("path", { fill: "currentColor" });
  const play = element(
    "button",
    { type: "button", class: "av-play", "data-part": "play" },
    shape("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" }, sign),
  );
  const ticks = payload.steps.map((step) => element("span", {}, step >= 10000 ? `${Math.round(step / 1000)}k` : counted(step)));
  const node = element(
    "div",
    { class: "av-moments" },
    play,
    element("div", {}, slider, element("div", { class: "av-moment-ticks", "aria-hidden": "true" }, ...ticks)),
  );
  let listener = () => {};
  const stop = () => {
    clearInterval(PLAYING.get(host));
    PLAYING.delete(host);
    label();
  };
  const label = () => {
    const runs = PLAYING.has(host);
    sign.setAttribute("d", runs ? "M3 2h4v12H3zM9 2h4v12H9z" : "M3 1.5v13l11-6.5z");
    play.setAttribute("aria-label", runs ? "Pause" : "Play the training");
  };
  play.onclick = () => {
    if (PLAYING.has(host)) return stop();
    if (following(host.state.chosen.moment, count) === undefined) listener(0);
    const timer = setInterval(() => {
      const next = node.isConnected ? following(host.state.chosen.moment, count) : undefined;
      if (next === undefined) return stop();
      return listener(next);
    }, PACE);
    PLAYING.set(host, timer);
    return label();
  };
  slider.oninput = () => {
    if (PLAYING.has(host)) stop();
    listener(Number(slider.value));
  };
  label();
  return {
    node,
    onMoment: (act) => {
      listener = act;
      if (PLAYING.has(host)) stop(); // a redrawn picture begins at rest
    },
    show(moment) {
      slider.value = String(moment);
      slider.setAttribute("aria-valuetext", `step ${counted(payload.steps[moment])}`);
      ticks.forEach((tick, index) => tick.classList.toggle("av-now", index === moment));
    },
  };
}

// The matrix -----------------------------------------------------------------------------------------------------------

function drawMatrix(payload, host, width) {
  const { theme } = host;
  const [rows, columns] = [payload.sounds.length, payload.letters.length];
  const size = rows > 30 || columns > 30 ? 11 : 16;
  const labels = Math.max(...payload.sounds.map((sound) => host.measure(shown(sound), font(size, theme.sans, 500))), 36) + 12;
  const asking = "query (from): sounds";
  const top = size + 30;
  const cell = cellOf(rows, columns, width - labels - 4, Math.max(220, Math.min(330, innerHeight - 480)));
  const gap = cell >= 12 ? 1.5 : 0;
  const colour = colours(payload, theme);
  const text = (x, y, words, attributes) =>
    shape("text", { x, y, "font-family": theme.sans, "font-size": size, ...attributes }, words);
  const cells = [];
  const values = [];
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) {
      const [x, y] = [labels + column * cell, top + row * cell];
      const names = `${shown(payload.sounds[row])} looks at ${shown(payload.letters[column])}`;
      const title = shape("title", {});
      cells.push({
        names,
        title,
        node: shape("rect", { x, y, width: cell - gap, height: cell - gap, rx: cell >= 14 ? 3 : 0, class: "av-cell" }, title),
      });
      if (cell >= WRITTEN_FROM)
        values.push(text(x + (cell - gap) / 2, y + (cell - gap) / 2 + 4, "", { "text-anchor": "middle", "font-size": 12, "font-weight": 500, "pointer-events": "none" }));
    }
  const thinned = cell >= size * 0.9 ? 1 : Math.ceil((size * 0.9) / cell);
  const node = shape(
    "svg",
    { class: "av-drawing", width, height: top + rows * cell + 8, role: "img", "aria-label": payload.alt },
    text(0, 14, asking, { "font-size": 13, "font-weight": 600, fill: theme.query.text }),
    text(Math.max(labels, host.measure(asking, font(13, theme.sans, 600)) + 20), 14, "key (to): letters", { "font-size": 13, "font-weight": 600, fill: theme.key.text }),
    ...payload.letters.map((letter, column) =>
      column % thinned
        ? null
        : text(labels + (column + 0.5) * cell - gap / 2, top - 8, shown(letter), { "text-anchor": "middle", "font-weight": 500, fill: theme.key.text }),
    ),
    ...payload.sounds.map((sound, row) =>
      row % thinned
        ? null
        : text(labels - 8, top + (row + 0.5) * cell + size * 0.33, shown(sound), { "text-anchor": "end", "font-weight": 500, fill: theme.query.text }),
    ),
    ...cells.map((one) => one.node),
    ...values,
  );
  return {
    node: element("div", { class: "av-inside" }, node),
    show(moment, head, moving) {
      const weights = weightsOf(bytesOf(payload), payload, moment, head);
      weights.forEach((weight, index) => {
        const { node: rect, title, names } = cells[index];
        rect.style.transition = moving && cells.length <= 1200 ? "" : "none";
        rect.setAttribute("fill", colour(weight));
        title.textContent = `${names}: ${Math.round(100 * weight)} %`;
        if (values.length) {
          values[index].textContent = weight >= 0.045 ? String(Math.round(100 * weight)) : "";
          values[index].setAttribute("fill", weight ** POWER > 0.55 !== theme.dark ? "#FFFFFF" : theme.dark && weight ** POWER > 0.55 ? "#000000" : theme.ink);
        }
      });
    },
  };
}

// Every head, small ----------------------------------------------------------------------------------------------------

function drawHeads(payload, host, width) {
  const { theme } = host;
  const [rows, columns] = [payload.sounds.length, payload.letters.length];
  const left = 26;
  const pitch = Math.min(104, (width - left) / payload.heads);
  const image = { width: pitch - 8, height: Math.min(44, Math.max(18, ((pitch - 8) * rows) / columns)) };
  const row = image.height + 8;
  const colour = colours(payload, theme);
  const table = Array.from({ length: 256 }, (_, value) => colour(value / 255));
  const canvas = element("canvas", { width: columns, height: rows });
  const small = (moment, head) => {
    const context = canvas.getContext("2d");
    weightsOf(bytesOf(payload), payload, moment, head).forEach((weight, index) => {
      context.fillStyle = table[Math.round(255 * weight)];
      context.fillRect(index % columns, Math.floor(index / columns), 1, 1);
    });
    return canvas.toDataURL();
  };
  const name = (x, y, words, anchor) =>
    shape("text", { x, y, "text-anchor": anchor, "font-size": 13, "font-family": theme.sans, fill: theme.quiet }, words);
  const buttons = Array.from({ length: payload.layers * payload.heads }, (_, index) => {
    const x = left + (index % payload.heads) * pitch;
    const y = 24 + Math.floor(index / payload.heads) * row;
    const picture = shape("image", { x, y, ...image, preserveAspectRatio: "none", style: "image-rendering:pixelated" });
    const ring = shape("rect", { x: x - 2, y: y - 2, width: image.width + 4, height: image.height + 4, rx: 4, fill: "none", "stroke-width": 2 });
    const node = shape("g", { class: "av-part", role: "button", "data-part": `head-${index}` }, picture, ring);
    return { node, picture, ring };
  });
  const node = shape(
    "svg",
    { class: "av-drawing", width, height: 24 + payload.layers * row, role: "group", "aria-label": "All heads; choose one" },
    ...Array.from({ length: payload.heads }, (_, head) => name(left + head * pitch + image.width / 2, 16, `H${head}`, "middle")),
    ...Array.from({ length: payload.layers }, (_, layer) => name(0, 24 + layer * row + image.height / 2 + 5, `L${layer}`, "start")),
    ...buttons.map((button) => button.node),
  );
  let listener = () => {};
  const at = (event) => buttons.findIndex((button) => button.node === event.target.closest?.(".av-part"));
  node.onclick = (event) => {
    if (at(event) >= 0) listener(at(event));
  };
  node.onkeydown = (event) => {
    const index = at(event);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -payload.heads, ArrowDown: payload.heads }[event.key];
    if (index < 0 || (step === undefined && event.key !== "Enter" && event.key !== " ")) return;
    const to = index + (step ?? 0);
    if (buttons[to]) {
      listener(to);
      buttons[to].node.focus();
    }
    event.preventDefault();
  };
  return {
    node,
    onHead: (act) => {
      listener = act;
    },
    show(moment, chosen) {
      buttons.forEach(({ node: button, picture, ring }, index) => {
        picture.setAttribute("href", small(moment, index));
        ring.setAttribute("stroke", index === chosen ? theme.ink : "none");
        button.setAttribute("tabindex", index === chosen ? "0" : "-1");
        button.setAttribute("aria-pressed", String(index === chosen));
        const [layer, head] = [Math.floor(index / payload.heads), index % payload.heads];
        const near = signed(payload.diagonality[moment][index]);
        button.setAttribute("aria-label", `Layer ${layer}, head ${head}: ${near} on the way to the diagonal`);
      });
    },
  };
}

// The curves -----------------------------------------------------------------------------------------------------------

function drawCurves(payload, host, width) {
  const { theme } = host;
  const last = Math.max(...payload.steps, ...payload.curves.flatMap((curve) => curve.steps));
  const heads = payload.layers * payload.heads;
  const ofHeads = (name, values) => ({
    name,
    lines: Array.from({ length: heads }, (_, head) => ({ steps: payload.steps, values: values.map((row) => row[head]) })),
  });
  const charts = [
    ...payload.curves.map((curve) => ({ name: curve.name, lines: [curve], percent: curve.percent, most: curve.most })),
    ofHeads("Near the diagonal, each head", payload.diagonality),
    ofHeads("Entropy in bits, each head", payload.entropy),
  ];
  const height = 66;
  const pitch = height + 34;
  const drawn = charts.map((chart, index) => {
    const box = { x: 0, y: index * pitch + 24, width: width - 8, height };
    const all = chart.lines.flatMap((line) => line.values);
    const low = Math.min(0, ...all);
    const high = Math.min(chart.most ?? Infinity, Math.max(...all));
    const lines = chart.lines.map((line) => {
      const points = pointsOf(line.steps, line.values, last, low, high, box);
      return shape("polyline", { points: points.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" "), fill: "none", "stroke-linejoin": "round" });
    });
    const write = (attributes, words = "") =>
      shape("text", { y: box.y - 8, "font-size": 13, "font-family": theme.sans, fill: theme.quiet, ...attributes }, words);
    const value = write({ x: box.x + box.width, "text-anchor": "end", fill: theme.ink, "font-weight": 600 });
    const dot = shape("circle", { r: 4, fill: theme.cross.mark, stroke: theme.paper, "stroke-width": 1.5 });
    const base = shape("line", { x1: box.x, x2: box.x + box.width, y1: box.y + height, y2: box.y + height, stroke: theme.hairline });
    const mark = shape("line", { y1: box.y, y2: box.y + height, stroke: theme.quiet, "stroke-dasharray": "2 3" });
    const node = shape("g", {}, write({ x: box.x }, chart.name), base, mark, ...lines, dot, value);
    return { node, chart, box, low, high, lines, value, dot, mark };
  });
  const bottom = charts.length * pitch;
  const ticks = payload.steps.filter((step, index) => index === 0 || step >= 100 || payload.steps.length <= 4);
  const node = shape(
    "svg",
    { class: "av-drawing", width, height: bottom + 22, role: "img", "aria-label": "Curves over the training" },
    ...drawn.map((one) => one.node),
    ...ticks
      .filter((step, index, all) => index === 0 || placeOfStep(step, last) - placeOfStep(all[index - 1], last) > 44 / width)
      .map((step) =>
        shape(
          "text",
          {
            x: placeOfStep(step, last) * (width - 8),
            y: bottom + 8,
            "font-size": 12,
            "font-family": theme.sans,
            fill: theme.quiet,
            "text-anchor": step === 0 ? "start" : placeOfStep(step, last) > 0.97 ? "end" : "middle",
          },
          step === 0 ? "step 0" : counted(step),
        ),
      ),
  );
  return {
    node,
    show(moment, head) {
      const step = payload.steps[moment];
      for (const { chart, box, low, high, lines, value, dot, mark } of drawn) {
        const line = chart.lines[chart.lines.length > 1 ? head : 0];
        const index = line.steps.indexOf(step);
        const x = box.x + placeOfStep(step, last) * box.width;
        mark.setAttribute("x1", x);
        mark.setAttribute("x2", x);
        lines.forEach((polyline, number) => {
          const lit = lines.length === 1 || number === head;
          polyline.setAttribute("stroke", lit ? theme.cross.mark : theme.hairline);
          polyline.setAttribute("stroke-width", lit ? 2.2 : 1);
          if (lit && lines.length > 1) polyline.parentNode.insertBefore(polyline, dot);
        });
        const known = index >= 0;
        dot.setAttribute("visibility", known ? "visible" : "hidden");
        value.textContent = known ? (chart.percent ? `${(100 * line.values[index]).toFixed(1)} %` : signed(line.values[index])) : "";
        if (known) {
          const [[, y]] = pointsOf([step], [line.values[index]], last, low, high, box);
          dot.setAttribute("cx", x);
          dot.setAttribute("cy", y);
        }
      }
    },
  };
}

/** @type {import("./core.js").Picture} */
export const learning = { name: "learning", choice: "chosen", draw, ended: (host) => clearInterval(PLAYING.get(host)) };
