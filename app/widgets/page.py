"""The frame of every page: its head, drawn before anything is computed, and its foot."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import course
from app.lessons import Lesson
from app.widgets import copy_link, guard
from app.widgets.markup import filled


def head(script: str, words: Lesson, lead: str | None = None) -> None:
    """Chapter and number, title, and one sentence that says what the page is about."""
    page = course.page(script)
    crumb = (
        ""
        if script == "home"
        else filled(
            '<p class="av-crumb"><b>{}</b> · {} of {}</p>', page.chapter, page.number, len(course.COURSE)
        )
    )
    display = " av-display" if script == "home" else ""
    st.html(
        f'<div class="av-head{display}">{crumb}'
        + filled("<h1>{}</h1><p class='av-lead'>{}</p></div>", words.title, lead or words.lead)
    )


def guarded(part: Callable[[], None]) -> None:
    """Draw a part of a page whose failure should not take the rest of the page with it."""
    with guard.guarded():
        part()


def foot(script: str) -> None:
    """Where to go on, and the link to this very view."""
    before, after = course.neighbours(course.page(script))
    with st.container(key="foot"):
        with st.container(key="foot_links", horizontal=True, horizontal_alignment="distribute"):
            if before:
                st.page_link(before.path, label=f"← {before.number} {before.title}")
            if after:
                st.page_link(after.path, label=f"{after.number} {after.title} →")
        copy_link.show()
