"""The controls of the feed-forward page: stack, layer and token, neuron, inputs of a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app import selection
from app.widgets import segments
from app.widgets.markup import html
from attnviz.models.catalog import title_of

if TYPE_CHECKING:
    from app.lessons import Lesson
    from app.neurons.here import Here
    from attnviz.tracing.neurons import Stack

WITH_UNEMBEDDING = "HuggingFaceTB/SmolLM2-135M-Instruct"


def stack(stacks: tuple[Stack, ...], words: Lesson) -> Stack:
    """Which stack's networks; asked only where there are two."""
    return segments.choose(words.say("stack"), stacks, "ff_stack", "stack", show=str.capitalize)


def place(here: Here, words: Lesson) -> tuple[int, int]:
    """Layer and token; opened where the strongest neuron of a word fires."""
    names = here.tokens.unique_labels
    start = here.opening
    selection.whole_number("layer", here.layers, "layer", start=start.layer)
    selection.one_of("ff_token", names, "token", start=names[start.token])
    left, right = st.columns(2)
    layer = start.layer
    if here.layers > 1:
        layer = left.slider(
            words.say("layer"), 0, here.layers - 1, start.layer, key="layer", bind="query-params"
        )
    token = right.selectbox(words.say("token"), names, start.token, key="ff_token", bind="query-params")
    return int(layer), names.index(token)


def neuron(here: Here, start: int, words: Lesson) -> int:
    """The number of a neuron; the strongest of the chosen token until another is typed."""
    selection.whole_number("ff_neuron", here.neurons, "neuron", start=start)
    with st.container(key="ff_neuron_row", width=240):
        return int(
            st.number_input(
                words.say("number", last=here.neurons - 1),
                0,
                here.neurons - 1,
                start,
                key="ff_neuron",
                bind="query-params",
            )
        )


def inputs(words: Lesson) -> tuple[float, float]:
    """The input of the activation functions, and what a gate multiplies."""
    selection.number("ff_x", -6.0, 6.0, "input", start=-1.0)
    selection.number("ff_up", -3.0, 3.0, "second input", start=2.0)
    left, right = st.columns(2)
    x = left.slider(words.say("input"), -6.0, 6.0, -1.0, 0.05, key="ff_x", bind="query-params")
    up = right.slider(words.say("up"), -3.0, 3.0, 2.0, 0.1, key="ff_up", bind="query-params")
    return float(x), float(up)


def offer(here: Here, words: Lesson) -> None:
    """Say why no words can be read here; a button opens a model where they can."""
    has_decoder = here.stack == "encoder" and "decoder" in here.record.stacks
    name = "words_none_encoder" if here.stack == "encoder" else "words_none"
    sentence = words.say(
        "words_none_stack" if has_decoder else name,
        title=here.model.title,
        other=title_of(WITH_UNEMBEDDING),
    )
    html("<p class='av-text'>{}</p>", sentence)
    if has_decoder:
        st.button(
            words.say("use_decoder"),
            key="go_decoder",
            on_click=selection.choose,
            kwargs={"ff_stack": "decoder"},
        )
    elif here.model.id != WITH_UNEMBEDDING:
        st.button(
            f"Use {title_of(WITH_UNEMBEDDING)}",
            key="go_other_model",
            on_click=selection.choose,
            kwargs={"model": WITH_UNEMBEDDING},
        )
