"""Neurons and layers worth seeing, and questions about them, each answered by what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app import selection
from app.neurons.here import Here, share
from app.widgets.lesson import Question, Try
from app.widgets.neuron_controls import WITH_UNEMBEDDING
from attnviz.analysis import feed_forward as analysis
from attnviz.figures.quantities import percent, signed
from attnviz.models.catalog import title_of

if TYPE_CHECKING:
    from app.lessons import Lesson


def suggestions(here: Here, words: Lesson) -> list[Try]:
    """Neurons and layers worth seeing, with what was measured there."""
    peak, found = here.peak, here.sparsity
    label = here.tokens.unique_labels[peak.token]
    values = {"layer": peak.layer, "ff_token": label}
    sparse, even = int(found.half.argmin()), int(found.half.argmax())
    tried = [
        Try(
            words.say("try_peak"),
            words.say(
                "try_peak_detail",
                layer=peak.layer,
                neuron=peak.neuron,
                token=label,
                activation=signed(peak.activation),
            ),
            {**values, "ff_neuron": peak.neuron},
            "section_ff_text",
        )
    ]
    tried += [
        Try(
            words.say(name),
            words.say(
                "try_sparse_detail",
                layer=layer,
                half=f"{found.half[layer]:,.1f}",
                neurons=f"{here.neurons:,}",
            ),
            {"layer": layer},
            "section_ff_sparse",
        )
        for name, layer in (("try_sparse", sparse), ("try_even", even))
        if sparse != even
    ]
    gelu = float(analysis.gelu(np.array([-0.75]))[0])
    tried.append(
        Try(
            words.say("try_dip"),
            words.say("try_dip_detail", value=signed(gelu)),
            {"ff_x": -0.75},
            "section_ff_functions",
        )
    )
    return tried


def questions(here: Here, words: Lesson, layer: int, token: int) -> list[Question]:
    """A share, a function, and a neuron, each asked before it is looked at."""
    other = WITH_UNEMBEDDING if here.model.id != WITH_UNEMBEDDING else selection.DEFAULT_MODEL
    there = share(other)  # this model's own stands above
    shares = (0.1, 0.3, 0.6, 0.8)
    nearest = min(shares, key=lambda s: abs(s - there))
    x = np.array([-2.0])
    at = {name: float(function(x)[0]) for name, function in analysis.ACTIVATIONS.items()}
    most = max(at, key=lambda name: abs(at[name]))
    asked = [
        Question(
            "share",
            words.say("ask_share", title=title_of(other)),
            [f"about {100 * s:.0f} %" for s in shares],
            f"about {100 * nearest:.0f} %",
            words.say("because_share", share=percent(there)),
            {"model": other},
        ),
        Question(
            "function",
            words.say("ask_function"),
            list(at),
            most,
            words.say("because_function", listed=", ".join(f"{n} {signed(v, 3)}" for n, v in at.items())),
            {"ff_x": -2.0},
            "section_ff_functions",
        ),
    ]
    question = _which_token(here, words, layer, token)
    return [*asked, question] if question else asked


def _which_token(here: Here, words: Lesson, layer: int, token: int) -> Question | None:
    """At which token the strongest neuron of another layer fires."""
    other = (layer + max(1, here.layers // 2)) % here.layers
    values = here.activations[other]  # (token, neuron)
    places = [i for i in range(len(here.tokens)) if not here.tokens.special[i]]
    if len(places) < 4 or other == layer:
        return None
    out = analysis.lengths(here.own(other).feed_forward_out)
    neuron = int((np.abs(values[places[1:]]).max(axis=0) * out).argmax())
    fires = np.abs(values[:, neuron])
    ranked = sorted(places, key=lambda i: -fires[i])
    some = sorted({ranked[0], ranked[1], ranked[len(ranked) // 2], ranked[-1]})
    names = here.tokens.unique_labels
    return Question(
        "token",
        words.say("ask_token", neuron=neuron, layer=other),
        [names[i] for i in some],
        names[ranked[0]],
        words.say(
            "because_token",
            token=names[ranked[0]],
            value=signed(float(values[ranked[0], neuron])),
            other=names[ranked[1]],
            second=signed(float(values[ranked[1], neuron])),
        ),
        {"layer": other, "ff_neuron": neuron, "ff_token": names[ranked[0]]},
        "section_ff_neuron",
    )
