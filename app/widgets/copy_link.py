"""A quiet button that copies the address of this view: model, text and every control are in it."""

from __future__ import annotations

import streamlit as st

from app import selection

_SCRIPT = """
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const label = parentElement.querySelector("b");
  const said = parentElement.querySelector("span");
  label.textContent = data.label;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      said.textContent = data.done;
    } catch {
      // without https the clipboard is closed: the address bar still has it
      said.textContent = data.failed;
    }
    clearTimeout(button.later);
    button.later = setTimeout(() => { said.textContent = ""; }, 8000);
  };
}
"""
_STYLE = """
:host { display: block; }
div { display: flex; align-items: center; flex-wrap: wrap; gap: 4px 12px; font-size: 14px; line-height: 20px; }
button { all: unset; display: inline-flex; align-items: center; gap: 8px; cursor: pointer; border-radius: 6px;
  padding: 4px 8px; margin-inline: -8px; color: var(--st-gray-text-color); }
button:hover { background: var(--st-secondary-background-color); color: var(--st-text-color); }
button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
b { font-weight: 400; }
span:empty { display: none; }
span { color: var(--st-gray-text-color); }
@media (pointer: coarse) { button { min-height: 44px; box-sizing: border-box; } }
"""
_MARKUP = """<div><button type="button" title="To this very view: model, text and every
control"><svg width="16" height="16"
viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5"
stroke-linecap="round" aria-hidden="true"><path d="M6.6 9.4a2.6 2.6 0 0 0 3.7 0l2.6-2.6a2.6 2.6 0 0
0-3.7-3.7l-1 1M9.4 6.6a2.6 2.6 0 0 0-3.7 0L3.1 9.2a2.6 2.6 0 0 0 3.7 3.7l1-1"/></svg><b></b></button><span
role="status"></span></div>"""


def show(place: str) -> None:
    """The button; ``place`` keeps several of one page apart. It says so when the text is too long for the address."""
    mount = st.components.v2.component("copy_link", html=_MARKUP, css=_STYLE, js=_SCRIPT)
    long = len(selection.text()) > selection.LONGEST_TEXT_IN_URL
    mount(
        key=f"copy_link_{place}",
        data={
            "label": "Copy link",
            "done": "Copied, without your text: it is too long for a link." if long else "Copied.",
            "failed": "Copy it from the address bar.",
        },
    )
