"""Attention heatmaps: which token looks at which, in every head of the model."""

from functools import partial

import streamlit as st

from app import heatmaps, selection
from app.heatmaps import Heads
from app.lessons import lesson
from app.widgets import all_heads, figure, head_controls, looks, page, waiting
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from attnviz.figures.heatmap import attention_heatmap

WORDS = lesson("attention_heatmaps")
WIDEST_IN_MARGIN = 12  # layers; more need the whole width


@fragment
def body(heads: Heads) -> None:
    """All that follows a change of layer, head or token: no pass of the model, no rerun of the page."""
    with st.container(key="heat"):
        margin, main = st.container(key="heat_margin"), st.container(key="heat_main")
    with margin:
        at = head_controls.place(heads, WORDS)
    with main, st.container(key="heat_stage"):
        stage = st.container(key="heat_picture")
        with st.container(key="heat_options"):
            options = head_controls.options(heads, WORDS)

    head = None if options.mean else at.head
    view = heads.view(at.layer, head, options.hidden, options.threshold)
    query, seen = heads.looks(view, at.token)
    with stage:
        figure.show(
            attention_heatmap(view, figure.mode(), chosen=view.row_of(at.token)),
            "attention",
            heads.described(at.layer, head, query, seen),
            partial(heatmaps.table, view),
            fills=True,
        )
    with main:
        looks.show(
            query,
            seen,
            heads.where(WORDS, at.layer, head),
            heads.remark(WORDS, view, at.token, options.threshold),
        )
    with margin if heads.layers <= WIDEST_IN_MARGIN else st.container(key="heat_strip"):
        all_heads.show(heads, options.hidden, at.layer, at.head, WORDS)
    blocks.try_this(heads.suggestions(WORDS))
    blocks.check_yourself(heads.questions(WORDS, at.layer, head, at.token))
    blocks.the_code(heads.code(WORDS, at.layer, head, at.token, options.hidden))


def all_of_it() -> None:
    """Trace the text, choose the kind of attention, and show its heads."""
    model_id, text = selection.model_id(), selection.text()
    trace = waiting.trace(model_id, text, height=470)
    heads = Heads(model_id, text, trace, head_controls.kind(trace.kinds, WORDS))
    with waiting.skeleton(WORDS.say("measuring"), height=470):
        heads.prepare()
    heatmaps.follow(heads)
    head_controls.checked(heads)
    body(heads)


page.head("attention_heatmaps", WORDS)
page.guarded(all_of_it)
page.foot("attention_heatmaps")
