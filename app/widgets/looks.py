"""One row of attention as a sentence: "it looks 68 % at animal, 10 % at [CLS] and 6 % at itself"."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.widgets.markup import filled
from attnviz.figures.quantities import whole_percent


def show(query: str, looks: Sequence[tuple[str | None, float]], where: str, remark: str = "") -> None:
    """Draw the sentence. ``looks`` are (key, weight), strongest first, with None for the query itself."""
    parts = [
        filled(
            f"{whole_percent(weight)} at "
            + ("itself" if key is None else "<span class='av-chip-key'>{}</span>"),
            key,
        )
        for key, weight in looks
    ]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
    st.html(
        "<p class='av-say av-looks' role='status'>"
        + filled("<span class='av-chip-query'>{}</span> ", query)
        + (f"looks {listed}." if parts else "gives all its weight to tokens that are hidden.")
        + filled(" <span class='av-where'>{}</span></p>", where)
        + (filled("<p class='av-source'>{}</p>", remark) if remark else "")
    )
