/**
 * Draws Plotly figures, each in a place that stays where it is: what is new is drawn over what was.
 *
 * `data` is UTF-8 in two lines. The first is JSON of what belongs to the figure: its `name`, what it shows in words (`alt`),
 * the `script` of Plotly, whether it `fills` the height that the style sheet gives its place, whether its points can be
 * picked (`picks`), whether it has `numbers`, and `csv`, these numbers, after they were asked for. The second is the figure.
 *
 * Sends `pick` (a trigger): the number of a point that was clicked; and `numbers` (a trigger): the reader wants them.
 *
 * A chart that the reader sees is drawn at once. The others wait until the page is at rest, or until they come into sight.
 */
const charts = new WeakMap();
const waiting = new Set();
const REST = 250; // milliseconds without a change
const CONFIG = { displaylogo: false, displayModeBar: false };
const FONT = "'IBM Plex Sans', 'Noto Sans', system-ui, sans-serif";

export default function ({ data, parentElement, setTriggerValue }) {
  let chart = charts.get(parentElement);
  if (!chart) charts.set(parentElement, (chart = new Chart(parentElement)));
  const call = chart.take(new TextDecoder().decode(data), setTriggerValue);
  return () => {
    if (call !== chart.calls) return; // Streamlit also cleans up after a call that a newer one has overtaken
    charts.delete(parentElement);
    chart.end();
  };
}

class Chart {
  calls = 0;

  constructor(parent) {
    this.place = element("div", { className: "av-chart" });
    this.place.setAttribute("role", "img");
    this.foot = saving([
      ["PNG", () => this.savePng()],
      ["SVG", () => this.saveSvg()],
      ["CSV", () => this.send("numbers", true)],
      ["Web page", () => this.savePage()],
    ]);
    parent.append(this.place, this.foot);
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.place);
  }

  take(data, send) {
    const end = data.indexOf("\n");
    const [head, figure] = [JSON.parse(data.slice(0, end)), data.slice(end + 1)];
    this.head = head;
    this.send = send;
    this.place.setAttribute("aria-label", head.alt);
    this.place.classList.toggle("av-picks", head.picks);
    this.foot.lastChild.children[2].hidden = !head.numbers;
    if (head.csv !== undefined) save(new Blob([head.csv], { type: "text/csv" }), `${head.name}.csv`);
    if (figure !== this.figure) {
      this.figure = figure;
      this.content = JSON.parse(figure);
      if (!head.fills) this.place.style.height = `${this.content.layout.height ?? 450}px`;
      if (window.Plotly && this.inSight) soon(this);
      else wait(this);
    }
    this.calls += 1;
    return this.calls;
  }

  /** Whether some of it can be seen; never in a tab that is not open. */
  get inSight() {
    const { top, bottom } = this.place.getBoundingClientRect();
    return this.hasRoom && bottom > 0 && top < innerHeight;
  }

  get hasRoom() {
    return this.place.clientWidth > 0;
  }

  async draw() {
    waiting.delete(this);
    const { clientWidth: width, clientHeight: height } = this.place;
    [this.width, this.height] = [width, height];
    const { data, layout } = this.content ?? JSON.parse(this.figure);
    this.content = undefined; // Plotly writes into what it is given
    try {
      const done = Plotly.react(this.place, data, { ...layout, width, height }, CONFIG);
      if (!this.drawn) this.place.on("plotly_click", ({ points }) => this.head.picks && this.send("pick", points[0].pointIndex));
      this.drawn = true;
      await done;
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error) {
    console.error(error);
    this.place.textContent = "This chart could not be drawn. Load the page again.";
  }

  resized() {
    const { clientWidth, clientHeight } = this.place;
    if (this.figure && this.hasRoom && (clientWidth !== this.width || clientHeight !== this.height)) wait(this);
  }

  end() {
    waiting.delete(this);
    next.delete(this);
    this.sizes.disconnect();
    if (this.drawn) Plotly.purge(this.place);
    this.place.remove();
    this.foot.remove();
  }

  async saveSvg() {
    save(await this.vector(), `${this.head.name}.svg`);
  }

  /** The drawing at three times its size. */
  async savePng() {
    const url = URL.createObjectURL(await this.vector());
    const image = new Image();
    image.src = url;
    await image.decode();
    URL.revokeObjectURL(url);
    const canvas = element("canvas", { width: this.width * 3, height: this.height * 3 });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((png) => save(png, `${this.head.name}.png`), "image/png");
  }

  /** All layers of the chart as it stands, on paper and with its fonts, as one SVG. */
  async vector() {
    const { width, height } = this;
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height }, drawn("rect", { width, height, fill: this.paper }));
    for (const layer of this.place.querySelectorAll("svg.main-svg"))
      svg.append(...[...layer.childNodes].map((node) => node.cloneNode(true)));
    // lines that do not grow with a picture would be hairs at three times its size
    for (const line of svg.querySelectorAll("[style*=vector-effect]")) line.style.removeProperty("vector-effect");
    await embedFonts(svg);
    return new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });
  }

  get paper() {
    return getComputedStyle(this.place).getPropertyValue("--st-background-color").trim() || "#fff";
  }

  /** A page with the figure and Plotly in it, which needs no network. */
  async savePage() {
    const { alt, name, script } = this.head;
    const [program, safe] = [await (await fetch(script)).text(), (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)];
    const figure = this.figure.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
    const ink = getComputedStyle(this.place).color;
    const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${safe(name)}</title>
<body style="background: ${this.paper}; color: ${ink}; font: 16px/1.5 ${safe(FONT)}; margin: 24px">
<div id="chart"></div><p>${safe(alt)}</p>
<script>${program}</script>
<script>{ const figure = ${figure}; Plotly.newPlot("chart", figure.data, figure.layout, { displaylogo: false, responsive: true }); }</script>
</body></html>`;
    save(new Blob([page], { type: "text/html" }), `${name}.html`);
  }
}

// What waits -----------------------------------------------------------------------------------------------------------

const next = new Set();
let shown = true;

/** Draws it now; where another has just been drawn, after that one is shown. */
function soon(chart) {
  waiting.delete(chart);
  next.add(chart);
  if (shown) drawNext();
}

function drawNext() {
  const [chart] = next;
  shown = !chart;
  if (shown) return;
  next.delete(chart);
  chart.draw();
  requestAnimationFrame(() => setTimeout(drawNext));
}

let timer;
let seen;

/** Draws it when the page is at rest, or as soon as it can be seen and the script is there. */
function wait(chart) {
  waiting.add(chart);
  clearTimeout(timer);
  timer = setTimeout(drawWaiting, window.Plotly ? REST : 0);
  if (seen) return;
  seen = true;
  addEventListener("scroll", () => window.Plotly && drawSeen(), { capture: true, passive: true });
}

function drawSeen() {
  for (const chart of waiting) if (chart.inSight) soon(chart);
}

/** One chart after the other, those in sight first, and what else the browser has to do between them. */
async function drawWaiting() {
  const [first] = [...waiting].filter((chart) => chart.hasRoom).sort((a, b) => b.inSight - a.inSight);
  if (!first) return;
  try {
    await plotly(first.head.script);
  } catch (error) {
    for (const chart of waiting) chart.failed(error);
    waiting.clear();
    return;
  }
  if (waiting.has(first)) first.draw();
  requestAnimationFrame(() => (first.inSight ? setTimeout(drawWaiting) : requestIdleCallback(drawWaiting)));
}

let loaded;

/** Plotly, which is fetched once, for the first chart of a visit. */
function plotly(address) {
  loaded ??= new Promise((done, fail) => {
    const script = element("script", { src: address, onload: done });
    script.onerror = () => {
      loaded = undefined;
      fail(new Error("the script that draws charts did not arrive"));
    };
    document.head.append(script);
  });
  return loaded;
}

// Parts of a page ------------------------------------------------------------------------------------------------------

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function drawn(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** A quiet "Save" that opens what can be saved. */
function saving(choices) {
  const buttons = choices.map(([label, onclick]) => element("button", { type: "button", textContent: label, onclick }));
  const arrow = drawn("path", { d: "M7 1.5v7M4 6l3 3 3-3M1.5 9v3.5h11V9", fill: "none", stroke: "currentColor", "stroke-width": 1.4 });
  const sign = drawn("svg", { width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true" }, arrow);
  return element("details", { className: "av-save" }, element("summary", {}, sign, "Save"), element("div", {}, ...buttons));
}

function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
