"""The frame of the app: page configuration, navigation, sidebar, and the guard around every page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from app import course, selection, warm_up
from app.widgets import figure, guard, sidebar, theme, waiting

_HERE = Path(__file__).parent
SIDEBAR_WIDTH = 248
"""Pixels; on a phone it starts closed."""


def run() -> None:
    """Draw the frame and the page that the address names."""
    chapters: dict[str, list[st.Page]] = {}
    scripts = {}
    for entry in course.COURSE:
        if entry.exists:
            page = st.Page(entry.path, title=entry.title, default=entry.script == "home")
            chapters.setdefault(entry.chapter, []).append(page)
            scripts[page.url_path] = entry
    current = st.navigation(chapters, position="top")
    entry = scripts[current.url_path]
    st.set_page_config(
        page_title=entry.tab,
        page_icon=str(_HERE / "images" / "icon.png"),
        layout="wide",
        initial_sidebar_state=SIDEBAR_WIDTH,
    )
    st.html(f"<style>{_style()}</style>")
    mode = figure.mode()
    st.logo(
        str(_HERE / "images" / f"logo_{mode}.svg"),
        icon_image=str(_HERE / "images" / f"icon_{mode}.svg"),
        size="medium",
    )
    selection.enter(current.url_path)
    waiting.begin()
    with guard.guarded():
        sidebar.show(entry)
    with guard.guarded():
        if entry.script != "home":  # which needs no model for its first paint
            waiting.library()
        current.run()
    theme.watch()
    warm_up.begin()


@cache
def _style() -> str:
    return (_HERE / "style.css").read_text("utf-8")
