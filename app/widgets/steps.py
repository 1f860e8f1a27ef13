"""One step of a decoder: the tokens it had in mind, and what it kept of those before."""

from __future__ import annotations

import streamlit as st

from app.lessons import Lesson
from app.translation import step as decoder
from app.translation.record import Translated
from app.widgets import figure, table
from app.widgets.lesson import section
from app.widgets.markup import html
from attnviz.figures.memory import gate_maps, kept_shares
from attnviz.figures.quantities import percent, whole_percent
from attnviz.tracing.trace import Floats


def show(shown: Translated, step: str, words: Lesson) -> None:
    """Draw both for the chosen token; below them every gate, where the decoder has gates."""
    labels, shares = decoder.earlier(shown, step)
    with section("steps", words.say("steps"), words.say("steps_remark")):
        left, right = st.container(key="steps_likely"), st.container(key="steps_kept")
    with left:
        found = decoder.next_tokens(shown, step)
        said = words.say("likely" if len(found) <= decoder.LIKELIEST else "likely_other", word=step)
        html("<p class='av-text'>{}</p>", said)
        marked = next(label for label, _, here in found if here)
        table.show(
            {"Token": [label for label, _, _ in found], "Probability": [percent(p) for _, p, _ in found]},
            words.say("likely_table"),
            marked,
        )
    with right:
        html("<p class='av-text'>{}</p>", _remembered(shown, step, labels[-1], words))
        figure.show(
            kept_shares(labels, shares, figure.mode()),
            "kept",
            words.say("kept_alt", word=step, shares=_listed(labels, shares.mean(axis=0))),
            lambda: {"token": labels, **{f"layer_{i}": row.tolist() for i, row in enumerate(shares)}},
        )
    if shown.trace.gates is not None:
        _gates(shown, step, words)


def _remembered(shown: Translated, step: str, before: str, words: Lesson) -> str:
    if shown.trace.gates is None:
        return words.say("kept_attention", before=before)
    if shown.row_of(step) == 0:
        return words.say("kept_gates", before=before, kept=words.say("kept_start"))
    kept = [
        words.say("kept_layer", layer=layer, share=whole_percent(float(channels.mean())))
        for layer, channels in enumerate(decoder.gates_of(shown, step))
    ]
    return words.say("kept_gates", before=before, kept=" and ".join(kept))


def _gates(shown: Translated, step: str, words: Lesson) -> None:
    gates = shown.trace.gates
    assert gates is not None
    labels = ("start", *shown.steps)
    layers, tokens, channels = gates.shape
    with section("gates", words.say("gates"), words.say("gates_remark")):
        figure.show(
            gate_maps(labels, gates, figure.mode(), chosen=shown.row_of(step)),
            "gates",
            words.say(
                "gates_alt",
                layers=layers,
                channels=channels,
                tokens=tokens,
                kept=whole_percent(float(gates.mean())),
            ),
            lambda: {
                "layer": [i for i in range(layers) for _ in range(tokens)],
                "token": [label for _ in range(layers) for label in labels],
                **{f"channel_{c}": gates[:, :, c].ravel().tolist() for c in range(channels)},
            },
        )


def _listed(labels: tuple[str, ...], shares: Floats) -> str:
    return ", ".join(
        f"{label} {whole_percent(float(share))}" for label, share in zip(labels, shares, strict=True)
    )
