"""Feed-forward network: its widths, its activation functions, and what its neurons do with the learner's text."""

from functools import partial

import streamlit as st

from app.lessons import lesson
from app.neurons import columns, questions, sentences
from app.neurons.here import Here, Read, chosen, read
from app.widgets import facts, figure, formula, neuron_controls, page, table
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.figures import feed_forward as figures

WORDS = lesson("feed_forward")
MODE = figure.mode()


def widths(here: Here) -> None:
    """The network to scale, and where the parameters sit."""
    shape, said = here.facts, sentences.lead(here, WORDS)
    with st.container(key="ff"):
        with st.container(key="ff_margin"):
            facts.show(sentences.widths(here, WORDS))
            formula.show(WORDS.words["formula_gated" if here.gated else "formula"])
        with st.container(key="ff_main"):
            fig = figures.widths(shape.d_model, here.neurons, shape.activation, here.gated, MODE)
            figure.show(fig, "ff_widths", said, columns.widths(here))
            html("<p class='av-say'>{}</p>", said)


def in_text(here: Here, layer: int, token: int) -> int:
    """The strongest neurons of a token and of the whole text; returns the strongest one."""
    fired = here.strongest(layer, token)
    said = sentences.in_text(here, WORDS, layer, token, fired)
    html("<p class='av-say'>{}</p>", said)
    names, values = columns.bars(fired)
    figure.show(
        figures.neuron_bars(names, values, MODE, WORDS.say("ranked")),
        "ff_token",
        said,
        {"neuron": names, "activation": values},
    )
    rows, grid = here.busiest(layer)
    html("<p class='av-text'>{}</p>", WORDS.say("map_lead", rows=len(rows), layer=layer))
    labels = here.tokens.unique_labels
    figure.show(
        figures.neuron_map(grid, rows, labels, MODE, here.spoken),
        "ff_map",
        WORDS.say("map_alt", layer=layer),
        partial(columns.cells, rows, labels, grid),
    )
    html("<p class='av-source'>{}</p>", WORDS.say("text_source"))
    return fired[0].neuron


def one_neuron(here: Here, layer: int, start: int) -> int:
    """Which tokens fire a neuron, and what it writes."""
    neuron = neuron_controls.neuron(here, start, WORDS)
    said, values = sentences.one(here, WORDS, layer, neuron), here.fires(layer, neuron)
    html("<p class='av-say'>{}</p>", said)
    names = here.tokens.unique_labels
    figure.show(
        figures.token_bars(names, values, MODE), "ff_neuron", said, {"token": names, "activation": values}
    )
    written = columns.words_of(here, layer, neuron)
    if written:
        table.show(written, WORDS.say("words_caption", neuron=neuron, layer=layer))
        html("<p class='av-source'>{}</p>", WORDS.say("words_source"))
    else:
        neuron_controls.offer(here, WORDS)
    return neuron


@fragment
def functions(here: Here) -> None:
    """Activation functions, with the input and the gate to move; nothing else on the page follows these."""
    x, up = neuron_controls.inputs(WORDS)
    said = sentences.functions(x, up, WORDS)
    html("<p class='av-say'>{}</p>", said)
    fig = figures.activation_curves(x, up, MODE, here.facts.activation)
    figure.show(fig, "ff_functions", said, columns.curves(up))
    html("<p class='av-source'>{}</p>", WORDS.say("functions_source"))


@fragment
def body(read: Read) -> None:
    """All that follows stack, layer, token and neuron."""
    with blocks.section("ff_text", WORDS.say("text"), WORDS.say("text_remark")):
        here = chosen(read, WORDS)
        layer, token = neuron_controls.place(here, WORDS)
        first = in_text(here, layer, token)
    with blocks.section("ff_neuron", WORDS.say("neuron"), WORDS.say("neuron_remark")):
        neuron = one_neuron(here, layer, first)
    with blocks.section("ff_sparse", WORDS.say("sparse"), WORDS.say("sparse_remark")):
        said = sentences.sparse(here, WORDS, layer)
        html("<p class='av-say'>{}</p>", said)
        fig = figures.sparsity_curves(here.sparsity, here.neurons, MODE, layer)
        figure.show(fig, "ff_sparsity", said, columns.by_layer(here.sparsity))
    with blocks.section("ff_functions", WORDS.say("functions"), WORDS.say("functions_remark")):
        functions(here)
    blocks.try_this(questions.suggestions(here, WORDS))
    blocks.check_yourself(questions.questions(here, WORDS, layer, token))
    blocks.the_code(sentences.code(here, WORDS, layer, token, neuron))


def show() -> None:
    """Read the text, then show all of it."""
    found = read(WORDS)
    widths(found.first)
    body(found)


page.head("feed_forward", WORDS)
page.guarded(show)
page.foot("feed_forward")
