"""One step of the decoder: what it had in mind, and what it had at hand of what it had written."""

from __future__ import annotations

import streamlit as st

from app import cache
from app.translation.record import Translated
from attnviz.analysis.writing import earlier_shares, likeliest, probability_of
from attnviz.tracing.tokens import tokens
from attnviz.tracing.trace import Floats

LIKELIEST = 5
"""Tokens that are shown of what the decoder had in mind."""


def next_tokens(shown: Translated, step: str) -> list[tuple[str, float, bool]]:
    """The likeliest tokens at this step, and the one that stands there where it is none of them: label, probability,
    whether it stands there."""
    row = shown.row_of(step)
    here = shown.written.ids[row + 1]
    found = likeliest(shown.trace, row, LIKELIEST)
    if here not in [i for i, _ in found]:
        found.append((here, probability_of(shown.trace, row, here)))
    return [(_label(shown.model_id, i), p, i == here) for i, p in found]


def earlier(shown: Translated, step: str) -> tuple[tuple[str, ...], Floats]:
    """What the decoder had at hand of what it had written: labels, and shares (layer, token)."""
    row = shown.row_of(step)
    return ("start", *shown.written.unique_labels[1 : row + 1]), earlier_shares(shown.trace, row)


def gates_of(shown: Translated, step: str) -> Floats:
    """What each channel kept at this step, (layer, channel)."""
    assert shown.trace.gates is not None
    return shown.trace.gates[:, shown.row_of(step)]


@st.cache_data(max_entries=50_000, show_spinner=False)
def _label(model_id: str, token: int) -> str:
    return tokens(cache.engine().tokenizer(model_id), [token]).labels[0]
