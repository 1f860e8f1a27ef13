"""The frame of every page: its head, drawn before anything is computed, and its foot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from app import course
from app.lessons import Lesson
from app.widgets import copy_link, guard
from app.widgets.heading import heading
from app.widgets.lesson import the_words

T = TypeVar("T")


def head(script: str, words: Lesson, lead: str | None = None) -> Callable[[str], None]:
    """Chapter and number, title, and one sentence that says what the page is about; beside it the link to this view.

    Returns how to say another sentence there, once what it says has been computed.
    """
    with st.container(key="page_head"):
        place = st.empty()
        copy_link.show("head")

    def say(sentence: str | None) -> None:
        place.html(heading(script, words, sentence))

    say(lead)
    return say


def guarded(part: Callable[[], T]) -> T | None:
    """Draw a part of a page whose failure should not take the rest of the page with it; None where it failed."""
    with guard.guarded():
        return part()
    return None


def foot(script: str) -> None:
    """The words of the page, where to go on, and the link to this very view."""
    the_words()
    before, after = course.neighbours(course.page(script))
    with st.container(key="foot"):
        with st.container(key="foot_links", horizontal=True):
            if before:
                with st.container(key="foot_before", width="content"):
                    st.page_link(
                        before.path, label=f"{before.number} {before.title}", icon=":material/arrow_back:"
                    )
            if after:
                with st.container(key="foot_after", width="content"):
                    st.page_link(
                        after.path,
                        label=f"{after.number} {after.title}",
                        icon=":material/arrow_forward:",
                        icon_position="right",
                    )
        copy_link.show("foot")
