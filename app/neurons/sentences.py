"""What the networks, their neurons and their functions do, in sentences with their numbers; and the code for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.neurons.here import Here
from attnviz.analysis.feed_forward import ACTIVATIONS, gated
from attnviz.figures.quantities import percent, signed

if TYPE_CHECKING:
    from app.lessons import Lesson
    from attnviz.analysis.feed_forward import Fired
    from attnviz.tracing.trace import Floats


def widths(here: Here, words: Lesson) -> list[tuple[str, str]]:
    """The row of facts beside the picture."""
    shape = here.facts
    return [
        (words.say("expansion"), f"{here.neurons / shape.d_model:.2f} ×"),
        (words.say("matrices"), "3, gated" if here.gated else "2"),
        (words.say("function"), shape.activation),
        (words.say("share"), percent(here.share())),
    ]


def lead(here: Here, words: Lesson) -> str:
    """What the picture shows, in a sentence."""
    shape = here.facts
    return words.say(
        "widths_gated" if here.gated else "widths_plain",
        title=here.model.title,
        d_model=f"{shape.d_model:,}",
        d_ff=f"{here.neurons:,}",
        factor=f"{here.neurons / shape.d_model:.3g}",
        share=percent(here.share()),
        layers=shape.encoder_layers + shape.decoder_layers,
        activation=shape.activation,
    )


def in_text(here: Here, words: Lesson, layer: int, token: int, fired: tuple[Fired, ...]) -> str:
    """The strongest neuron of a token, in a sentence."""
    first = fired[0]
    row = here.activations[layer, token]
    return words.say(
        "text_say",
        token=here.tokens.unique_labels[token],
        layer=layer,
        neuron=first.neuron,
        activation=signed(first.activation),
        added=f"{first.added:,.2f}",
        over=f"{_others(row, first.activation):,}",
        neurons=f"{here.neurons - 1:,}",
    )


def one(here: Here, words: Lesson, layer: int, neuron: int) -> str:
    """At which token a neuron fires most, in a sentence."""
    values = here.fires(layer, neuron)
    most = int(np.abs(values).argmax())
    told = words.say(
        "neuron_say",
        neuron=neuron,
        layer=layer,
        token=here.tokens.unique_labels[most],
        most=signed(float(values[most])),
        half=_others(values, values[most]),
        tokens=len(values) - 1,
    )
    if values[most] >= 0 or here.weights.unembedding is None or here.stack == "encoder":
        return told
    return f"{told} {words.say('neuron_negative')}"


def _others(activations: Floats, of: float) -> int:
    """How many of the activations are more than half as large as this one of them, without itself."""
    return max(int((np.abs(activations) > abs(of) / 2).sum()) - 1, 0)


def sparse(here: Here, words: Lesson, layer: int) -> str:
    """How many neurons of a layer work, in a sentence."""
    found = here.sparsity
    return words.say(
        "sparse_zero" if found.zero[layer] > 0.01 else "sparse_say",
        layer=layer,
        half=f"{found.half[layer]:,.1f}",
        neurons=f"{here.neurons:,}",
        share=percent(float(found.half[layer]) / here.neurons),
        positive=percent(float(found.positive[layer])),
        zero=percent(float(found.zero[layer])),
        least=int(found.half.argmin()),
        fewest=f"{found.half.min():,.1f}",
    )


def functions(x: float, up: float, words: Lesson) -> str:
    """What each function gives for the input, in a sentence."""
    here = np.array([x])
    found = {name.lower(): signed(float(function(here)[0]), 3) for name, function in ACTIVATIONS.items()}
    product = signed(float(gated(here, np.array([up]))[0]), 3)
    shown = {"x": f"{x:g}".replace("-", "−"), "up": f"{up:g}".replace("-", "−")}
    return words.say("functions_say", **shown, **found, gated=product)


def code(here: Here, words: Lesson, layer: int, token: int, neuron: int) -> str:
    """The lines that give these neurons in a notebook."""
    read = (
        ""
        if here.stack == "encoder"
        else words.say("code_words", stack=here.stack, layer=layer, neuron=neuron)
    )
    return words.code.format(
        model=here.model.id,
        text=here.text,
        stack=here.stack,
        layer=layer,
        token=token,
        neuron=neuron,
        words="" if here.weights.unembedding is None else read,
        imports="" if here.stack == "encoder" or here.weights.unembedding is None else "promotes, ",
    )
