/**
 * Several models side by side, each as the diagram of its layers, and one token on its way through all of them at once.
 *
 * Payload: see stacks.py. Sends `part` (a trigger): {column, part, stack, layer} of what was clicked, with an empty `part` when
 * it is let go. The token moves only where motion is wanted; step by step it can be followed everywhere.
 */

import { choose, element, shape } from "./core.js";
import { drawBlock } from "./block.js";
import { point } from "./parts.js";

const LEG = 1100; // milliseconds
const GAP = 28;

/**
 * How columns are placed: `across` one after another in rows, each with its width. Two stacks beside each other need 500 pixels.
 * @param {number} width @param {number[]} stacks  number of stacks of each column
 */
export function placed(width, stacks) {
  const single = Math.min(312, Math.floor((width - 2 * GAP) * 0.235));
  if (width >= 900) {
    const wide = stacks.filter((number) => number > 1).length || 1;
    const rest = width - (stacks.length - 1) * GAP - single * (stacks.length - wide);
    return stacks.map((number) => (number > 1 ? Math.min(700, Math.floor(rest / wide)) : single));
  }
  if (width >= 460) return stacks.map((number) => (number > 1 ? width : Math.floor((width - GAP) / 2)));
  return stacks.map(() => width);
}

/** Where one is after a share (0 to 1) of a way along straight lines. @param {number[][]} line */
export function along(line, share) {
  const lengths = line.slice(1).map(([x, y], index) => Math.hypot(x - line[index][0], y - line[index][1]));
  let left = lengths.reduce((sum, length) => sum + length, 0) * Math.min(1, Math.max(0, share));
  for (const [index, length] of lengths.entries()) {
    if (left <= length && length > 0) {
      const [[x, y], [u, v]] = [line[index], line[index + 1]];
      return [x + ((u - x) * left) / length, y + ((v - y) * left) / length];
    }
    left -= length;
  }
  return line.at(-1);
}

/** What is said of a leg of the way; of none, before the token comes in. */
export function toldOf(leg, told) {
  return (leg ? (told[`${leg.stack}.${leg.part}`] ?? told[leg.part]) : told.rest) ?? "";
}

/**
 * A place for one of several sentences, as high as the highest of them, so that nothing below moves when they change.
 * @param {string[]} sentences @returns {{ node: Element, say: (sentence: string) => void }}
 */
function oneOf(sentences) {
  const lines = [...new Set(sentences)].map((sentence) => element("span", {}, sentence));
  const say = (sentence) => {
    for (const line of lines) line.classList.toggle("av-now", line.textContent === sentence);
  };
  return { node: element("p", { class: "av-told" }, ...lines), say };
}

/** One model: its heading, what is said of the token in it, and its diagram. */
function columnOf(index, column, width, host, others) {
  const chosen = host.state.chosen?.column === index ? host.state.chosen : null;
  const own = {
    ...host,
    width,
    state: { chosen: chosen && { part: chosen.part, stack: chosen.stack, layer: chosen.layer }, sent: [] },
    lights: new Map(),
    emit: (_, value) => {
      for (const other of others) if (other.index !== index) other.release();
      choose(host, "chosen", { ...value, column: index }, "part");
    },
  };
  const body = element("div", { class: "av-body" });
  const heading = element("p", { class: "av-stack-name" }, element("b", {}, column.kind), element("span", {}, column.title));
  const { drawing, route } = drawBlock(body, column.block, own);
  const told = oneOf([undefined, ...route].map((leg) => toldOf(leg, column.told)));
  const node = element("div", { class: "av-stack", style: `width: ${width}px` }, heading, told.node, body);
  const dot = (r) => shape("circle", { r, fill: host.theme.ink, stroke: host.theme.paper, "stroke-width": 2, "data-live": "" });
  const dots = [dot(8), dot(6), dot(6)];
  const place = (step, share) => {
    const at = Math.min(step, route.length - 1);
    const leg = step < 0 ? undefined : route[at];
    const lines = leg ? [leg.main, ...(step > at || share >= 1 ? [] : leg.copies)] : [];
    dots.forEach((one, number) => {
      const line = lines[number];
      if (!line) return one.remove();
      const [x, y] = along(line, step > at ? 1 : share);
      one.setAttribute("cx", x);
      one.setAttribute("cy", y);
      if (!one.isConnected) drawing.append(one);
    });
  };
  const enter = (step) => {
    const leg = step < 0 ? undefined : route[Math.min(step, route.length - 1)];
    const said = toldOf(leg, column.told);
    told.say(said);
    const named = leg && leg.part && leg.part !== "bridge" && leg.part !== "parallel";
    const part = leg?.part === "bridge" ? "cross" : leg?.part;
    point(own, named || leg?.part === "bridge" ? { part, stack: leg.stack, layer: null } : null);
    return leg ? said : "";
  };
  const release = () => {
    own.state.chosen = null;
    for (const light of own.lights.values()) light();
  };
  return { index, node, place, enter, release, legs: route.length };
}

/** @type {import("./core.js").Picture} */
export const stacks = {
  name: "stacks",
  choice: "chosen",
  draw(root, payload, host) {
    stop(host);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const columns = [];
    const widths = placed(
      host.width,
      payload.columns.map((column) => column.block.stacks.length),
    );
    payload.columns.forEach((column, index) => columns.push(columnOf(index, column, widths[index], host, columns)));
    const last = Math.max(...columns.map((column) => column.legs)) - 1;
    host.state.step ??= -1;

    const show = (step, share = 1) => columns.forEach((column) => column.place(step, share));
    const enter = (step) => {
      host.state.step = step;
      const said = columns.map((column) => column.enter(step)).filter(Boolean);
      back.disabled = step < 0;
      on.disabled = step >= last;
      count.textContent = step < 0 ? "" : `${step + 1} of ${last + 1}`;
      return said.join(" ");
    };
    const go = (step) => {
      stop(host);
      play.textContent = "Follow a token";
      host.say(enter(Math.max(-1, Math.min(last, step))));
      show(host.state.step);
    };
    const run = () => {
      if (host.walk) {
        go(host.state.step);
        return;
      }
      let step = host.state.step >= last ? 0 : Math.max(0, host.state.step);
      let since;
      play.textContent = "Stop";
      enter(step);
      const frame = (now) => {
        since ??= now;
        if (now - since > LEG) {
          if (step >= last) {
            go(last);
            return;
          }
          step += 1;
          since = now;
          enter(step);
        }
        show(step, Math.min(1, (now - since) / (LEG * 0.8))); // a short rest at the end of each leg, to read
        host.walk = requestAnimationFrame(frame);
      };
      host.walk = requestAnimationFrame(frame);
    };
    const button = (words, act, more = {}) => element("button", { type: "button", onclick: act, ...more }, words);
    const back = button("‹", () => go(host.state.step - 1), { "aria-label": "One step back" });
    const on = button("›", () => go(host.state.step + 1), { "aria-label": "One step on" });
    const play = button("Follow a token", run, { class: "av-go", hidden: still ? "" : undefined });
    const count = element("span", {});
    root.replaceChildren(
      element("div", { class: "av-walk", role: "group", "aria-label": "Follow a token" }, play, back, on, count),
      element("div", { class: "av-stacks" }, ...columns.map((column) => column.node)),
    );
    level(root.querySelectorAll(".av-told"));
    enter(Math.min(host.state.step, last));
    show(host.state.step);
    host.note(payload.hint, payload.note, payload.title);
  },
  ended: stop,
};

/** Gives them one height, so that the diagrams below them begin on one line. */
function level(places) {
  const height = Math.max(...[...places].map((place) => place.offsetHeight));
  for (const place of places) place.style.minHeight = `${height}px`;
}

/** No frame is asked for any more. */
function stop(host) {
  if (host.walk) cancelAnimationFrame(host.walk);
  host.walk = undefined;
}
