/**
 * One layer as a diagram beside all parameters to scale; what is pointed at in one lights up in the other.
 *
 * Payload: see explorer.py. Sends `part` (a trigger), as `block` and `parameters` do.
 */

import { counted, element } from "./core.js";
import { drawBlock } from "./block.js";
import { drawParameters } from "./parameters.js";
import { lit, meant } from "./parts.js";

/** Width of the diagram beside the squares, 0 where they stand above each other; two stacks stand beside each other. */
export function panelWidth(width, stacks) {
  if (stacks > 1) return width < 1160 ? 0 : Math.min(640, width * 0.44);
  if (width < 720) return 0;
  return width >= 1300 ? 312 : width >= 1100 ? 264 : width >= 860 ? 240 : 216;
}

/** What is lit, added up over all places: its name, count and share; undefined where nothing is. */
export function summed(choice, { groups, total }) {
  const found = groups.flatMap((group) =>
    group.rows
      .flat()
      .filter((part) => meant(choice, part.part, group.stack))
      .map((part) => ({ part, group })),
  );
  if (!found.length) return undefined;
  const count = found.reduce((sum, { part }) => sum + part.count, 0);
  const names = new Set(found.map(({ part }) => part.name.toLowerCase()));
  const layers = new Set(
    found.filter(({ group }) => group.layer !== null).map(({ group }) => `${group.stack} ${group.layer}`),
  ).size;
  const name = [...names].join(", ");
  const where = layers > 1 ? ` in ${layers} layers` : "";
  const share = (100 * count) / total;
  return `${name[0].toUpperCase()}${name.slice(1)}${where}: ${counted(count)} parameters, ${share < 0.05 ? "less than 0.1" : share.toFixed(1)} % of all.`;
}

/** @type {import("./core.js").Picture} */
export const explorer = {
  name: "explorer",
  choice: "chosen",
  draw(root, payload, host) {
    const panel = Math.round(panelWidth(host.width, payload.block.stacks.length));
    const gap = 32;
    const left = element("div", { class: "av-body" });
    const right = element("div", { class: "av-body" });
    const note = element("p", { class: "av-note" });
    const both = element(
      "div",
      { class: "av-beside", style: panel ? `grid-template-columns: ${panel}px minmax(0, 1fr)` : "" },
      left,
      element("div", {}, right, note),
    );
    root.replaceChildren(both);
    drawBlock(left, payload.block, { ...host, width: panel || host.width });
    drawParameters(right, payload.parameters, { ...host, width: panel ? host.width - panel - gap : host.width });
    const tell = () => {
      note.textContent = summed(lit(host), payload.parameters) ?? `${payload.hint} ${payload.note}`;
    };
    host.lights.set(note, tell);
    tell();
    host.note(payload.hint, payload.note, `${payload.title}: ${counted(payload.parameters.total)} parameters`);
  },
};
