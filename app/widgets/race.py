"""One step after another beside all at once, on the learner's own words. Still under "reduce motion"."""

from __future__ import annotations

import streamlit as st

from app.lessons import Lesson
from app.widgets.markup import filled, html

LONGEST = 12
"""Words that take part; more would make the race long and no clearer."""


def show(text: str, words: Lesson) -> None:
    """A recurrent network that reaches the last word after as many steps as there are words, and attention.

    A box holds both still. Of one word it is said that there is nothing to see.
    """
    runners = text.split()[:LONGEST] or ["…"]
    n = len(runners)
    if n == 1:
        html("<p class='av-text'>{}</p>", words.say("race_alone"))
        return
    items = "".join(
        filled("<li style='--i:{}'>{}</li>", i, word if len(word) <= 16 else f"{word[:15]}…")
        for i, word in enumerate(runners)
    )
    st.html(
        filled("<label class='av-pause'><input type='checkbox'>{}</label>", words.say("race_pause"))
        + filled(
            "<div class='av-race' style='--n:{}' role='img' aria-label='{}'>", n, words.say("race_alt", n=n)
        )
        + filled("<p><b>{}</b><span class='av-step'>{}</span></p>", words.say("race_recurrent"), f" of {n}")
        + f"<ol class='av-one' dir='auto'>{items}</ol>"
        + filled("<p><b>{}</b><span class='av-step'>{}</span></p>", words.say("race_attention"), " of 1")
        + f"<ol class='av-all' dir='auto'>{items}</ol></div>"
    )
