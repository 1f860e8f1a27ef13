"""A matrix of attention weights as it is looked at: averaged, merged to words, with tokens hidden, thinned
out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from attnviz.errors import SelectionError
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionKind, Floats, Trace

T = TypeVar("T")
Groups = tuple[tuple[int, ...], ...]
"""Positions of the tokens that each row or column stands for."""


class Weighted(Protocol):
    """Whatever has weights as a trace has them: a trace, or a lens on one (``lenses``)."""

    @property
    def kinds(self) -> tuple[AttentionKind, ...]:
        """The kinds of attention."""

    def layers(self, kind: AttentionKind) -> int:
        """Number of layers."""

    def heads(self, kind: AttentionKind) -> int:
        """Heads in a layer."""

    def weights(self, kind: AttentionKind, layer: int, head: int | None = None) -> Floats:
        """Weights (query, key) of one head, or (head, query, key)."""

    def query_tokens(self, kind: AttentionKind) -> Tokens:
        """The tokens that ask."""

    def key_tokens(self, kind: AttentionKind) -> Tokens:
        """The tokens that answer."""


@dataclass(frozen=True, eq=False)
class AttentionView:
    """What is drawn of one head, or of the mean of a layer's heads.

    ``weights`` is (query, key), float32 and read-only. ``queries`` and ``keys`` say which tokens each row and
    column stands for. ``masked_share`` (query,) is what each row gave to keys that are hidden now; the rest
    was divided by 1 - masked_share, so that rows sum to 1 again (to 0 where all went to hidden keys, and to
    less where a threshold left small weights out).
    """

    weights: Floats
    query_labels: tuple[str, ...]
    key_labels: tuple[str, ...]
    queries: Groups
    keys: Groups
    masked_share: Floats

    def __post_init__(self) -> None:
        for name in ("weights", "masked_share"):
            array = np.asarray(getattr(self, name), dtype=np.float32).view()
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        rows, columns = self.weights.shape
        if not rows == len(self.query_labels) == len(self.queries) == len(self.masked_share):
            raise ValueError(f"weights have {rows} rows for {len(self.query_labels)} labels")
        if not columns == len(self.key_labels) == len(self.keys):
            raise ValueError(f"weights have {columns} columns for {len(self.key_labels)} labels")

    @property
    def renormalised(self) -> bool:
        """Whether weight on hidden keys was shared out among the others."""
        return bool(np.any(self.masked_share > 0))

    def row_of(self, token: int) -> int | None:
        """The row that stands for a token's position, or None where it is hidden."""
        return next((row for row, group in enumerate(self.queries) if token in group), None)

    def column_of(self, token: int) -> int | None:
        """The column that stands for a token's position, or None where it is hidden."""
        return next((column for column, group in enumerate(self.keys) if token in group), None)


def attention_view(
    trace: Weighted,
    kind: AttentionKind,
    layer: int,
    head: int | Sequence[int] | None = None,
    *,
    hide_first: bool = False,
    hide_special: bool = False,
    merge_words: bool = False,
    threshold: float = 0.0,
) -> AttentionView:
    """One head of a trace, the mean of several, or that of a whole layer where ``head`` is None, as it should be drawn.

    Words are merged first, then tokens are hidden and rows renormalised, then weights under ``threshold`` are
    left out (as 0, not shared out). Of merged words, one that holds a hidden token is hidden whole.

    Raises :class:`SelectionError` for a head that is not there, and when nothing would be left.
    """
    if isinstance(head, int):
        weights = trace.weights(kind, layer, head)  # (query, key)
    elif head is None:
        weights = trace.weights(kind, layer).mean(axis=0)
    else:
        weights = np.mean([trace.weights(kind, layer, one) for one in head], axis=0, dtype=np.float32)
    asking, answering = trace.query_tokens(kind), trace.key_tokens(kind)
    queries, keys = groups(asking, merge_words), groups(answering, merge_words)
    if merge_words:
        weights = merged(weights, queries, keys)
    kept_queries = kept(asking, queries, hide_first, hide_special)
    kept_keys = kept(answering, keys, hide_first, hide_special)
    if not kept_queries.any() or not kept_keys.any():
        raise SelectionError(
            "Every token of this text is hidden.", "Show the first and the special tokens again."
        )
    weights, masked_share = without_keys(weights[kept_queries], kept_keys)
    weights = np.where(weights < threshold, np.float32(0), weights) if threshold else weights
    return AttentionView(
        weights=weights,
        query_labels=_chosen(labels(asking, merge_words), kept_queries),
        key_labels=_chosen(labels(answering, merge_words), kept_keys),
        queries=_chosen(queries, kept_queries),
        keys=_chosen(keys, kept_keys),
        masked_share=masked_share,
    )


def groups(tokens: Tokens, merge_words: bool) -> Groups:
    """Which tokens go together: those of a word, or each alone."""
    return tokens.word_groups if merge_words else tuple((i,) for i in range(len(tokens)))


def labels(tokens: Tokens, merge_words: bool) -> tuple[str, ...]:
    """One label for each group, repeated ones told apart."""
    return tokens.word_labels if merge_words else tokens.unique_labels


def merged(weights: Floats, queries: Sequence[Sequence[int]], keys: Sequence[Sequence[int]]) -> Floats:
    """Weights (…, query, key) between groups of tokens: to a group the sum, from a group the mean.

    Rows that sum to 1 still do. Clark et al. 2019, "What Does BERT Look At?", section 4.1.
    """
    sizes: Floats = np.array([[len(group)] for group in queries], np.float32)
    return np.divide(_summed(_summed(weights, keys, -1), queries, -2), sizes, dtype=np.float32)


def _summed(weights: Floats, groups: Sequence[Sequence[int]], axis: int) -> Floats:
    """Sums over groups of positions along an axis."""
    starts = np.cumsum([0, *(len(group) for group in groups)])[:-1]
    return np.add.reduceat(weights.take(np.concatenate(groups), axis), starts, axis)


def kept(tokens: Tokens, of: Groups, hide_first: bool, hide_special: bool) -> NDArray[np.bool_]:
    """Which groups stay: (group,)."""
    hidden = {0} if hide_first else set()
    if hide_special:
        hidden.update(i for i, special in enumerate(tokens.special) if special)
    return np.array([hidden.isdisjoint(group) for group in of], dtype=bool)


def without_keys(weights: Floats, kept: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Weights (query, kept key) with rows renormalised, and the share (query,) that lay on the others.

    A row that gave everything to the others becomes 0, for there is nothing to share out.
    """
    visible = weights[:, kept]
    if kept.all():
        return visible, np.zeros(len(weights), dtype=np.float32)
    total = visible.sum(axis=1, dtype=np.float64)
    everything = weights.sum(axis=1, dtype=np.float64)
    rows = np.divide(1.0, total, out=np.zeros_like(total), where=total > 1e-9)
    share = np.divide(everything - total, everything, out=np.zeros_like(total), where=everything > 0)
    return (visible * rows[:, None]).astype(np.float32), np.clip(share, 0, 1).astype(np.float32)


def _chosen(values: tuple[T, ...], kept: NDArray[np.bool_]) -> tuple[T, ...]:
    return tuple(value for value, keep in zip(values, kept, strict=True) if keep)


def row_weights(trace: Trace, kind: AttentionKind, token: int) -> Floats:
    """What one query token looks at in every head, (layer, head, key), without the rest of the matrices."""
    rows = []
    for layer in range(trace.layers(kind)):
        call = trace.call(kind, layer)
        bias = None if call.bias is None else call.bias[:, token : token + 1]
        rows.append(replace(call, query=call.query[:, token : token + 1], bias=bias).weights()[:, 0])
    return np.stack(rows)


def strongest_keys(
    view: AttentionView, row: int, at_most: int = 3, least: float = 0.03
) -> list[tuple[int, float]]:
    """The columns that a row looks at most, with their weights, strongest first; always one where there is
    any.
    """
    weights = view.weights[row]
    order = np.argsort(-weights, kind="stable")[:at_most]
    found = [(int(column), float(weights[column])) for column in order if weights[column] >= least]
    return found or [(int(column), float(weights[column])) for column in order[:1] if weights[column] > 0]


def thumbnails(
    trace: Weighted,
    kind: AttentionKind,
    *,
    hide_first: bool = False,
    hide_special: bool = False,
    merge_words: bool = False,
    most: int = 32,
) -> Floats:
    """Every head of a kind, (layer, head, row, column), at most ``most`` cells a side.

    Where there are more, the largest weight of neighbouring cells is kept: a mean would wipe out the thin
    lines that make a head known. Raises :class:`SelectionError` when nothing would be left.
    """
    asking, answering = trace.query_tokens(kind), trace.key_tokens(kind)
    queries, keys = groups(asking, merge_words), groups(answering, merge_words)
    kept_queries, kept_keys = (
        kept(tokens, of, hide_first, hide_special) for tokens, of in ((asking, queries), (answering, keys))
    )
    if not kept_queries.any() or not kept_keys.any():
        raise SelectionError(
            "Every token of this text is hidden.", "Show the first and the special tokens again."
        )
    small = []
    for layer in range(trace.layers(kind)):
        weights = trace.weights(kind, layer)
        if merge_words:
            weights = merged(weights, queries, keys)
        if not kept_keys.all() or not kept_queries.all():
            weights = np.stack([without_keys(of_head[kept_queries], kept_keys)[0] for of_head in weights])
        small.append(pooled(weights, most))
    return np.stack(small)


def pooled(weights: Floats, most: int) -> Floats:
    """The largest weights (head, at most ``most``, at most ``most``) of neighbouring cells."""
    for axis in (1, 2):
        count = weights.shape[axis]
        if count > most:
            starts = np.arange(most) * count // most
            weights = np.maximum.reduceat(weights, starts, axis=axis)
    return weights
