/** explorer: see explorer.py. Sends `part` (a trigger): {part, stack, layer}. */

import { element } from "./core.js";

export const explorer = {
  name: "explorer",
  draw(root, payload) {
    root.replaceChildren(element("p", {}, payload.title));
  },
  adopt() {},
  frozen: (payload) => payload,
};
