"""Formulas whose letters have the colours of the pictures."""

from __future__ import annotations

import re

import streamlit as st

from app.widgets import figure
from attnviz.figures.palette import text

_MEANINGS = {"Q": "query", "K": "key", "V": "value"}
_MACRO = re.compile(r"\\([QKV])(?![A-Za-z])(?:\{([^{}]*)\})?")


def show(latex: str) -> None:
    r"""Typeset a formula, without a network.

    In it ``\Q``, ``\K`` and ``\V`` stand for these letters in the colours of query, key and value; ``\Q{q_i}`` gives
    anything else that colour.
    """
    st.latex(coloured(latex))


def coloured(latex: str) -> str:
    """The formula with each macro written out for the theme in which the learner sees the page."""
    mode = figure.mode()
    return _MACRO.sub(
        lambda found: (
            rf"\textcolor{{{text(_MEANINGS[found[1]], mode)}}}{{{found[2] if found[2] is not None else found[1]}}}"
        ),
        latex,
    )
