/** Saves a Plotly figure as it stands in the page: PNG at three times its size, or SVG, on paper and with its fonts. */
export default function ({ parentElement, data }) {
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = async () => {
      const plot = document.querySelector(`.st-key-figure_${data.name} .js-plotly-plot`);
      if (!plot) return;
      const paper = getComputedStyle(button).getPropertyValue("--st-background-color") || "#fff";
      const drawing = whole(plot, paper);
      await embedFonts(drawing);
      const svg = new Blob([new XMLSerializer().serializeToString(drawing)], { type: "image/svg+xml" });
      if (button.dataset.kind === "svg") save(svg, `${data.name}.svg`);
      else save(await painted(svg, drawing, 3), `${data.name}.png`);
    };
  }
}

/** All layers of the plot as one SVG. Plotly is not global in the app; what it has drawn is all that is needed. */
function whole(plot, paper) {
  const layers = [...plot.querySelectorAll("svg.main-svg")];
  const { width, height } = layers[0].getBoundingClientRect();
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) {
    svg.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries({ width, height, fill: paper })) sheet.setAttribute(name, value);
  for (const layer of layers) svg.append(...[...layer.childNodes].map((node) => node.cloneNode(true)));
  // lines that do not grow with a picture would be hairs at three times its size
  for (const line of svg.querySelectorAll("[style*=vector-effect]")) line.style.removeProperty("vector-effect");
  svg.prepend(sheet);
  return svg;
}

async function painted(svg, drawing, scale) {
  const url = URL.createObjectURL(svg);
  const image = new Image();
  image.src = url;
  await image.decode();
  URL.revokeObjectURL(url);
  const canvas = document.createElement("canvas");
  canvas.width = Number(drawing.getAttribute("width")) * scale;
  canvas.height = Number(drawing.getAttribute("height")) * scale;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
