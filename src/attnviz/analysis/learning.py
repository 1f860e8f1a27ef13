"""A model at several moments of its training: how near the diagonal a head looks, and how even."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnviz.analysis.alignment import word_alignment
from attnviz.tracing.trace import Floats, Trace


@dataclass(frozen=True, eq=False)
class Moment:
    """Cross-attention of a model at one step of its training, on one word and one pronunciation.

    ``weights`` is (layer, head, sound, letter); a row sums to 1 or less, as the end of the word may have the rest.
    ``diagonality`` and ``entropy`` are (layer, head). ``written`` is what the model writes by itself at that step.
    """

    step: int
    written: str
    letters: tuple[str, ...]
    sounds: tuple[str, ...]
    weights: Floats
    diagonality: Floats
    entropy: Floats


@dataclass(frozen=True)
class Measured:
    """One row of a training's log: ``loss`` is a running mean over the words of the training, with their labels smoothed;
    words right as a share of 1, and edits per sound, are of words kept for validation."""

    step: int
    loss: float
    word_accuracy: float
    phoneme_errors: float


def moment(step: int, written: str, trace: Trace) -> Moment:
    """What a trace of the model at this step shows. The row of a sound is the one in which it was chosen."""
    layers, heads = trace.layers("cross"), trace.heads("cross")
    aligned = [
        [word_alignment(trace, layer, head, merge_words=False) for head in range(heads)]
        for layer in range(layers)
    ]
    weights = np.stack([np.stack([one.weights for one in row]) for row in aligned])
    return Moment(
        step,
        written,
        aligned[0][0].source_labels,
        aligned[0][0].target_labels,
        weights,
        np.array([[diagonality(head) for head in layer] for layer in weights], np.float32),
        np.array([[mean_entropy(head) for head in layer] for layer in weights], np.float32),
    )


def diagonality(weights: Floats) -> float:
    """How near its diagonal a matrix of weights (target, source) lies: 1 on it, 0 as far from it as even weights.

    Row i of n stands at (i + 1/2) / n of the target, column j of m at (j + 1/2) / m of the source. The distance of a row
    is the mean of |row - column| under its weights; what a row lacks to 1 counts as spread evenly. The measure is
    (even - here) / (even - least), each a sum over the rows: of even weights, of these, and of rows that look at the
    nearest column alone. Below 0 a matrix lies farther from the diagonal than even weights do. 1 for a single column,
    where there is no other place. Raises ValueError for a matrix without a cell, or with rows above 1.
    """
    rows, columns = _checked(weights).shape
    distance = np.abs((np.arange(rows)[:, None] + 0.5) / rows - (np.arange(columns)[None] + 0.5) / columns)
    mean = distance.mean(axis=1)  # (target,)
    even, least = mean.sum(), distance.min(axis=1).sum()
    here = ((distance * weights).sum(axis=1) + (1 - weights.sum(axis=1)) * mean).sum()
    return float((even - here) / (even - least)) if even - least > 1e-9 else 1.0


def mean_entropy(weights: Floats) -> float:
    """Mean entropy of the rows of (target, source) in bits: 0 for one source alone, log2(n) for n alike. What a row lacks
    to 1 counts as one further source. Raises ValueError as :func:`diagonality`."""
    elsewhere = np.clip(1 - _checked(weights).sum(axis=1, keepdims=True), 0, 1)
    shares = np.concatenate([weights, elsewhere], axis=1, dtype=np.float64)
    return float(-(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1).mean())


def _checked(weights: Floats) -> Floats:
    if not weights.size or weights.sum(axis=1).max() > 1 + 1e-3:
        raise ValueError(f"weights {weights.shape} need cells, and rows that sum to 1 at most")
    return weights


def read_log(path: Path) -> tuple[Measured, ...]:
    """The log of a training, ascending by step; steps before the first loss have NaN there."""
    with path.open(newline="") as file:
        return tuple(
            Measured(
                int(row["step"]),
                float(row["loss"]),
                float(row["word_accuracy"]),
                float(row["phoneme_errors"]),
            )
            for row in csv.DictReader(file)
        )


def first_right(moments: Sequence[Moment], sound: str) -> Moment | None:
    """The earliest moment from which on the model writes this pronunciation at every later one, or None."""
    found = None
    for one in reversed(moments):
        if one.written != sound:
            break
        found = one
    return found
