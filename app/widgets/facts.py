"""A row of facts: small grey names, their values below."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from app.widgets.markup import filled


def show(facts: Iterable[tuple[str, str]]) -> None:
    """Draw the pairs of name and value; they wrap on narrow screens."""
    items = "".join(filled("<div><dt>{}</dt><dd>{}</dd></div>", name, value) for name, value in facts)
    st.html(f"<dl class='av-facts'>{items}</dl>")
