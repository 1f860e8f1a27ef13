"""Where a word looks: the head that looks hardest from it at another word, and what a row of weights says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_view import Groups, merged
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionKind, Floats, Trace

LONGEST_WORD = 30
"""Characters between two spaces that still count as one word."""


NEAREST = 2
"""How many words back a look must reach to count."""


@dataclass(frozen=True, eq=False)
class Look:
    """From one word at all words of the text: its weights (word), in the head that looks hardest at ``key``.

    ``key`` is None for a word that has none to look at.
    """

    weights: Floats
    key: int | None
    layer: int
    head: int


def spaced_words(tokens: Tokens) -> Groups:
    """The tokens of each word as a reader sees it, cut at white space: "didn't" and "tired." are one word each.

    Special tokens are in none. A script that is written without spaces is cut as the tokenizer sees words.
    """
    groups: list[list[int]] = []
    open_word = False
    for i, surface in enumerate(tokens.surfaces):
        if tokens.special[i]:
            open_word = False
            continue
        if not surface.strip():
            open_word = False
            if surface:
                continue
        if open_word and not surface[:1].isspace():
            groups[-1].append(i)
        else:
            groups.append([i])
        open_word = not surface[-1:].isspace()
    longest = max((sum(len(tokens.surfaces[i]) for i in group) for group in groups), default=0)
    if longest <= LONGEST_WORD:
        return tuple(map(tuple, groups))
    words: dict[int, list[int]] = {}
    for i, word in enumerate(tokens.words):
        if word >= 0 and tokens.surfaces[i].strip():
            words.setdefault(word, []).append(i)
    return tuple(map(tuple, words.values()))


def hardest_looks(
    trace: Trace, kind: AttentionKind, words: Groups | None = None, first_key: int = 0
) -> tuple[Look, ...]:
    """For each word of the text, the head of all layers where it gives the most weight to one word further back.

    The word just before does not count: many heads do nothing but look there, and would always win. To a word go the
    sum of the weights to its pieces, from a word the mean over its pieces (Clark et al. 2019, section 4.1). The first
    two words have none further back: their looks have no key and show layer 0, head 0. Keys before ``first_key`` do
    not count either: nearly every head of a decoder rests on the first token (Xiao et al. 2024, section 3.1).
    """
    words = spaced_words(trace.query_tokens(kind)) if words is None else words
    every = np.stack([merged(trace.weights(kind, i), words, words) for i in range(trace.layers(kind))])
    looks = []  # every is (layer, head, word, word)
    for query in range(every.shape[2]):
        if query < NEAREST + first_key:
            looks.append(Look(every[0, 0, query], None, 0, 0))
            continue
        earlier = every[:, :, query, first_key : query + 1 - NEAREST]
        layer, head, key = np.unravel_index(earlier.argmax(), earlier.shape)
        looks.append(Look(every[layer, head, query], first_key + int(key), int(layer), int(head)))
    return tuple(looks)


def farthest_look(looks: tuple[Look, ...], least: float = 0.5) -> int:
    """The word whose look reaches farthest back with at least this weight; the strongest where none is so strong."""
    reach = [
        (i - look.key, i)
        for i, look in enumerate(looks)
        if look.key is not None and look.weights[look.key] >= least
    ]
    if reach:
        return max(reach)[1]
    strength = [(float(look.weights[look.key]), i) for i, look in enumerate(looks) if look.key is not None]
    return max(strength, default=(0.0, 0))[1]
