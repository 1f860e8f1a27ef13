"""Mounts a picture that the browser draws itself (see ``attnviz.viewer``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.widgets import waiting
from attnviz import viewer


def show(
    name: str,
    payload: Mapping[str, Any],
    key: str,
    answers: Mapping[str, Callable[[Any], None]] | None = None,
    *,
    first: bool = False,
) -> None:
    """Draw ``payload`` with the picture ``name``; what the learner picks in it goes to ``answers`` by its event name.

    What comes from the browser is checked by whoever answers. A picture that a page is about is drawn ``first``: what
    stands below it is sent a moment later.
    """
    mount = st.components.v2.component(f"attnviz_{name}", js=viewer.script(name), css=viewer.style())
    with st.container(key=f"picture_{name}"):
        listeners: dict[str, Any] = {
            f"on_{event}_change": _answer(key, event, answer) for event, answer in (answers or {}).items()
        }
        mount(key=key, data=dict(payload), **listeners)
    if first:
        waiting.let_draw(name, repr(payload))


def _answer(key: str, event: str, answer: Callable[[Any], None]) -> Callable[[], None]:
    def callback() -> None:
        state = st.session_state.get(key)
        value = getattr(state, event, None) if state is not None else None
        if value is not None:
            answer(value)

    return callback
