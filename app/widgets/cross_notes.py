"""What stands above the ribbons where something is to be said first: of the model, or of the text."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import selection
from app.lessons import Lesson
from app.translation.record import Translated
from app.translation.remarks import is_copied, remark
from app.translation.sentences import other_direction, sentences_of
from app.widgets.markup import html
from attnviz.models.catalog import title_of


def other_model(chosen: str, shown: str, words: Lesson) -> None:
    """Say that the chosen model has no cross-attention, and offer the one that is shown."""
    instead = title_of(shown)
    with st.container(key="cross_other", horizontal=True, vertical_alignment="center"):
        html("<p class='av-note'>{}</p>", words.say("no_cross", title=title_of(chosen), instead=instead))
        st.button(
            words.say("use", instead=instead), key="go_use", on_click=partial(selection.choose, model=shown)
        )


def warned(shown: Translated, words: Lesson) -> None:
    """What a learner should know of this text; where it may be in another language, two ways out."""
    said = remark(shown, words)
    if not said:
        return
    with st.container(key="cross_warned", horizontal=True, vertical_alignment="center"):
        html("<p class='av-note' role='status'>{}</p>", said)
        if is_copied(shown):
            example = sentences_of(shown.model_id)[0]
            other = other_direction(shown.model_id)
            for key, label, values in (
                ("go_text", words.say("its_language", text=example), {"text": example}),
                ("go_turn", words.say("turn", title=title_of(other)), {"model": other}),
            ):
                st.button(label, key=key, on_click=partial(selection.choose, **values))
