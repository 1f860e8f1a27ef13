"""Attention weights of all layers and heads in one small message: one byte a weight, compressed.

The message, before gzip, little-endian:

    4 bytes   "AVW2": the format and its version
    u32       length of the header in bytes
    header    JSON in UTF-8, padded with spaces so that what follows starts at a multiple of 4
    for each block of the header, in its order, each part padded to a multiple of 4 bytes:
      u16       what one step of a byte is worth in each row, times 255, (layer, head, query)
      u16       the sum of each row's weights outside the exact keys, (layer, head, query); f32 in a fine block
      u16       the weights of the exact keys, (layer, head, query, exact key); f32 in a fine block
      u8        round(255 * weight / worth of its row), 0 for exact keys, (layer, head, query, key), C order; of a causal
                block only the keys up to the query, row after row: 1, 2, … n bytes
      i8        in a fine block, 256ths of a step to be added to each of these
      u32       how many corrections each head has, (layer, head)
      u8        of each correction, the weights since the one before in its head, or since its start; 255: 255, and go on
      u8        one bit each, lowest first: whether its weight lies above half a per cent, or below

A u16 stands for 2 ** (-u / 2048), 65535 for 0: it is right within 1/5900 of itself. A header block is ``{"kind", "first",
"layers", "heads", "queries", "keys", "causal", "exact", "fine", "gaps"}``; ``first`` is the first layer that the block
holds, so that a long text can be sent layer by layer; ``gaps`` is the length of the u8 of the corrections. Any further
fields of the header are the caller's.

Scaling by row keeps a uniform row over 512 keys: the error of a weight is at most 1/510 of the largest of its row. Exact
keys are those where heads rest, such as the first token. Where they are hidden and the rest is scaled to 100 % again, the
error is at most 1/96 of the largest weight that is left, also in a row that gives 99 % to its first token.

That error is up to a fifth of a per cent, enough to turn 62 % into 63 %. A correction names a weight whose whole per cent
would be another one, and the reader puts it on the right side of the nearest half: every weight is then said right to the
last digit of its whole per cent, for one byte in some hundred. What is computed from several weights (a mean of heads, a
merged word, a row scaled again) is right to that digit where the block is fine; short texts are.
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

MAGIC = b"AVW2"

_PER_OCTAVE = 2048  # steps of a u16 for a factor of 2
_NOTHING = 65535
_LEVELS_LEFT = 48
"""Levels that the largest weight outside the exact keys has at least."""

BESIDE = 2e-7
"""How far from half a per cent the reader puts a corrected weight."""

_NEAREST_HALF = 0.21
"""Of a per cent: how near a half a weight must be read to be in doubt; a byte is wrong by 100 / 510 at most."""
_TOO_NEAR = 1e-6
"""Of the weight: nearer to a half, other floating point numbers could read it on the other side."""

FINE = 300_000
"""Weights of a message up to which it is fine: up to 64 tokens in 72 heads, and in 270 causal heads."""


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
        if self.weights[..., 0, 1:].any():  # most that are not causal are known by this alone
            return False
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
    parts = tuple(parts)
    fine = sum(block.weights.size for block in parts) <= FINE
    packed = [_packed(block, fine) for block in parts]
    facts = [fact for fact, _ in packed]
    text = json.dumps({**(header or {}), "blocks": facts}, ensure_ascii=False, separators=(",", ":")).encode()
    head = _padded(text, b" ")
    squeeze = zlib.compressobj(
        1, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 8, zlib.Z_RLE
    )  # 16: with gzip's own frame
    bodies = [_padded(array.tobytes(), b"\0") for _, arrays in packed for array in arrays]
    whole = b"".join([MAGIC, struct.pack("<I", len(head)), head, *bodies])
    return squeeze.compress(whole) + squeeze.flush()


def _packed(block: Block, fine: bool) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """What the header says of a block, and its arrays in their order."""
    layers, heads, queries, keys = block.weights.shape
    causal = block.causal
    cells = np.flatnonzero(np.tril(np.ones((queries, keys), bool))) if causal else None
    # layer by layer, so that the processor's cache holds what is worked on
    worked = [_layer(weights, list(block.exact), fine, cells) for weights in block.weights]
    *rows, counts, gaps, sides = (np.concatenate(arrays) for arrays in zip(*worked, strict=True))
    facts = {
        **{"kind": block.kind, "first": block.first, "layers": layers, "heads": heads, "queries": queries},
        **{"keys": keys, "causal": causal, "exact": list(block.exact), "fine": fine, "gaps": len(gaps)},
    }
    return facts, [*rows, counts, gaps, np.packbits(sides, bitorder="little")]


def _layer(
    weights: Floats, exact: list[int], fine: bool, cells: NDArray[np.int64] | None
) -> tuple[NDArray[Any], ...]:
    """The arrays of one layer, weights (head, query, key): worth, sums, exact keys, levels, and where it is fine their
    256ths; counts, gaps and sides of the corrections. ``cells`` are the places that are sent, None for all."""
    heads = len(weights)
    resting = weights[..., exact]
    others = weights.copy()
    largest = others.max(-1)  # (head, query)
    if exact:
        others[..., exact] = 0
        left = others.max(-1)
        largest = np.maximum(left, np.minimum(left * np.float32(255 / _LEVELS_LEFT), largest))
    sums = others.sum(-1, dtype=np.float32)
    # rounded down: half a step is then at most 1/510 of the largest
    worth = _logarithms(largest, np.ceil)
    step = (np.maximum(_numbers(worth), np.float32(2**-32)) / np.float32(255))[..., None]
    others /= step
    steps = others.copy() if fine else others
    others += np.float32(0.5)
    np.minimum(others, np.float32(255), out=others)
    levels = others.astype(np.uint8)
    np.copyto(read := others, levels)
    rows = [worth, sums.astype("<f4") if fine else _logarithms(sums, np.rint)]
    planes = [levels]
    if fine:
        steps -= read
        finer = np.clip(np.rint(steps * np.float32(256)), -128, 127).astype(np.int8)
        planes.append(finer)
        read += finer / np.float32(256)
        rows.append(resting.astype("<f4"))
    else:
        rows.append(_logarithms(resting, np.rint))
    read *= step
    read[..., exact] = resting if fine else _numbers(rows[2])
    flat = [plane.reshape(heads, -1) for plane in planes]
    sent = flat if cells is None else [plane.take(cells, axis=1) for plane in flat]
    return (*rows, *sent, *_corrections(weights, read, cells))


def _corrections(
    weights: Floats, read: Floats, cells: NDArray[np.int64] | None
) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.bool_]]:
    """Which weights (head, query, key) would be read (the same) as another whole per cent: how many of each head, the
    gaps between them, and which lie above the nearest half.

    Those that are read too near a half for a sum in other floating point numbers are named as well. ``read`` is changed.
    """
    read *= np.float32(100)
    below = np.floor(read)
    distance = read - below
    distance -= np.float32(0.5)
    np.abs(distance, out=distance)
    distance[read < 0.25] = 1
    near = np.flatnonzero(distance < _NEAREST_HALF)
    share, floor = read.ravel()[near], below.ravel()[near]
    above = (
        np.rint(100 * weights.ravel()[near].astype(np.float64)) > floor
    )  # halves to even numbers, as in text
    wrong = (above != (share - floor >= 0.5)) | (distance.ravel()[near] < _TOO_NEAR * share)
    above = above[wrong]
    owner, place = np.divmod(near[wrong], math.prod(weights.shape[1:]))
    if cells is not None:
        place = np.searchsorted(cells, place)
    counts = np.bincount(owner, minlength=len(weights)).astype("<u4")
    starts = np.r_[True, owner[1:] != owner[:-1]][: len(owner)]
    since = np.where(starts, place, np.diff(place, prepend=0))
    further, rest = np.divmod(since, 255)
    gaps = np.full(int(further.sum()) + len(since), 255, np.uint8)
    gaps[np.cumsum(further + 1) - 1] = rest
    return counts, gaps, above


def unpack(message: bytes) -> tuple[dict[str, Any], tuple[Block, ...]]:
    """Header and blocks of a message: what the browser does, for tests and for whoever reads a saved file.

    Raises ValueError for bytes that are no message of this version.
    """
    try:
        data = zlib.decompress(message, 16 + zlib.MAX_WBITS)
    except zlib.error as error:
        raise ValueError("not a gzip message") from error
    if data[:4] != MAGIC or len(data) < 8:
        raise ValueError("not an attention message of version 2")
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
        queries, keys, exact, fine = facts["queries"], facts["keys"], facts["exact"], facts["fine"]
        sent = np.tril(np.ones((queries, keys), bool)) if facts["causal"] else np.ones((queries, keys), bool)
        count = int(sent.sum())
        worth = read(rows, "<u2")
        read(rows, "<f4" if fine else "<u2")
        kept = read((*rows, len(exact)), "<f4" if fine else "<u2")
        levels = read((*rows[:2], count), "u1").astype(np.float32)
        if fine:
            levels += read((*rows[:2], count), "i1") / np.float32(256)
        weights = np.zeros((*rows, keys), np.float32)
        weights[..., sent] = levels
        weights *= (_numbers(worth) / np.float32(255))[..., None]
        weights[..., exact] = kept if fine else _numbers(kept)
        counts = read(rows[:2], "<u4")
        gaps = read((facts["gaps"],), "u1")
        sides = np.unpackbits(read((math.ceil(counts.sum() / 8),), "u1"), bitorder="little")
        _correct(weights, sent, counts, gaps, sides)
        result.append(Block(facts["kind"], weights, facts["first"], tuple(exact)))
    return header, tuple(result)


def _correct(
    weights: Floats,
    sent: NDArray[np.bool_],
    counts: NDArray[np.uint32],
    gaps: NDArray[np.uint8],
    sides: NDArray[np.uint8],
) -> None:
    """Put the weights (layer, head, query, key) that corrections name on the right side of the nearest half per cent."""
    cells = np.flatnonzero(sent)
    flat = weights.reshape(-1, sent.size)
    ends = np.flatnonzero(gaps < 255)
    since = np.add.reduceat(gaps.astype(np.int64), np.r_[0, ends[:-1] + 1]) if len(ends) else ends
    at = 0
    for head, count in enumerate(counts.ravel().tolist()):
        places = cells[np.cumsum(since[at : at + count])]
        halves = np.floor(100 * flat[head, places]) + 0.5
        flat[head, places] = halves / 100 + np.where(sides[at : at + count], BESIDE, -BESIDE)
        at += count


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
