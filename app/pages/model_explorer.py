"""Model explorer: every parameter of a model, drawn to scale, counted and written out."""

from functools import partial

import streamlit as st

from app.explored import Explored, questions
from app.lessons import lesson
from app.widgets import arithmetic, costs, described, facts, figure, matrix, module_tree, page, picture
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.figures.parameters import parameter_table, parameter_treemap, parameter_words
from attnviz.viewer import explorer

WORDS = lesson("model_explorer")
MODE = figure.mode()


@fragment
def cost(model: Explored) -> None:
    """Memory and work for a text of the chosen length."""
    with blocks.section("memory", WORDS.say("memory"), WORDS.say("memory_remark")):
        length = costs.memory(model, WORDS, MODE)
    with blocks.section("work", WORDS.say("work"), WORDS.say("work_remark")):
        costs.work(model, WORDS, length, MODE)


@fragment
def weights(model: Explored) -> None:
    """The histogram of one matrix of the model at hand."""
    with blocks.section("weights", WORDS.say("weights"), WORDS.say("weights_remark")):
        matrix.show(model, WORDS, MODE)


say = page.head("model_explorer", WORDS)
model, view = described.show()
count = model.count
say(model.lead(WORDS))

with st.container(key="hero"):
    facts.show(model.facts)
    if view == "Squares":
        payload = explorer.payload(model.shape, count, title=model.title)
        answers = {"part": partial(matrix.choose_part, model)}
        picture.show("explorer", payload, key="explorer", answers=answers, first=True)
    else:
        figure.show(
            parameter_treemap(count, model.title, MODE),
            "parameters",
            alt=parameter_words(count, model.title),
            data=parameter_table(count),
        )
html("<p class='av-say'>{}</p>", model.largest(WORDS))

with blocks.section("arithmetic", WORDS.say("arithmetic"), WORDS.say("arithmetic_remark")):
    arithmetic.show(count, MODE)
    html("<p class='av-source'>{}</p>", model.remarks(WORDS))
cost(model)
weights(model)
with blocks.section("modules", WORDS.say("modules"), WORDS.say("modules_remark")):
    module_tree.show(count.modules)
blocks.try_this(questions.suggestions(model))
blocks.check_yourself(questions.questions(model))
blocks.the_code(model.code(WORDS))
page.foot("model_explorer")
