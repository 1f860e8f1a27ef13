"""The feed-forward network as a memory of keys and values: which neurons fire, how many, and what they write."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from attnviz.tracing.trace import Floats

if TYPE_CHECKING:
    from attnviz.models.weights import LayerWeights, Weights
    from attnviz.tracing.neurons import Neurons, Stack

Activation = Literal["ReLU", "GELU", "SiLU"]

_erf = np.vectorize(math.erf, otypes=[np.float64])


def relu(x: NDArray[np.floating]) -> Floats:
    """x where it is positive, else 0. Same shape."""
    return np.asarray(np.maximum(x, 0), dtype=np.float32)


def gelu(x: NDArray[np.floating]) -> Floats:
    """x times the share of a normal distribution below it. Hendrycks & Gimpel 2016. Same shape."""
    exact = np.asarray(x, dtype=np.float64)
    return np.asarray(exact * 0.5 * (1 + _erf(exact / math.sqrt(2))), dtype=np.float32)


def silu(x: NDArray[np.floating]) -> Floats:
    """x times its logistic function; also called Swish. Elfwing et al. 2018; Ramachandran et al. 2017. Same shape."""
    exact = np.asarray(x, dtype=np.float64)
    return np.asarray(exact / (1 + np.exp(-np.clip(exact, -500, 500))), dtype=np.float32)


ACTIVATIONS: dict[Activation, Callable[[NDArray[np.floating]], Floats]] = {
    "ReLU": relu,
    "GELU": gelu,
    "SiLU": silu,
}


def gated(gate: NDArray[np.floating], up: NDArray[np.floating], activation: Activation = "SiLU") -> Floats:
    """The activation of ``gate`` times ``up``: one branch decides how much of the other passes. Shazeer 2020."""
    return np.asarray(ACTIVATIONS[activation](gate) * up, dtype=np.float32)


@dataclass(frozen=True)
class Fired:
    """A neuron at a token: its activation, and the length of the vector that it adds to the residual stream."""

    neuron: int
    activation: float
    added: float


def lengths(out: Floats) -> Floats:
    """How long each neuron's output vector is, (neuron,), from the second matrix (neuron, d_model)."""
    return np.asarray(np.linalg.norm(out, axis=1), dtype=np.float32)


def strongest(activations: Floats, out: Floats, count: int = 10) -> tuple[Fired, ...]:
    """The neurons that add most at one token, from their ``activations`` (neuron,), longest vector first.

    Ranked by the length of activation times output vector: a large activation of a short vector does little (Geva et
    al. 2022, section 4).
    """
    added = np.abs(activations) * lengths(out)
    order = np.argsort(-added, kind="stable")[:count]
    return tuple(Fired(int(n), float(activations[n]), float(added[n])) for n in order)


def busiest(
    layer: Floats, out: Floats, count: int = 20, among: Sequence[int] | None = None
) -> tuple[int, ...]:
    """The neurons of a layer (token, neuron) that add most at any one token, or one of the places ``among``, the
    strongest first."""
    heard = layer if among is None else layer[np.asarray(among)]
    peaks = np.abs(heard).max(axis=0) * lengths(out)
    return tuple(int(n) for n in np.argsort(-peaks, kind="stable")[:count])


@dataclass(frozen=True)
class Peak:
    """The place where one neuron adds more than any other."""

    layer: int
    token: int
    neuron: int
    activation: float
    added: float


def peak(neurons: Neurons, weights: Weights, stack: Stack, among: Sequence[int] | None = None) -> Peak:
    """The strongest neuron of all layers, and of all tokens or of the places ``among``."""
    places = np.arange(len(neurons.read_by(stack))) if among is None else np.asarray(among)
    best = Peak(0, 0, 0, 0.0, -1.0)
    for layer, (activations, own) in enumerate(
        zip(neurons.activations[stack], weights.layers(stack), strict=True)
    ):
        added = np.abs(activations[places]) * lengths(own.feed_forward_out)  # (place, neuron)
        place, neuron = np.unravel_index(int(added.argmax()), added.shape)
        if added[place, neuron] > best.added:
            token = int(places[place])
            value = float(activations[token, neuron])
            best = Peak(layer, token, int(neuron), value, float(added[place, neuron]))
    return best


@dataclass(frozen=True, eq=False)
class Sparsity:
    """How many neurons work, each (layer,), means over tokens.

    ``positive`` is the share of activations above 0, ``zero`` the share that is 0 exactly; ``half`` is how many neurons
    together hold half of a token's sum of absolute activations, from 1 to a half of all.
    """

    positive: Floats
    zero: Floats
    half: Floats


def sparsity(activations: Floats) -> Sparsity:
    """Of the activations (layer, token, neuron) of one stack."""
    return Sparsity(
        np.asarray((activations > 0).mean((1, 2)), dtype=np.float32),
        np.asarray((activations == 0).mean((1, 2)), dtype=np.float32),
        np.array([_half(layer).mean() for layer in activations], dtype=np.float32),
    )


def _half(layer: Floats) -> NDArray[np.int64]:
    """How many neurons (token, neuron) hold half of each token's sum, (token,); 0 where all are silent."""
    sizes = -np.sort(-np.abs(layer), axis=-1).astype(np.float64)  # largest first
    totals = sizes.sum(axis=-1)
    reached = np.cumsum(sizes, axis=-1) >= totals[:, None] / 2 * (1 - 1e-12)
    return np.where(totals > 0, reached.argmax(axis=-1) + 1, 0)


@dataclass(frozen=True)
class Promoted:
    """Token ids with what a neuron's output vector adds to their logits per unit of activation, largest first."""

    up: tuple[tuple[int, float], ...]
    down: tuple[tuple[int, float], ...]


def promotes(weights: Weights, stack: Stack, layer: int, neuron: int, count: int = 10) -> Promoted | None:
    """What a neuron's output vector promotes and suppresses in the vocabulary; None where no word can be read there.

    The vector goes straight to the unembedding (Geva et al. 2021, section 4.1; Geva et al. 2022, section 3), through the
    weights of the norms on its way but without their division, which is the same for all words. What later layers make
    of it is left out. Encoders have no unembedding of their own.
    """
    vector = direction(weights, stack, layer, neuron)
    if vector is None or weights.unembedding is None:
        return None
    logits = np.matmul(weights.unembedding, vector)  # (vocabulary,)
    return Promoted(_largest(logits, count), tuple((i, -v) for i, v in _largest(-logits, count)))


def direction(weights: Weights, stack: Stack, layer: int, neuron: int) -> Floats | None:
    """A neuron's output vector (d_model,) as the unembedding reads it, or None where nothing reads it."""
    if stack != "decoder" or weights.unembedding is None:
        return None
    own: LayerWeights = weights.layers(stack)[layer]
    vector = own.feed_forward_out[neuron]
    for norm in (own.feed_forward_output_norm, weights.decoder_final_norm):
        if norm is not None:
            vector = vector - vector.mean() if norm.kind == "LayerNorm" else vector
            vector = vector if norm.weight is None else vector * norm.weight
    return np.asarray(vector, dtype=np.float32)


def _largest(values: Floats, count: int) -> tuple[tuple[int, float], ...]:
    count = min(count, len(values))
    some = np.argpartition(-values, count - 1)[:count]
    return tuple((int(i), float(values[i])) for i in some[np.argsort(-values[some], kind="stable")])
