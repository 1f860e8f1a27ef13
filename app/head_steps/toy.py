"""Attention from scratch: random vectors through the same steps, and all the code there is to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.head_steps.numbers import share
from app.widgets.lesson import Try
from attnviz.analysis.attention_steps import AttentionSteps, softmax, toy_attention

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from app.lessons import Lesson
    from attnviz.figures.palette import Mode


@dataclass(frozen=True)
class Toy:
    """Attention from scratch, with these sizes."""

    tokens: int = 4
    width: int = 5
    size: int = 4
    seed: int = 0
    causal: bool = False

    @property
    def steps(self) -> AttentionSteps:
        """All its numbers."""
        return toy_attention(self.tokens, self.width, self.size, self.seed, causal=self.causal)

    def said(self, words: Lesson) -> str:
        """What the scaling does here."""
        scaled, unscaled = self.largest()
        return words.say("toy_say", scaled=share(scaled), unscaled=share(unscaled), size=self.size)

    def data(self) -> dict[str, list[object]]:
        """Every number of every step as a row: matrix, row, column, value."""
        s = self.steps
        matrices = {
            **{"x": s.asking, "Q": s.query, "K": s.key, "V": s.value},
            **{"products": s.products, "scores": s.scores, "weights": s.weights, "output": s.output},
        }
        rows = [
            (name, row, column, float(value))
            for name, matrix in matrices.items()
            for (row, column), value in np.ndenumerate(matrix)
        ]
        return dict(
            zip(("matrix", "row", "column", "value"), map(list, zip(*rows, strict=True)), strict=True)
        )

    def code(self) -> str:
        """The same in plain NumPy."""
        mask = ["scaled = np.where(np.tri(tokens, dtype=bool), scaled, -np.inf)"] if self.causal else []
        return "\n".join(
            [
                "import numpy as np",
                "",
                f"tokens, d_model, d_k = {self.tokens}, {self.width}, {self.size}",
                f"rng = np.random.default_rng({self.seed})",
                "x = rng.normal(size=(tokens, d_model))",
                "w_q, w_k, w_v = rng.normal(size=(3, d_model, d_k)) / np.sqrt(d_model)",
                "q, k, v = x @ w_q, x @ w_k, x @ w_v",
                "scaled = q @ k.T / np.sqrt(d_k)",
                *mask,
                "weights = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)",
                "output = weights @ v",
                "print(weights.round(2))",
                "print(output.round(2))",
            ]
        )

    def largest(self) -> tuple[float, float]:
        """The largest weight with scaling, and without."""
        s = self.steps
        unscaled = softmax(np.where(s.allowed, s.products.astype(np.float64), -np.inf))
        return float(s.weights.max()), float(unscaled.max())


def long_queries(words: Lesson) -> Try:
    """A toy with long queries, where scaling matters most."""
    toy = Toy(size=16)
    scaled, unscaled = toy.largest()
    detail = words.say("try_toy_detail", size=toy.size, scaled=share(scaled), unscaled=share(unscaled))
    values = {
        "tokens": toy.tokens,
        "d_model": toy.width,
        "d_k": toy.size,
        "seed": toy.seed,
        "causal": toy.causal,
    }
    return Try(words.say("try_toy"), detail, values, "section_toy")


@st.cache_resource(max_entries=300, show_spinner=False)
def picture(toy: Toy, mode: Mode) -> go.Figure:
    """The toy's eight matrices, kept: they stay as they are while the learner walks through the steps above."""
    from attnviz.figures.attention_steps import toy_figure

    return toy_figure(toy.steps, mode)
