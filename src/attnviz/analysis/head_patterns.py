"""What each head does, in numbers beside what chance would give for this length and this mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from attnviz.errors import SelectionError
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionKind, Floats, Trace

Pattern = Literal["itself", "previous", "next", "first", "special", "same token"]
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)

Metric = Literal["strongest", "entropy", "distance", Pattern]
"""A number of every head: the score of its strongest pattern, a mean over its rows, or the share on a pattern's keys."""

METRICS: tuple[Metric, ...] = ("strongest", "entropy", "distance", *PATTERNS)

Mask = NDArray[np.bool_]
"""(query, key), True where a query may look at a key."""


@dataclass(frozen=True, eq=False)
class HeadPatterns:
    """The numbers of every head of one kind: arrays are (layer, head), what chance gives is (layer,).

    ``share[pattern]`` is the mean weight on the pattern's keys, over the queries that have such a key and any
    choice at all: a causal head has no next token, and the first token of a decoder can only look at itself.
    ``counted[pattern]`` is how many queries these are, of the ``choosing`` ones that have any choice. Patterns that no
    query has are NaN. ``entropy`` is in bits, the mean over the choosing rows, from 0 to its ``entropy_chance``, that of
    even attention. ``distance`` is the mean number of positions between query and key (NaN for cross-attention). Chance
    is attention spread evenly over the keys that the mask allows.
    """

    entropy: Floats
    entropy_chance: Floats
    distance: Floats
    distance_chance: Floats
    share: dict[Pattern, Floats]
    chance: dict[Pattern, Floats]
    counted: dict[Pattern, NDArray[np.int64]]
    choosing: NDArray[np.int64]

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The patterns that this text and mask allow in some layer."""
        return tuple(name for name in PATTERNS if not np.isnan(self.chance[name]).all())

    def score(self, pattern: Pattern) -> Floats:
        """(layer, head): 1 when all weight is on the pattern, 0 when as much as by chance, below 0 when less.

        (share - chance) / (1 - chance), as in Cohen's kappa (1960).
        """
        chance = self.chance[pattern][:, None]  # (layer, 1)
        return _float32((self.share[pattern] - chance) / np.maximum(1 - chance, 1e-6))

    def common(self, pattern: Pattern) -> NDArray[np.bool_]:
        """(layer,): whether at least half of the choosing rows can show a pattern; what fewer do says little of a head."""
        counted = self.counted[pattern]
        return (counted > 0) & (2 * counted >= self.choosing)

    def strongest(self, layer: int, head: int) -> Strongest | None:
        """The common pattern with the highest score of a head, or None where the text allows no pattern."""
        scores = {name: float(self.score(name)[layer, head]) for name in PATTERNS if self.common(name)[layer]}
        if not scores:
            return None
        name = max(scores, key=scores.__getitem__)
        share, chance = float(self.share[name][layer, head]), float(self.chance[name][layer])
        return Strongest(name, share, chance, scores[name], int(self.counted[name][layer]))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that this text and kind of attention have: no distance in cross-attention, no pattern that no
        query can show."""
        return tuple(name for name in METRICS if not np.isnan(self.metric(name)).all())

    def metric(self, name: Metric) -> Floats:
        """(layer, head): one number for every head, NaN where there is none. See ``Metric``."""
        if name == "strongest":
            scores = [np.where(self.common(p)[:, None], self.score(p), -np.inf) for p in PATTERNS]
            best = np.max(scores, axis=0)  # (layer, head)
            return _float32(np.where(np.isfinite(best), best, np.nan))
        if name == "entropy":
            return self.entropy
        return self.distance if name == "distance" else self.share[name]

    def metric_chance(self, name: Metric) -> Floats:
        """(layer,): what attention spread evenly over the keys that the mask allows gives."""
        if name == "strongest":
            return np.zeros(len(self.entropy_chance), dtype=np.float32)
        if name == "entropy":
            return self.entropy_chance
        return self.distance_chance if name == "distance" else self.chance[name]

    def best(self, pattern: Pattern) -> tuple[int, int]:
        """(layer, head) of the head with the largest score in a pattern.

        Raises :class:`SelectionError` where the text does not allow the pattern.
        """
        return _largest(self.score(pattern), pattern)

    def most_even(self) -> tuple[int, int]:
        """(layer, head) of the head whose attention is nearest to even: entropy by what chance gives."""
        return _largest(_float32(self.entropy / np.maximum(self.entropy_chance[:, None], 1e-6)), "even")


@dataclass(frozen=True)
class Strongest:
    """A head's strongest pattern: the mean share of its weight over the ``counted`` queries that have such a key, what
    chance would give, and the score."""

    pattern: Pattern
    share: float
    chance: float
    score: float
    counted: int


def head_patterns(trace: Trace, kind: AttentionKind) -> HeadPatterns:
    """The patterns of every head of a kind in this trace."""
    asking, answering = trace.query_tokens(kind), trace.key_tokens(kind)
    layers = []
    for layer in range(trace.layers(kind)):
        allowed = np.isfinite(trace.scores(kind, layer, 0))
        layers.append(
            layer_patterns(trace.weights(kind, layer), allowed, asking, answering, crossing=kind == "cross")
        )
    return HeadPatterns(
        entropy=np.concatenate([one.entropy for one in layers]),
        entropy_chance=np.concatenate([one.entropy_chance for one in layers]),
        distance=np.concatenate([one.distance for one in layers]),
        distance_chance=np.concatenate([one.distance_chance for one in layers]),
        share={name: np.concatenate([one.share[name] for one in layers]) for name in PATTERNS},
        chance={name: np.concatenate([one.chance[name] for one in layers]) for name in PATTERNS},
        counted={name: np.concatenate([one.counted[name] for one in layers]) for name in PATTERNS},
        choosing=np.concatenate([one.choosing for one in layers]),
    )


def layer_patterns(
    weights: Floats, allowed: Mask, asking: Tokens, answering: Tokens, *, crossing: bool = False
) -> HeadPatterns:
    """The patterns of one layer's heads, as a record with one layer.

    ``weights`` (head, query, key); ``allowed`` (query, key). ``crossing`` says that queries and keys are of two texts, of
    which the first is written while the second is read: distance, neighbours, "itself" and "same token" have no meaning.
    """
    rows, columns = weights.shape[1:]
    if allowed.shape != (rows, columns) or (len(asking), len(answering)) != (rows, columns):
        raise ValueError(
            f"weights {weights.shape} and mask {allowed.shape} do not fit {len(asking)} x {len(answering)}"
        )
    even = allowed / allowed.sum(axis=1, keepdims=True)  # (query, key): what chance gives
    free = allowed.sum(axis=1) > 1  # (query,): rows that have a choice
    places = {name: where(asking, answering, crossing) & allowed for name, where in _PLACES.items()}
    share: dict[Pattern, Floats] = {}
    chance: dict[Pattern, Floats] = {}
    numbers: dict[Pattern, NDArray[np.int64]] = {}
    for name, place in places.items():
        counted = free & place.any(axis=1)
        numbers[name] = np.array([int(counted.sum())])  # (1,)
        share[name] = _mean(_weighted(weights, place)[:, counted])[None]  # (1, head)
        chance[name] = _mean(_weighted(even[None], place)[:, counted])  # (1,)
    distance = (
        np.abs(np.arange(rows)[:, None] - np.arange(columns))
        if not crossing
        else np.full((rows, columns), np.nan)
    )
    return HeadPatterns(
        entropy=_mean(entropy(weights)[:, free])[None],
        entropy_chance=_mean(entropy(even)[None, free]),
        distance=_mean(_weighted(weights, distance)[:, free])[None],
        distance_chance=_mean(_weighted(even[None], distance)[:, free]),
        share=share,
        chance=chance,
        counted=numbers,
        choosing=np.array([int(free.sum())]),
    )


def entropy(weights: NDArray[np.floating]) -> Floats:
    """Entropy (…, query) in bits of weights (…, query, key): 0 for one key, log2(n) for n keys alike."""
    smallest = np.finfo(weights.dtype).tiny  # 0 log 0 is 0
    return _float32(np.maximum(-(weights * np.log2(np.maximum(weights, smallest))).sum(axis=-1), 0))


def _weighted(weights: NDArray[np.floating], values: NDArray[np.generic]) -> Floats:
    """Sums of values (query, key) by their weights (head, query, key): (head, query). No array of the full size is made."""
    return _float32(np.einsum("hqk,qk->hq", weights, values.astype(np.float32)))


def _mean(values: NDArray[np.floating]) -> Floats:
    """The mean over the last axis; NaN where there is nothing to take it of."""
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan, dtype=np.float32)
    return _float32(values.mean(axis=-1, dtype=np.float64))


def _float32(values: NDArray[np.floating]) -> Floats:
    return np.asarray(values, dtype=np.float32)


def _largest(values: Floats, pattern: str) -> tuple[int, int]:
    if np.isnan(values).all():
        raise SelectionError(
            f"No token of this text can show the pattern “{pattern}”.", "Take a longer text."
        )
    layer, head = np.unravel_index(np.nanargmax(values), values.shape)
    return int(layer), int(head)


def _shifted(by: int) -> Callable[[Tokens, Tokens, bool], Mask]:
    def place(asking: Tokens, answering: Tokens, crossing: bool) -> Mask:
        if crossing:
            return np.zeros((len(asking), len(answering)), dtype=bool)
        return np.eye(len(asking), len(answering), k=by, dtype=bool)

    return place


def _first(asking: Tokens, answering: Tokens, crossing: bool) -> Mask:
    place = np.zeros((len(asking), len(answering)), dtype=bool)
    place[0 if crossing else 1 :, 0] = True  # the first token itself would count as "itself"
    return place


def _special(asking: Tokens, answering: Tokens, crossing: bool) -> Mask:
    return np.broadcast_to(np.array(answering.special, dtype=bool), (len(asking), len(answering)))


def _same_token(asking: Tokens, answering: Tokens, crossing: bool) -> Mask:
    if crossing:  # the token that is read is the one before that which is written
        return np.zeros((len(asking), len(answering)), dtype=bool)
    same: Mask = np.array(asking.ids)[:, None] == np.array(answering.ids)[None]
    np.fill_diagonal(same, False)
    return same


_PLACES: dict[Pattern, Callable[[Tokens, Tokens, bool], Mask]] = {
    "itself": _shifted(0),
    "previous": _shifted(-1),
    "next": _shifted(1),
    "first": _first,
    "special": _special,
    "same token": _same_token,
}
