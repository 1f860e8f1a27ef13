"""What is shown while something is computed or fetched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from app import cache
from app.widgets.markup import filled
from attnviz.engine import import_models
from attnviz.models.catalog import title_of

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from attnviz.models.loading import LoadedModel
    from attnviz.tracing.trace import Edits, Trace


BREATH = 0.06
"""Seconds in which a browser draws what was changed, before it is sent what follows."""


def model(model_id: str) -> LoadedModel:
    """The model; while it loads, what is being done and how many bytes of how many."""
    if cache.engine().has_model(model_id):
        return cache.model(model_id)
    place = st.empty()
    with place.container():
        bar = st.progress(0.0, text=f"Opening {title_of(model_id)}")

    def report(what: str, done: int, total: int) -> None:
        size = f": {done / 1e6:.0f} of {total / 1e6:.0f} MB" if total > 1000 else ""
        bar.progress(min(1.0, done / max(total, 1)), text=what + size)

    try:
        return cache.model(model_id, report)
    finally:
        place.empty()


def trace(
    model_id: str,
    text: str | tuple[str, str],
    target: str | None = None,
    edits: Edits | None = None,
    height: int = 400,
) -> Trace:
    """The trace; while it is computed, a skeleton of the figure's height and what is being done."""
    opened = model(model_id)
    if cache.engine().has_trace(model_id, text, target, edits):
        return cache.trace(model_id, text, target, edits)
    place = st.empty()
    with place.container():
        _skeleton(f"Reading your text with {opened.title}", height)
    try:
        return cache.trace(model_id, text, target, edits)
    finally:
        place.empty()


def begin() -> None:
    """A page, or a fragment of it, is drawn anew."""
    st.session_state["_breathed"] = False


def let_draw(name: str, content: str) -> None:
    """Give the browser time to draw what has just been sent, before it is sent what follows: once, after the first whose
    ``content`` is not as it was.

    Of what arrives together it shows nothing before all has its place: the picture that the reader has changed comes first.
    """
    drawn: dict[str, int] = st.session_state.setdefault("_drawn", {})
    if drawn.get(name) == (now := hash(content)):
        return
    drawn[name] = now
    if not st.session_state.get("_breathed"):
        st.session_state["_breathed"] = True
        time.sleep(BREATH)


def library() -> None:
    """PyTorch and Transformers are there; in the first seconds of a server, say that they are being opened."""
    with skeleton("Starting: opening PyTorch"):
        import_models()


def place(key: str) -> DeltaGenerator:
    """A container that stands before anything is in it, so that what is below does not move when it is filled."""
    here = st.container(key=key)
    here.html("<i class='av-place'></i>")
    return here


@contextmanager
def skeleton(what: str, height: int = 400) -> Iterator[None]:
    """A grey place of the figure's height for as long as the block runs."""
    place = st.empty()
    with place.container():
        _skeleton(what, height)
    try:
        yield
    finally:
        place.empty()


def _skeleton(what: str, height: int) -> None:
    # it appears after 0.3 s only (see style.css): a flash of grey would be noise
    st.html(
        filled("<div class='av-waiting' role='status'><p>{}</p>", what)
        + f"<div class='av-skeleton' style='height:{int(height)}px'></div></div>"
    )
