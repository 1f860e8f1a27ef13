"""What is chosen when the text changes, and when something in the picture is pressed."""

from __future__ import annotations

import streamlit as st

from app import selection
from app.translation.record import Translated
from attnviz.viewer import ribbons


def follow(shown: Translated) -> None:
    """When model, text or target have changed since the last run, open what is worth seeing there."""
    now = (shown.model_id, shown.text, shown.target)
    before = st.session_state.get("_translated")
    st.session_state["_translated"] = now
    if before is None or before == now:
        return
    if before[0] != now[0]:
        selection.choose(cross=shown.best, off=[])
    if st.session_state.get("step") not in shown.steps or before[1] != now[1]:
        selection.choose(step=shown.opening)


def choose_word(shown: Translated, value: object) -> None:
    """A written word was pressed in the picture; it is checked here."""
    word = ribbons.chosen(value, len(shown.best_alignment.targets))
    if word is not None:
        selection.choose(step=shown.step_of(word))


def choose_head(shown: Translated, value: object) -> None:
    """A head was pressed in the picture; it is checked here."""
    head = ribbons.chosen(value, len(shown.names))
    if head is not None:
        selection.choose(cross=shown.names[head])
