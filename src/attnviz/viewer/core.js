/**
 * What all pictures share: mounting, theme, fonts, tokens on an axis, live text, saving.
 *
 * A picture is an object {@link Picture}. Streamlit calls what {@link mounting} returns again and again without cleaning
 * up, so everything a picture remembers lies in its host, one for each parent element. Nothing here writes markup: text
 * reaches the page as text nodes alone.
 */

/**
 * @typedef {object} Picture
 * @property {string} name
 * @property {string} choice  the field of the payload, and of the state, that holds what is chosen
 * @property {(root: HTMLElement, payload: any, host: Host) => void} draw  draws all, or again after any change
 * @property {string[]} [asides]  fields of the payload beside the choice that may change without the state starting again
 * @property {(payload: any, host: Host) => SVGElement} [drawing]  what is saved, where the page shows no SVG
 * @property {(payload: any, host: Host) => string} [csv]  the numbers that are saved, where the payload has none
 * @property {(payload: any, host: Host) => any} [saved]  the payload of a saved page
 * @property {(host: Host) => void} [ended]  lets go of what the picture held on to
 *
 * @typedef {object} Host
 * @property {Theme} theme
 * @property {number} width  of the root in CSS pixels, above 0
 * @property {any} state  what the reader has chosen; outlives data that differ in nothing but the choice
 * @property {boolean} moving  whether this drawing may be animated
 * @property {Measure} measure
 * @property {(name: string, value: unknown) => void} emit  tells Python
 * @property {(text: string) => void} say  tells a screen reader
 * @property {(hint: string, note: string, heading?: string) => void} note  the lines under the picture and, saved, above it
 * @property {(moving?: boolean) => void} redraw
 * @property {Map<Element, () => void>} lights  what to call when the part that is pointed at changes
 *
 * @typedef {(text: string, font: string) => number} Measure  width in CSS pixels
 *
 * @typedef {{ mark: string, text: string }} Meaning
 * @typedef {object} Theme
 * @property {boolean} dark
 * @property {string} paper
 * @property {string} panel
 * @property {string} ink
 * @property {string} quiet
 * @property {string} hairline
 * @property {Meaning} query
 * @property {Meaning} key
 * @property {Meaning} value
 * @property {Meaning} cross
 * @property {Meaning} stream
 * @property {Meaning} feedForward
 * @property {string} sans
 * @property {string} serif
 */

import { embedFonts } from "./fonts.js";

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; strings become text nodes, an undefined attribute is left out. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for an SVG element. */
export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node[name] = value;
    else if (value !== undefined && value !== null) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Text -----------------------------------------------------------------------------------------------------------------

const NAMED = new Map([
  ["\n", "⏎"],
  ["\t", "⇥"],
  ["\r", "␍"],
  ["\u00a0", " "],
  ["\u2028", "⏎"],
  ["\u2029", "⏎"],
]);

/**
 * A text that is safe to draw and to save as XML: line ends and tabs get a sign, other control characters their picture,
 * marks that turn the direction of what follows are dropped, a broken half of a character becomes "�".
 */
export function shown(text) {
  return String(text)
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "")
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\ufffe\uffff]/g, "\ufffd")
    .replace(/[\u0000-\u001f\u007f-\u00a0\u2028\u2029]/g, (character) => {
      const code = character.charCodeAt(0);
      return NAMED.get(character) ?? (code < 32 ? String.fromCharCode(0x2400 + code) : code === 127 ? "␡" : "\ufffd");
    });
}

/** The text, or as much of its beginning as fits into `room` with "…" after it; whole characters only. */
export function fitted(text, room, width) {
  if (width(text) <= room) return text;
  const letters = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)].map((s) => s.segment);
  let low = 1;
  let high = letters.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (width(`${letters.slice(0, middle).join("")}…`) <= room) low = middle;
    else high = middle - 1;
  }
  return `${letters.slice(0, low).join("")}…`;
}

/** Lines of whole words, none wider than `room` (unless one word is). */
export function lines(text, room, width) {
  const result = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (line && width(longer) > room) {
      result.push(line);
      line = word;
    } else line = longer;
  }
  return line ? [...result, line] : result;
}

/** Thousands with commas, as everywhere in the app. */
export function counted(number) {
  return Math.round(number).toLocaleString("en-US");
}

// Tokens on an axis ----------------------------------------------------------------------------------------------------

/** Labels of repeated tokens with their number, from the second on: "the", "the²". */
export function numbered(labels) {
  const seen = new Map();
  return labels.map((label) => {
    const number = (seen.get(label) ?? 0) + 1;
    seen.set(label, number);
    return number === 1 ? label : label + [...String(number)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
  });
}

/**
 * Which labels are shown where they would crowd. `places` are their middles along the axis, `gap` the least distance
 * between two; those that come first in `first` are placed first, then the ends, then the rest from the start.
 * @param {number[]} places @param {number} gap @param {number[]} first @returns {Set<number>} indices
 */
export function thinned(places, gap, first = []) {
  const kept = new Set();
  const taken = []; // the last is the likeliest to be in the way
  const place = (index) => {
    if (index < 0 || index >= places.length || kept.has(index)) return;
    for (let other = taken.length - 1; other >= 0; other -= 1) if (Math.abs(taken[other] - places[index]) < gap - 1e-6) return;
    kept.add(index);
    taken.push(places[index]);
  };
  first.forEach(place);
  place(0);
  place(places.length - 1);
  for (let index = 0; index < places.length; index += 1) place(index);
  return kept;
}

/**
 * The order in which words stand from left to right, as indices: in a line that runs from right to left, runs of words of
 * the other direction keep their own order, and the reverse.
 * @param {boolean[]} rightToLeft  for each word @param {boolean} base  for the line
 */
export function visualOrder(rightToLeft, base) {
  const order = [];
  for (let start = 0; start < rightToLeft.length;) {
    let end = start + 1;
    while (end < rightToLeft.length && rightToLeft[end] === rightToLeft[start]) end += 1;
    const run = Array.from({ length: end - start }, (_, offset) => start + offset);
    const foreign = rightToLeft[start] !== base;
    order.push(...(foreign ? run.reverse() : run));
    start = end;
  }
  return base ? order.reverse() : order;
}

// Theme ----------------------------------------------------------------------------------------------------------------

const SANS = '"IBM Plex Sans", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", "Noto Sans", Arial, sans-serif';
const SERIF =
  '"Source Serif Four", "Source Serif 4", "Iowan Old Style", Charter, "Noto Serif", "Liberation Serif", Georgia, serif';

const LIGHT = {
  paper: "#FFFFFF",
  panel: "#F4F5F7",
  ink: "#15191F",
  quiet: "#57606B",
  hairline: "#DDE1E6",
  query: { mark: "#0072B2", text: "#0072B2" },
  key: { mark: "#D55E00", text: "#B84E00" },
  value: { mark: "#009E73", text: "#007A59" },
  cross: { mark: "#CC79A7", text: "#A3487F" },
  stream: { mark: "#6B7280", text: "#57606B" },
  feedForward: { mark: "#B58900", text: "#7D5F00" },
};
const both = (colour) => ({ mark: colour, text: colour });
const DARK = {
  paper: "#0F1318",
  panel: "#191F27",
  ink: "#E8EBEF",
  quiet: "#A1A9B5",
  hairline: "#2B333D",
  query: both("#56B4E9"),
  key: both("#FF9E4A"),
  value: both("#3CC9A3"),
  cross: both("#E3A3C6"),
  stream: both("#A1A9B5"),
  feedForward: both("#E6C35C"),
};

/** Red, green and blue of "#rgb", "#rrggbb" or "rgb(…)", 0 to 255; undefined for anything else. */
export function channels(colour) {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(colour.trim())?.[1];
  if (hex) return (hex.length === 3 ? [...hex].map((d) => d + d) : hex.match(/../g)).map((pair) => parseInt(pair, 16));
  const numbers = /^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)/.exec(colour.trim());
  return numbers ? numbers.slice(1, 4).map(Number) : undefined;
}

/** A colour part of the way (0 to 1) from one to another, as "#rrggbb". */
export function mix(from, to, share) {
  const end = channels(to);
  const mixed = channels(from).map((value, index) => Math.round(value + (end[index] - value) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {Element} root @param {"light" | "dark" | null | undefined} explicit @returns {Theme} */
function themeOf(root, explicit) {
  const style = getComputedStyle(root);
  const given = (name) => {
    const value = style.getPropertyValue(`--st-${name}`).trim();
    return value && value !== "unset" ? value : undefined;
  };
  const colour = (name) => (channels(given(name) ?? "") ? given(name) : undefined);
  const background = colour("background-color");
  const [red, green, blue] = channels(background ?? "#FFFFFF");
  const dark = background
    ? 0.2126 * red + 0.7152 * green + 0.0722 * blue < 110
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const chosen = explicit ? explicit === "dark" : dark;
  const base = chosen ? DARK : LIGHT;
  const fonts = { sans: given("font") ?? SANS, serif: given("heading-font") ?? SERIF };
  if (chosen !== dark || !background) return { dark: chosen, ...base, ...fonts };
  return {
    dark,
    ...base,
    ...fonts,
    paper: background,
    panel: colour("secondary-background-color") ?? base.panel,
    ink: colour("text-color") ?? base.ink,
    hairline: colour("border-color") ?? base.hairline,
  };
}

/** A canvas font. */
export function font(size, family, weight = 400) {
  return `${weight} ${size}px ${family}`;
}

/** @returns {Measure & { forget: () => void }} */
function measuring() {
  const context = document.createElement("canvas").getContext("2d");
  const known = new Map();
  const measure = (text, spec) => {
    const name = `${spec}\n${text}`;
    let width = known.get(name);
    if (width === undefined) {
      context.font = spec;
      width = context.measureText(text).width;
      known.set(name, width);
    }
    return width;
  };
  return Object.assign(measure, { forget: () => known.clear() });
}

// Mounting -------------------------------------------------------------------------------------------------------------

/**
 * What Streamlit calls with each new payload. It draws at once and returns a cleanup, which acts only if no later call
 * was made for the same element: Streamlit also cleans up after a call that a newer one has overtaken.
 * @param {Picture} picture @param {{ page: string, program: string }} own  what a saved page is made of
 */
export function mounting(picture, own) {
  const mounts = new WeakMap();
  return ({ data, parentElement, setTriggerValue }) => {
    let mounted = mounts.get(parentElement);
    if (!mounted) {
      mounted = mount(parentElement, picture, own);
      mounts.set(parentElement, mounted);
    }
    const call = mounted.update(data, setTriggerValue);
    return () => {
      if (mounts.get(parentElement) === mounted && mounted.end(call)) mounts.delete(parentElement);
    };
  };
}

function saveSign() {
  const lines = shape("path", {
    d: "M7 1.5v7M4 6l3 3 3-3M1.5 9v3.5h11V9",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.4,
  });
  return shape("svg", { class: "av-sign", width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true" }, lines);
}

function mount(parent, picture, own) {
  const body = element("div", { class: "av-body" });
  const note = element("p", { class: "av-note" });
  const live = element("div", { class: "av-live", "aria-live": "polite" });
  const saves = element("div", { class: "av-saves" });
  const save = element("details", { class: "av-save" }, element("summary", {}, saveSign(), "Save"), saves);
  const root = element(
    "div",
    { class: "av", role: "group", "data-picture": picture.name },
    body,
    element("div", { class: "av-foot" }, note, save),
    live,
  );
  parent.append(root);

  const measure = measuring();
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  let payload;
  let calls = 0;
  let send;
  let spoken = { hint: "", note: "", heading: "" };
  const host = {
    theme: undefined,
    width: 0,
    state: {},
    moving: false,
    measure,
    lights: new Map(),
    emit: (name, value) => send?.(name, value),
    say: (text) => {
      live.textContent = text;
    },
    note: (hint, fact, heading = "") => {
      spoken = { hint, note: fact, heading };
      note.textContent = [hint, fact].filter(Boolean).join(" ");
    },
    redraw: (moving = false) => draw(moving),
  };

  function draw(moving = false) {
    host.width = Math.floor(body.clientWidth);
    if (!payload || host.width === 0) return;
    host.moving = moving && !still.matches;
    host.theme = themeOf(root, payload.theme);
    const { theme } = host;
    for (const [name, value] of Object.entries({
      paper: theme.paper,
      panel: theme.panel,
      ink: theme.ink,
      quiet: theme.quiet,
      hairline: theme.hairline,
      query: theme.query.text,
      key: theme.key.text,
      "query-mark": theme.query.mark,
      "key-mark": theme.key.mark,
      sans: theme.sans,
      serif: theme.serif,
    }))
      root.style.setProperty(`--av-${name}`, value);
    root.style.colorScheme = theme.dark ? "dark" : "light";
    root.setAttribute("aria-label", payload.alt);
    host.lights.clear();
    picture.draw(body, payload, host);
  }

  saves.append(
    ...[
      ["PNG", () => savePng(parts())],
      ["SVG", () => saveSvg(parts())],
      ["CSV", () => download(new Blob(["\ufeff", table()], { type: "text/csv" }), `${fileName(picture, payload)}.csv`)],
      ["Web page", () => savePage(root, picture, saved(), host.state, own, fileName(picture, payload))],
    ].map(([label, act]) => element("button", { type: "button", onclick: act }, label)),
  );
  const table = () => (picture.csv ? picture.csv(payload, host) : payload.csv);
  const saved = () => (picture.saved ? picture.saved(payload, host) : payload);
  const parts = () => ({
    placed: picture.drawing ? [{ drawing: picture.drawing(payload, host), x: 0, y: 0 }] : drawingsIn(body),
    wide: body.getBoundingClientRect().width,
    theme: host.theme,
    measure,
    heading: spoken.heading,
    note: spoken.note,
    name: fileName(picture, payload),
  });

  let drawnWidth = 0;
  const resized = new ResizeObserver(() => {
    if (Math.floor(body.clientWidth) === drawnWidth) return;
    drawnWidth = Math.floor(body.clientWidth);
    draw();
  });
  const repaint = () => draw();
  scheme.addEventListener("change", repaint);

  let fontsAsked = "";
  function askFonts() {
    const { sans, serif } = host.theme ?? {};
    if (!sans || fontsAsked === sans + serif) return;
    fontsAsked = sans + serif;
    const wanted = [font(16, sans), font(16, sans, 600), font(24, serif), font(24, serif, 600)];
    Promise.all(wanted.map((spec) => document.fonts.load(spec))).then(
      (found) => {
        if (found.some((faces) => faces.length) && root.isConnected) {
          measure.forget();
          draw();
        }
      },
      () => {},
    ); // a font that does not load leaves the drawing in the one that is there
  }

  const without = (data, fields) => JSON.stringify({ ...data, ...Object.fromEntries(fields.map((name) => [name, null])) });
  const asides = picture.asides ?? [];
  const content = (data) => without(data, [picture.choice, ...asides]);
  return {
    update(data, setTriggerValue) {
      send = setTriggerValue;
      const previous = payload;
      payload = data;
      if (!previous || content(previous) !== content(data)) {
        host.state = { [picture.choice]: data[picture.choice], sent: [] };
        saves.children[2].hidden = !(picture.csv || data.csv);
        draw();
      } else {
        const chosen = follow(picture.choice, data, previous, host.state);
        const told = asides.some((name) => !same(previous[name], data[name]));
        if (chosen || told || !same(host.theme, themeOf(root, data.theme))) draw(chosen && asides.length > 0);
      }
      drawnWidth = host.width;
      if (!previous) resized.observe(body);
      askFonts();
      calls += 1;
      return calls;
    },
    end(call) {
      if (call !== calls) return false;
      resized.disconnect();
      scheme.removeEventListener("change", repaint);
      picture.ended?.(host);
      root.remove();
      return true;
    },
  };
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Keeps what the reader chose against payloads that were on their way, and follows those that Python means: a value that
 * this picture itself has sent is an echo, not a wish.
 * @param {string} field  of the payload and of the state @returns {boolean} whether the choice changed
 */
export function follow(field, payload, previous, state) {
  const echo = state.sent.findIndex((value) => same(value, payload[field]));
  if (echo >= 0) state.sent.splice(0, echo + 1);
  else if (!same(previous[field], payload[field])) {
    const changed = !same(state[field], payload[field]);
    state[field] = payload[field];
    state.sent = [];
    return changed;
  }
  return false;
}

/** Take a choice into the state and tell Python. */
export function choose(host, field, value, event = field) {
  host.state[field] = value;
  host.state.sent.push(value);
  host.emit(event, value);
}

// Saving ---------------------------------------------------------------------------------------------------------------

const PRINT_WIDTH = 170; // millimetres between the margins of A4 and of Letter
const PRINT_DOTS = 300 / 25.4; // per millimetre

function fileName(picture, payload) {
  const words =
    payload.title
      .normalize("NFKD")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  return ["attnviz", picture.name, ...words.slice(0, 6)].join("-").slice(0, 60);
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The drawings that a picture shows, with their places. */
function drawingsIn(root) {
  const whole = root.getBoundingClientRect();
  const found = [...root.querySelectorAll("svg.av-drawing")].map((drawing) => [drawing, drawing.getBoundingClientRect()]);
  const top = Math.min(...found.map(([, box]) => box.top));
  return found.map(([drawing, box]) => ({ drawing: drawing.cloneNode(true), x: box.left - whole.left, y: box.top - top }));
}

/** All drawings of a picture as one SVG with heading and note, on paper. */
function composed({ placed, wide, theme, measure, heading, note }) {
  const margin = 16;
  const width = wide + 2 * margin;
  const wrapped = (text, size, family, weight) =>
    lines(text, wide, (line) => measure(line, font(size, family, weight)));
  const above = wrapped(shown(heading), 19, theme.sans, 400);
  const below = wrapped(shown(note), 14, theme.sans, 400);
  const start = margin + (above.length ? above.length * 26 + 12 : 0);
  const end = start + Math.max(...placed.map(({ drawing, y }) => y + Number(drawing.getAttribute("height"))));
  const height = end + (below.length ? below.length * 20 + 8 : 0) + margin;
  const text = (line, size, y, fill) =>
    shape("text", { x: margin, y, fill, "font-size": size, "font-family": theme.sans }, line);
  const svg = shape(
    "svg",
    { xmlns: SVG, viewBox: `0 0 ${width} ${height}`, width, height },
    shape("rect", { width, height, fill: theme.paper }),
    ...above.map((line, index) => text(line, 19, margin + 20 + 26 * index, theme.ink)),
    ...placed.map(({ drawing, x, y }) => {
      drawing.querySelectorAll("[data-live]").forEach((node) => node.remove());
      for (const node of [drawing, ...drawing.querySelectorAll("*")]) {
        for (const name of ["tabindex", "role", "class", "style"]) node.removeAttribute(name);
      }
      return filled(drawing, { x: x + margin, y: y + start, overflow: "visible" }, []);
    }),
    ...below.map((line, index) => text(line, 14, end + 24 + 20 * index, theme.quiet)),
  );
  return { svg, width, height, millimetres: Math.min(PRINT_WIDTH, (width * 25.4) / 96) };
}

async function saveSvg(parts) {
  const { svg, width, height, millimetres } = composed(parts);
  svg.setAttribute("width", `${millimetres}mm`);
  svg.setAttribute("height", `${(millimetres * height) / width}mm`);
  await embedFonts(svg);
  download(new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }), `${parts.name}.svg`);
}

async function savePng(parts) {
  const { svg, width, height, millimetres } = composed(parts);
  const scale = Math.max(2, (millimetres * PRINT_DOTS) / width);
  svg.setAttribute("width", String(width * scale));
  svg.setAttribute("height", String(height * scale));
  await embedFonts(svg);
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = element("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    canvas.getContext("2d").drawImage(image, 0, 0);
    const png = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    download(png, `${parts.name}.png`);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The picture as a page that needs no network: the same program with the present choice. */
function savePage(root, picture, payload, state, own, name) {
  const sheets = [...root.getRootNode().styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  const safe = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  const inert = (value) =>
    JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const parts = {
    title: safe(shown(payload.title)),
    style: sheets
      .map((rule) => rule.cssText)
      .filter((text) => text.includes("av-") || text.startsWith(".av"))
      .join("\n"),
    payload: inert({ ...payload, [picture.choice]: state[picture.choice] }),
    script: own.program,
  };
  const text = own.page.replace(/\{\{(\w+)\}\}/g, (_, part) => parts[part]);
  download(new Blob([text], { type: "text/html" }), `${name}.html`);
}
