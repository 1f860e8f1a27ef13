"""A quiet button that copies the address of this view: model, text and every control are in it."""

from __future__ import annotations

import streamlit as st

from app import selection

_SCRIPT = """
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector("span");
  button.textContent = data.label;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      said.textContent = data.done;
    } catch {
      // without https the clipboard is closed: the address bar still has it
      said.textContent = data.failed;
    }
  };
}
"""
_STYLE = """
button { font: inherit; font-size: 14px; color: var(--st-text-color); background: none; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: 6px; padding: 6px 12px; min-height: 36px; }
button:hover { background: var(--st-secondary-background-color); }
button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 2px; }
span { margin-left: 12px; font-size: 14px; color: var(--st-gray-text-color, inherit); }
@media (pointer: coarse) { button { min-height: 44px; } }
"""
_MARKUP = '<button type="button"></button><span role="status"></span>'


def show() -> None:
    """The button; says so below it when the text is too long to be in the address."""
    mount = st.components.v2.component("copy_link", html=_MARKUP, css=_STYLE, js=_SCRIPT)
    mount(
        key="copy_link",
        data={
            "label": "Copy link to this view",
            "done": "Copied.",
            "failed": "Copy it from the address bar.",
        },
    )
    if len(selection.text()) > selection.LONGEST_TEXT_IN_URL:
        st.caption(
            f"Your text is longer than {selection.LONGEST_TEXT_IN_URL:,} characters, "
            "so the link opens this view with the first example instead."
        )
