"""Self-attention, step by step: from the vectors that go into a head to those that come out."""

from functools import partial

import streamlit as st

from app import selection
from app.head_steps import formulas, pictures, questions, row_table, sentences
from app.head_steps import toy as toys
from app.head_steps.walk import STEPS, Walk, choose_step, present
from app.heads import Heads
from app.lessons import lesson
from app.widgets import figure, formula, head_controls, page, picture, table
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html

WORDS = lesson("self_attention")


@fragment
def body(heads: Heads) -> None:
    """All that follows a change of step, layer, head or token: no pass of the model, no rerun of the page."""
    step = present()
    with st.container(key="steps"):
        margin, main = st.container(key="steps_margin"), st.container(key="steps_main")
    with margin:
        at = head_controls.place(heads, WORDS)
        walk = Walk(heads, at.layer, at.head, at.token)
        picture.show("flow", pictures.flow(walk, WORDS, step), "flow", {"step": choose_step})
    with main:
        said = sentences.said(walk, WORDS, step)
        with st.container(key="steps_bar"):
            html("<h2 class='av-section'>{}</h2>", walk.named(WORDS, step))
            formula.show(formulas.formula(walk, step))
            _press("back", step - 1, "Left")
            _press("next", step + 1, "Right")
        alt = WORDS.say("figure_alt", step=walk.named(WORDS, step), said=said)
        figure.show(
            pictures.picture(walk, WORDS, step, figure.mode()),
            "attention_step",
            alt,
            partial(pictures.data, walk, step),
            fills=True,
        )
        html("<p class='av-say' role='status'>{}</p>", said)
    remark = WORDS.say("numbers_remark", query=walk.query, layer=at.layer, head=at.head)
    with blocks.section("numbers", WORDS.say("numbers"), remark):
        table.show(row_table.table(walk, WORDS), remark, marked=walk.key)
    with blocks.section("toy", WORDS.say("toy"), WORDS.say("toy_remark")):
        from_scratch()
    blocks.try_this(questions.suggestions(walk, WORDS))
    blocks.check_yourself(questions.questions(walk, WORDS))
    blocks.the_code(walk.code(WORDS))


def _press(name: str, to: int, key: str) -> None:
    """Back or on, by a press or by an arrow key."""
    st.button(
        WORDS.say(name),
        key=f"step_{name}",
        shortcut=key,
        disabled=not 0 <= to < STEPS,
        on_click=choose_step,
        args=(to,),
    )


@fragment
def from_scratch() -> None:
    """The same steps with random numbers, and all the code there is to them; nothing else on the page follows these."""
    html("<p class='av-text'>{}</p>", WORDS.say("toy_lead"))
    start = toys.Toy()
    with st.container(key="toy_controls"):
        tokens = _slider("tokens", 2, 8, start.tokens)
        width = _slider("d_model", 2, 16, start.width)
        size = _slider("d_k", 1, 16, start.size)
        seed = _slider("seed", 0, 99, start.seed)
        selection.switch("causal", WORDS.say("toy_causal"))
        causal = st.toggle(WORDS.say("toy_causal"), key="causal", bind="query-params")
    toy = toys.Toy(tokens, width, size, seed, causal)
    alt = WORDS.say("toy_alt", tokens=toy.tokens)
    figure.show(toys.picture(toy, figure.mode()), "toy", alt, toy.data)
    html("<p class='av-say'>{}</p>", toy.said(WORDS))
    st.code(toy.code(), language="python")


def _slider(key: str, low: int, high: int, start: int) -> int:
    label = WORDS.say(f"toy_{key}")
    selection.number(key, low, high, f"the value of {key}", start)
    return int(st.slider(label, low, high, start, key=key, bind="query-params"))


page.head("self_attention", WORDS)
page.guarded(lambda: body(head_controls.opened(WORDS, lambda heads: heads.opening)))
page.foot("self_attention")
