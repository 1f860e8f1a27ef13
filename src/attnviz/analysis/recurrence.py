"""Why transformers: what a layer costs, how far apart two tokens are, and what is left of a gradient on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from attnviz.tracing.trace import Floats

WIDTH = 64
"""Of the random recurrence: wide enough that its gradient follows the spectral radius, and narrow enough to be instant."""


@dataclass(frozen=True)
class LayerCost:
    """One row of the table: operations a layer needs, how many must follow each other, and the longest path between two
    tokens, each as a formula and as a number (constants left out, as in the source)."""

    name: str
    operations_formula: str
    operations: int
    sequential_formula: str
    sequential: int
    path_formula: str
    path: int


def layer_costs(n: int, d: int, kernel: int, neighbourhood: int) -> tuple[LayerCost, ...]:
    """Table 1 of Vaswani et al. 2017, "Attention Is All You Need", for ``n`` tokens of width ``d``.

    ``kernel`` is the width of the convolution, ``neighbourhood`` the number of tokens that restricted self-attention
    sees. The path of the convolution is that of a dilated one, log_k(n), as in the source. ValueError for numbers below
    1, or a kernel below 2.
    """
    if min(n, d, neighbourhood) < 1 or kernel < 2:
        raise ValueError("n, d and the neighbourhood must be at least 1, the kernel at least 2")
    r = min(neighbourhood, n)
    return (
        LayerCost("Self-attention", "n² · d", n * n * d, "1", 1, "1", 1),
        LayerCost("Recurrent", "n · d²", n * d * d, "n", n, "n", n),
        LayerCost(
            "Convolutional", "k · n · d²", kernel * n * d * d, "1", 1, "log_k(n)", _log_steps(n, kernel)
        ),
        LayerCost("Self-attention, restricted", "r · n · d", r * n * d, "1", 1, "n / r", math.ceil(n / r)),
    )


def gradient_norms(radius: float, steps: int, width: int = WIDTH, seed: int = 0) -> Floats:
    """What is left of a gradient after 0, 1, … ``steps`` steps back through a linear recurrence, (steps + 1), from 1.

    The recurrence is a random matrix scaled to this spectral radius, the gradient a random unit vector that goes back
    through its transpose; in the long run the norm changes by the factor ``radius`` a step (Pascanu et al. 2013). Zero
    below the smallest float.
    """
    generator = np.random.default_rng(seed)
    matrix = generator.normal(0, 1, (width, width)) / math.sqrt(width)
    matrix *= radius / np.abs(np.linalg.eigvals(matrix)).max()
    gradient = generator.normal(0, 1, width)
    log_norm, norms = 0.0, [1.0]
    gradient /= np.linalg.norm(gradient)
    for _ in range(steps):
        gradient = matrix.T @ gradient
        norm = float(np.linalg.norm(gradient))
        if norm == 0:
            norms += [0.0] * (steps + 1 - len(norms))
            break
        gradient /= norm  # kept at 1, so that hundreds of steps neither overflow nor vanish on the way
        log_norm += math.log10(norm)
        norms.append(10**log_norm if -300 < log_norm < 300 else (0.0 if log_norm < 0 else math.inf))
    with np.errstate(over="ignore", under="ignore"):
        return np.array(norms, dtype=np.float32)


def _log_steps(n: int, base: int) -> int:
    """The smallest number of layers whose receptive field ``base ** layers`` covers ``n`` tokens, at least 1."""
    layers, reach = 1, base
    while reach < n:
        layers, reach = layers + 1, reach * base
    return layers
