"""Architectures: an encoder, a decoder and a model of both side by side, drawn from the facts of real models."""

from functools import partial

import streamlit as st

from app import compared
from app.compared import Compared, Masked
from app.lessons import lesson
from app.widgets import architecture_view, figure, page, picture
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.figures.masks import mask_figure, mask_table
from attnviz.viewer import stacks

WORDS = lesson("architectures")
MODE = figure.mode()


@fragment
def diagrams(models: list[Compared]) -> None:
    """The pictures, and the block that was clicked in them."""
    model, block = compared.opened(models)
    with st.container(key="hero"):
        payload = stacks.payload(
            [one.column(WORDS) for one in models],
            title=WORDS.title,
            hint=WORDS.say("hint"),
            chosen=compared.held(models, model, block),
        )
        picture.show(
            "stacks", payload, key="stacks", answers={"part": partial(compared.choose_block, models)}
        )
    html("<p class='av-say'>{}</p>", compared.summary(models, WORDS))
    html("<p class='av-text'>{}</p>", WORDS.say("residual"))
    with blocks.section("block", WORDS.say("block"), WORDS.say("block_remark")):
        architecture_view.block(models, WORDS)


def masks(models: list[Compared]) -> list[Masked]:
    """The three masks, read from a pass over the learner's text."""
    with blocks.section("masks", WORDS.say("masks"), WORDS.say("masks_remark")):
        html("<p class='av-text'>{}</p>", WORDS.say("masks_lead"))
        found, failed = compared.masked(models)
        with st.container(key="mask_row"):
            for one in found:
                with st.container(key=f"mask_place_{one.model.kind}"):
                    said = one.said(WORDS)
                    html("<p class='av-text'><b>{}</b></p>", one.model.name)
                    name = f"mask_{one.model.kind}"
                    figure.show(mask_figure(one.typical, MODE), name, said, partial(mask_table, one.typical))
                    html("<p class='av-text' role='status'>{}</p>", said)
                    html("<p class='av-source'>{}</p>", one.others(WORDS))
        for model, error in failed:
            said = WORDS.say("mask_unread", title=model.title, error=error.message)
            html("<p class='av-text' role='status'>{}</p>", said)
    return found


def all_of_it() -> None:
    """Choose a model of each kind, draw them, and compare them."""
    models = architecture_view.models(WORDS)
    diagrams(models)
    found = page.guarded(partial(masks, models))
    with blocks.section("table", WORDS.say("table"), WORDS.say("table_remark")):
        architecture_view.table(models, WORDS)
    blocks.try_this(compared.suggestions(WORDS))
    blocks.check_yourself(compared.questions(WORDS, models, found or []))
    blocks.the_code(compared.code(WORDS, models))


page.head("architectures", WORDS)
page.guarded(all_of_it)
page.foot("architectures")
