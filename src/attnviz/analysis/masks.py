"""Who may look at whom: the mask of an attention layer, read from the scores of a real pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from attnviz.tracing.trace import AttentionKind, Trace

Pattern = Literal["everything", "before", "near", "other"]
"""All keys; the token itself and what is before it; only keys within a distance; anything else."""


@dataclass(frozen=True, eq=False)
class Mask:
    """``visible`` is (query, key): True where a query token may look. The labels are those of the tokens."""

    kind: AttentionKind
    visible: NDArray[np.bool_]
    query_labels: tuple[str, ...]
    key_labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.visible.shape != (len(self.query_labels), len(self.key_labels)):
            raise ValueError(
                f"a mask of {self.visible.shape} for {len(self.query_labels)} x {len(self.key_labels)} labels"
            )

    @property
    def pairs(self) -> int:
        """How many pairs of query and key are allowed."""
        return int(self.visible.sum())

    @property
    def share(self) -> float:
        """Share of all pairs that are allowed, from 0 to 1."""
        return float(self.visible.mean())

    @property
    def pattern(self) -> Pattern:
        """What rule the mask follows; "everything" for a single token."""
        n, m = self.visible.shape
        if self.visible.all():
            return "everything"
        if n == m and (self.visible == np.tri(n, dtype=bool)).all():
            return "before"
        if n == m:
            distance = np.abs(np.arange(n)[:, None] - np.arange(n))
            reach = distance[self.visible].max(initial=0)
            within = distance <= reach
            if any((self.visible == rule).all() for rule in (within, within & np.tri(n, dtype=bool))):
                return "near"
        return "other"


def mask_of(trace: Trace, kind: AttentionKind, layer: int = 0) -> Mask:
    """The mask of one layer. Raises :class:`SelectionError` for a kind or layer that the model does not have."""
    return Mask(
        kind,
        np.isfinite(trace.scores(kind, layer, 0)),
        tuple(trace.query_tokens(kind).unique_labels),
        tuple(trace.key_tokens(kind).unique_labels),
    )
