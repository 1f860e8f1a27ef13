"""Hand-made records for the tests of the analysis: small enough to check by eye."""

import numpy as np

from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionCall, Trace


def made_tokens(words, special=()):
    """Tokens from pieces: "la -bel" is one word; those in ``special`` are special."""
    pieces = words.split()
    index, words_of = -1, []
    for piece in pieces:
        if piece in special:
            words_of.append(-1)
            continue
        if not piece.startswith("-"):
            index += 1
        words_of.append(index)
    ids = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    return Tokens(
        ids=tuple(ids[p] for p in pieces),
        labels=tuple(pieces),
        pieces=tuple(pieces),
        surfaces=tuple("" if p in special else p[1:] if p.startswith("-") else f" {p}" for p in pieces),
        raw_bytes=tuple(b"" if p in special else p.removeprefix("-").encode() for p in pieces),
        special=tuple(p in special for p in pieces),
        words=tuple(words_of),
        segments=(0,) * len(pieces),
    )


def made_trace(weights, tokens, *, kind="encoder", causal=False, target=None):
    """A trace whose weights (layer, head, query, key) are the given ones: their logarithms are the bias."""
    weights = np.asarray(weights, dtype=np.float32)
    _, heads, rows, columns = weights.shape
    with np.errstate(divide="ignore"):
        scores = np.maximum(
            np.log(weights), -60
        )  # the softmax gives 0 at float32, and the mask stays what it is
    if causal:
        scores = np.where(np.tril(np.ones((rows, columns), dtype=bool)), scores, np.finfo(np.float32).min)
    calls = tuple(
        AttentionCall(
            kind=kind,
            layer=layer,
            query=np.zeros((heads, rows, 1), np.float32),
            key=np.zeros((heads, columns, 1), np.float32),
            value=np.zeros((heads, columns, 1), np.float32),
            scaling=1.0,
            bias=of_layer,
        )
        for layer, of_layer in enumerate(scores)
    )
    return Trace("made", tokens, calls, np.zeros((len(calls) + 1, rows, 1), np.float32), target_tokens=target)


def even(rows, causal=False):
    """Even attention (query, key) over what the mask allows."""
    allowed = np.tril(np.ones((rows, rows))) if causal else np.ones((rows, rows))
    return allowed / allowed.sum(axis=1, keepdims=True)
