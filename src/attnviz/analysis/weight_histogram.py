"""How the numbers of one weight matrix are distributed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 20  # values at a time: the token table of a large vocabulary must not be copied whole


@dataclass(frozen=True)
class WeightHistogram:
    """``counts (bin,)`` of a matrix between ``edges (bin + 1,)``, which are equally far apart and symmetric
    to 0.

    What lies outside the outer edges is counted in the outer bins: ``counts`` sums to the size of the matrix.
    ``beyond`` is how many those are; ``near`` how many lie within two standard deviations of 0.
    ``normal (bin,)`` is how many a normal distribution of the same mean and deviation would have there.
    """

    edges: NDArray[np.float32]
    counts: NDArray[np.float32]
    normal: NDArray[np.float32]
    size: int
    mean: float
    deviation: float
    smallest: float
    largest: float
    beyond: int
    near: int


def weight_histogram(matrix: NDArray[np.floating], bins: int = 81, reach: float = 5.0) -> WeightHistogram:
    """The histogram of all numbers of ``matrix`` (any shape), ``reach`` standard deviations to each side of
    0.

    ``bins`` is odd, so that the middle one is centred on 0. ``beyond`` counts the numbers outside the range:
    with a few huge outliers (they exist: Dettmers et al. 2022) a range up to the largest would show one bar
    and nothing else. Raises ValueError for an empty matrix, an even number of bins or numbers that are not
    finite.
    """
    values = np.asarray(matrix).reshape(-1)
    if values.size == 0 or bins < 3 or bins % 2 == 0:
        raise ValueError(f"a histogram needs numbers and an odd number of bins, got {values.size} and {bins}")
    smallest, largest = float(values.min()), float(values.max())
    if not np.isfinite([smallest, largest]).all():
        raise ValueError("the matrix has numbers that are not finite")
    chunks = [values[start : start + _CHUNK] for start in range(0, values.size, _CHUNK)]
    mean = sum(float(chunk.sum(dtype=np.float64)) for chunk in chunks) / values.size
    squares = sum(float(np.square(chunk.astype(np.float64) - mean).sum()) for chunk in chunks)
    deviation = float(np.sqrt(squares / values.size))
    limit = min(reach * deviation + abs(mean), max(abs(smallest), abs(largest))) or 1.0
    edges = np.linspace(-limit, limit, bins + 1)
    counts = np.zeros(bins, dtype=np.int64)
    beyond = near = 0
    for chunk in chunks:
        away = np.abs(chunk)
        beyond += int((away > limit).sum())
        near += int((away <= 2 * deviation).sum())
        place = np.floor((chunk.astype(np.float64) + limit) * (bins / (2 * limit))).astype(np.int64)
        counts += np.bincount(np.clip(place, 0, bins - 1), minlength=bins)
    return WeightHistogram(
        edges=edges.astype(np.float32),
        counts=counts.astype(np.float32),
        normal=_normal(edges, mean, deviation, values.size),
        size=values.size,
        mean=mean,
        deviation=deviation,
        smallest=smallest,
        largest=largest,
        beyond=beyond,
        near=near,
    )


def _normal(edges: NDArray[np.float64], mean: float, deviation: float, size: int) -> NDArray[np.float32]:
    centres = (edges[:-1] + edges[1:]) / 2
    distance = np.abs(centres - mean)
    if deviation == 0:
        expected = np.where(distance == distance.min(), size, 0)
    else:
        density = np.exp(-0.5 * (distance / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
        expected = size * density * np.diff(edges)
    return np.asarray(expected, dtype=np.float32)
