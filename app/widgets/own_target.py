"""The learner's own translation: typed in, read by the model, scored token by token."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import streamlit as st

from app import selection
from app.lessons import Lesson
from app.translation.record import Translated
from app.widgets import table
from app.widgets.lesson import section
from app.widgets.markup import html
from attnviz.figures.quantities import percent, signed

KEY = "own"
LONGEST = 1000
"""Characters of a target: what is longer is no sentence, and no address carries it."""


def typed() -> str | None:
    """What the learner has typed, or the address holds; None for nothing."""
    return str(st.session_state.get(KEY, st.query_params.get(KEY)) or "").strip() or None


def show(own: Translated | None, model: Translated, problem: str, words: Lesson) -> None:
    """Draw the field and the score of what is in it, beside the model's ``own`` text; ``problem`` is why there is none."""
    with section("own", words.say("own"), words.say("own_remark")):
        st.text_input(words.say("own_label"), key=KEY, bind="query-params")
        theirs = model.log_probabilities
        if problem:
            html("<p class='av-error' role='alert'>{}</p>", problem)
        elif own is None:
            html(
                "<p class='av-text'>{}</p>",
                words.say("own_none", total=signed(theirs.sum()), tokens=len(theirs)),
            )
        else:
            _score(own, model, words)


def _score(own: Translated, model: Translated, words: Lesson) -> None:
    yours, theirs = own.log_probabilities, model.log_probabilities
    difference = float(theirs.sum() - yours.sum())
    if own.written.ids == model.written.ids:
        verdict = words.say("own_same")
    else:
        times = _times(abs(difference))
        verdict = words.say("own_less" if difference >= 0 else "own_more", times=times)
    unknown = sum(own.written.unknown)
    if unknown:
        verdict += " " + words.say("own_unknown", unknown=unknown, tokens=len(own.steps))
    html(
        "<p class='av-say'>{}</p>",
        words.say("own_said", yours=signed(yours.sum()), theirs=signed(theirs.sum()), verdict=verdict),
    )
    names = [*own.steps, "(end)"]
    table.show(
        {
            "Token": names,
            "Log-probability": [signed(p) for p in yours],
            "Probability": [percent(float(np.exp(p))) for p in yours],
        },
        words.say("own_table"),
    )


def banner(model: Translated, words: Lesson) -> None:
    """Say that the learner's text is shown, what the model would write, and offer that."""
    with st.container(key="cross_own", horizontal=True, vertical_alignment="center"):
        theirs = model.said(model.written)
        said = words.say("own_shown", text=theirs) if theirs else words.say("own_shown_none")
        html("<p class='av-note' role='status'>{}</p>", said)
        st.button(words.say("own_back"), key="go_own", on_click=partial(selection.choose, **{KEY: ""}))


def _times(logarithm: float) -> str:
    """e to this power as a reader says it."""
    if logarithm < math.log(1000):
        return f"{math.exp(logarithm):,.1f}" if logarithm < math.log(10) else f"{math.exp(logarithm):,.0f}"
    digits = round(logarithm / math.log(10))
    names = {3: "a thousand", 6: "a million", 9: "a billion"}
    return names.get(digits, f"10 to the power of {digits}")
