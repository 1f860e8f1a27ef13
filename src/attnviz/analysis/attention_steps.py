"""One head of self- or cross-attention, step by step, from the vectors that go in to those that come out."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from attnviz.tracing.trace import AttentionKind, Floats, Trace

LARGEST_TOY = 12
"""Tokens of a toy that are worth looking at: its numbers are written into the cells."""

_MASKED = np.finfo(np.float32).min / 2
"""Models write "masked" as a number at the lower end of what float32 can hold; below this it means -inf."""


@dataclass(frozen=True, eq=False)
class AttentionSteps:
    """Every step of one head, float32 and read-only.

    ``asking`` (query, d_model) and ``answering`` (key, d_model) are what queries, and what keys and values, are made
    of; in self-attention they are the same. ``query`` and ``key`` (…, d_head) are as they meet, after whatever rotates
    or normalises them, ``value`` is (key, d_value). ``products`` (query, key) are the dot products, ``scaled`` those
    times ``scaling``, after a soft cap where the model has one; ``bias`` what is added to them for distance (0 where
    nothing is), ``allowed`` where the mask lets a query look. ``scores`` = scaled + bias, -inf where masked; ``weights``
    their softmax, whose rows sum to 1; ``output`` (query, d_value) = weights @ value.
    """

    asking: Floats
    answering: Floats
    query: Floats
    key: Floats
    value: Floats
    scaling: float
    products: Floats
    scaled: Floats
    bias: Floats
    allowed: NDArray[np.bool_]
    scores: Floats
    weights: Floats
    output: Floats
    softcap: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                kind = bool if field.name == "allowed" else np.float32
                array = np.asarray(value, dtype=kind).view()
                array.setflags(write=False)
                object.__setattr__(self, field.name, array)

    @property
    def has_bias(self) -> bool:
        """Whether a bias for distance is added to some score (T5, ALiBi)."""
        return bool(np.any(self.bias))

    @property
    def masks(self) -> bool:
        """Whether some query may not look at some key."""
        return not bool(self.allowed.all())

    def carried(self, row: int) -> Floats:
        """What each key adds to the output of a query: its weight times its value, (key, d_value)."""
        return np.asarray(self.weights[row][:, None] * self.value, dtype=np.float32)


def attention_steps(
    trace: Trace, kind: AttentionKind, layer: int, head: int, asking: Floats, answering: Floats
) -> AttentionSteps:
    """The steps of one head of a trace. Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1.

    ``asking`` and ``answering`` are the inputs of the layer (see :func:`attnviz.tracing.inputs.attention_input`). The
    weights are computed here from queries and keys alone, in float64, and agree with ``trace.weights`` to 1e-5.
    Raises :class:`SelectionError` for a head that is not there.
    """
    trace.weights(kind, layer, head)  # says which heads there are, where this one is not
    call = trace.call(kind, layer)
    own = 0 if call.bias is None or call.bias.shape[0] == 1 else head
    bias = np.zeros((call.query.shape[1], call.key.shape[1])) if call.bias is None else call.bias[own]
    return steps(
        asking=asking,
        answering=answering,
        query=call.query[head],
        key=call.key[head // call.group],
        value=call.value[head // call.group],
        scaling=call.scaling,
        bias=bias,
        softcap=call.softcap,
    )


def steps(
    *,
    asking: NDArray[np.floating],
    answering: NDArray[np.floating],
    query: NDArray[np.floating],
    key: NDArray[np.floating],
    value: NDArray[np.floating],
    scaling: float,
    bias: NDArray[np.floating] | None = None,
    softcap: float | None = None,
) -> AttentionSteps:
    """The steps from queries, keys and values on. ``bias`` (query, key) holds mask and position bias."""
    products = query.astype(np.float64) @ key.T.astype(np.float64)  # (query, key)
    scaled = products * scaling
    if softcap is not None:
        scaled = np.tanh(scaled / softcap) * softcap
    added = np.zeros_like(products) if bias is None else bias.astype(np.float64)
    allowed = added > _MASKED
    scores = np.where(allowed, scaled + added, -np.inf)
    weights = softmax(scores)
    return AttentionSteps(
        asking=_float32(asking),
        answering=_float32(answering),
        query=_float32(query),
        key=_float32(key),
        value=_float32(value),
        scaling=scaling,
        products=_float32(products),
        scaled=_float32(scaled),
        bias=_float32(np.where(allowed, added, 0)),
        allowed=allowed,
        scores=_float32(scores),
        weights=_float32(weights),
        output=_float32(weights @ value.astype(np.float64)),
        softcap=softcap,
    )


def softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Along the last axis: e to each score, divided by their sum. A row without any finite score stays 0."""
    top = scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(top), top, 0), dtype=np.float64)
    total = powers.sum(axis=-1, keepdims=True)
    return np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)


def toy_attention(
    tokens: int, d_model: int, d_head: int, seed: int = 0, *, causal: bool = False
) -> AttentionSteps:
    """Attention from scratch: random embeddings and random matrices, each number drawn from a normal distribution.

    The matrices are divided by sqrt(d_model), so that queries and keys have numbers of size 1 at any width. The lines
    of code on the page draw in the same order and give the same numbers.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(tokens, d_model))
    w_q, w_k, w_v = rng.normal(size=(3, d_model, d_head)) / np.sqrt(d_model)
    mask = np.where(np.tri(tokens, dtype=bool), 0, np.finfo(np.float32).min) if causal else None
    return steps(
        asking=x,
        answering=x,
        query=x @ w_q,
        key=x @ w_k,
        value=x @ w_v,
        scaling=1 / np.sqrt(d_head),
        bias=mask,
    )


def _float32(values: NDArray[np.floating]) -> Floats:
    return np.asarray(values, dtype=np.float32)
