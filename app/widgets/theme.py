"""Has the page drawn again when its theme is changed: charts, formulas and logo carry the colours of the theme."""

from __future__ import annotations

import streamlit as st

from app.widgets import figure

# Streamlit calls a component again when the theme changes, but does not run the page.
_SCRIPT = """
const told = new WeakMap();
export default function ({ parentElement, data, setTriggerValue }) {
  const paper = getComputedStyle(parentElement).getPropertyValue("--st-background-color");
  const pixel = new OffscreenCanvas(1, 1).getContext("2d");
  pixel.fillStyle = paper;
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  const mode = red + green + blue < 384 ? "dark" : "light";
  if (mode !== data.mode && told.get(parentElement) !== mode) setTriggerValue("changed", mode);
  told.set(parentElement, mode);
}
"""


def watch() -> None:
    """Nothing to see; runs the page when the browser's theme is another than the one that it was drawn in."""
    mount = st.components.v2.component("attnviz_theme", js=_SCRIPT, isolate_styles=False)
    with st.container(key="theme"):
        mount(key="theme_watch", data={"mode": figure.mode()}, on_changed_change=lambda: None)
