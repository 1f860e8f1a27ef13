"""What an encoder-decoder wrote, token by token: how likely each was, what else was likely, what it remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.alignment import Link, Links, WordAlignment, word_alignment
from attnviz.errors import SelectionError
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import NO_EDITS, AttentionKind, Edits, Floats, Trace


def log_probabilities(trace: Trace, end: int | None = None) -> Floats:
    """The natural logarithm of the probability of each target token given those before it, (token,), at most 0.

    The start token has none. With the id of the ``end`` token the probability of ending there is the last number.
    """
    logits, target = _logits(trace)
    ids = [*target.ids[1:], *([] if end is None else [end])]
    return np.array([_log_softmax(row)[i] for row, i in zip(logits, ids, strict=False)], dtype=np.float32)


def likeliest(trace: Trace, row: int, at_most: int = 5) -> list[tuple[int, float]]:
    """Ids and probabilities of the tokens most likely after target token ``row``, the likeliest first."""
    logits, _ = _logits(trace)
    if not 0 <= row < len(logits):
        raise SelectionError(f"There is no target token {row}.", f"Its tokens are 0 to {len(logits) - 1}.")
    chances = np.exp(_log_softmax(logits[row]))
    best = np.argpartition(-chances, min(at_most, len(chances) - 1))[:at_most]
    return [(int(i), float(chances[i])) for i in best[np.argsort(-chances[best], kind="stable")]]


def probability_of(trace: Trace, row: int, token: int) -> float:
    """The probability that ``token`` comes after target token ``row``."""
    logits, _ = _logits(trace)
    return float(np.exp(_log_softmax(logits[row])[token]))


def ends(trace: Trace, end: int | None) -> bool:
    """Whether the end token is the likeliest after the last one: false where a text was cut before the model ended."""
    logits, _ = _logits(trace)
    return int(logits[-1].argmax()) == end


def memory_shares(gates: Floats) -> Floats:
    """What the state of a recurrence consists of, (layer, target token, token read), the mean over channels.

    ``gates`` is (layer, target token, channel). From c_t = f_t c_(t-1) + (1 - f_t) x_t follows that token s has the share
    (1 - f_s) times all gates after s in the state after t; a row sums to 1 but for what is left of the empty state at
    the start. Nothing of a later token is in it.
    """
    layers, tokens, _ = gates.shape
    shares = np.zeros((layers, tokens, tokens), np.float32)
    for t in range(tokens):
        kept = np.ones_like(gates[:, 0])  # (layer, channel)
        for s in range(t, -1, -1):
            shares[:, t, s] = (kept * (1 - gates[:, s])).mean(axis=-1)
            kept = kept * gates[:, s]
    return shares


def crossings(links: Links) -> tuple[tuple[Link, Link], ...]:
    """Pairs of links that cross: the earlier target word comes from the later source word. In order of the target."""
    ordered = sorted(links)
    return tuple(
        (one, other)
        for number, one in enumerate(ordered)
        for other in ordered[number + 1 :]
        if one[0] < other[0] and one[1] > other[1]
    )


def clearest_crossing(alignment: WordAlignment) -> tuple[Link, Link] | None:
    """Of the links that cross between neighbouring words of the source, those with the most weight, the earlier target
    word first; None where none cross. Signs are no words here."""
    found = [
        (float(alignment.weights[one] * alignment.weights[other]), one, other)
        for one, other in crossings(alignment.links)
        if one[1] - other[1] == 1 and all(alignment.source_labels[link[1]].isalpha() for link in (one, other))
    ]
    return max(found)[1:] if found else None


@dataclass(frozen=True)
class WordChanges:
    """Two texts word by word: the words of the new one, and which of them the old one does not have at that place."""

    words: tuple[str, ...]
    changed: tuple[bool, ...]
    lost: int

    @property
    def count(self) -> int:
        """How many words are other ones: the larger of those that came and those that went."""
        return max(sum(self.changed), self.lost)


def word_changes(old: str, new: str) -> WordChanges:
    """The words of ``new``, split at spaces, with those marked that are not in the longest common parts with ``old``."""
    before, after = old.split(), new.split()
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    same = {i for block in blocks for i in range(block.b, block.b + block.size)}
    return WordChanges(
        tuple(after),
        tuple(i not in same for i in range(len(after))),
        len(before) - sum(b.size for b in blocks),
    )


def single_heads(layers: int, heads: int, kind: AttentionKind = "cross") -> tuple[Edits, ...]:
    """First no edit, then each head of each layer switched off alone: layers x heads + 1."""
    return (
        NO_EDITS,
        *(Edits(ablate_heads=((kind, layer, head),)) for layer in range(layers) for head in range(heads)),
    )


def all_heads_off(layers: int, heads: int, kind: AttentionKind = "cross") -> Edits:
    """Every head of a kind switched off."""
    return Edits(ablate_heads=tuple((kind, layer, head) for layer in range(layers) for head in range(heads)))


@dataclass(frozen=True, eq=False)
class HeadChanges:
    """How many texts come out otherwise when a head is switched off: ``changed`` (layer, head) of ``texts``."""

    changed: NDArray[np.int64]
    texts: int = 0

    @classmethod
    def none(cls, layers: int, heads: int) -> HeadChanges:
        """Before the first text."""
        return cls(np.zeros((layers, heads), np.int64))

    def with_text(self, written: Sequence[Tokens]) -> HeadChanges:
        """One text more: what was written as it is, then with each head off, as :func:`single_heads` orders them."""
        if len(written) != self.changed.size + 1:
            raise ValueError(f"{len(written)} results for {self.changed.size} heads and one without edits")
        plain, *others = written
        other = np.array([tokens.ids != plain.ids for tokens in others]).reshape(self.changed.shape)
        return HeadChanges(self.changed + other, self.texts + 1)

    @property
    def shares(self) -> Floats:
        """The share of texts that change, (layer, head), 0 to 1."""
        return (self.changed / max(self.texts, 1)).astype(np.float32)

    @property
    def most_needed(self) -> tuple[int, int]:
        """(layer, head) of the head that changes most texts, the first of equal ones."""
        layer, head = np.unravel_index(int(self.changed.argmax()), self.changed.shape)
        return int(layer), int(head)


def clearness(weights: Floats) -> float:
    """How much a map (target word, source word) looks like an alignment, where nobody has marked one: 0 to 1.

    The mean of the largest weight of each row, times the share of source words (or of rows, where these are fewer) that
    are somebody's largest. 1 where each word looks at one word of its own.
    """
    if not weights.size:
        return 0.0
    looked_at = len(set(weights.argmax(axis=1).tolist()))
    return float(weights.max(axis=1).mean()) * looked_at / min(weights.shape)


def _logits(trace: Trace) -> tuple[Floats, Tokens]:
    if trace.logits is None or trace.target_tokens is None:
        raise SelectionError("This model writes no text.", "Choose one with an encoder and a decoder.")
    return trace.logits, trace.target_tokens


def _log_softmax(logits: Floats) -> NDArray[np.float64]:
    """In double precision: 32,000 small numbers are summed."""
    shifted = logits.astype(np.float64) - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def by_word(trace: Trace) -> bool:
    """Whether words are what the two texts have in common; false where a single word is read or written in pieces, as a
    model of spelling does with letters."""
    for tokens in (trace.query_tokens("cross"), trace.key_tokens("cross")):
        words = {word for word in tokens.words if word >= 0}
        if len(words) == 1 and sum(not special for special in tokens.special) > 1:
            return False
    return True


def small_maps(maps: Floats, most: int = 32) -> Floats:
    """Maps (…, row, column) with at most ``most`` cells a side: of neighbouring cells the largest weight is kept."""
    for axis in (maps.ndim - 2, maps.ndim - 1):
        count = maps.shape[axis]
        if count > most:
            maps = np.maximum.reduceat(maps, np.arange(most) * count // most, axis=axis)
    return maps


def aligned_maps(trace: Trace, *, merge_words: bool = True) -> Floats:
    """Every head of cross-attention between words, (layer, head, target word, source word); see
    :func:`attnviz.analysis.alignment.word_alignment`."""
    return np.stack(
        [
            np.stack(
                [
                    word_alignment(trace, layer, head, merge_words=merge_words).weights
                    for head in range(trace.heads("cross"))
                ]
            )
            for layer in range(trace.layers("cross"))
        ]
    )


def earlier_shares(trace: Trace, row: int) -> Floats:
    """What of the target read so far a decoder has at hand after token ``row``, (layer, token up to ``row``).

    A recurrence: what its state consists of (:func:`memory_shares`). Self-attention: where its heads look, on average.
    """
    if trace.gates is not None:
        return memory_shares(trace.gates[:, : row + 1])[:, row]
    kind: AttentionKind = "decoder"
    return np.stack(
        [trace.weights(kind, layer).mean(axis=0)[row, : row + 1] for layer in range(trace.layers(kind))]
    )
