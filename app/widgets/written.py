"""A text that a model wrote, and another with the words marked that are not in the first."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from app.widgets.markup import filled
from attnviz.analysis.writing import WordChanges


def show(lines: Iterable[tuple[str, str | WordChanges]], same: str = "") -> None:
    """Draw (name, text) pairs below each other; ``same`` stands beside a text in which nothing changed."""
    rows = "".join(filled("<dt>{}</dt>", name) + f"<dd>{_said(text, same)}</dd>" for name, text in lines)
    st.html(f"<dl class='av-written'>{rows}</dl>")


def _said(text: str | WordChanges, same: str) -> str:
    if isinstance(text, str):
        return filled("{}", text)
    words = [
        filled("<mark>{}</mark>" if changed else "{}", word)
        for word, changed in zip(text.words, text.changed, strict=True)
    ]
    unchanged = filled(" <small>{}</small>", same) if same and not text.count else ""
    gone = (
        filled(" <small>{}</small>", f"{text.lost} left out") if text.lost and not any(text.changed) else ""
    )
    return (" ".join(words) or "<small>nothing</small>") + unchanged + gone
