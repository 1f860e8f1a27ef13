"""Home: why a token should reach any other in one step, on the learner's own sentence."""

import streamlit as st

from app import selection
from app.lessons import lesson
from app.sentence import choose_word, sentence
from app.widgets import course_map, figure, machine, page, picture, table, waiting
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.analysis.recurrence import gradient_norms, layer_costs

WORDS = lesson("home")
page.head("home", WORDS)


@fragment
def costs() -> None:
    """Table 1 of the paper, with the learner's numbers."""
    with blocks.section("costs", WORDS.say("costs"), WORDS.say("costs_remark")):
        html("<p>{}</p>", WORDS.say("costs_lead"))
        left, middle, right = st.columns(3)
        selection.number("n", 2, 4096, "n", start=16)
        selection.number("d", 16, 4096, "d", start=512)
        selection.number("k", 2, 64, "k", start=4)
        n = left.slider("Tokens, n", 2, 4096, 16, key="n", bind="query-params")
        d = middle.slider("Width, d", 16, 4096, 512, step=16, key="d", bind="query-params")
        k = right.slider("Neighbours seen, k and r", 2, 64, 4, key="k", bind="query-params")
        rows = layer_costs(n, d, kernel=k, neighbourhood=k)
        table.show(
            {
                "Layer": [row.name for row in rows],
                "Operations": [row.operations_formula for row in rows],
                f"n = {n}, d = {d}": [f"{row.operations:,}" for row in rows],
                "Steps in a row": [f"{row.sequential_formula} = {row.sequential:,}" for row in rows],
                "Longest path": [f"{row.path_formula} = {row.path:,}" for row in rows],
            },
            caption=WORDS.say("costs"),
        )
        attention, recurrent = rows[:2]
        work = {"recurrent": recurrent.operations, "attention": attention.operations}
        said = WORDS.say("costs_say", n=n, d=d, sequential=recurrent.sequential, **work)
        html("<p class='av-say'>{}</p>", said)
        html("<p class='av-source'>{}</p>", WORDS.say("costs_source"))


@fragment
def gradient() -> None:
    """The gradient that survives n recurrent steps."""
    from attnviz.figures.recurrence import surviving_gradient

    with blocks.section("gradient", WORDS.say("gradient"), WORDS.say("gradient_remark")):
        left, right = st.columns(2)
        selection.number("steps", 2, 200, "number of steps", start=60)
        selection.number("radius", 0.5, 1.5, "radius", start=0.9)
        steps = left.slider("Steps back", 2, 200, 60, key="steps", bind="query-params")
        radius = right.slider("Spectral radius", 0.5, 1.5, 0.9, step=0.05, key="radius", bind="query-params")
        html("<p>{}</p>", WORDS.say("gradient_lead", n=steps))
        norms = gradient_norms(radius, steps)
        left_over = f"{norms[-1]:.2g}"
        verdict = WORDS.say("vanishes" if norms[-1] < 0.01 else "explodes" if norms[-1] > 100 else "survives")
        said = WORDS.say("gradient_say", n=steps, left=left_over, verdict=verdict)
        figure.show(
            surviving_gradient(norms, figure.mode()),
            "gradient",
            alt=said,
            data={"steps_back": range(steps + 1), "gradient_left": norms.tolist()},
        )
        html("<p class='av-say'>{}</p>", said)


def the_sentence() -> None:
    """The learner's own sentence, with what can be tried and asked on it."""
    model_id, text = selection.model_id(), selection.text()
    trace = waiting.trace(model_id, text, height=360)
    here = sentence(model_id, text)
    word = selection.whole_number("word", len(here.words), "word", start=here.start)
    picture.show("sentence", here.payload(word), key="sentence", answers={"word": choose_word})
    blocks.try_this(here.suggestions(word))
    blocks.check_yourself(here.questions(word))
    blocks.the_code(WORDS.code.format(model=model_id, text=text, kind=trace.kinds[0], word=word))


page.guarded(the_sentence)
costs()
gradient()
with blocks.section("race", WORDS.say("race"), WORDS.say("race_remark")):
    course_map.race()
course_map.show(WORDS)
machine.show(WORDS)
page.foot("home")
