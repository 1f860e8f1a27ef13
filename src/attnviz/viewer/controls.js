/** The controls of the attention viewer: steppers, switches, ranges and rows of buttons. */

import { element, shape } from "./core.js";

/** The number that a layer or head has in its model, where only some are shown. */
export const numberOf = (numbers, index) => numbers?.[index] ?? index;

export const button = (attributes, ...children) => element("button", { type: "button", ...attributes }, ...children);

/** A number with a step to either side and a slider below. */
export function stepper(name, set) {
  const value = element("b", {});
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": name, oninput: () => set(Number(slider.value)) });
  const step = (by) => () => set(Math.min(Math.max(Number(slider.value) + by, 0), Number(slider.max)));
  const less = button({ "aria-label": `${name} before`, onclick: step(-1) }, arrow(-1));
  const next = button({ "aria-label": `Next ${name.toLowerCase()}`, onclick: step(1) }, arrow(1));
  const box = element("div", { class: "av-stepper", role: "group", "aria-label": name }, less, element("div", {}, element("span", {}, name), value), next, slider);
  let last = [];
  return {
    box,
    refresh(...now) {
      const [count, at, numbers] = now;
      if (now.every((one, index) => one === last[index]) && Number(slider.value) === at) return;
      last = now;
      box.hidden = count < 2;
      slider.max = String(count - 1);
      slider.value = String(at);
      slider.setAttribute("aria-valuetext", `${name} ${numberOf(numbers, at)}`);
      value.textContent = String(numberOf(numbers, at));
      less.disabled = at <= 0;
      next.disabled = at >= count - 1;
    },
  };
}

function arrow(side) {
  const line = shape("path", { d: side < 0 ? "M8 2 3 7l5 5" : "m4 2 5 5-5 5", fill: "none", stroke: "currentColor", "stroke-width": 1.6 });
  return shape("svg", { width: 12, height: 14, viewBox: "0 0 12 14", "aria-hidden": "true" }, line);
}

/** A row of buttons of which one is pressed. */
export function choices(name, options, set) {
  const buttons = options.map(([value, title]) => button({ role: "radio", "data-value": value, onclick: () => set(value) }, title));
  const box = element("div", { class: "av-choices", role: "radiogroup", "aria-label": name }, ...buttons);
  box.hidden = options.length < 2;
  box.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = buttons.indexOf(event.target);
    if (!step || at < 0) return;
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.click();
    next.focus();
    event.preventDefault();
  };
  return {
    box,
    refresh: (chosen) => {
      if (box.dataset.chosen === chosen) return;
      box.dataset.chosen = chosen;
      buttons.forEach((one) => {
        const on = one.dataset.value === chosen;
        one.setAttribute("aria-checked", String(on));
        one.tabIndex = on ? 0 : -1;
      });
    },
  };
}

export function toggle(name, field, state, act) {
  const input = element("input", { type: "checkbox", role: "switch", onchange: () => act({ [field]: input.checked }) });
  return {
    box: element("label", { class: "av-switch" }, input, name),
    refresh: () => {
      input.checked = state()[field];
    },
  };
}

export function range(name, most, step, set, least = 0) {
  const input = element("input", { type: "range", min: least, max: most, step, "aria-label": name, oninput: () => set(Number(input.value)) });
  const value = element("b", {});
  return {
    box: element("label", { class: "av-field" }, element("span", {}, name, " ", value), input),
    set(number) {
      if (input.value === String(number) && value.textContent) return;
      input.value = String(number);
      value.textContent = `${number}\u00a0%`;
    },
  };
}
