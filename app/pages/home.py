"""Home: why a token should reach any other in one step, on the learner's own sentence."""

from functools import partial

import streamlit as st

from app import recurrence, selection
from app.lessons import lesson
from app.sentence import Sentence, choose_word, sentence
from app.widgets import course_map, figure, layer_table, machine, page, picture, race, waiting
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.analysis.recurrence import WIDTH, gradient_norms, layer_costs

WORDS = lesson("home")


def the_sentence() -> tuple[Sentence, int]:
    """The learner's own sentence as the picture, and the word that asks."""
    model_id, text = selection.model_id(), selection.text()
    waiting.trace(model_id, text, height=400)
    here = sentence(model_id, text)
    word = selection.picked("word", len(here.words), "word", here.start, of=(model_id, text))
    picture.show("sentence", here.payload(word), key="sentence", answers={"word": choose_word})
    if here.longer:
        label, read_it = WORDS.say("longer", text=here.longer), partial(selection.choose, text=here.longer)
        st.button(label, key="go_longer", type="primary", on_click=read_it)
    return here, word


@fragment
def costs() -> None:
    """Table 1 of the paper, with the learner's numbers."""
    from attnviz.figures.recurrence import operations_by_length

    with blocks.section("costs", WORDS.say("costs"), WORDS.say("costs_remark")):
        html("<p class='av-text'>{}</p>", WORDS.say("costs_lead"))
        selection.number("n", 2, 4096, "number of tokens", start=16)
        selection.number("d", 16, 4096, "width", start=512)
        selection.number("k", 2, 64, "number of neighbours", start=4)
        left, middle, right = st.columns(3)
        n = left.slider("Tokens, n", 2, 4096, 16, key="n", bind="query-params")
        d = middle.slider("Width, d", 16, 4096, 512, step=16, key="d", bind="query-params")
        k = right.slider("Neighbours, k and r", 2, 64, 4, key="k", bind="query-params")
        rows = layer_costs(n, d, kernel=k, neighbourhood=k)
        layer_table.show(rows, WORDS.say("costs"))
        html("<p class='av-say'>{}</p>", recurrence.cost_sentence(rows, n, d, WORDS))
        fig, data = operations_by_length(n, d, k, figure.mode())
        figure.show(fig, "operations", WORDS.say("costs_alt", d=d), data)
        html("<p class='av-source'>{}</p>", WORDS.say("costs_source"))


@fragment
def gradient() -> None:
    """The gradient that survives n recurrent steps."""
    from attnviz.figures.recurrence import surviving_gradient

    with blocks.section("gradient", WORDS.say("gradient"), WORDS.say("gradient_remark")):
        selection.number("steps", 2, 200, "number of steps", start=60)
        selection.number("radius", 0.5, 1.5, "radius", start=0.9)
        lead = st.empty()
        left, right = st.columns(2)
        steps = left.slider("Steps back", 2, 200, 60, key="steps", bind="query-params")
        radius = right.slider("Spectral radius", 0.5, 1.5, 0.9, step=0.05, key="radius", bind="query-params")
        with lead:
            html("<p class='av-text'>{}</p>", WORDS.say("gradient_lead", n=steps))
        norms = gradient_norms(radius, steps)
        said = recurrence.gradient_sentence(float(norms[-1]), steps, WORDS)
        html("<p class='av-say'>{}</p>", said)
        data = {"steps_back": range(steps + 1), "gradient_left": norms.tolist()}
        figure.show(surviving_gradient(norms, radius, figure.mode()), "gradient", said, data)
        html("<p class='av-source'>{}</p>", WORDS.say("gradient_source", width=WIDTH))


def the_lesson(here: Sentence | None, word: int) -> None:
    """What can be tried, asked and run; of the sentence only where it could be read."""
    n, d = st.session_state.get("n", 16), st.session_state.get("d", 512)
    blocks.try_this([*(here.suggestions(word) if here else ()), *recurrence.suggestions(WORDS)])
    blocks.check_yourself([*(here.questions(word) if here else ()), *recurrence.questions(n, d, WORDS)])
    if here:
        blocks.the_code(WORDS.code.format(**here.code(word)))


page.head("home", WORDS)
# What needs no model stands at once; the sentence and the charts come into the places kept for them.
hero = waiting.place("hero")
course_map.show(WORDS)
with blocks.section("race", WORDS.say("race"), WORDS.say("race_remark")):
    race.show(selection.text(), WORDS)
numbers, lessons, here = st.container(key="numbers"), st.container(key="lessons"), st.container(key="here")
page.foot("home")
with hero:
    read = page.guarded(the_sentence)
with lessons:
    the_lesson(*(read or (None, 0)))
with here:
    machine.show(WORDS)
with numbers:
    costs()
    gradient()
