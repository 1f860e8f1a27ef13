"""What the figures and the table of the feed-forward page show, as columns: for saving and for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from app.neurons.here import Here
from attnviz.analysis.feed_forward import ACTIVATIONS, gated
from attnviz.figures.quantities import signed

if TYPE_CHECKING:
    from attnviz.analysis.feed_forward import Fired, Sparsity
    from attnviz.tracing.trace import Floats


def widths(here: Here) -> dict[str, Any]:
    """How many numbers go in, between and out."""
    d_model = here.facts.d_model
    return {"part": ["input", "expansion", "output"], "width": [d_model, here.neurons, d_model]}


def bars(fired: Sequence[Fired]) -> tuple[list[str], Floats]:
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


def curves(up: float) -> dict[str, Any]:
    """The curves as columns."""
    xs = np.linspace(-6, 6, 241)
    return {"input": xs, **{name: f(xs) for name, f in ACTIVATIONS.items()}, "gated": gated(xs, np.array(up))}


def words_of(here: Here, layer: int, neuron: int) -> dict[str, list[str]] | None:
    """The promoted and suppressed words as columns of a table; None where the model has none."""
    from attnviz.tracing.tokens import tokens

    found = here.promotes(layer, neuron)
    if found is None:
        return None
    label = {i: tokens(here.model.tokenizer, (i,)).labels[0] for i, _ in (*found.up, *found.down)}
    return {
        "Promotes": [label[i] for i, _ in found.up],
        "Logit, up": [signed(v, 3) for _, v in found.up],
        "Suppresses": [label[i] for i, _ in found.down],
        "Logit, down": [signed(v, 3) for _, v in found.down],
    }
