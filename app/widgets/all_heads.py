"""Every head of the model as one small picture, a ring around the chosen one; a click chooses another."""

from __future__ import annotations

import streamlit as st

from app.heatmaps import Heads, Hidden
from app.lessons import Lesson
from app.widgets import figure
from attnviz.figures.all_heads import MARGINS, all_heads
from attnviz.figures.weight_colours import place
from attnviz.models.catalog import title_of


def show(heads: Heads, hidden: Hidden, layer: int, head: int, words: Lesson) -> None:
    """Draw the picture and the ring.

    The ring is an element of the page and no part of the figure: so the figure stays as it is when another head is
    chosen, and the browser has only one chart to draw anew.
    """
    left, right, top, bottom = (MARGINS[side] for side in "lrtb")
    with st.container(key="all_heads"):
        st.html(
            f"<style>.st-key-all_heads {{ --layers: {heads.layers}; --heads: {heads.heads}; --left: {left}px; "
            f"--across: {left + right}px; --top: {top}px; --down: {top + bottom}px; }}</style>"
        )
        figure.show(
            all_heads(place(heads.thumbnails(hidden)), figure.mode(), names=heads.names()),
            "all_heads",
            words.say("all_heads_alt", title=title_of(heads.model_id)),
            fills=True,
            on_pick=heads.open,
        )
        st.html(f"<div class='av-ring' style='--layer: {layer}; --head: {head}'></div>")
