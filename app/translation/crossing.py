"""Sentences of the page in which two neighbours change places."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import streamlit as st

from app.translation.record import translated
from app.translation.sentences import DIRECTIONS, sentences_of
from attnviz.analysis.writing import clearest_crossing


@dataclass(frozen=True)
class Crossing:
    """A sentence in which two words that stand side by side change places, by the model's best map."""

    text: str
    written: str
    head: str
    first: str
    second: str
    of_first: str
    of_second: str
    choices: tuple[str, ...]


@st.cache_data(max_entries=200, show_spinner=False)
def crossing_sentence(model_id: str, avoid: str, number: int = 0) -> Crossing | None:
    """A sentence of the page's set in which neighbours change places: the first, or one of the others that follow."""
    if model_id not in DIRECTIONS:
        return None
    found = []
    for text in sentences_of(model_id):
        if text != avoid and (crossed := _crossing_in(model_id, text)):
            found.append(crossed)
        if len(found) == 6:
            break
    others = found[1:] or found
    return (others[number % len(others)] if number else found[0]) if found else None


@st.cache_data(max_entries=500, show_spinner=False)
def _crossing_in(model_id: str, text: str) -> Crossing | None:
    shown = translated(model_id, text)
    alignment = shown.best_alignment
    crossed = clearest_crossing(alignment)
    if crossed is None:
        return None
    later, earlier = crossed
    names = alignment.source_labels
    pairs = tuple(f"{a} and {b}" for a, b in pairwise(names) if a.isalpha() and b.isalpha())
    first, second = names[earlier[1]], names[later[1]]
    if f"{first} and {second}" not in pairs or not 2 <= len(pairs) <= 9:
        return None
    return Crossing(
        text,
        shown.written.text.strip(),
        shown.best,
        first,
        second,
        alignment.target_labels[earlier[0]],
        alignment.target_labels[later[0]],
        pairs,
    )
