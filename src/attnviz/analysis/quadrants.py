"""Two texts read at once: how much attention stays in a text, and how much crosses to the other."""

from __future__ import annotations

import numpy as np

from attnviz.tracing.trace import AttentionKind, Floats, Trace


def quadrants(trace: Trace, kind: AttentionKind, layer: int, head: int | None = None) -> Floats:
    """Mean weight that a token of text i gives to all tokens of text j, (2, 2): rows ask, columns answer.

    Special tokens count for neither, so a row sums to 1 or less. Of one head, or of the mean of a layer's heads. Raises
    ValueError where there is only one text, :class:`attnviz.errors.SelectionError` for a head that is not there.
    """
    weights = trace.weights(kind, layer, head)
    if head is None:
        weights = weights.mean(axis=0)  # (query, key)
    sides = [
        [np.array(tokens.segments) == text for text in (0, 1)] & ~np.array(tokens.special)
        for tokens in (trace.query_tokens(kind), trace.key_tokens(kind))
    ]
    asking, answering = sides  # each (text, token)
    if not (asking.any(axis=1).all() and answering.any(axis=1).all()):
        raise ValueError("there are no two texts in this trace")
    return np.array(
        [[weights[rows][:, columns].sum() / rows.sum() for columns in answering] for rows in asking]
    )
