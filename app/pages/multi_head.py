"""Multi-head attention: what each head is for, measured, and how the heads of a layer come together."""

from functools import partial

import streamlit as st

from app.heads import Heads
from app.lessons import lesson
from app.many_heads import all_heads, one_layer, questions, together
from app.many_heads.layer import Layer
from app.widgets import facts, figure, formula, head_controls, head_table, page
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html

WORDS = lesson("multi_head")


@fragment
def body(heads: Heads) -> None:
    """All that follows a change of layer, head or measure: no pass of the model, no rerun of the page."""
    with st.container(key="many"):
        margin, main = st.container(key="many_margin"), st.container(key="many_main")
    with margin:
        at = head_controls.place(heads, WORDS, with_token=False)
        measure = all_heads.metric(heads, WORDS)
    here = Layer(heads, at.layer, at.head)
    said, (aspect, rows) = one_layer.said(here, WORDS), one_layer.size(here)
    with main:
        html("<h2 class='av-section'>{}</h2>", WORDS.say("layer_heads", layer=at.layer, heads=heads.heads))
        st.html(f"<style>.st-key-many {{ --aspect: {aspect:.4f}; --rows: {rows}; }}</style>")
        figure.show(
            one_layer.picture(here, WORDS, figure.mode()),
            "layer_heads",
            WORDS.say("layer_alt", layer=at.layer, heads=heads.heads, said=said),
            partial(one_layer.data, here),
            fills=True,
            on_pick=one_layer.choose(here),
        )
        html("<p class='av-say' role='status'>{}</p>", said)
        html("<p class='av-source'>{}</p>", WORDS.say("score_note"))
    if measure:
        with margin:
            figure.show(
                all_heads.picture(here, WORDS, measure, figure.mode()),
                "head_map",
                all_heads.alt(here, WORDS, measure),
                partial(all_heads.data, here),
                fills=True,
                on_pick=all_heads.choose(heads),
            )
    with blocks.section("table", WORDS.say("table"), WORDS.say("table_remark")):
        head_table.show(here, WORDS)
    with blocks.section(
        "together", WORDS.say("together"), WORDS.say("together_remark", layer=at.layer, head=at.head)
    ):
        put_together(here)
    blocks.try_this(questions.suggestions(here, WORDS))
    blocks.check_yourself(questions.questions(here, WORDS))
    blocks.the_code(here.code(WORDS))


def put_together(here: Layer) -> None:
    """From the heads to the stream: shapes, numbers, and what heads share."""
    formula.show(r"\text{heads side by side}\; W_O, \qquad \text{head}_i = A_i\,\V_i")
    facts.show(together.facts(here, WORDS))
    html("<p class='av-text'>{}</p>", together.shared(here, WORDS))
    found = here.outputs
    if found is None:
        html("<p class='av-source'>{}</p>", WORDS.say("no_projection"))
        return
    fig = together.picture(here, WORDS, found, figure.mode())
    figure.show(fig, "together", WORDS.say("together_alt"), partial(together.data, here, found))
    html("<p class='av-say'>{}</p>", together.said(here, WORDS, found))


page.head("multi_head", WORDS)
page.guarded(lambda: body(head_controls.opened(WORDS, Heads.prepare)))
page.foot("multi_head")
