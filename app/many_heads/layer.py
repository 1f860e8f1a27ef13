"""One layer of all heads, with one of its heads chosen: what every part of the multi-head page starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from app import cache
from app.heads import Heads
from attnviz.analysis.attention_view import pooled
from attnviz.analysis.head_outputs import HeadOutputs, head_outputs

if TYPE_CHECKING:
    from app.lessons import Lesson
    from attnviz.analysis.head_patterns import Strongest
    from attnviz.tracing.trace import AttentionCall, AttentionKind, Floats

MOST_CELLS = 48
"""Cells of a small matrix along each side; of a longer text neighbours are drawn as one."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of all heads, with one of its heads chosen."""

    heads: Heads
    layer: int
    head: int

    @property
    def strongest(self) -> Strongest | None:
        """The strongest pattern of the chosen head."""
        return self.heads.patterns.strongest(self.layer, self.head)

    @property
    def call(self) -> AttentionCall:
        """What the layer computed with."""
        return self.heads.trace.call(self.heads.kind, self.layer)

    @cached_property
    def outputs(self) -> HeadOutputs | None:
        """How the outputs of the heads come together, None where the model's projection is out of reach."""
        return _outputs(self.heads.model_id, self.heads.text, self.heads.kind, self.layer)

    @cached_property
    def thumbnails(self) -> Floats:
        """The weights of each head, (head, row, column); of a long text the largest of neighbouring cells."""
        return pooled(self.heads.trace.weights(self.heads.kind, self.layer), MOST_CELLS)

    def code(self, words: Lesson) -> str:
        """The lines that give the patterns of this layer in a notebook."""
        return words.code.format(
            model=self.heads.model_id, text=self.heads.text, kind=self.heads.kind, layer=self.layer
        )


@st.cache_resource(max_entries=60, show_spinner=False)
def _outputs(
    model_id: str, text: str | tuple[str, str], kind: AttentionKind, layer: int
) -> HeadOutputs | None:
    """The outputs of a layer's heads, through the model's own projection."""
    from attnviz.models.weights import weights

    model = cache.model(model_id)
    parts = weights(model.module, model.architecture).layers("encoder" if kind == "encoder" else "decoder")[
        layer
    ]
    crossing = kind == "cross"
    projection = parts.cross_output if crossing else parts.attention_output
    bias = parts.cross_output_bias if crossing else parts.attention_output_bias
    if projection is None:
        return None
    return head_outputs(cache.trace(model_id, text), kind, layer, projection, bias)
