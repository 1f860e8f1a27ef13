"""The map of the course: every page with what it shows, by chapter."""

from __future__ import annotations

import streamlit as st

from app import course
from app.lessons import Lesson
from app.widgets import figure, lesson, pictograms
from app.widgets.markup import filled, html


def show(words: Lesson) -> None:
    """Draw the map. Pages that are not built yet are named, marked as coming, and are no links."""
    with st.container(key="course_map"):
        html("<h2 class='av-map'>{}</h2>", words.say("map", pages=len(course.COURSE)))
        for number, chapter in enumerate(course.CHAPTERS):
            with lesson.section(f"map_{number}", chapter), st.container(key=f"cards_{number}"):
                for page in course.COURSE:
                    if page.chapter == chapter:
                        _card(page, words)


def _card(page: course.Page, words: Lesson) -> None:
    title = page.subject or page.title
    state = "open" if page.exists else "coming"
    with st.container(key=f"card_{state}_{page.script}", gap=None):
        st.html(pictograms.picture(page.script, figure.mode()))
        if page.exists:
            st.page_link(page.path, label=f":gray[{page.number}]\u2002**{title}**")
            html("<p class='av-remark'>{}</p>", page.about)
        else:
            st.html(
                filled("<p class='av-coming'>{}\u2002<b>{}</b></p>", page.number, title)
                + filled("<p class='av-remark'>{}<br>{}</p>", page.about, words.say("coming"))
            )
