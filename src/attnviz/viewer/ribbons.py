"""Two texts and the attention between them: what a model read above, what it wrote below, ribbons between.

Drawn by ``ribbons.js``. The payload carries the weights of one head, and every head as a small picture with its
score; another head is asked for with an event, so that long texts and many heads stay cheap to send.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from attnviz.tracing.trace import Floats
from attnviz.viewer.text import is_right_to_left, percent, table, well_formed

LONGEST = 96
"""Words of either text that are drawn at most; the rest of a longer one is named, not drawn."""

_NAMED = 0.03


@dataclass(frozen=True, eq=False)
class Head:
    """One head of the overview: its ``score`` as it is written ("94 %") and what it means.

    ``thumbnail`` is its weights, small: (row, column), each cell's place on the palette from 0 to 255.
    """

    name: str
    score: str
    meaning: str
    thumbnail: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.thumbnail.ndim != 2 or not self.thumbnail.size or self.thumbnail.dtype != np.uint8:
            raise ValueError(
                f"a thumbnail has rows and columns of bytes, not {self.thumbnail.shape} {self.thumbnail.dtype}"
            )


def payload(
    source: Sequence[str],
    target: Sequence[str],
    weights: Floats,
    *,
    word: int,
    heads: Sequence[Head] = (),
    across: int = 1,
    head: int = 0,
    palette: Mapping[str, Sequence[str]] | None = None,
    caption: str = "",
    note: str = "",
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The picture's data, JSON values only.

    ``weights`` is (target word, source word), each row summing to at most 1 (special tokens may have the rest);
    ``word`` is the target word that is held lit. ``heads`` are listed layer by layer, ``across`` of them in each
    layer, ``head`` is the one that is drawn. ``palette`` has the stops of their colours in "light" and "dark".
    ``caption`` says what the scores are, ``note`` where all was measured.

    Fields: ``source`` and ``target`` [{text, rtl}], ``weights``, ``word``, ``said`` {source, target: a sentence for each
    word}, ``heads`` [{score, said, places (base64, one byte a cell: its place among the colours)}], ``cells`` [rows,
    columns], ``palette``, ``across``, ``head``, ``caption``, ``hint``, ``note``, ``alt``, ``csv``, ``title``, ``theme``.
    Raises ValueError for numbers that do not fit together.
    """
    rows, columns = weights.shape
    if not source or not target or (rows, columns) != (len(target), len(source)):
        raise ValueError(f"{weights.shape} weights for {len(target)} target and {len(source)} source words")
    if not np.isfinite(weights).all() or weights.min() < -1e-6 or weights.sum(axis=1).max() > 1 + 1e-3:
        raise ValueError("the weights of a word lie between 0 and 1 and sum to 1 at most")
    if not 0 <= word < rows:
        raise ValueError(f"word {word} is none of {rows} target words")
    if heads and not 0 <= head < len(heads):
        raise ValueError(f"head {head} is none of {len(heads)}")
    if len({one.thumbnail.shape for one in heads}) > 1 or (heads and not palette):
        raise ValueError("thumbnails have one shape, and a palette")
    read = [well_formed(text) for text in source[:LONGEST]]
    written = [well_formed(text) for text in target[:LONGEST]]
    shown = weights[:LONGEST, :LONGEST]
    return {
        "title": f"{' '.join(read)} → {' '.join(written)}",
        "source": [{"text": text, "rtl": is_right_to_left(text)} for text in read],
        "target": [{"text": text, "rtl": is_right_to_left(text)} for text in written],
        "weights": shown.round(4).tolist(),
        "word": min(word, len(written) - 1),
        "said": _said(read, written, shown),
        "heads": [
            {
                "score": one.score,
                "said": ": ".join(filter(None, (one.name, one.meaning))),
                "places": b64encode(one.thumbnail.tobytes()).decode(),
            }
            for one in heads
        ],
        "cells": list(heads[0].thumbnail.shape) if heads else [1, 1],
        "palette": {mode: list(stops) for mode, stops in (palette or {}).items()},
        "across": across,
        "head": head,
        "caption": caption,
        "hint": "Choose any word.",
        "note": " ".join(filter(None, (note, _cut(len(source), len(target))))),
        "alt": "What was read above, what was written below, ribbons from each written word to those it looked at.",
        "csv": table(
            [["written", *read], *([word, *row] for word, row in zip(written, shown.tolist(), strict=True))]
        ),
        "theme": theme,
    }


def chosen(value: object, count: int) -> int | None:
    """What the picture sent back as ``word`` or ``head``: an index below ``count``, or None for anything else."""
    return value if type(value) is int and 0 <= value < count else None


def _said(read: list[str], written: list[str], weights: Floats) -> dict[str, list[str]]:
    """A sentence for each word: where it looks, or who looks at it."""
    return {
        "source": [
            _sentence(word, "is looked at by", written, column)
            for word, column in zip(read, weights.T, strict=True)
        ],
        "target": [
            _sentence(word, "looks at", read, row) for word, row in zip(written, weights, strict=True)
        ],
    }


def _sentence(word: str, does: str, others: list[str], weights: Floats) -> str:
    named = [
        f"‘{others[i]}’ {percent(float(weights[i]))}"
        for i in np.argsort(-weights, kind="stable")[:3]
        if weights[i] >= _NAMED
    ]
    return f"‘{word}’ {does} {', '.join(named) or 'no word'}"


def _cut(read: int, written: int) -> str:
    longer = [f"{name} {n}" for name, n in (("read", read), ("written", written)) if n > LONGEST]
    return f"The first {LONGEST} of the {' and '.join(longer)} words are shown." if longer else ""
