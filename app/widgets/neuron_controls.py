"""The controls of the feed-forward page, and its numbers as columns for saving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app import selection
from app.neurons import WITH_UNEMBEDDING
from app.widgets.markup import html
from attnviz.analysis.feed_forward import ACTIVATIONS, gated
from attnviz.models.catalog import title_of
from attnviz.tracing.trace import Floats

if TYPE_CHECKING:
    from app.lessons import Lesson
    from app.neurons import Here
    from attnviz.analysis.feed_forward import Fired, Sparsity


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


def at(x: float, up: float, words: Lesson) -> str:
    """What each function gives for the input, in a sentence."""
    here = np.array([x])
    found = {
        name.lower(): f"{float(function(here)[0]):.3f}".replace("-", "−")
        for name, function in ACTIVATIONS.items()
    }
    product = f"{float(gated(here, np.array([up]))[0]):.3f}".replace("-", "−")
    shown = {"x": f"{x:g}".replace("-", "−"), "up": f"{up:g}".replace("-", "−")}
    return words.say("functions_say", **shown, **found, gated=product)


def values(up: float) -> dict[str, Any]:
    """The curves as columns."""
    xs = np.linspace(-6, 6, 241)
    return {"input": xs, **{name: f(xs) for name, f in ACTIVATIONS.items()}, "gated": gated(xs, np.array(up))}


def columns(fired: Sequence[Fired]) -> tuple[list[str], Floats]:
    """Neurons by name, and their activations."""
    return [f"neuron {f.neuron}" for f in fired], np.array([f.activation for f in fired], dtype=np.float32)


def cells(rows: Sequence[int], labels: Sequence[str], grid: Floats) -> dict[str, Any]:
    """A map (neuron, token) as columns."""
    return {
        "neuron": np.repeat(rows, len(labels)),
        "token": list(labels) * len(rows),
        "activation": grid.ravel(),
    }


def by_layer(found: Sparsity) -> dict[str, Any]:
    """Sparsity as columns."""
    return {
        "layer": range(len(found.half)),
        "share_above_zero": found.positive,
        "share_exactly_zero": found.zero,
        "neurons_for_half": found.half,
    }


def offer(here: Here, words: Lesson) -> None:
    """Say why no words can be read here; a button opens a model where they can."""
    html("<p class='av-text'>{}</p>", here.without_words(words))
    if here.stack == "encoder" and "decoder" in here.record.stacks:
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
