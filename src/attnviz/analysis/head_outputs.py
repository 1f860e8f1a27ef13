"""How the outputs of a layer's heads come together: side by side, times the output projection, into the stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attnviz.tracing.trace import AttentionKind, Floats, Trace


@dataclass(frozen=True, eq=False)
class HeadOutputs:
    """The outputs of one layer's heads.

    ``side_by_side`` (query, head * d_head) has head 0 first; ``projected`` (query, d_model) is what attention adds to the
    residual stream, with the bias that belongs to the layer. ``lengths`` (head, query) is how long the vector is that
    each head adds to it; the vectors of all heads and the bias add up to ``projected``.
    """

    side_by_side: Floats
    projected: Floats
    lengths: Floats

    @property
    def mean_lengths(self) -> Floats:
        """(head,): over all queries."""
        return np.asarray(self.lengths.mean(axis=1), dtype=np.float32)


def head_outputs(
    trace: Trace, kind: AttentionKind, layer: int, projection: Floats, bias: Floats | None
) -> HeadOutputs:
    """The outputs of a layer through its output projection, (head, d_head, d_model), as ``LayerWeights`` keeps it.

    Vaswani et al. 2017, section 3.2.2: concatenating all heads and multiplying by one matrix is the same as giving each
    head a slice of it and adding up.
    """
    outputs = trace.head_outputs(kind, layer)  # (head, query, d_head)
    heads, queries, size = outputs.shape
    added = np.matmul(outputs, projection)  # (head, query, d_model)
    total = added.sum(axis=0)
    return HeadOutputs(
        side_by_side=outputs.swapaxes(0, 1).reshape(queries, heads * size),
        projected=np.asarray(total if bias is None else total + bias, dtype=np.float32),
        lengths=np.asarray(np.linalg.norm(added, axis=-1), dtype=np.float32),
    )
