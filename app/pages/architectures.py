"""Architectures: an encoder, a decoder and a model of both side by side, drawn from the facts of real models."""

from functools import partial

import streamlit as st

from app.compared import blocks, questions, told
from app.compared.masks import Masked, masked
from app.compared.models import Compared
from app.lessons import lesson
from app.widgets import architecture_view, figure, page, picture
from app.widgets import lesson as lessons
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.figures.masks import mask_figure, mask_table
from attnviz.viewer import stacks

WORDS = lesson("architectures")
MODE = figure.mode()


@fragment
def diagrams(models: list[Compared]) -> None:
    """The pictures, and the block that was clicked in them."""
    model, block = blocks.opened(models)
    with st.container(key="hero"):
        payload = stacks.payload(
            [told.column(one, WORDS) for one in models],
            title=WORDS.title,
            hint=WORDS.say("hint"),
            chosen=blocks.held(models, model, block),
        )
        answers = {"part": partial(blocks.choose_block, models)}
        picture.show("stacks", payload, key="stacks", answers=answers, first=True)
    html("<p class='av-say'>{}</p>", told.summary(models, WORDS))
    html("<p class='av-text'>{}</p>", WORDS.say("residual"))
    with lessons.section("block", WORDS.say("block"), WORDS.say("block_remark")):
        architecture_view.block(models, WORDS)


def masks(models: list[Compared]) -> list[Masked]:
    """The three masks, read from a pass over the learner's text."""
    with lessons.section("masks", WORDS.say("masks"), WORDS.say("masks_remark")):
        html("<p class='av-text'>{}</p>", WORDS.say("masks_lead"))
        found, failed = masked(models)
        with st.container(key="mask_row"):
            for one in found:
                with st.container(key=f"mask_place_{one.model.kind}"):
                    said = one.said(WORDS)
                    html("<p class='av-text'><b>{}</b></p>", one.model.name)
                    name = f"mask_{one.model.kind}"
                    figure.show(mask_figure(one.typical, MODE), name, said, partial(mask_table, one.typical))
                    html("<p class='av-text' role='status'>{}</p>", said)
                    html("<p class='av-source'>{}</p>", one.others(WORDS))
        for name, error in failed:
            said = WORDS.say("mask_unread", title=name, error=error.message)
            html("<p class='av-text' role='status'>{}</p>", said)
    return found


def all_of_it() -> None:
    """Choose a model of each kind, draw them, and compare them."""
    models = architecture_view.models(WORDS)
    diagrams(models)
    found = page.guarded(partial(masks, models))
    with lessons.section("table", WORDS.say("table"), WORDS.say("table_remark")):
        architecture_view.table(models, WORDS)
    lessons.try_this(questions.suggestions(WORDS))
    lessons.check_yourself(questions.questions(WORDS, models, found or []))
    lessons.the_code(questions.code(WORDS, models))


page.head("architectures", WORDS)
page.guarded(all_of_it)
page.foot("architectures")
