"""What the learner has chosen: the one place of state keys, URL parameters and their checks.

Every control has a key of its own that is also its name in the URL, so that a copied link opens the same view. A value
that the URL asks for and the model does not have falls back, and a note says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import streamlit as st

from attnviz.models.catalog import catalog, entry

T = TypeVar("T")

MODEL, TEXT, TARGET = "model", "text", "target"
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

EXAMPLES = {
    "A pronoun": "The animal didn't cross the street because it was too tired.",
    "Two pronouns": "John said he was tired. Mary thought he needed rest.",
    "Agreement": "The keys to the cabinet are on the table.",
    "A fox and a cat": "The quick brown fox jumps over the lazy dog while the cat watches from a distance.",
    "A long word or two": "The transformer architecture revolutionized natural language processing.",
}
DEFAULT_TEXT = EXAMPLES["A pronoun"]

LONGEST_TEXT_IN_URL = 1000
"""Browsers and proxies cut addresses of some thousand characters; a letter outside ASCII takes up to twelve."""

_NOTES = "_notes"


def begin() -> None:
    """Start a run of the script: forget the notes of the last one."""
    st.session_state[_NOTES] = []


def note(sentence: str) -> None:
    """Say that something in the URL was not to be had."""
    notes = st.session_state.setdefault(_NOTES, [])
    if sentence not in notes:
        notes.append(sentence)


def notes() -> list[str]:
    """What there is to say about the URL in this run."""
    return list(st.session_state.get(_NOTES, ()))


def model_id() -> str:
    """The chosen model's id."""
    return str(st.session_state.get(MODEL) or DEFAULT_MODEL)


def text() -> str:
    """The learner's text."""
    return str(st.session_state.get(TEXT, DEFAULT_TEXT))


def choose(**values: Any) -> None:
    """Set controls from a callback, before they are drawn again."""
    for key, value in values.items():
        st.session_state[key] = value


def model_options() -> list[str]:
    """Ids to choose from: bundled ones first, then those in the local hub cache, then the rest of the catalog."""
    from attnviz.settings import settings

    bundled = [e.id for e in catalog() if e.bundled]
    at_hand = [i for i in cached_ids() if i not in bundled]
    rest = [e.id for e in catalog() if e.id not in (*bundled, *at_hand)]
    offers_hub = settings().hub_models != "none" and not settings().offline
    return bundled + at_hand + (rest if offers_hub else [])


def model_label(model: str) -> str:
    """How a model stands in the list."""
    known = entry(model)
    return known.short if known else model


def whole_number(key: str, count: int, what: str, start: int = 0) -> int:
    """The value of a layer, head or token control of ``count`` values, checked; falls back to ``start`` with a note.

    Call it before the control is drawn: it also mends what the URL asked for.
    """
    asked = st.session_state.get(key, st.query_params.get(key))
    if asked is None:
        return min(start, count - 1)
    try:
        value = int(str(asked))
    except ValueError:
        value = -1
    if not 0 <= value < count:
        value = min(start, count - 1)
        note(f"There is no {what} {str(asked)[:20]} here; they run from 0 to {count - 1}. You see {what} {value}.")
    st.session_state[key] = value
    return value


def one_of(key: str, options: Sequence[T], what: str, start: T | None = None) -> T:
    """The value of a control with these options, checked; falls back to ``start`` or the first, with a note."""
    fallback = options[0] if start is None or start not in options else start
    asked = st.session_state.get(key, st.query_params.get(key))
    if asked is None:
        return fallback
    value = next((o for o in options if str(o) == str(asked)), None)
    if value is None:
        value = fallback
        note(f"There is no {what} “{str(asked)[:40]}” here; you see {value}.")
    st.session_state[key] = value
    return value


@st.cache_data(ttl=60, show_spinner=False)
def cached_ids() -> tuple[str, ...]:
    """Reading the hub's cache takes a while when it holds many models, and seldom changes."""
    from attnviz.models.hub import cached_ids

    return cached_ids()
