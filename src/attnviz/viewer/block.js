/** block: see block.py. Sends `part` (a trigger): {part, stack, layer}. */

import { element } from "./core.js";

export const block = {
  name: "block",
  draw(root, payload) {
    root.replaceChildren(element("p", {}, payload.title));
  },
  adopt() {},
  frozen: (payload) => payload,
};
