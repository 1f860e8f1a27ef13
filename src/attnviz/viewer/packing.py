"""Attention weights of all layers and heads in one small message: one byte a weight, compressed.

The message, before gzip, little-endian:

    4 bytes   "AVW1": the format and its version
    u32       length of the header in bytes
    header    JSON in UTF-8, padded with spaces so that what follows starts at a multiple of 4
    for each block of the header, in its order:
      float32   the largest weight of each row, (layer, head, query)
      uint8     round(255 * weight / largest of its row), (layer, head, query, key), C order; of a causal block only
                the keys up to the query, row after row: 1, 2, … n bytes

A header block is ``{"kind", "first", "layers", "heads", "queries", "keys", "causal"}``; ``first`` is the first layer
that the block holds, so that a long text can be sent layer by layer. Any further fields of the header are the
caller's. Scaling by row keeps a uniform row over 512 keys: the error of a weight is at most 1/510 of the largest of
its row.
"""

from __future__ import annotations

import gzip
import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnviz.tracing.trace import AttentionKind, Floats, Trace

MAGIC = b"AVW1"


@dataclass(frozen=True, eq=False)
class Block:
    """Weights of consecutive layers of one kind, (layer, head, query, key). Rows sum to 1, or to less where some
    weight is hidden. ``first`` is the layer that comes first."""

    kind: AttentionKind
    weights: Floats
    first: int = 0

    def __post_init__(self) -> None:
        if self.weights.ndim != 4 or not all(self.weights.shape):
            raise ValueError(
                f"weights have the shape {self.weights.shape}, expected (layer, head, query, key)"
            )

    @property
    def causal(self) -> bool:
        """Whether no query has weight on a later key, so that half of the matrix need not be sent."""
        queries, keys = self.weights.shape[2:]
        above = np.triu(np.ones((queries, keys), bool), 1)
        return queries == keys > 1 and not self.weights[..., above].any()


def blocks(trace: Trace, layers: range | None = None) -> tuple[Block, ...]:
    """One block for each kind of attention of a trace, of all its layers or of those in ``layers``."""
    result = []
    for kind in trace.kinds:
        wanted = [i for i in range(trace.layers(kind)) if layers is None or i in layers]
        if wanted:
            result.append(Block(kind, np.stack([trace.weights(kind, i) for i in wanted]), wanted[0]))
    return tuple(result)


def pack(parts: Iterable[Block], header: dict[str, Any] | None = None, level: int = 1) -> bytes:
    """The message that holds these blocks, with the fields of ``header`` beside them. See the module's docstring.

    Level 1 of gzip is four times as fast as the usual 6 and its message a tenth larger.
    """
    facts, bodies = [], []
    for block in parts:
        layers, heads, queries, keys = block.weights.shape
        largest = block.weights.max(-1)  # (layer, head, query)
        share = (
            block.weights / np.where(largest > 0, largest, 1)[..., None]
        )  # of the largest of the row, 0 to 1
        levels = (share * 255 + np.float32(0.5)).astype(np.uint8)
        causal = block.causal
        if causal:
            levels = levels[..., np.tril(np.ones((queries, keys), bool))]
        facts.append(
            {
                **{"kind": block.kind, "first": block.first, "layers": layers, "heads": heads},
                **{"queries": queries, "keys": keys, "causal": causal},
            }
        )
        bodies += [largest.astype("<f4").tobytes(), _padded(levels.tobytes(), b"\0")]
    text = json.dumps({**(header or {}), "blocks": facts}, ensure_ascii=False, separators=(",", ":")).encode()
    head = _padded(text, b" ")
    return gzip.compress(MAGIC + struct.pack("<I", len(head)) + head + b"".join(bodies), level, mtime=0)


def unpack(message: bytes) -> tuple[dict[str, Any], tuple[Block, ...]]:
    """Header and blocks of a message: what the browser does, for tests and for whoever reads a saved file.

    Raises ValueError for bytes that are no message of this version.
    """
    try:
        data = gzip.decompress(message)
    except (OSError, EOFError) as error:
        raise ValueError("not a gzip message") from error
    if data[:4] != MAGIC or len(data) < 8:
        raise ValueError("not an attention message of version 1")
    (length,) = struct.unpack_from("<I", data, 4)
    header = json.loads(data[8 : 8 + length])
    at, result = 8 + length, []
    for facts in header.pop("blocks"):
        rows = (facts["layers"], facts["heads"], facts["queries"])
        queries, keys = facts["queries"], facts["keys"]
        sent = math.comb(queries + 1, 2) if facts["causal"] else queries * keys
        largest = np.frombuffer(data, "<f4", math.prod(rows), at).reshape(rows)
        at += largest.nbytes
        raw = np.frombuffer(data, np.uint8, rows[0] * rows[1] * sent, at)
        at += math.ceil(raw.nbytes / 4) * 4
        levels: NDArray[np.uint8]
        if facts["causal"]:
            levels = np.zeros((*rows, keys), np.uint8)
            levels[..., np.tril(np.ones((queries, keys), bool))] = raw.reshape(rows[0], rows[1], sent)
        else:
            levels = raw.reshape(*rows, keys)
        weights = levels * (largest / np.float32(255))[..., None]
        result.append(Block(facts["kind"], weights.astype(np.float32), facts["first"]))
    return header, tuple(result)


def _padded(data: bytes, with_: bytes) -> bytes:
    return data + with_ * (-len(data) % 4)
