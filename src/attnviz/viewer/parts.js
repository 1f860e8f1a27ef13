/**
 * The parts of a model, as `parameters` and `block` both show them: their colours, which of them are meant by a choice, and
 * the light that goes from one picture to the other.
 *
 * A choice is {part, stack, layer}: `part` a component ("attention.query") or the beginning of several ("attention"),
 * `stack` "" for any, `layer` null for all.
 *
 * @typedef {{ part: string, stack: string, layer: number | null }} Choice
 */

import { choose, mix } from "./core.js";

/** The colour of a part's mark. Shades of one colour stand beside each other and carry their names. */
export function colourOf(part, theme) {
  const { paper, ink } = theme;
  const [kind, matrix] = part.split(".");
  const shades = {
    embeddings: mix(theme.stream.mark, paper, 0.45),
    positions: theme.stream.mark,
    recurrence: mix(theme.stream.mark, paper, 0.2),
    norm: theme.quiet,
    pooler: mix(theme.stream.mark, paper, 0.3),
    head: mix(theme.stream.mark, paper, 0.2),
    attention: {
      query: theme.query.mark,
      key: theme.key.mark,
      value: theme.value.mark,
      output: mix(theme.value.mark, paper, 0.5),
    },
    cross: {
      query: mix(theme.cross.mark, ink, 0.25),
      key: theme.cross.mark,
      value: mix(theme.cross.mark, paper, 0.35),
      output: mix(theme.cross.mark, paper, 0.62),
    },
    feed_forward: {
      gate: mix(theme.feedForward.mark, ink, 0.35),
      in: theme.feedForward.mark,
      out: mix(theme.feedForward.mark, paper, 0.42),
    },
  };
  const found = shades[kind];
  return (typeof found === "object" ? found[matrix] : found) ?? mix(theme.quiet, paper, 0.4);
}

/** The colour of a part's name, readable on paper. */
export function nameColourOf(part, theme) {
  const [kind, matrix] = part.split(".");
  if (kind === "attention") return { query: theme.query.text, key: theme.key.text }[matrix] ?? theme.value.text;
  return { cross: theme.cross.text, feed_forward: theme.feedForward.text }[kind] ?? theme.stream.text;
}

/** Whether a part is one that is meant. @param {Choice | null} choice */
export function meant(choice, part, stack) {
  if (!choice) return false;
  const named = part === choice.part || part.startsWith(`${choice.part}.`) || choice.part.startsWith(`${part}.`);
  return named && (!choice.stack || !stack || choice.stack === stack);
}

/** What is lit now: what is pointed at, else what is held. */
export function lit(host) {
  const { pointed, chosen } = host.state;
  return pointed ?? (chosen?.part ? chosen : null);
}

/** Point at a choice, or at nothing; every picture of this host lights up. */
export function point(host, choice) {
  if (JSON.stringify(host.state.pointed ?? null) === JSON.stringify(choice)) return;
  host.state.pointed = choice;
  for (const light of host.lights.values()) light();
}

/** Nothing is held: what Python hears, since null would read as no answer. */
const NOTHING = { part: "", stack: "", layer: null };

/** Hold a choice, or let it go where it is held already, and tell Python. */
export function hold(host, choice) {
  const held = JSON.stringify(host.state.chosen ?? null) === JSON.stringify(choice);
  if (held) host.state.pointed = null;
  choose(host, "chosen", held ? NOTHING : choice, "part");
  for (const light of host.lights.values()) light();
}

/**
 * Pointer, touch and keyboard for a drawing whose parts are elements of class av-part.
 * @param {SVGElement} drawing @param {SVGElement[]} parts  in reading order; each gets a tabindex
 * @param {(index: number) => Choice} choiceOf @param {(index: number | null, event: Event) => void} told  e.g. shows a card
 * @param {(index: number, step: number) => number} [jump]  the part above (-1) or below (1)
 */
export function alive(drawing, parts, host, choiceOf, told, jump = (index, step) => index + step) {
  const indexOf = (event) => {
    const part = event.target.closest?.(".av-part");
    return part ? parts.indexOf(part) : -1;
  };
  const at = (event) => {
    const index = indexOf(event);
    point(host, index < 0 ? null : choiceOf(index));
    told(index < 0 ? null : index, event);
  };
  drawing.onpointermove = (event) => {
    if (event.pointerType !== "touch") at(event);
  };
  drawing.onpointerleave = (event) => {
    if (event.pointerType === "touch") return;
    point(host, null);
    told(null, event);
  };
  drawing.onclick = (event) => {
    const index = indexOf(event);
    if (index < 0) return;
    hold(host, choiceOf(index));
    told(lit(host) ? index : null, event);
  };
  drawing.onkeydown = (event) => {
    const index = parts.indexOf(/** @type {SVGElement} */ (event.target));
    const step = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: parts.length - 1 }[event.key];
    const target = step ?? { ArrowDown: () => jump(index, 1), ArrowUp: () => jump(index, -1) }[event.key]?.();
    if (index >= 0 && (event.key === "Enter" || event.key === " ")) hold(host, choiceOf(index));
    else if (event.key === "Escape" && host.state.chosen?.part) hold(host, host.state.chosen);
    else if (target === undefined) return;
    else if (parts[target]) {
      parts.forEach((part, other) => part.setAttribute("tabindex", other === target ? "0" : "-1"));
      parts[target].focus();
    }
    event.preventDefault();
  };
  parts.forEach((part, index) => {
    part.setAttribute("tabindex", index === 0 ? "0" : "-1");
    // on the parts themselves: an SVG that listens for focus could be reached with Tab
    part.onfocus = (event) => {
      if (part.matches(":focus-visible")) at(event);
    };
    part.onblur = (event) => {
      point(host, null);
      told(null, event);
    };
  });
}
