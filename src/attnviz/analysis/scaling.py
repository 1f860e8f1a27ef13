"""What grows when a model grows: sizes of many models side by side, the power laws between them, and what training costs.

Everything here is arithmetic on exact counts; nothing is measured on a running model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.memory import training_flops
from attnviz.errors import SelectionError

if TYPE_CHECKING:
    from attnviz.models.parameter_count import ParameterCount

TOKENS_PER_PARAMETER = 20
"""For a given budget of compute the loss is lowest at about this many training tokens for each parameter (Hoffmann et
al. 2022, table 3: 20.2 billion tokens for 1 billion parameters, 1.5 trillion for 67 billion)."""

FEWEST = 4
"""A law with a factor and two exponents goes through any three models; only from the fourth on can it be wrong."""


@dataclass(frozen=True)
class ModelSize:
    """One model as a point in the charts.

    ``layers`` are those of both stacks, ``heads`` those of one layer. ``embeddings`` are the parameters by which tokens
    come in and go out: tables of tokens and positions, and an output head of its own. ``tokens`` is what it was trained
    on, None where nobody said.
    """

    name: str
    family: str
    width: int
    layers: int
    heads: int
    parameters: int
    embeddings: int
    tokens: int | None = None

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.heads) < 1 or not 0 <= self.embeddings < self.parameters:
            raise ValueError(f"{self.name} has no size: {self}")

    @property
    def rest(self) -> int:
        """Parameters that are no embeddings, nearly all of them in the layers; at least 1."""
        return self.parameters - self.embeddings

    @property
    def share(self) -> float:
        """Share of the embeddings, from 0 to below 1."""
        return self.embeddings / self.parameters


def model_size(count: ParameterCount, name: str, family: str, tokens: int | None = None) -> ModelSize:
    """The size of a counted model. Raises ValueError for a count without an architecture."""
    shape = count.architecture
    if shape is None:
        raise ValueError("only a model of a supported family has a width and layers")
    outside = ("embeddings", "positions", "head")
    return ModelSize(
        name=name,
        family=family,
        width=shape.d_model,
        layers=shape.encoder_layers + shape.decoder_layers,
        heads=max(shape.encoder_heads, shape.decoder_heads),
        parameters=count.total,
        embeddings=sum(p.count for p in count.parts if p.layer is None and p.component in outside),
        tokens=tokens,
    )


@dataclass(frozen=True)
class Exponent:
    """A fitted power with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PowerLaw:
    """``rest`` = factor · width^a · layers^b, as it fits ``models`` models best.

    ``explained`` is the share of the variance of the logarithm that it accounts for, at most 1.
    """

    width: Exponent
    layers: Exponent
    factor: float
    explained: float
    models: int

    def predicted(self, width: float, layers: float) -> float:
        """How many parameters the law expects in a model of this width and depth."""
        return self.factor * width**self.width.value * layers**self.layers.value

    def surprise(self, size: ModelSize) -> float:
        """How many times more parameters a model has than the law expects, above 0."""
        return size.rest / self.predicted(size.width, size.layers)


def fitted_law(sizes: Sequence[ModelSize]) -> PowerLaw:
    """The power law between width, depth and parameters without embeddings: least squares on the logarithms.

    With both in it, each exponent is what one does while the other stands still. Raises :class:`SelectionError` for fewer
    than four models, and where width and depth do not vary independently.
    """
    if len(sizes) < FEWEST:
        raise SelectionError(
            f"A law of width and depth needs {FEWEST} models; there are {len(sizes)} here.",
            "Choose a larger family.",
        )
    x = np.log([[size.width, size.layers] for size in sizes])
    y = np.log([size.rest for size in sizes])  # (model)
    inputs = np.column_stack([x - x.mean(axis=0), np.ones(len(y))])  # (model, 3): width, layers, 1
    if np.linalg.matrix_rank(inputs, tol=1e-6) < 3:
        raise SelectionError(
            "These models do not differ in width and depth independently.", "Choose a larger family."
        )
    powers, *_ = np.linalg.lstsq(inputs, y, rcond=None)
    error = y - inputs @ powers
    free = len(y) - 3
    spread = np.sqrt((error @ error) / free * np.linalg.inv(inputs.T @ inputs).diagonal())
    reach = t_quantile(free) * spread
    a, b = (
        Exponent(float(p), float(p - r), float(p + r)) for p, r in zip(powers[:2], reach[:2], strict=True)
    )
    around = y - y.mean()
    return PowerLaw(
        width=a,
        layers=b,
        factor=exp(float(powers[2] - powers[:2] @ x.mean(axis=0))),
        explained=float(1 - (error @ error) / max(around @ around, 1e-300)),
        models=len(y),
    )


@cache
def t_quantile(freedom: int, two_sided: float = 0.95) -> float:
    """Within how many standard errors a mean with so many degrees of freedom lies with probability ``two_sided``.

    Student's t. With t = sqrt(freedom) · tan(angle) its density is cos(angle)^(freedom - 1), summed here numerically; four
    digits are right.
    """
    if freedom < 1:
        raise ValueError("a spread needs at least one degree of freedom")
    angle: NDArray[np.float64] = np.linspace(0, np.pi / 2, 200_001)
    density = np.cos(angle[:-1] + angle[1] / 2) ** (freedom - 1)
    inside = np.concatenate([[0.0], np.cumsum(density)])
    return sqrt(freedom) * float(np.tan(np.interp(two_sided, inside / inside[-1], angle)))


@dataclass(frozen=True)
class TrainingBudget:
    """What it takes to train ``parameters`` on ``tokens``."""

    parameters: int
    tokens: int

    def __post_init__(self) -> None:
        if min(self.parameters, self.tokens) < 1:
            raise ValueError("a model has parameters and is trained on tokens")

    @cached_property
    def flops(self) -> int:
        """6 · parameters · tokens (Kaplan et al. 2020)."""
        return training_flops(self.parameters, self.tokens)

    @property
    def tokens_per_parameter(self) -> float:
        """To be compared with ``TOKENS_PER_PARAMETER``."""
        return self.tokens / self.parameters

    @cached_property
    def optimal(self) -> TrainingBudget:
        """The model and number of tokens that the same compute would be spent on best (Hoffmann et al. 2022).

        With D = 20 N, compute is 6 · N · 20 N, so N = sqrt(compute / 120).
        """
        parameters = max(1, round(sqrt(self.flops / (6 * TOKENS_PER_PARAMETER))))
        return TrainingBudget(parameters, max(1, round(self.flops / (6 * parameters))))


def compute_optimal_tokens(parameters: int) -> int:
    """Training tokens that suit a model of so many parameters, as compute goes (Hoffmann et al. 2022)."""
    return TOKENS_PER_PARAMETER * parameters


def growth(before: int, after: int, times: float = 2) -> float:
    """The power with which a number grew when something else grew ``times`` times: 2 if it quadrupled at twice."""
    if min(before, after) < 1 or times <= 1:
        raise ValueError("only what grows from something has a power")
    return log(after / before) / log(times)
