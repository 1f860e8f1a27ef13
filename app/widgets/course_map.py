"""The map of the course, and what one step after another means beside all at once."""

from __future__ import annotations

import streamlit as st

from app import course
from app.lessons import Lesson
from app.widgets import lesson
from app.widgets.markup import filled, html


def show(words: Lesson) -> None:
    """Every page of the course by chapter; those that are not built yet are named and are no links."""
    html("<h2 class='av-map'>{}</h2>", words.say("map", pages=len(course.COURSE)))
    for number, chapter in enumerate(course.CHAPTERS):
        with lesson.section(f"map_{number}", chapter), st.container(key=f"cards_{number}"):
            for page in course.COURSE:
                if page.chapter == chapter:
                    _card(page, words)


def race(tokens: int = 12) -> None:
    """Squares that fill one after another, and squares that fill at once. Still under "reduce motion"."""
    one = "".join(f"<i style='animation-delay:{0.25 * i:.2f}s'></i>" for i in range(tokens))
    all_ = "<i></i>" * tokens
    st.html(
        "<div class='av-race' role='img' aria-label='A recurrent network fills twelve squares one after another, "
        f"attention fills all at once.'><p>Recurrent: {tokens} steps</p><div class='av-one'>{one}</div>"
        f"<p>Attention: 1 step</p><div class='av-all'>{all_}</div></div>"
    )


def _card(page: course.Page, words: Lesson) -> None:
    with st.container(key=f"card_{page.script}", gap=None):
        if page.exists:
            st.page_link(page.path, label=f"{page.number}  **{page.title}**")
        else:
            st.html(
                filled(
                    "<p class='av-coming'>{}&ensp;<b>{}</b> <small>{}</small></p>",
                    page.number,
                    page.title,
                    words.say("coming"),
                )
            )
        html("<p class='av-remark'>{}</p>", page.about)
