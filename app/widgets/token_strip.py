"""The text as the model reads it: one chip a token, its id below; a press chooses one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import selection
from attnviz.tracing.tokens import Tokens

_SCRIPT = """
const SHOWN = new WeakMap();
export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector("ol");
  const state = SHOWN.get(parentElement) ?? { text: "" };
  SHOWN.set(parentElement, state);
  const text = JSON.stringify(data.tokens);
  if (text !== state.text) {
    state.text = text;
    list.replaceChildren(...data.tokens.map(chip));
  }
  list.dir = data.rtl ? "rtl" : "ltr";
  list.childNodes.forEach((item, i) => {
    const button = item.firstChild;
    button.setAttribute("aria-pressed", i === data.chosen);
    button.onclick = () => setTriggerValue("token", i);
  });
}
function chip(token) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = token.look;
  button.title = token.facts;
  const label = document.createElement("b");
  label.textContent = token.label;
  const id = document.createElement("small");
  id.textContent = token.id;
  button.append(label, id);
  item.append(button);
  return item;
}
"""
_STYLE = """
ol { list-style: none; display: flex; flex-wrap: wrap; gap: 8px 3px; margin: 0; padding: 2px; }
button { font: inherit; color: var(--st-text-color); border: 1.5px solid transparent; border-radius: 4px; cursor: pointer;
  padding: 4px 8px 3px; min-width: 28px; min-height: 48px; text-align: center; }
b { display: block; font-weight: 500; font-size: 20px; line-height: 26px; white-space: pre; }
small { display: block; font-size: 12px; line-height: 16px; color: var(--st-gray-text-color);
  font-variant-numeric: tabular-nums; }
.even { background: color-mix(in srgb, var(--st-text-color) 7%, var(--st-background-color)); }
.odd { background: color-mix(in srgb, var(--st-text-color) 15%, var(--st-background-color)); }
.special { background: none; border: 1.5px dashed var(--st-gray-text-color); }
.unknown { background: none; border: 1.5px solid var(--st-red-text-color); }
button:hover { border-color: var(--st-gray-text-color); }
button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 2px; }
button[aria-pressed=true] { background: var(--st-blue-text-color); border: 1.5px solid transparent; }
button[aria-pressed=true] b, button[aria-pressed=true] small { color: var(--st-background-color); }
"""


def show(tokens: Tokens, chosen: int, facts: tuple[str, ...], rtl: bool) -> None:
    """Draw the tokens; words alternate between two greys. ``facts`` is what each says when it is pointed at."""
    mount = st.components.v2.component("token_strip", html="<ol></ol>", css=_STYLE, js=_SCRIPT)
    chips = [
        {
            "label": label,
            "id": f"{i:,}",
            "facts": fact,
            "look": "special" if special else "unknown" if unknown else "odd" if word % 2 else "even",
        }
        for label, i, fact, special, unknown, word in zip(
            tokens.labels, tokens.ids, facts, tokens.special, tokens.unknown, tokens.words, strict=True
        )
    ]
    with st.container(key="token_strip"):
        mount(
            key="strip",
            data={"tokens": chips, "chosen": chosen, "rtl": rtl},
            on_token_change=lambda: _choose(len(tokens)),
        )


def _choose(count: int) -> None:
    state: Any = st.session_state.get("strip")
    value = getattr(state, "token", None)
    if isinstance(value, int) and 0 <= value < count:
        selection.choose(token=value)
