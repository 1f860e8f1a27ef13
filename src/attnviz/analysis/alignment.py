"""Which source word a target word comes from, as a head of cross-attention sees it, and how well it sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.attention_view import Groups, groups, labels, merged
from attnviz.tracing.trace import Floats, Trace

Link = tuple[int, int]
"""(target word, source word), both counted from 0."""

Links = frozenset[Link]


@dataclass(frozen=True, eq=False)
class WordAlignment:
    """Attention from words of the target to words of the source, float32 and read-only.

    ``weights`` is (target word, source word), ``elsewhere`` (target word,) the weight on special tokens such as the end
    of the text; together a row sums to 1. ``targets`` and ``sources`` are the positions of each word's tokens in the
    trace.
    """

    weights: Floats
    elsewhere: Floats
    target_labels: tuple[str, ...]
    source_labels: tuple[str, ...]
    targets: Groups
    sources: Groups

    def __post_init__(self) -> None:
        for name in ("weights", "elsewhere"):
            array = np.asarray(getattr(self, name), dtype=np.float32).view()
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.weights.shape != (len(self.targets), len(self.sources)):
            raise ValueError(
                f"{self.weights.shape} weights for {len(self.targets)} and {len(self.sources)} words"
            )

    @property
    def links(self) -> Links:
        """Each target word with the source word it looks at most; see :func:`strongest_links`."""
        return strongest_links(self.weights, self.elsewhere)


def word_alignment(
    trace: Trace, layer: int, head: int | None = None, *, merge_words: bool = True
) -> WordAlignment:
    """Cross-attention of one head (or the mean of a layer's heads) between words, special tokens left out.

    A decoder chooses a token while it reads the one before, so the row of a target token is the row of its predecessor.
    Of the pieces of words: to a word the sum of the weights, from a word the mean (Clark et al. 2019, section 4.1).
    With ``merge_words=False`` each token counts as a word, as where letters are tokens. Raises
    :class:`SelectionError` for a head that is not there or a model without cross-attention.
    """
    weights = trace.weights("cross", layer, head)
    if head is None:
        weights = weights.mean(axis=0)  # (target token, source token)
    written, read = trace.query_tokens("cross"), trace.key_tokens("cross")
    asking, answering = groups(written, merge_words), groups(read, merge_words)
    target_labels, source_labels = labels(written, merge_words), labels(read, merge_words)
    words = [i for i, group in enumerate(asking) if not any(written.special[t] or t == 0 for t in group)]
    sources = [i for i, group in enumerate(answering) if not any(read.special[t] for t in group)]
    chosen_in = [tuple(t - 1 for t in asking[i]) for i in words]
    rows = merged(weights, chosen_in, answering) if words else np.zeros((0, len(answering)), np.float32)
    to_words = rows[:, sources]  # (target word, source word)
    return WordAlignment(
        weights=to_words,
        elsewhere=np.delete(rows, sources, axis=1).sum(axis=1),
        target_labels=tuple(target_labels[i] for i in words),
        source_labels=tuple(source_labels[i] for i in sources),
        targets=tuple(asking[i] for i in words),
        sources=tuple(answering[i] for i in sources),
    )


def strongest_links(weights: Floats, elsewhere: Floats | None = None) -> Links:
    """Each row of ``weights`` (target word, source word) with its largest weight, the first of equal ones.

    A row has no link where ``elsewhere`` (target word,) is larger, or where all its weights are 0.
    """
    if not weights.size:
        return frozenset()
    best = weights.argmax(axis=1)
    largest = weights.max(axis=1)
    floor = np.zeros(len(weights)) if elsewhere is None else np.maximum(elsewhere, 0)
    return frozenset(
        (int(t), int(s)) for t, s in enumerate(best) if largest[t] > 0 and largest[t] >= floor[t]
    )


@dataclass(frozen=True)
class AlignmentScore:
    """How links that were found agree with links that people marked, in counts; scores of sentences can be added.

    ``right`` of ``words`` target words that have a sure link were linked to one of theirs. The rest is of links:
    how many were ``found``, how many of these are sure (``found_sure``) or sure or possible (``found_possible``),
    and how many ``sure`` ones there are.
    """

    right: int = 0
    words: int = 0
    found: int = 0
    found_sure: int = 0
    found_possible: int = 0
    sure: int = 0

    def __add__(self, other: AlignmentScore) -> AlignmentScore:
        return AlignmentScore(
            self.right + other.right,
            self.words + other.words,
            self.found + other.found,
            self.found_sure + other.found_sure,
            self.found_possible + other.found_possible,
            self.sure + other.sure,
        )

    @property
    def accuracy(self) -> float | None:
        """The share of target words with a sure link whose largest weight is on one of theirs, 0 to 1; None without
        such words."""
        return self.right / self.words if self.words else None

    @property
    def error_rate(self) -> float | None:
        """Alignment error rate 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|), from 0 (nothing wrong) to 1, of the links found
        A, the sure ones S and the possible ones P, which hold S (Och & Ney 2003, section 5). None without links."""
        both = self.found + self.sure
        return float(1 - Fraction(self.found_sure + self.found_possible, both)) if both else None


def alignment_score(found: Links, sure: Links, possible: Links = frozenset()) -> AlignmentScore:
    """``found`` links against marked ones. Sure links count as possible, whether ``possible`` holds them or not."""
    of_word: dict[int, set[int]] = {}
    for target, source in sure:
        of_word.setdefault(target, set()).add(source)
    linked = {target for target, source in found if source in of_word.get(target, ())}
    return AlignmentScore(
        right=len(linked),
        words=len(of_word),
        found=len(found),
        found_sure=len(found & sure),
        found_possible=len(found & (possible | sure)),
        sure=len(sure),
    )


@dataclass(frozen=True, eq=False)
class HeadAlignments:
    """The scores of every head of cross-attention, ``scores[layer][head]``, over the same sentences."""

    scores: tuple[tuple[AlignmentScore, ...], ...]

    @property
    def accuracy(self) -> Floats:
        """(layer, head), 0 to 1; NaN where no word has a sure link."""
        return _table(self.scores, lambda score: score.accuracy)

    @property
    def error_rate(self) -> Floats:
        """(layer, head), 0 to 1, lower is better; NaN where there are no links."""
        return _table(self.scores, lambda score: score.error_rate)

    @property
    def best(self) -> tuple[int, int]:
        """(layer, head) of the largest accuracy, the lower error rate deciding between equal ones."""
        order = [
            (-(score.accuracy or 0), 1 if score.error_rate is None else score.error_rate, layer, head)
            for layer, row in enumerate(self.scores)
            for head, score in enumerate(row)
        ]
        *_, layer, head = min(order)
        return layer, head


def head_alignments(examples: Iterable[tuple[Trace, Links, Links]]) -> HeadAlignments:
    """Every head of cross-attention against marked sentences: a trace with its sure and possible links between words.

    Words are counted as in :func:`word_alignment`. Raises ValueError without an example or for a link to a word that is
    not there.
    """
    total: list[list[AlignmentScore]] = []
    for trace, sure, possible in examples:
        layers, heads = trace.layers("cross"), trace.heads("cross")
        if not total:
            total = [[AlignmentScore()] * heads for _ in range(layers)]
        for layer in range(layers):
            for head in range(heads):
                words = word_alignment(trace, layer, head)
                rows, columns = words.weights.shape
                if any(not (0 <= t < rows and 0 <= s < columns) for t, s in sure | possible):
                    raise ValueError(f"links go beyond {rows} target and {columns} source words")
                total[layer][head] += alignment_score(words.links, sure, possible)
    if not total:
        raise ValueError("no sentence to score heads by")
    return HeadAlignments(tuple(tuple(row) for row in total))


def _table(
    scores: tuple[tuple[AlignmentScore, ...], ...], number: Callable[[AlignmentScore], float | None]
) -> NDArray[np.float32]:
    found = [[number(score) for score in row] for row in scores]
    return np.array([[np.nan if n is None else n for n in row] for row in found], dtype=np.float32)
