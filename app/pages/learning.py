"""Watch it learn: a small model at several moments of its training, from noise to a diagonal."""

from typing import Any

import streamlit as st

from app import examples, learning, selection
from app.lessons import lesson
from app.widgets import lesson as blocks
from app.widgets import page, picture, waiting
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.models.spelling import spells

WORDS = lesson("learning")


@fragment
def body(course: learning.Course) -> None:
    """The picture and what belongs to the moment and head that are chosen in it."""
    last = len(course.moments) - 1
    at = selection.picked("moment", last + 1, "moment", last, learning.WORD)
    head = selection.picked("head", course.heads, "head", course.nearest, learning.WORD)

    def take(value: Any) -> None:
        if place := learning.place(value, course):
            selection.choose(moment=place[0], head=place[1])

    picture.show("learning", course.payload(at, head, WORDS), "learning", {"chosen": take})
    html("<p class='av-text'>{}</p>", course.summary(WORDS))
    blocks.try_this(learning.suggestions(WORDS, course.word))
    blocks.check_yourself(course.questions(WORDS))
    with blocks.section("measure", WORDS.say("measure"), WORDS.say("measure_remark")):
        html("<p class='av-text'>{}</p>", WORDS.say("measure_text"))
    blocks.the_code(course.code(WORDS, head))


def all_of_it() -> None:
    """Ask for a word and follow it through the training."""
    first = selection.text() if spells(selection.model_id()) else next(iter(examples.WORDS.values()))
    with st.container(key="learning_word"):
        typed = st.text_input(
            WORDS.say("word"), first, key=learning.WORD, bind="query-params", help=WORDS.say("help")
        )
    with waiting.skeleton(WORDS.say("waiting"), height=520):
        course = learning.course(typed)
    for note in course.notes:
        selection.note(note)
    body(course)


page.head("learning", WORDS)
page.guarded(all_of_it)
page.foot("learning")
