/**
 * Takes a message of attention weights in and keeps it for the viewers of the page that want it (see attention.js): so a
 * viewer can be told of another choice without the weights being sent again.
 */

import { keep } from "./messages.js";

let releases;

/** What Streamlit mounts: `data` is the message. */
export function feed({ data, parentElement }) {
  releases ??= new WeakMap();
  const before = releases.get(parentElement);
  const now = keep(data);
  releases.set(parentElement, now);
  before?.();
  return () => {
    if (releases.get(parentElement) !== now) return;
    releases.delete(parentElement);
    now();
  };
}
