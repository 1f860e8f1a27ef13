/**
 * All parameters of a model to scale: one small square is so many.
 *
 * Payload: see parameters.py. Sends `part` (a trigger): {part, stack, layer} of the part that was clicked, null when x
 *
 * A part takes whole squares and, for what is left, a last one cut to its share of the width: the coloured area is exactly
 * in proportion. The empty rest of that square is drawn as a hairline, so that the smallest part can be found.
 */

import { counted, element, font, shape, shown, thinned } from "./core.js";
import { alive, colourOf, lit, meant, nameColourOf } from "./parts.js";

/**
 * @typedef {object} Placed
 * @property {number} group  index of its group @property {any} part  as in the payload
 * @property {number} squares  exact number of squares, not rounded
 * @property {{ line: number, column: number, slots: number }[]} runs  the places it takes; the last place may be cut
 */

/** How many places a part takes. */
export function places(squares) {
  return Math.max(1, Math.ceil(squares - 1e-9));
}

/**
 * Every part on a grid of so many columns. Groups and their rows begin a line, unless `inline` and they fit behind what is
 * there with one place between; in a layer no part is torn that fits on a line. The norms of a layer stand outside the
 * grid, behind its first line.
 * @returns {{ placed: Placed[], lines: number, spans: { first: number, lines: number }[] }}
 */
export function arranged(groups, unit, columns, inline) {
  const placed = [];
  const spans = [];
  let line = 0;
  groups.forEach((group, index) => {
    const first = line;
    let column = 0;
    for (const row of group.rows) {
      const squares = row.map((part) => part.count / unit);
      const wanted = squares.reduce((sum, number) => sum + places(number), 0);
      if (group.layer !== null && wanted === 1 && row[0].part === "norm") {
        placed.push({
          group: index,
          part: row[0],
          squares: squares[0],
          runs: [{ line: first, column: columns + 1, slots: 1 }],
        });
        continue;
      }
      if (column > 0 && inline && column + 1 + wanted <= columns) column += 1;
      else if (column > 0) [line, column] = [line + 1, 0];
      row.forEach((part, at) => {
        const runs = [];
        const fits = places(squares[at]) <= columns;
        if (group.layer !== null && fits && column + places(squares[at]) > columns) [line, column] = [line + 1, 0];
        for (let left = places(squares[at]); left > 0;) {
          if (column === columns) [line, column] = [line + 1, 0];
          const slots = Math.min(left, columns - column);
          runs.push({ line, column, slots });
          column += slots;
          left -= slots;
        }
        placed.push({ group: index, part, squares: squares[at], runs });
      });
    }
    line += 1;
    spans.push({ first, lines: line - first });
  });
  return { placed, lines: line, spans };
}

/**
 * The arrangement that wastes least and stands well in the room: columns, whether a layer's matrices share a line, and the
 * distance from square to square.
 * @param {number} room  width for squares in pixels @param {number} target  height that is wished for
 */
export function bestArrangement(groups, unit, room, target) {
  const layers = groups.filter((group) => group.layer !== null);
  let best;
  for (let columns = 36; columns <= 84; columns += 1) {
    for (const inline of [false, true]) {
      const { placed, lines, spans } = arranged(groups, unit, columns, inline);
      const inLayer = placed.filter((one) => groups[one.group].layer !== null);
      const taken = inLayer.reduce((sum, one) => sum + places(one.squares), 0);
      const offered = spans.reduce(
        (sum, span, index) => sum + (groups[index].layer === null ? 0 : span.lines * columns),
        0,
      );
      const torn =
        inLayer.filter((one) => one.runs.length > 1 && one.runs[0].column > 0).length / Math.max(1, layers.length);
      const widest = Math.floor((room / (columns + 2)) * 4) / 4;
      const lowest = Math.floor(((target - 4 * groups.length - 60) / lines) * 4) / 4;
      const pitch = Math.min(16, widest, Math.max(Math.ceil(lowest * 5.2) / 4, 6.5));
      const waste = offered ? 1 - taken / offered : 0;
      const unused = 1 - (pitch * (columns + 2)) / room;
      const high = Math.max(0, (lines * pitch + 4 * groups.length + 60) / target - 1.3);
      const cost = waste + 0.12 * torn + 0.5 * unused + high + Math.abs(columns - 58) / 400;
      if (!best || cost < best.cost - 1e-9) best = { cost, columns, inline, pitch };
    }
  }
  return best;
}

/** Squares side by side as one path; the last is cut where the number is not whole. */
export function squaresPath(placed, x, y, side, pitch) {
  let left = placed.squares;
  let path = "";
  for (const run of placed.runs) {
    for (let slot = 0; slot < run.slots; slot += 1) {
      const width = Math.min(1, left) * side;
      path += `M${fixed(x(run.column) + slot * pitch)} ${fixed(y(run.line))}h${fixed(width)}v${fixed(side)}h${fixed(-width)}z`;
      left -= 1;
    }
  }
  return path;
}

const LABELS = 196; // width for titles and counts beside the squares

const fixed = (value) => Math.round(value * 1000) / 1000;

export function drawParameters(root, payload, host) {
  const { theme } = host;
  const { groups, unit } = payload;
  const wide = host.width >= 560;
  const room = wide ? host.width - LABELS : host.width;
  const { columns, inline, pitch } = bestArrangement(groups, unit, room, Math.max(440, Math.min(room * 0.8, 720)));
  const { placed, spans } = arranged(groups, unit, columns, inline);
  const edge = wide ? Math.ceil(pitch * (columns + 2)) : host.width;
  const side = pitch - Math.max(0.75, Math.min(1.5, pitch * 0.12));
  const stacks = new Set(groups.map((group) => group.stack).filter(Boolean));
  const name = font(13, theme.sans, 600);

  const ys = [];
  const texts = [];
  const labelled = [];
  let y = 0;
  groups.forEach((group, index) => {
    const before = groups[index - 1];
    const layer = group.layer !== null;
    const follows = layer && before?.stack === group.stack && before.layer !== null;
    if (index > 0) y += follows ? Math.max(3, Math.min(6, pitch * 0.5)) : Math.max(12, 21 - pitch);
    const newRun = !follows || before.count !== group.count;
    if (!wide && newRun) {
      texts.push(...headline(group, groups, index, y, host));
      y += 24;
    } else if (layer && !follows && stacks.size > 1) {
      texts.push(text(0, y + 14, group.stack === "encoder" ? "Encoder" : "Decoder", theme.ink, name));
      y += 20;
    }
    const top = y;
    for (let line = 0; line < spans[index].lines; line += 1) {
      const starting = placed.filter((one) => one.group === index && one.runs[0].line === spans[index].first + line);
      if (layer && !follows && starting.length) {
        texts.push(...names(starting, pitch, y + 13, edge, host));
        y += 18;
      }
      ys.push(y);
      y += pitch;
    }
    const start = ys[spans[index].first];
    const last = ys.at(-1) + side;
    if (!group.rows.length) {
      labelled.push(top + 9);
      texts.push(text(0, top + 14, group.note, theme.quiet, font(14, theme.sans)));
      y = top + 20;
    } else labelled.push((start + last) / 2);
    if (wide && !layer) y = Math.max(y, labelled[index] + 9);
  });
  const height = Math.ceil(y);

  const x = (column) => column * pitch;
  const drawn = placed.map((one) => {
    const group = groups[one.group];
    const hits = one.runs
      .map((run) => `M${x(run.column)} ${ys[run.line]}h${run.slots * pitch}v${pitch}h${-run.slots * pitch}z`)
      .join("");
    const last = one.runs.at(-1);
    const cut = one.squares % 1 > 1e-9;
    const rest = cut
      ? shape("rect", {
          x: fixed(x(last.column + last.slots - 1) + 0.25),
          y: fixed(ys[last.line] + 0.25),
          width: fixed(side - 0.5),
          height: fixed(side - 0.5),
          fill: "none",
          stroke: theme.hairline,
          "stroke-width": 0.5,
        })
      : null;
    return shape(
      "g",
      { class: "av-part", role: "button", "aria-label": told(one.part, group, stacks.size > 1).join(", ") },
      rest,
      shape("path", { d: squaresPath(one, x, (line) => ys[line], side, pitch), fill: colourOf(one.part.part, theme) }),
      shape("path", { d: hits, fill: "transparent", "data-live": "" }),
      shape("path", {
        class: "av-ring",
        fill: "none",
        stroke: "none",
        d: outline(one.runs, x, ys, pitch, side),
        "data-live": "",
      }),
    );
  });

  const shownLabels = wide ? thinnedLabels(groups, labelled) : new Set();
  const tags = groups.flatMap((group, index) =>
    shownLabels.has(index)
      ? [
          text(edge + 12, labelled[index] + 5, group.title, theme.ink, font(14, theme.sans, 600)),
          text(
            edge + LABELS,
            labelled[index] + 5,
            group.count ? counted(group.count) : "tied",
            theme.quiet,
            font(14, theme.sans),
            "end",
          ),
        ]
      : [],
  );
  const drawing = shape(
    "svg",
    {
      class: "av-drawing",
      width: host.width,
      height,
      viewBox: `0 0 ${host.width} ${height}`,
      role: "group",
      "aria-label": payload.alt,
    },
    ...texts,
    ...tags,
    ...drawn,
  );
  const card = element("div", { class: "av-card", hidden: "" });
  root.replaceChildren(drawing, card);

  const choiceOf = (index) => {
    const { group, part } = placed[index];
    return { part: part.part, stack: groups[group].stack, layer: groups[group].layer };
  };
  const beside = (index, step) => {
    const { group, part } = placed[index];
    for (let other = group + step; groups[other]; other += step) {
      const members = [...placed.keys()].filter((at) => placed[at].group === other);
      if (members.length) return members.find((at) => placed[at].part.part === part.part) ?? members[0];
    }
    return index;
  };
  const show = (index, event) =>
    showCard(card, index === null ? null : placed[index], groups, payload, drawn[index], event, host);
  alive(drawing, drawn, host, choiceOf, show, beside);
  host.lights.set(root, () => {
    const choice = lit(host);
    placed.forEach((one, index) => {
      const group = groups[one.group];
      const among = meant(choice, one.part.part, group.stack);
      drawn[index].setAttribute("opacity", !choice || among ? "1" : "0.3");
      const exact = among && choice.layer !== null && choice.layer === group.layer && one.part.part === choice.part;
      drawn[index].lastChild.setAttribute("stroke", exact ? theme.ink : "none");
    });
  });
  host.lights.get(root)();
}

/** The line around all places of a part, also where it goes over several lines. */
function outline(runs, x, ys, pitch, side) {
  const gap = (pitch - side) / 2;
  return runs
    .map((run) => {
      const [left, top, width] = [x(run.column) - gap, ys[run.line] - gap, run.slots * pitch];
      return `M${fixed(left)} ${fixed(top)}h${fixed(width)}v${fixed(pitch)}h${fixed(-width)}z`;
    })
    .join("");
}

function text(x, y, content, fill, spec, anchor = "start") {
  const [, weight, size, family] = /^(\d+) ([\d.]+)px (.*)$/.exec(spec);
  return shape(
    "text",
    { x, y, fill, "font-size": size, "font-weight": weight, "font-family": family, "text-anchor": anchor },
    content,
  );
}

/** On a narrow screen: title and count above the squares, once for layers that are alike. */
function headline(group, groups, index, y, host) {
  const { theme } = host;
  let last = index;
  while (
    group.layer !== null &&
    groups[last + 1]?.stack === group.stack &&
    groups[last + 1].layer !== null &&
    groups[last + 1].count === group.count
  )
    last += 1;
  const number = last - index + 1;
  const place =
    group.layer !== null && new Set(groups.map((one) => one.stack)).size > 2
      ? `${group.stack === "encoder" ? "Encoder" : "Decoder"} `
      : "";
  const plain = number > 1 ? `Layers ${group.layer} to ${groups[last].layer}` : group.title;
  const title = place ? place + plain.toLowerCase() : plain;
  const count = group.count === 0 ? "tied" : number > 1 ? `${number} × ${counted(group.count)}` : counted(group.count);
  return [
    text(0, y + 15, title, theme.ink, font(14, theme.sans, 600)),
    text(host.width, y + 15, count, theme.quiet, font(14, theme.sans), "end"),
  ];
}

/** The names of the parts that begin on a line, where they fit; a first letter where only that does. */
function names(starting, pitch, y, edge, host) {
  const { theme } = host;
  const spec = font(13, theme.sans, 600);
  const roomOf = (index) => {
    const next = starting[index + 1];
    const end = !next || next.part.part === "norm" ? edge + 4 : next.runs[0].column * pitch;
    return end - starting[index].runs[0].column * pitch - 5;
  };
  const kindOf = (one) => one.part.part.split(".")[0];
  const wordings = (one) => {
    const matrix = one.part.part.split(".")[1];
    const short = matrix ?? one.part.name.toLowerCase();
    const full = { cross: `cross ${matrix}`, feed_forward: `feed-forward ${matrix}` }[kindOf(one)] ?? short;
    return matrix ? [full, short, short[0].toUpperCase()] : [full, full, full];
  };
  const levels = new Map(); // matrices of one kind are named at the same length
  starting.forEach((one, index) => {
    const level = wordings(one).findIndex((wording) => host.measure(wording, spec) <= roomOf(index));
    levels.set(kindOf(one), Math.max(levels.get(kindOf(one)) ?? 0, level < 0 ? 2 : level));
  });
  const result = [];
  let free = 0;
  starting.forEach((one, index) => {
    const norms = one.part.part === "norm";
    const x = one.runs[0].column * pitch;
    const label = wordings(one)[levels.get(kindOf(one))];
    const width = host.measure(label, spec);
    if (norms ? width > edge - free - 5 : width > roomOf(index)) return;
    free = x + width;
    result.push(text(norms ? edge : x, y, label, nameColourOf(one.part.part, theme), spec, norms ? "end" : "start"));
  });
  return result;
}

function thinnedLabels(groups, at) {
  const first = groups.flatMap((group, index) =>
    group.layer === null || groups[index - 1]?.layer === null ? [index] : [],
  );
  const last = groups.flatMap((group, index) =>
    group.layer !== null && groups[index + 1]?.layer === null ? [index] : [],
  );
  return thinned(at, 18, [...first, ...last]);
}

/** What is said of a part: its name and place, its arithmetic, its count. */
function told(part, group, twoStacks) {
  const place = group.layer === null ? "" : `${twoStacks ? `${group.stack} ` : ""}layer ${group.layer}`;
  return [
    [shown(part.name), place].filter(Boolean).join(", "),
    part.shape,
    `${part.arithmetic} = ${counted(part.count)}`,
  ];
}

function showCard(card, one, groups, payload, node, event, host) {
  card.hidden = !one;
  if (!one) return;
  const group = groups[one.group];
  const [title, shape, sum] = told(one.part, group, new Set(groups.map((one) => one.stack)).size > 2);
  const share = (100 * one.part.count) / payload.total;
  const percent = share >= 0.05 ? `${share.toFixed(1)} % of all` : "less than 0.1 % of all";
  const squares =
    one.squares >= 0.01
      ? one.squares.toLocaleString("en-US", { maximumSignificantDigits: one.squares >= 100 ? 4 : 3 })
      : "less than 0.01";
  card.replaceChildren(
    element("div", {}, element("b", {}, title), " ", element("span", {}, shape)),
    element("div", {}, sum),
    element("div", {}, element("span", {}, `${squares} squares, ${percent}`)),
  );
  const whole = card.parentElement.getBoundingClientRect();
  const box = node.getBoundingClientRect();
  const pointer = event.type === "pointermove" || event.type === "click";
  const x = (pointer && event.clientX ? event.clientX : box.left) - whole.left;
  const y = pointer && event.clientY ? event.clientY - whole.top : box.bottom - whole.top;
  const { offsetWidth: width, offsetHeight: height } = card;
  card.style.left = `${Math.max(0, Math.min(x + 14, whole.width - width))}px`;
  const below = y + 18;
  card.style.top = `${below + height <= whole.height + 40 ? below : Math.max(-40, y - height - 14)}px`;
  if (!pointer) host.say([title, sum].join(": "));
}

/** @type {import("./core.js").Picture} */
export const parameters = {
  name: "parameters",
  choice: "chosen",
  draw(root, payload, host) {
    drawParameters(root, payload, host);
    host.note(payload.hint, payload.note, `${payload.title}: ${counted(payload.total)} parameters`);
  },
};
