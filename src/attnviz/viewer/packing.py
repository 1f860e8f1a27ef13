"""Attention weights of all layers and heads in one small message: one byte a weight, compressed.

The message, before gzip, little-endian:

    4 bytes   "AVW1": the format and its version
    u32       length of the header in bytes
    header    JSON in UTF-8, padded with spaces so that what follows starts at a multiple of 4
    for each block of the header, in its order, each part padded to a multiple of 4 bytes:
      u16       what one step of a byte is worth in each row, times 255, (layer, head, query)
      u16       the sum of each row's weights outside the exact keys, (layer, head, query)
      u16       the weights of the exact keys, (layer, head, query, exact key)
      u8        round(255 * weight / worth of its row), 0 for exact keys, (layer, head, query, key), C order; of a causal
                block only the keys up to the query, row after row: 1, 2, … n bytes

A u16 stands for 2 ** (-u / 2048), 65535 for 0: it is right within 1/5900 of itself. A header block is ``{"kind", "first",
"layers", "heads", "queries", "keys", "causal", "exact"}``; ``first`` is the first layer that the block holds, so that a
long text can be sent layer by layer. Any further fields of the header are the caller's.

Scaling by row keeps a uniform row over 512 keys: the error of a weight is at most 1/510 of the largest of its row. Exact
keys are those where heads rest, such as the first token. Where they are hidden and the rest is scaled to 100 % again, the
error is at most 1/96 of the largest weight that is left, also in a row that gives 99 % to its first token.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.attention_view import Weighted
from attnviz.tracing.trace import AttentionKind, Floats

MAGIC = b"AVW1"

_PER_OCTAVE = 2048  # steps of a u16 for a factor of 2
_NOTHING = 65535
_LEVELS_LEFT = 48
"""Levels that the largest weight outside the exact keys has at least."""


@dataclass(frozen=True, eq=False)
class Block:
    """Weights of consecutive layers of one kind, (layer, head, query, key). Rows sum to 1, or to less where some
    weight is hidden. ``first`` is the layer that comes first, ``exact`` are keys whose weights are sent as they are."""

    kind: AttentionKind
    weights: Floats
    first: int = 0
    exact: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.weights.ndim != 4 or not all(self.weights.shape):
            raise ValueError(
                f"weights have the shape {self.weights.shape}, expected (layer, head, query, key)"
            )
        if list(self.exact) != sorted({key for key in self.exact if 0 <= key < self.weights.shape[3]}):
            raise ValueError(
                f"exact keys {self.exact} are not ascending numbers below {self.weights.shape[3]}"
            )

    @property
    def causal(self) -> bool:
        """Whether no query has weight on a later key, so that half of the matrix need not be sent."""
        queries, keys = self.weights.shape[2:]
        above = np.triu(np.ones((queries, keys), bool), 1)
        return queries == keys > 1 and not self.weights[..., above].any()


def blocks(
    trace: Weighted, layers: range | None = None, kinds: Sequence[AttentionKind] | None = None
) -> tuple[Block, ...]:
    """One block for each kind of attention of a trace, or for those in ``kinds``; of all its layers, or those in ``layers``.

    The first and the special keys are sent exactly: many heads rest there.
    """
    result = []
    for kind in kinds or trace.kinds:
        wanted = [i for i in range(trace.layers(kind)) if layers is None or i in layers]
        if wanted:
            special = trace.key_tokens(kind).special
            exact = tuple(i for i, resting in enumerate(special) if resting or i == 0)
            result.append(Block(kind, np.stack([trace.weights(kind, i) for i in wanted]), wanted[0], exact))
    return tuple(result)


def pack(parts: Iterable[Block], header: dict[str, Any] | None = None) -> bytes:
    """The message that holds these blocks, with the fields of ``header`` beside them. See the module's docstring.

    Compressed without a search for repetitions, of which weights have none: smaller than gzip's first level, in half
    its time.
    """
    facts, bodies = [], []
    for block in parts:
        layers, heads, queries, keys = block.weights.shape
        exact = block.weights[..., list(block.exact)]
        others = block.weights
        largest = others.max(-1)  # (layer, head, query)
        if block.exact:
            others = others.copy()
            others[..., list(block.exact)] = 0
            left = others.max(-1)
            largest = np.maximum(left, np.minimum(left * np.float32(255 / _LEVELS_LEFT), largest))
        worth = _logarithms(
            largest, np.ceil
        )  # rounded down: half a step is then at most 1/510 of the largest
        factor = np.float32(255) / np.maximum(_numbers(worth), np.float32(2**-32))
        levels = others * factor[..., None]
        levels += np.float32(0.5)
        np.minimum(levels, np.float32(255), out=levels)
        sent = levels.astype(np.uint8)
        causal = block.causal
        if causal:
            sent = sent[..., np.tril(np.ones((queries, keys), bool))]
        facts.append(
            {
                **{"kind": block.kind, "first": block.first, "layers": layers, "heads": heads},
                **{"queries": queries, "keys": keys, "causal": causal, "exact": list(block.exact)},
            }
        )
        sums = _logarithms(others.sum(-1, dtype=np.float32), np.rint)
        arrays = (worth, sums, _logarithms(exact, np.rint), sent)
        bodies += [_padded(array.tobytes(), b"\0") for array in arrays]
    text = json.dumps({**(header or {}), "blocks": facts}, ensure_ascii=False, separators=(",", ":")).encode()
    head = _padded(text, b" ")
    squeeze = zlib.compressobj(
        1, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 8, zlib.Z_RLE
    )  # 16: with gzip's own frame
    whole = b"".join([MAGIC, struct.pack("<I", len(head)), head, *bodies])
    return squeeze.compress(whole) + squeeze.flush()


def unpack(message: bytes) -> tuple[dict[str, Any], tuple[Block, ...]]:
    """Header and blocks of a message: what the browser does, for tests and for whoever reads a saved file.

    Raises ValueError for bytes that are no message of this version.
    """
    try:
        data = zlib.decompress(message, 16 + zlib.MAX_WBITS)
    except zlib.error as error:
        raise ValueError("not a gzip message") from error
    if data[:4] != MAGIC or len(data) < 8:
        raise ValueError("not an attention message of version 1")
    (length,) = struct.unpack_from("<I", data, 4)
    header = json.loads(data[8 : 8 + length])
    at, result = 8 + length, []

    def read(shape: tuple[int, ...], kind: str) -> NDArray[Any]:
        nonlocal at
        found = np.frombuffer(data, kind, math.prod(shape), at).reshape(shape)
        at += math.ceil(found.nbytes / 4) * 4
        return found

    for facts in header.pop("blocks"):
        rows = (facts["layers"], facts["heads"], facts["queries"])
        queries, keys, exact = facts["queries"], facts["keys"], facts["exact"]
        worth, _, kept = read(rows, "<u2"), read(rows, "<u2"), read((*rows, len(exact)), "<u2")
        if facts["causal"]:
            levels = np.zeros((*rows, keys), np.uint8)
            sent = read((*rows[:2], math.comb(queries + 1, 2)), "u1")
            levels[..., np.tril(np.ones((queries, keys), bool))] = sent
        else:
            levels = read((*rows, keys), "u1")
        weights = levels * (_numbers(worth) / np.float32(255))[..., None]
        weights[..., exact] = _numbers(kept)
        result.append(Block(facts["kind"], weights, facts["first"], tuple(exact)))
    return header, tuple(result)


def _logarithms(numbers: Floats, rounded: Callable[[Floats], Floats]) -> NDArray[np.uint16]:
    """Numbers from 0 to 1 as u16; those below 2 ** -31.99 are 0."""
    with np.errstate(divide="ignore"):
        steps = rounded(np.log2(numbers) * np.float32(-_PER_OCTAVE))
    return np.clip(steps, 0, _NOTHING).astype("<u2")


def _numbers(logarithms: NDArray[np.uint16]) -> Floats:
    """The numbers that u16 stand for."""
    found = np.exp2(logarithms * np.float32(-1 / _PER_OCTAVE))
    found[logarithms == _NOTHING] = 0
    return found.astype(np.float32)


def _padded(data: bytes, with_: bytes) -> bytes:
    return data + with_ * (-len(data) % 4)
