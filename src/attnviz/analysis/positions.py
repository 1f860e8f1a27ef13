"""How order gets in: waves, rotations and biases by distance, and what is left of order without them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnviz.errors import SelectionError
from attnviz.tracing.alibi import alibi_slopes
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionKind, Floats, Trace

Integers = NDArray[np.int64]

BASE = 10_000.0
"""Of Vaswani et al. 2017, section 3.5, and of Su et al. 2021, section 3.2."""


def speeds(width: int, base: float = BASE) -> Floats:
    """Radians that each pair of dimensions turns from one position to the next, (pairs,), from 1 downwards.

    base ** (-2i / width) for pair i. An odd width has a half pair at its end: a sine without its cosine. Vaswani et
    al. 2017, section 3.5; the same for rotary pairs, Su et al. 2021, section 3.2.2.
    """
    return _speeds(width, base).astype(np.float32)


def sinusoidal(length: int, width: int, base: float = BASE) -> Floats:
    """Sinusoidal position vectors (position, width): sines in the even dimensions, cosines in the odd ones.

    Vaswani et al. 2017, section 3.5. Values from -1 to 1.
    """
    angles = _outer(np.arange(length), _speeds(width, base))  # (position, pair)
    table = np.empty((length, width), dtype=np.float32)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : width // 2])
    return table


def sines_then_cosines(length: int, width: int, base: float = BASE, *, to_the_end: bool = False) -> Floats:
    """The same waves in the order in which Marian's relatives keep them: all sines, then all cosines.

    ``to_the_end`` spreads the speeds so that the last one is 1 / base exactly, base ** (-i / (width / 2 - 1)), as Marian
    and M2M-100 do. For even widths.
    """
    half = width // 2
    if width % 2 or half < 2:
        raise ValueError(f"width {width} must be even and at least 4")
    exponents = np.arange(half, dtype=np.float64) / (half - 1 if to_the_end else half)
    angles = _outer(np.arange(length), np.asarray(base**-exponents, dtype=np.float64))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def wavelengths(turning: Floats) -> Floats:
    """Positions after which each pair is back where it began, (pairs,): 2 pi / speed."""
    return np.asarray(2 * np.pi / np.asarray(turning, dtype=np.float64), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class ByDistance:
    """Products of the vectors of two positions against their distance 0, 1, …: mean, least and most, each (distance,)."""

    mean: Floats
    least: Floats
    most: Floats


def products_by_distance(table: Floats) -> ByDistance:
    """Dot products between all rows of ``table`` (position, width), by distance.

    Of sinusoidal vectors of even width all products at one distance are equal: the sum of cos(speed * distance).
    """
    products = np.matmul(table, table.T)  # (position, position)
    diagonals = [np.diagonal(products, k) for k in range(len(table))]
    return ByDistance(
        *(np.array([measure(d) for d in diagonals], np.float32) for measure in (np.mean, np.min, np.max))
    )


def shift_rotations(width: int, shift: int, base: float = BASE) -> Floats:
    """The matrices (pair, 2, 2) that turn (sine, cosine) of any position into those of ``shift`` positions later.

    They depend on the shift only, not on the position: Vaswani et al. 2017, section 3.5. Whole pairs only.
    """
    angles = shift * _speeds(width, base)[: width // 2]
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], axis=1).astype(np.float32)


def shifted(table: Floats, shift: int, base: float = BASE) -> Floats:
    """Each row of a sinusoidal table (position, width) turned into that of ``shift`` positions later, whole pairs only:
    (position, width - width % 2)."""
    length, width = table.shape
    pairs = table[:, : width - width % 2].reshape(length, -1, 2)  # (position, pair, 2)
    turned = np.einsum("pij,npj->npi", shift_rotations(width, shift, base), pairs)
    return np.asarray(turned.reshape(length, -1), dtype=np.float32)


def cosine_similarities(table: Floats) -> Floats:
    """Cosine of the angle between any two rows of ``table``, (row, row), from -1 to 1; 0 for a row of zeros."""
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    units = table / np.where(norms > 0, norms, 1)
    return np.clip(np.matmul(units, units.T), -1, 1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Components:
    """The directions in which rows differ most: ``values`` (row, component), ``shares`` (component,) of all variance."""

    values: Floats
    shares: Floats


def without_lonely_first(table: Floats) -> Floats:
    """The rows of ``table`` (position, width) that are alike in length: all, or all but row 0 where that is more than
    twice as long as is usual. It would be the first component all by itself."""
    sizes = np.linalg.norm(table, axis=1)
    return table[1:] if len(table) > 3 and sizes[0] > 2 * np.median(sizes) else table


def first_components(table: Floats, count: int = 3) -> Components:
    """Principal components of the rows of ``table`` about their mean, the largest first.

    A component's sign means nothing; here its largest value is positive. Shares are 0 to 1 and sum to at most 1.
    """
    centred = (table - table.mean(axis=0)).astype(np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    count = min(count, len(sizes))
    values = left[:, :count] * sizes[:count]  # (row, component)
    values = values * np.where(np.abs(values.max(0)) < np.abs(values.min(0)), -1, 1)
    total = float((sizes**2).sum())
    shares = sizes[:count] ** 2 / total if total else np.zeros(count)
    return Components(values.astype(np.float32), shares.astype(np.float32))


def rotary_angles(turning: Floats, positions: NDArray[np.integer]) -> Floats:
    """Angles in radians, (position, pair), by which rotary pairs are turned at these positions, not folded."""
    return _outer(positions, turning).astype(np.float32)


def rotated(vectors: Floats, positions: NDArray[np.integer] | int, turning: Floats) -> Floats:
    """Vectors (…, d_head) turned as at ``positions`` (…): pair i is the dimensions i and i + pairs, as Transformers
    keeps them. Dimensions beyond 2 * pairs stay. Su et al. 2021, section 3.2. Lengths are kept.

    A negative position turns back, so that ``rotated(rotated(x, p), -p)`` is x.
    """
    angles = np.asarray(positions, dtype=np.float64)[..., None] * np.asarray(turning, dtype=np.float64)
    cosine, sine = np.cos(angles), np.sin(angles)  # (…, pair)
    pairs = len(turning)
    first, second = vectors[..., :pairs], vectors[..., pairs : 2 * pairs]
    turned = [first * cosine - second * sine, second * cosine + first * sine]
    rest = vectors[..., 2 * pairs :]
    still = np.broadcast_to(rest, (*turned[0].shape[:-1], rest.shape[-1]))
    return np.concatenate([*turned, still], axis=-1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Unturned:
    """A query and a key of a real head as they were before rotary turning, (d_head,), and what scales their product."""

    query: Floats
    key: Floats
    scaling: float

    def score(
        self, turning: Floats, query_at: NDArray[np.integer] | int, key_at: NDArray[np.integer] | int
    ) -> Floats:
        """The score when the query stands at ``query_at`` and the key at ``key_at``; it depends on their difference only."""
        query = rotated(self.query, query_at, turning).astype(np.float64)
        key = rotated(self.key, key_at, turning).astype(np.float64)
        return np.asarray((query * key).sum(-1) * self.scaling, dtype=np.float32)


def unturned(
    trace: Trace, kind: AttentionKind, layer: int, head: int, query: int, key: int, turning: Floats
) -> Unturned:
    """Query and key of two tokens in a rotary layer, turned back from where they stand in the text."""
    call = trace.call(kind, layer)
    if not 0 <= head < call.heads:
        raise SelectionError(
            f"There is no head {head} in this layer.", f"Its heads are 0 to {call.heads - 1}."
        )
    asks, answers = call.query[head, query], call.key[head // call.group, key]  # (d_head,)
    return Unturned(rotated(asks, -query, turning), rotated(answers, -key, turning), call.scaling)


def relative_buckets(
    distances: NDArray[np.integer], buckets: int = 32, max_distance: int = 128, *, two_sided: bool = True
) -> Integers:
    """T5's bucket of each distance key - query, same shape: one each when near, ever wider ones up to ``max_distance``,
    all beyond in the last. Raffel et al. 2020, section 2.1.

    ``two_sided``: keys after the query have the upper half of the buckets; otherwise they share that of distance 0.
    Half the buckets of a direction hold a single distance each; where ``max_distance`` is not beyond these, T5's formula
    divides by 0 or by less.
    """
    distances = np.asarray(distances, dtype=np.int64)
    offset: Integers = np.zeros_like(distances)
    if two_sided:
        buckets //= 2
        offset = (distances > 0) * buckets
        away = np.abs(distances)
    else:
        away = np.maximum(-distances, 0)
    exact = buckets // 2
    if not 0 < exact < max_distance:
        raise ValueError(f"{exact} distances have a bucket each, so {max_distance} is no largest one")
    # float32 as in the model: at the borders of buckets the last digit decides
    ratio = np.maximum(away, exact).astype(np.float32) / np.float32(exact)
    steps = np.log(ratio) / np.float32(np.log(max_distance / exact)) * np.float32(buckets - exact)
    far = np.minimum(exact + steps.astype(np.int64), buckets - 1)
    return np.asarray(offset + np.where(away < exact, away, far), dtype=np.int64)


def relative_bias(
    table: Floats, distances: NDArray[np.integer], max_distance: int = 128, *, two_sided: bool = True
) -> Floats:
    """What T5 adds to the scores at each distance key - query, (head, distance), from its table (bucket, head)."""
    found = relative_buckets(distances, len(table), max_distance, two_sided=two_sided)
    return np.asarray(table[found].T, dtype=np.float32)


def alibi_bias(heads: int, distances: NDArray[np.integer]) -> Floats:
    """What ALiBi adds to the scores, (head, distance): minus slope times distance. Press et al. 2022, section 3."""
    slopes = np.array(alibi_slopes(heads), dtype=np.float32)
    return 0 - slopes[:, None] * np.abs(np.asarray(distances)).astype(np.float32)


def single_blanks(text: str) -> str:
    """The text with one blank between its words: so the same words in another order are cut into the same tokens."""
    return " ".join(text.split())


def can_be_shuffled(text: str) -> bool:
    """Whether the words have another order in which the first one stays first."""
    return len(set(text.split()[1:])) > 1


def shuffled_text(text: str, seed: int) -> str:
    """The same words in another order, the first one staying first: it may be written in another way there.

    Words are what blanks separate. Raises :class:`SelectionError` where there are not two different ones after the first.
    """
    if not can_be_shuffled(text):
        raise SelectionError(
            "To put words into another order, the text needs two different ones after its first.",
            "Write a longer text.",
        )
    words = text.split()
    rest = words[1:]
    generator, mixed = random.Random(seed), rest[:]  # noqa: S311 - nothing secret
    while mixed == rest:
        generator.shuffle(mixed)
    return " ".join([words[0], *mixed])


def same_tokens(before: Tokens, after: Tokens) -> tuple[int, ...]:
    """Where each token of ``after`` stood in ``before``: equal ids, in the order in which they come.

    Raises :class:`SelectionError` when the two are not the same tokens in another order.
    """
    if sorted(before.ids) != sorted(after.ids):
        raise SelectionError(
            "In another order the words of this text are cut into other tokens, so nothing can be compared.",
            "Take another text, such as one of the examples.",
        )
    places: dict[int, list[int]] = {}
    for place, token in enumerate(before.ids):
        places.setdefault(token, []).append(place)
    return tuple(places[token].pop(0) for token in after.ids)


def changes(before: Floats, after: Floats, order: tuple[int, ...]) -> Floats:
    """How far each token's vector moved when the order changed, (token in the old order,): the length of the difference
    over the length of the vector. ``before`` and ``after`` are (token, width); 0 when outputs only change places."""
    then = before[list(order)].astype(np.float64)  # as in the new order
    moved = np.linalg.norm(after - then, axis=-1) / np.maximum(np.linalg.norm(then, axis=-1), 1e-12)
    found = np.empty(len(order), dtype=np.float32)
    found[list(order)] = moved
    return found


def outputs_without_mask(trace: Trace, kind: AttentionKind, layer: int) -> Floats:
    """What the heads of a layer would put out if every token saw every other, (token, head * d_value).

    Computed from the recorded queries, keys and values; position biases are left out with the mask.
    """
    call = trace.call(kind, layer)
    group = np.arange(call.heads) // call.group
    scores = np.matmul(call.query, call.key[group].swapaxes(1, 2)) * np.float32(call.scaling)
    scores = np.exp(scores - scores.max(-1, keepdims=True))  # (head, query, key)
    outputs = np.matmul(scores / scores.sum(-1, keepdims=True), call.value[group])  # (head, query, d_value)
    return np.asarray(outputs.swapaxes(0, 1).reshape(len(outputs[0]), -1), dtype=np.float32)


def _speeds(width: int, base: float) -> NDArray[np.float64]:
    if width < 1 or base <= 0:
        raise ValueError(f"width {width} must be at least 1 and base {base} above 0")
    return np.asarray(base ** (-np.arange(0, width, 2, dtype=np.float64) / width), dtype=np.float64)


def _outer(positions: NDArray[np.integer], turning: NDArray[np.floating]) -> NDArray[np.float64]:
    """(position, pair); in double precision, as a large position times a speed loses digits otherwise."""
    return np.asarray(positions, np.float64)[:, None] * np.asarray(turning, np.float64)
