"""The head of a page as HTML: drawn by the page, and before it by the server in the first bytes of an address."""

from __future__ import annotations

from app import course
from app.lessons import Lesson
from app.widgets.markup import filled


def heading(script: str, words: Lesson, lead: str | None = None) -> str:
    """Chapter and number, title, and one sentence that says what the page is about."""
    page = course.page(script)
    crumb, display = "", ""
    if script == "home":
        display = " av-display"
    else:
        crumb = filled(
            '<p class="av-crumb"><b>{}</b>&ensp;·&ensp;{} of {}</p>',
            page.chapter,
            page.number,
            len(course.COURSE),
        )
    told = filled("<h1>{}</h1><p class='av-lead'>{}</p></div>", words.title, lead or words.lead)
    return f'<div class="av-head{display}">{crumb}{told}'
