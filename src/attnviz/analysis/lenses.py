"""The same head seen through other lenses: what its weights carry, and what they add up to over the layers.

A lens has the form of a trace (kinds, layers, heads, weights, tokens), so that whatever draws weights draws it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from attnviz.errors import SelectionError
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionCall, AttentionKind, Floats, Trace

Outputs = Mapping[AttentionKind, tuple[Floats, ...]]
"""The output projection of each layer of a kind, (head, d_value, d_model)."""


def carried_norms(call: AttentionCall, output: Floats) -> Floats:
    """How long each transformed value is, (head, key): |v_j W_O| with the head's own part of the output projection.

    ``output`` is (head, d_value, d_model). Biases of the output projection belong to no key and are left out. Kobayashi et
    al. 2020, "Attention is Not Only a Weight", equation 5.
    """
    if output.shape[:2] != (call.heads, call.value.shape[2]):
        raise ValueError(f"output projection {output.shape} does not fit values {call.value.shape}")
    values = call.value[np.arange(call.heads) // call.group]  # (head, key, d_value)
    return np.linalg.norm(np.matmul(values, output), axis=-1).astype(np.float32)


def value_weighted(call: AttentionCall, output: Floats) -> Floats:
    """Each key's share of what a query is brought, (head, query, key): the lengths |weight · v_j W_O|, scaled so that rows
    sum to 1 (to 0 where all values are nothing).

    Kobayashi et al. 2020, equation 5, whose lengths are here given as shares.
    """
    lengths = call.weights() * carried_norms(call, output)[:, None]  # (head, query, key)
    total = lengths.sum(axis=-1, keepdims=True)
    return np.divide(lengths, total, out=np.zeros_like(lengths), where=total > 0)


def rollout(weights: list[Floats]) -> Floats:
    """Attention rollout after each layer, (layer, query, key), from the weights (head, query, key) of each.

    Every layer mixes the mean of its heads with the residual stream, half and half, and passes the mixture on:
    R_l = (A_l + 1) / 2 · R_(l-1). Rows sum to 1. Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers",
    section 3. A heuristic: it knows neither the length of values nor the feed-forward networks.
    """
    mixed: NDArray[np.float64] = np.eye(weights[0].shape[-1])
    result = []
    for layer in weights:
        if layer.shape[-2] != layer.shape[-1]:
            raise ValueError(
                f"rollout needs self-attention, not {layer.shape[-2]} queries of {layer.shape[-1]} keys"
            )
        mean = layer.mean(axis=0, dtype=np.float64)
        mixed = (mean @ mixed + mixed) / 2
        result.append(mixed.astype(np.float32))
    return np.stack(result)


@dataclass(frozen=True, eq=False)
class _Lens:
    """A trace whose weights are seen otherwise."""

    trace: Trace

    @property
    def kinds(self) -> tuple[AttentionKind, ...]:
        """The kinds of attention."""
        return self.trace.kinds

    def layers(self, kind: AttentionKind) -> int:
        """Number of layers."""
        return self.trace.layers(kind)

    def heads(self, kind: AttentionKind) -> int:
        """Number of matrices in a layer."""
        return self.trace.heads(kind)

    def query_tokens(self, kind: AttentionKind) -> Tokens:
        """The tokens that ask."""
        return self.trace.query_tokens(kind)

    def key_tokens(self, kind: AttentionKind) -> Tokens:
        """The tokens that answer."""
        return self.trace.key_tokens(kind)


@dataclass(frozen=True, eq=False)
class ValueWeighted(_Lens):
    """Shares of what is carried in place of weights. Raises :class:`SelectionError` where no output projection is known."""

    outputs: Outputs

    def weights(self, kind: AttentionKind, layer: int, head: int | None = None) -> Floats:
        """Shares (query, key) of one head or (head, query, key)."""
        if kind not in self.outputs:
            raise SelectionError("What the values of this model carry is not known.", "Look at its weights.")
        found = value_weighted(self.trace.call(kind, layer), self.outputs[kind][layer])
        return found if head is None else found[head]


@dataclass(frozen=True, eq=False)
class RolledOut(_Lens):
    """Rollout up to each layer in place of weights: one matrix a layer, whichever head is named. Cross-attention keeps its
    own weights, averaged over heads: it starts from another text."""

    def heads(self, kind: AttentionKind) -> int:
        """One matrix a layer."""
        return 1

    def weights(self, kind: AttentionKind, layer: int, head: int | None = None) -> Floats:
        """Rollout (query, key), or (1, query, key) where no head is named."""
        found = self._all[kind][layer]
        return found[None] if head is None else found

    @cached_property
    def _all(self) -> dict[AttentionKind, Floats]:
        found: dict[AttentionKind, Floats] = {}
        for kind in self.kinds:
            every = [self.trace.weights(kind, layer) for layer in range(self.trace.layers(kind))]
            found[kind] = np.stack([one.mean(axis=0) for one in every]) if kind == "cross" else rollout(every)
        return found
