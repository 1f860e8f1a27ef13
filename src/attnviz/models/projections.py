"""The matrices that make queries, keys and values, head by head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attnviz.models.parameters import count_parameters, values
from attnviz.tracing.trace import AttentionKind

if TYPE_CHECKING:
    from attnviz.models.loading import LoadedModel
    from attnviz.models.parameter_count import Part, Stack

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map to all heads: ``weight`` (head, d_model, d_head) and ``bias`` (head, d_head), 0 where there is none."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """``x`` (position, d_model) as each head sees it, (head, position, d_head)."""
        return np.asarray(x @ self.weight + self.bias[:, None], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Projections:
    """How one layer makes queries, keys and values. Models with rotary positions turn queries and keys afterwards, some
    normalise them first; values stay as they are made."""

    query: Projection
    key: Projection
    value: Projection


def projections(model: LoadedModel, kind: AttentionKind, layer: int) -> Projections:
    """The matrices of one layer of a loaded model."""
    facts = model.architecture
    stack: Stack = "encoder" if kind == "encoder" else "decoder"
    name = "cross" if kind == "cross" else "attention"
    parts = [p for p in count_parameters(model).parts if p.stack == stack and p.component.startswith(name)]
    layers = 1 + max(p.layer or 0 for p in parts)
    shared_by_all = layer * layers // facts.layers(kind)  # ALBERT has one layer that all share
    own = [p for p in parts if p.layer == shared_by_all]

    def projection(which: str, heads: int) -> Projection:
        tensors = [_outward(model, p) for p in own if p.component == f"{name}.{which}"]
        weight = next(t for t in tensors if t.ndim == 2)  # (d_model, heads * d_head)
        bias = next((t for t in tensors if t.ndim == 1 and t.size == weight.shape[1]), None)
        by_head = weight.reshape(weight.shape[0], heads, -1).swapaxes(0, 1)  # (head, d_model, d_head)
        shape = (heads, by_head.shape[2])
        return Projection(by_head, np.zeros(shape, np.float32) if bias is None else bias.reshape(shape))

    shared = facts.key_value_heads(kind)
    return Projections(
        projection("query", facts.heads(kind)), projection("key", shared), projection("value", shared)
    )


def _outward(model: LoadedModel, part: Part) -> Floats:
    """A weight as (in, out): GPT-2's Conv1D keeps it so, a linear layer the other way round. A bias as it is."""
    array = values(model, part)
    owner = model.module.get_submodule(part.name.rpartition(".")[0])
    return array.T if array.ndim == 2 and type(owner).__name__ != "Conv1D" else array
