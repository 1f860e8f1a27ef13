/**
 * One layer as a diagram beside all parameters to scale; what is pointed at in one lights up in the other.
 *
 * Payload: see explorer.py. Sends `part` (a trigger), as `block` and `parameters` do.
 */

import { counted, element } from "./core.js";
import { drawBlock } from "./block.js";
import { drawParameters } from "./parameters.js";
import { choosing } from "./parts.js";

/** Width of the diagram beside the squares, 0 where they stand above each other; two stacks stand beside each other. */
export function panelWidth(width, stacks) {
  if (stacks > 1) return width < 1160 ? 0 : Math.min(640, width * 0.44);
  if (width < 720) return 0;
  return width >= 1300 ? 312 : width >= 1100 ? 264 : width >= 860 ? 240 : 216;
}

/** @type {import("./core.js").Picture} */
export const explorer = {
  name: "explorer",
  draw(root, payload, host) {
    const panel = Math.round(panelWidth(host.width, payload.block.stacks.length));
    const gap = 32;
    const left = element("div", { class: "av-body" });
    const right = element("div", { class: "av-body" });
    const note = element("p", { class: "av-note" }, `${payload.hint} ${payload.note}`);
    const both = element("div", { class: "av-beside", style: panel ? `grid-template-columns: ${panel}px minmax(0, 1fr)` : "" }, left, element("div", {}, right, note));
    root.replaceChildren(both);
    drawBlock(left, payload.block, { ...host, width: panel || host.width });
    drawParameters(right, payload.parameters, { ...host, width: panel ? host.width - panel - gap : host.width });
    host.note(payload.hint, payload.note, `${payload.title}: ${counted(payload.parameters.total)} parameters`);
  },
  ...choosing,
};
