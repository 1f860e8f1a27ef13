"""The same words in another order, with positions and without them, through the real model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import examples, selection
from app.lessons import Lesson
from app.positions.here import SHUFFLE, Here, Taught, hero, said, scientific, slider, stage
from app.widgets import figure, waiting
from app.widgets.lesson import Question, Try
from app.widgets.markup import html
from attnviz.analysis.positions import (
    can_be_shuffled,
    changes,
    outputs_without_mask,
    same_tokens,
    shuffled_text,
    single_blanks,
)
from attnviz.figures import word_order
from attnviz.models.spelling import spells
from attnviz.tracing.trace import NO_EDITS, Edits, Floats, Trace

WITHOUT = Edits(positions=False)
MOST_WORDS = 32
"""Of the text in another order, in the margin."""


@dataclass(frozen=True, eq=False)
class Moved:
    """How far each token's vector moved after each layer: arrays are (layer, token in the old order).

    ``free`` (token,) is the same for what the heads of a decoder's first layer put out without positions and without its
    mask, or None. Further layers read what its mask has already told apart.
    """

    mixed: str
    labels: tuple[str, ...]
    with_positions: Floats
    without: Floats
    free: Floats | None


def show(here: Here, words: Lesson) -> Taught:
    """Move through the layers, and take another order."""
    if not can_be_shuffled(here.text):
        return _other_text(here, words)
    layers = here.trace.layers(here.kind)
    with stage() as (margin, main):
        with margin:
            layer = slider(words.say("after_layer"), "layer", 0, layers - 1, 0)
            seed = slider(words.say("order"), "pos_order", 1, 20, 1)
        with main:
            moved = _moved(here, seed)
        with margin:
            html(
                "<p class='av-remark'>{}</p><p class='av-text'>{}</p>",
                words.say("mixed"),
                _beginning(moved.mixed, words),
            )
        with main:
            _picture(here, moved, layer, words)
    code = words.say(
        "shuffle_code",
        model=here.model.id,
        text=repr(single_blanks(here.text)),
        target="" if here.facts.kind != "encoder-decoder" else f', target="{_target(here)}"',
        states="source_hidden_states" if here.facts.kind == "encoder-decoder" else "hidden_states",
        seed=seed,
        layer=layer + 1,
    )
    return Taught(_suggestions(moved, seed, words), _questions(here, moved, layer, words), code)


def _other_text(here: Here, words: Lesson) -> Taught:
    """Say what a text needs; a button takes an example that has it, where there is one for this model."""
    html("<p class='av-text'>{}</p>", words.say("shuffle_few"))
    fitting = next(filter(can_be_shuffled, examples.examples(here.model.id).values()), None)
    if fitting:
        st.button(
            words.say("shuffle_example", text=fitting),
            key="go_other_text",
            on_click=selection.choose,
            kwargs={selection.TEXT: fitting},
        )
    return Taught([Try(words.say("try_own"), here.scheme(words), {"scheme": here.fitting})], [], "")


def _beginning(mixed: str, words: Lesson) -> str:
    """As much of a text as stands beside the figure."""
    said = mixed.split()
    if len(said) <= MOST_WORDS:
        return mixed
    return words.say("mixed_more", shown=" ".join(said[:MOST_WORDS]), rest=len(said) - MOST_WORDS)


def _target(here: Here) -> str:
    """What an encoder-decoder's decoder reads here: anything short, for only its encoder is looked at."""
    return "AH0" if spells(here.model.id) else "a"


def _moved(here: Here, seed: int) -> Moved:
    mixed = shuffled_text(here.text, seed)
    runs = {
        edits: [_read(here, text, edits) for text in (single_blanks(here.text), mixed)]
        for edits in (NO_EDITS, WITHOUT)
    }
    before, after = runs[NO_EDITS]
    order = same_tokens(before.tokens, after.tokens)
    free = None
    if here.kind == "decoder":
        one, other = (outputs_without_mask(run, "decoder", 0) for run in runs[WITHOUT])
        free = changes(one, other, order)
    return Moved(
        mixed,
        before.tokens.unique_labels,
        _changes(runs[NO_EDITS], order),
        _changes(runs[WITHOUT], order),
        free,
    )


def _changes(runs: list[Trace], order: tuple[int, ...]) -> Floats:
    """(layer, token)"""
    layers = zip(*map(_states, runs), strict=True)
    return np.stack([changes(before, after, order) for before, after in layers])


def _read(here: Here, text: str, edits: Edits) -> Trace:
    target = _target(here) if here.facts.kind == "encoder-decoder" else None
    return waiting.trace(here.model.id, text, target, edits, height=420)


def _states(trace: Trace) -> Floats:
    """The residual stream after each layer, (layer, token, d_model)."""
    states = trace.source_hidden_states
    return (trace.hidden_states if states is None else states)[1:]


def _picture(here: Here, moved: Moved, layer: int, words: Lesson) -> None:
    series = [
        (words.say("with_positions"), moved.with_positions[layer]),
        (words.say("without_positions"), moved.without[layer]),
    ]
    if moved.free is not None:
        series.append((words.say("without_mask"), moved.free))
    observed = words.say("shuffle_say", title=here.title, layer=layer, **_numbers(moved, layer))
    told = [observed]
    if moved.free is not None:
        told.append(
            words.say(
                "shuffle_mask" if moved.without[layer].max() > 1e-3 else "shuffle_no_mask",
                free=scientific(100 * float(moved.free.max())),
                without=f"{100 * moved.without[layer].mean():.0f}",
            )
        )
    hero(
        word_order.change_bars(moved.labels, series, figure.mode()),
        " ".join(told),
        {"token": moved.labels, **{name: 100 * values for name, values in series}},
    )
    said(" ".join(told))
    html("<p class='av-source'>{} {}</p>", words.say("shuffle_source"), here.scheme(words))


def _numbers(moved: Moved, layer: int) -> dict[str, str]:
    row = moved.with_positions[layer]
    most = int(row.argmax())
    return {
        "mean": f"{100 * row.mean():.0f}",
        "token": moved.labels[most],
        "most": f"{100 * row[most]:.0f}",
        "without": scientific(100 * float(moved.without[layer].max())),
    }


def _suggestions(moved: Moved, seed: int, words: Lesson) -> list[Try]:
    means = moved.with_positions.mean(axis=1)
    layer = int(means.argmax())
    least = int(means.argmin())
    return [
        Try(
            words.say("try_most"),
            words.say("try_layer_detail", layer=layer, mean=f"{100 * means[layer]:.0f}"),
            {"layer": layer},
        ),
        Try(
            words.say("try_least"),
            words.say("try_layer_detail", layer=least, mean=f"{100 * means[least]:.0f}"),
            {"layer": least},
        ),
        Try(
            words.say("try_order"),
            words.say("try_order_detail", now=seed, then=seed % 20 + 1),
            {"pos_order": seed % 20 + 1},
        ),
    ]


def _questions(here: Here, moved: Moved, layer: int, words: Lesson) -> list[Question]:
    last = len(moved.without) - 1
    asked = last if layer != last else 0
    share = float(moved.without[asked].max())
    names = ("yes, each vector stays as it was", "no, they change as well")
    row = moved.with_positions[asked]
    spoken = [i for i in range(len(row)) if row[i] > 0]
    choices = sorted(spoken, key=lambda i: -row[i])
    found = [
        Question(
            "permute",
            words.say("ask_permute", layer=asked),
            names,
            names[0] if share < 1e-3 else names[1],
            words.say("because_permute" if share < 1e-3 else "because_mask", most=scientific(100 * share)),
            {"scheme": SHUFFLE, "layer": asked},
        )
    ]
    if len(choices) >= 4:
        some = sorted({choices[0], choices[len(choices) // 3], choices[2 * len(choices) // 3], choices[-1]})
        found.append(
            Question(
                "moved",
                words.say("ask_moved", layer=asked),
                [moved.labels[i] for i in some],
                moved.labels[choices[0]],
                words.say(
                    "because_moved", token=moved.labels[choices[0]], most=f"{100 * row[choices[0]]:.0f}"
                ),
                {"scheme": SHUFFLE, "layer": asked},
            )
        )
    return found
