"""Attention heatmaps: which token looks at which, in every head of the model."""

import streamlit as st

from app import selection
from app.heads import Heads, read, row_note
from app.heatmaps import questions, sentences
from app.lessons import lesson
from app.widgets import attention, page, waiting
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.models.catalog import title_of
from attnviz.tracing.trace import Trace

WORDS = lesson("attention_heatmaps")


@fragment
def body(model_id: str, text: str | tuple[str, str], trace: Trace) -> None:
    """All that follows a change of layer, head or token: no pass of the model, no rerun of the page."""
    heads = Heads(model_id, text, trace, selection.one_of("kind", trace.kinds, "kind of attention"))
    with waiting.skeleton(WORDS.say("measuring"), height=470):
        heads.prepare()
    of = (model_id, str(text))
    choice = attention.chosen(trace, heads.opening, of, heads.kind)
    with st.container(key="heat"):
        attention.show(
            trace,
            choice,
            "attention_viewer",
            of,
            title=title_of(model_id),
            names={heads.kind: heads.names()} if choice.lens == "weights" else None,
            seen=heads.seen(choice.lens),
            lenses=heads.lenses,
            said=sentences.said(heads, WORDS, choice),
        )
        if note := row_note(heads.kind):
            html("<p class='av-source'>{}</p>", note)
    with blocks.section("explained", WORDS.say("explained")):
        for sentence in sentences.explained(heads, WORDS, choice):
            html("<p class='av-text'>{}</p>", sentence)
    if heads.reads_pairs:
        with blocks.section("pair", WORDS.say("pair"), WORDS.say("pair_remark")):
            st.text_input(WORDS.say("second"), key=selection.SECOND, bind="query-params")
            html("<p class='av-text'>{}</p>", sentences.across(heads, WORDS, choice))
    blocks.try_this(questions.suggestions(heads, WORDS))
    blocks.check_yourself(
        questions.questions(heads, WORDS, choice.layer, None if choice.mean else choice.head, choice.token)
    )
    blocks.the_code(sentences.code(heads, WORDS, choice))


def all_of_it() -> None:
    """Trace the text, and show its heads."""
    model_id = waiting.model(selection.model_id()).id
    text = read(model_id)
    body(model_id, text, waiting.trace(model_id, text, height=470))


page.head("attention_heatmaps", WORDS)
page.guarded(all_of_it)
page.foot("attention_heatmaps")
