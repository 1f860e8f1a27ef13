/** parameters: see parameters.py. Sends `part` (a trigger): {part, stack, layer}. */

import { element } from "./core.js";

export const parameters = {
  name: "parameters",
  draw(root, payload) {
    root.replaceChildren(element("p", {}, payload.title));
  },
  adopt() {},
  frozen: (payload) => payload,
};
