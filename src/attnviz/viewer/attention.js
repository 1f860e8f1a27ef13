/**
 * The attention viewer: every layer and head of a model as matrix, as lines and as thumbnails, all linked.
 *
 * Payload: see attention.py. The weights come apart from it, as messages (packing.py) that a feed keeps or that lie in the
 * payload of a saved page. Sends `choice` (a trigger): what is chosen, the whole of it; and `need` (a trigger): a layer of a
 * long text whose weights are not there yet, {kind, layer}.
 *
 * Keys in the figure: left and right change the layer, up and down the head, Tab goes through the tokens, + and - enlarge.
 */

import { choose, element, font, shape, shown, thinned } from "./core.js";
import { button, choices, numberOf, range, stepper, toggle } from "./controls.js";
import { LEAST_LINE, MOST_LINES, paint, percent, strandsOf } from "./figure.js";
import { figureOf, headAt, hit, keyMiddle, rowMiddle, sheetOf, tileAt, windowAround } from "./geometry.js";
import { begun, blockAt, bytesOf, fromBase64, holds, keep, listen, smallOf, toBase64 } from "./messages.js";
import { onCanvas, onSvg } from "./painting.js";
import { HEADS, paletteOf } from "./shades.js";
import { linesOf, patternOf, placesOf, pooled, rowOf, strongest, viewOf } from "./weights.js";

const MOTION = 220; // milliseconds from one head to the next
const SETTLED = 140; // milliseconds after the last change until Python is told
const NARROW = 620; // pixels of width below which the views are tabs
const MIDDLE = 840; // and below which they have one column
const MOVING = 20_000; // cells of a matrix up to which one head turns into the next
const KEPT = 1_000_000; // cells of the matrices that are kept, four bytes each
const PATIENCE = 8000; // milliseconds until a layer that did not come is asked for again

// What is shown --------------------------------------------------------------------------------------------------------

/** The kind of attention that is chosen, with its number among the kinds. */
function kindOf(payload, choice) {
  return payload.kinds.find((kind) => kind.kind === choice.kind) ?? payload.kinds[0];
}

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
  const block = blockAt(payload.of, kind.kind, layerOf(kind, choice));
  const { first, special, merge, least } = choice;
  const key = JSON.stringify([payload.of, kind.kind, layerOf(kind, choice), heads, first, special, merge, least]);
  const { views } = host.ui;
  let view = views.get(key);
  if (view === undefined) {
    if (!block) return null;
    let cells = 0;
    for (const { weights } of views.values()) cells += weights?.length ?? 0;
    while (views.size && (views.size > 100 || cells > KEPT)) {
      const [oldest, { weights }] = views.entries().next().value;
      cells -= weights?.length ?? 0;
      views.delete(oldest);
    }
    const [asking, answering] = [payload.axes[kind.queries], payload.axes[kind.keys]];
    view = viewOf(block, layerOf(kind, choice), heads, asking, answering, { first, special, merge, least: least / 100 });
    view ??= { empty: true };
  } else views.delete(key);
  views.set(key, view); // the latest stand last
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

// Drawing --------------------------------------------------------------------------------------------------------------

/** What the figure is drawn from; the same for the screen and for a saved picture. */
function sceneOf(payload, host, width, height, views) {
  const { choice } = host.state;
  const kind = kindOf(payload, choice);
  const heads = headsOf(kind, choice);
  const whole = viewNow(payload, host, heads);
  if (!whole || whole.empty) return { kind, heads, whole, figure: null };
  const several = heads.length > 1 && !choice.mean && views !== "matrix";
  const apart = several ? heads.map((head) => viewNow(payload, host, [head])) : [];
  if (!apart.every(Boolean)) return { kind, heads, whole: null, figure: null };
  const view = seenThrough(whole, host.ui.part);
  const { measure, theme } = host;
  const longest = Math.max(view.rows, view.columns);
  const size = width < 480 || (longest > 28 && height < 600) ? 12 : height >= 600 ? 16 : 14;
  const spec = font(size, theme.sans);
  const widest = (labels) => {
    const { widths } = host.ui;
    if (!widths.has(labels)) widths.set(labels, new Map());
    const known = widths.get(labels);
    if (!known.has(spec)) known.set(spec, labels.reduce((most, label) => Math.max(most, label.length < 2 ? 0 : measure(shown(label), spec)), 0));
    return known.get(spec);
  };
  const facts = { width, height, rows: view.rows, columns: view.columns, size, views };
  const figure = figureOf({ ...facts, queryWidth: widest(view.queryLabels), keyWidth: widest(view.keyLabels) });
  const chosen = rowOf(view, choice.token);
  const each = several ? apart.map((one) => seenThrough(one, host.ui.part)) : [view];
  return { kind, heads, whole, view, figure, chosen, each, choice, theme, measure };
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
    const before = index === 0 ? ` ${payload.lens.verb} ` : index === found.length - 1 ? " and " : ", ";
    parts.push([`${before}${about(view.weights[row * view.columns + column], view)} ${payload.lens.to} `, ""]);
    parts.push(itself(column) ? ["itself", ""] : [view.keyLabels[column], "key"]);
  });
  if (found.length) parts.push([".", ""]);
  const remarks = [];
  if (view.hidden[row] >= 0.005) remarks.push(`${capital(about(view.hidden[row], view))} of this row lies on hidden tokens. What you see is the rest, scaled to 100\u00a0% again.`);
  if (choice.least) remarks.push(`Weights below ${choice.least}\u00a0% are left out.`);
  if (viewsShown(host) !== "matrix") remarks.push(...linesLeftOut(view, row, choice.mass / 100));
  return { parts, place, remarks };
}

/** What the lines of a row, and those of all rows, leave out. */
function linesLeftOut(view, row, mass) {
  const remarks = [];
  const { drawn, total } = linesOf(view, row, mass, LEAST_LINE);
  if (total > 0 && drawn / total < 0.995) {
    const rule = mass < 1 ? `the strongest down to ${Math.round(100 * mass)}\u00a0% of the weight, none below 3\u00a0%` : "weights of at least 3\u00a0%";
    remarks.push(`Lines show ${rule}: ${about(1 - drawn / total, view)} of this row is not drawn.`);
  }
  if (strandsOf(view, mass).count > MOST_LINES) remarks.push(`The ${MOST_LINES} strongest lines are drawn.`);
  return remarks;
}

/** A share as it stands in a sentence. */
const about = (share, { exact }) => percent(share, exact).replace("≈", "about ");
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** What a screen reader hears: "layer 5, head 3: 'was' looks 62 % at 'John'". */
function spoken({ parts, place }) {
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
  clearTimeout(host.ui.timer);
  host.ui.timer = setTimeout(() => {
    host.say(spoken(host.ui.told));
    choose(host, "choice", host.state.choice);
  }, SETTLED);
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

function build(root, payload, host) {
  host.ui?.stop?.();
  const ui = { views: new Map(), part: null, at: null, drawn: null, touches: new Map(), timer: 0, frame: 0, thumbs: null, widths: new WeakMap() };
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
  ui.lenses = choices("Lens", payload.lenses, (lens) => act({ lens }, { moving: false }));
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
  const open = button({ class: "av-more", "aria-expanded": "false", onclick: () => expand(panel.hidden) }, "View and filters");
  ui.panel = panel;
  const expand = (wanted) => {
    panel.hidden = !wanted;
    refreshPanel(latest(), host);
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
  ui.side = element("div", { class: "av-side" }, element("div", { class: "av-steppers" }, ui.layer.box, ui.head.box), ui.kinds.box, ui.lenses.box, ui.tabs.box);
  ui.main = element("div", { class: "av-main" }, ui.room, options, ui.stage, ui.said, ui.remark);
  ui.grid = element("div", { class: "av-attention" }, ui.side, ui.main, ui.table);
  root.replaceChildren(ui.grid);

  const sized = new ResizeObserver(() => {
    const [width, height] = ui.size ?? [0, 0];
    if (!width || (ui.room.clientWidth === width && ui.room.clientHeight === height)) return;
    ui.size = ui.sheetRoom = null;
    show(latest(), host, false);
  });
  sized.observe(ui.room);
  const stopped = listen((of, small, again) => {
    if (of !== latest().of) return;
    const { first, special, merge } = state();
    const goOn = ui.thumbs?.goOn;
    if (again && goOn) {
      ui.thumbs.goOn = null;
      atRest(goOn);
    } else if (!again && (small || !latest().partial || first || special || merge)) ui.thumbs = null;
    if (!again || !ui.wait.hidden) show(latest(), host, false);
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
    clearTimeout(ui.asking);
    cancelAnimationFrame(ui.frame);
    ui.thumbs = null;
  };
  listenToFigure(host, act);
  listenToSheet(host, act);
}

// Showing --------------------------------------------------------------------------------------------------------------

function show(payload, host, moving) {
  const { ui } = host;
  const { choice } = host.state;
  const kind = kindOf(payload, choice);
  const narrow = host.width < NARROW;
  const form = narrow ? "narrow" : host.width < MIDDLE ? "middle" : "wide";
  if (ui.grid.dataset.form !== form) ui.size = ui.sheetRoom = null;
  ui.grid.dataset.form = form;
  const below = form === "middle";
  const home = narrow ? ui.main : below ? ui.grid : ui.side;
  if (ui.sheetBox.parentNode !== home) {
    if (narrow) ui.stage.after(ui.sheetBox);
    else if (below) ui.table.before(ui.sheetBox);
    else ui.side.append(ui.sheetBox);
    (form === "wide" ? ui.side : ui.main).append(ui.legend);
  }
  ui.grid.dataset.view = choice.view;
  // what is drawn comes first: to write on a canvas, the browser styles anew all that was changed on the page before
  if (!ui.size) showControls(payload, host, kind);
  showFigure(payload, host, moving);
  if (!narrow || choice.view === "heads") showSheet(payload, host, kind);
  showControls(payload, host, kind);
  showWords(payload, host);
  if (ui.table.open) fillTable(payload, host);
}

function showControls(payload, host, kind) {
  const { ui, theme } = host;
  const { choice } = host.state;
  ui.layer.refresh(kind.layers, layerOf(kind, choice), kind.layerNumbers);
  ui.head.refresh(kind.heads, Math.min(choice.head, kind.heads - 1), kind.headNumbers);
  ui.kinds.refresh(kind.kind);
  ui.lenses.refresh(choice.lens);
  ui.tabs.refresh(choice.view);
  ui.toggles.forEach((one) => one.refresh());
  refreshPanel(payload, host);
  showLegend(ui, theme, choice);
}

/** The controls in the panel, which is closed most of the time. */
function refreshPanel(payload, host) {
  const { ui } = host;
  if (ui.panel.hidden) return;
  const { choice } = host.state;
  ui.quadrants?.refresh(ui.part ? ui.quadrant ?? "" : "");
  ui.least.set(choice.least);
  ui.mass.set(choice.mass);
  ui.scale.value = choice.scale;
  showHeads(payload, host, kindOf(payload, choice));
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
  const { measure } = ui.payload.lens;
  const key = `${theme.dark}${theme.paper}${choice.scale}${measure}`;
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
  ui.legend.replaceChildren(element("span", {}, choice.scale === "row" ? `${measure}, of the largest in its row` : measure), bar, ticks);
}

function viewsShown(host) {
  if (host.width >= NARROW) return "both";
  return host.state.choice.view === "lines" ? "lines" : "matrix";
}

function showFigure(payload, host, moving) {
  const { ui } = host;
  const { choice } = host.state;
  if (host.width < NARROW && choice.view === "heads") return;
  const [width, height] = roomOf(ui);
  if (!width) return;
  const scene = sceneOf(payload, host, width, height, viewsShown(host));
  ask(payload, host, scene);
  const name = figureNamed(payload, scene.kind);
  if (ui.figure.ariaLabel !== name) ui.figure.ariaLabel = name;
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
  if (!alike || !moving || hurried || scene.view.weights.length > MOVING || still() || before.view === scene.view || document.hidden) {
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

/** The room for the figure, measured once: to measure it at each change would make the browser lay out the page. */
function roomOf(ui) {
  if (!ui.size?.[0]) ui.size = [ui.room.clientWidth, ui.room.clientHeight];
  return ui.size;
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

/** Ask for the layer that is shown, where it is not there; else, when the reader rests, for the nearest that is not. */
function ask(payload, host, { kind }) {
  if (!payload.partial) return;
  const { ui } = host;
  const layer = layerOf(kind, host.state.choice);
  if (!begun(payload.of)) return;
  for (const near of [layer - 2, layer + 2]) blockAt(payload.of, kind.kind, near); // what is closed is opened before it is wanted
  const there = (one) => holds(payload.of, kind.kind, one);
  const far = (one) => Math.abs(one - layer - 0.1); // of two as near, the later
  const [wanted] = Array.from({ length: kind.layers }, (_, one) => one).filter((one) => !there(one)).sort((a, b) => far(a) - far(b));
  clearTimeout(ui.asking);
  if (wanted === undefined) return;
  const { asked } = ui;
  const waiting = asked && asked.of === payload.of && asked.kind === kind.kind && !there(asked.layer) && performance.now() - asked.since < PATIENCE;
  if (waiting && (wanted !== layer || asked.layer === layer)) return;
  const now = () => {
    ui.asked = { of: payload.of, kind: kind.kind, layer: wanted, since: performance.now() };
    host.emit("need", { kind: kind.kind, layer: wanted });
  };
  if (wanted === layer) now();
  else ui.asking = setTimeout(now, 2 * SETTLED);
}

function figureNamed(payload, kind) {
  const keys = "Left and right arrows change the layer, up and down the head, Tab goes through the tokens, Escape lets Tab leave.";
  return `${payload.alt} ${kind.title} attention. ${keys}`;
}

// Thumbnails -----------------------------------------------------------------------------------------------------------

function showSheet(payload, host, kind) {
  const { ui, theme } = host;
  const { choice } = host.state;
  const [room, tall] = sheetRoomOf(host);
  if (room < 40) return;
  const dense = Math.min(globalThis.devicePixelRatio || 1, 3);
  const plan = sheetOf(room, kind.layers, kind.heads, tall);
  const { first, special, merge, scale } = choice;
  const key = JSON.stringify([payload.of, kind.kind, plan, first, special, merge, scale, theme.dark, theme.paper, dense]);
  if (ui.thumbs?.key !== key) {
    const picture = document.createElement("canvas");
    picture.width = Math.round(plan.width * dense);
    picture.height = Math.round(plan.height * dense);
    const thumbs = { key, plan, kind, picture, next: 0 };
    ui.thumbs = thumbs;
    const context = picture.getContext("2d");
    context.setTransform(dense, 0, 0, dense, 0, 0);
    const work = () => {
      if (ui.thumbs !== thumbs) return; // others have taken their place
      blockAt(payload.of, kind.kind, layerOf(kind, host.state.choice)); // so that it is not the one that is closed
      const began = performance.now();
      while (thumbs.next < kind.layers * kind.heads && performance.now() - began < 6) {
        if (!drawThumb(context, payload, host, kind, plan, Math.floor(thumbs.next / kind.heads), thumbs.next % kind.heads)) {
          thumbs.goOn = work;
          break;
        }
        thumbs.next += 1;
      }
      renderSheet(host);
      if (thumbs.next < kind.layers * kind.heads && !thumbs.goOn) atRest(work);
    };
    atRest(work);
  }
  const name = `All heads of ${kind.title.toLowerCase()} attention, a small matrix each. Left and right arrows go through the layers, up and down through the heads, Enter opens one.`;
  if (ui.sheet.ariaLabel !== name) ui.sheet.ariaLabel = name;
  renderSheet(host);
}

/** When the browser has nothing better to do. */
const atRest = (work) => (globalThis.requestIdleCallback ? requestIdleCallback(work, { timeout: 200 }) : setTimeout(work, 16));

/** Width and height for the thumbnails: beside the figure as far down as it reaches. Measured once, as in roomOf. */
function sheetRoomOf({ ui, width }) {
  if (ui.sheetRoom?.width === width && ui.sheetRoom.room[0]) return ui.sheetRoom.room;
  const beside = ui.sheetBox.parentNode === ui.side;
  const above = beside ? ui.sheetBox.getBoundingClientRect().top - ui.side.getBoundingClientRect().top : 0;
  ui.sheetRoom = { width, room: [ui.sheetBox.clientWidth, beside ? roomOf(ui)[1] - above : SHEET_HEIGHT] };
  return ui.sheetRoom.room;
}

const SHEET_HEIGHT = 440; // pixels where they stand below the figure or in its place
let mini;

/** @returns whether it is drawn: the weights may have to be opened first */
function drawThumb(context, payload, host, kind, plan, layer, head) {
  const { choice } = host.state;
  const { pixels } = paletteOf(host.theme);
  const plain = !choice.first && !choice.special && !choice.merge;
  let small = plain || !holds(payload.of, kind.kind, layer) ? smallOf(payload.of, kind.kind, layer, head) : null;
  const block = small ? null : blockAt(payload.of, kind.kind, layer);
  if (!small && !block && holds(payload.of, kind.kind, layer)) return false;
  if (block && !small) {
    const [asking, answering] = [payload.axes[kind.queries], payload.axes[kind.keys]];
    const view = viewOf(block, layer, [head], asking, answering, { first: choice.first, special: choice.special, merge: choice.merge });
    small = view && pooled(view.weights, view.rows, view.columns, Math.max(16, Math.min(64, plan.tile * 2)));
  }
  if (!small) return true;
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
  context.drawImage(mini, ...tileAt(plan, layer, head), plan.tile, plan.tile);
  return true;
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
  const size = plan.pitch < 14 ? 10 : plan.pitch < 20 ? 11 : 12;
  const name = (text, on, x, y, anchor) =>
    paper.text(x, y, text, { size, family: theme.sans, weight: on ? 600 : 400, fill: on ? theme.ink : theme.quiet, anchor });
  const rows = thinned(Array.from({ length: plan.heads }, (_, one) => one * plan.pitch), size * 1.1, heads.slice(0, 1));
  for (let start = 0; start < plan.layers; start += plan.across) {
    const count = Math.min(plan.across, plan.layers - start);
    const columns = thinned(Array.from({ length: count }, (_, one) => one * plan.pitch), size * 2.1, [layer - start]);
    for (const one of columns) {
      const [x, y] = tileAt(plan, start + one, 0);
      name(`L${numberOf(kind.layerNumbers, start + one)}`, start + one === layer, x + plan.tile / 2, y - 9, "middle");
    }
    for (const one of rows) {
      const [x, y] = tileAt(plan, start, one);
      name(`H${numberOf(kind.headNumbers, one)}`, heads.includes(one), x - 7, y + plan.tile / 2 + size * 0.35, "end");
    }
  }
  const ring = (at, line, stroke) => {
    const [x, y] = tileAt(plan, at.layer, at.head);
    paper.box(x - 1.5, y - 1.5, plan.tile + 3, plan.tile + 3, { stroke, line, radius: 3 });
  };
  const colours = HEADS[theme.dark ? "dark" : "light"];
  const several = heads.length > 1 && !choice.mean;
  heads.forEach((head, index) => ring({ layer, head }, 2, several ? colours[index % colours.length] : theme.ink));
  if (ui.sheetAt) ring(ui.sheetAt, 1, theme.ink);
  paper.end();
}

/** What a head does most, in words. */
function headNamed(payload, kind, { layer, head }) {
  const name = `L${numberOf(kind.layerNumbers, layer)}H${numberOf(kind.headNumbers, head)}`;
  const known = payload.names[kind.kind]?.[layer]?.[head];
  if (known !== undefined) return known ? `${name}: ${known}` : name;
  const block = blockAt(payload.of, kind.kind, layer);
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
      const [x, y] = tileAt(plan, place.layer, place.head);
      placeCard(ui.sheetCard, x + plan.pitch / 2, y, plan.tile, Math.max(plan.width, 200));
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

/** A weight that is pointed at: whole per cent, which are right to the last digit, and below one about a tenth. */
function pointed(weight, view) {
  if (weight >= 0.01 || !weight) return percent(weight, view.exact);
  return weight < 0.0005 ? "under 0.1\u00a0%" : `about ${(100 * weight).toFixed(1)}\u00a0%`;
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
      element("b", {}, pointed(weight, view)),
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
  ui.told = own;
  // Python's numbers come from the weights themselves, and stand for as long as the choice is theirs
  const exact = payload.said && JSON.stringify(payload.said.choice) === JSON.stringify(host.state.choice);
  const parts = exact ? payload.said.parts : own.parts;
  const remarks = exact ? [...payload.said.remarks, ...own.remarks.filter((remark) => /^(Lines|The \d+ strongest)/.test(remark))] : own.remarks;
  const place = capital(own.place);
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
    const weight = (column) => percent(view.weights[row * view.columns + column], view.exact);
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
  for (let row = 0; row < (view?.rows ?? 0); row += 1) {
    const weights = view.weights.subarray(row * view.columns, (row + 1) * view.columns);
    const error = Math.max(1e-9, weights.reduce((most, weight) => Math.max(most, weight), 0)) / (view.fine ? 130_560 : 510);
    const digits = Math.ceil(-Math.log10(error)); // the last is the first that may be wrong
    for (let column = 0; column < view.columns; column += 1) rows.push([view.queryLabels[row], view.keyLabels[column], Number(weights[column].toFixed(digits))]);
  }
  return rows.map((row) => row.map(csvCell).join(",")).join("\r\n");
}

// What core.js asks for ------------------------------------------------------------------------------------------------

function draw(root, payload, host) {
  const key = JSON.stringify([payload.kinds.map(({ kind, layers }) => [kind, layers]), payload.axes.map((axis) => axis.labels), payload.messages.length]);
  if (host.ui?.key !== key || host.ui.grid.parentNode !== root) {
    build(root, payload, host);
    host.ui.key = key;
  }
  if (host.ui.payload && host.ui.payload.of !== payload.of) Object.assign(host.ui, { thumbs: null, part: null });
  host.ui.payload = payload;
  host.ui.widths = new WeakMap(); // fonts may have come
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
  const [width, height] = roomOf(ui);
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
