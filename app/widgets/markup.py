"""HTML with text of learners in it: every gap is escaped, so text is data everywhere."""

from __future__ import annotations

from html import escape

import streamlit as st


def html(template: str, *values: object) -> None:
    """Draw a fixed template whose {} gaps hold escaped values."""
    st.html(filled(template, *values))


def filled(template: str, *values: object) -> str:
    """The template with its {} gaps filled by escaped values."""
    return template.format(*(escape(str(value)) for value in values))
