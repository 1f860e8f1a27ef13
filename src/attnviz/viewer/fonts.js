/** Web fonts inside a drawing that is saved. */

/** Put the page's own web fonts into an SVG, which could not see them once it is a file. */
export async function embedFonts(svg) {
  const named = [...svg.querySelectorAll("[font-family], [style*=font-family]")];
  const families = named.map((node) => node.getAttribute("font-family") ?? node.style.fontFamily);
  const used = new Set(
    families.flatMap((list) => list.split(",")).map((name) => name.trim().replace(/^["']|["']$/g, "")),
  );
  const rules = [...document.styleSheets].flatMap(fontRules);
  const wanted = rules.filter((rule) =>
    used.has(rule.style.getPropertyValue("font-family").replace(/^["']|["']$/g, "")),
  );
  const needed = new Set(svg.textContent);
  const written = await Promise.all(
    wanted.filter((rule) => covers(rule.style.getPropertyValue("unicode-range"), needed)).map(inlined),
  );
  if (!written.some(Boolean)) return;
  const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
  style.textContent = written.join("\n");
  svg.prepend(style);
}

function fontRules(sheet) {
  try {
    return [...sheet.cssRules].filter((rule) => rule instanceof CSSFontFaceRule);
  } catch {
    return []; // a sheet of another origin cannot be read
  }
}

function covers(ranges, characters) {
  if (!ranges) return true;
  const spans = ranges.split(",").map((range) => {
    const [first, last] = range.trim().replace(/^U\+/i, "").split("-");
    return [parseInt(first.replaceAll("?", "0"), 16), parseInt((last ?? first).replaceAll("?", "F"), 16)];
  });
  return [...characters].some((character) => {
    const code = character.codePointAt(0);
    return spans.some(([first, last]) => first <= code && code <= last);
  });
}

async function inlined(rule) {
  const address = /url\(["']?([^"')]+)["']?\)/.exec(rule.style.getPropertyValue("src"))?.[1];
  if (!address) return "";
  const url = new URL(address, rule.parentStyleSheet?.href ?? document.baseURI);
  if (url.protocol !== "data:" && url.origin !== location.origin) return "";
  const answer = await fetch(url);
  if (!answer.ok) return "";
  const bytes = new Uint8Array(await answer.arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 8192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  const face = ["font-family", "font-weight", "font-style", "unicode-range"]
    .map((name) => [name, rule.style.getPropertyValue(name)])
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}: ${value};`);
  return `@font-face { ${face.join(" ")} src: url("data:font/woff2;base64,${btoa(binary)}"); }`;
}
