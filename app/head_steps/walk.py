"""The row of one query token in one head: what every part of the self-attention page starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isclose, sqrt
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app import cache, selection
from app.heads import Heads
from attnviz.analysis.attention_steps import AttentionSteps, attention_steps, softmax
from attnviz.viewer.flow import chosen_step

if TYPE_CHECKING:
    from app.lessons import Lesson
    from attnviz.tracing.trace import AttentionKind, Floats

STEPS = 8


@dataclass(frozen=True, eq=False)
class Walk:
    """The row of one query token in one head, through all steps."""

    heads: Heads
    layer: int
    head: int
    token: int

    @cached_property
    def steps(self) -> AttentionSteps:
        """All numbers of the head."""
        asking, answering = _inputs(self.heads.model_id, self.heads.text, self.heads.kind, self.layer)
        return attention_steps(self.heads.trace, self.heads.kind, self.layer, self.head, asking, answering)

    @property
    def best(self) -> int:
        """The key with the largest weight."""
        return int(self.steps.weights[self.token].argmax())

    @property
    def query(self) -> str:
        """The chosen token's label."""
        return self.heads.tokens.unique_labels[self.token]

    @property
    def keys(self) -> tuple[str, ...]:
        """The labels of the tokens that answer."""
        return self.heads.trace.key_tokens(self.heads.kind).unique_labels

    @property
    def key(self) -> str:
        """The label of the strongest key."""
        return self.keys[self.best]

    @property
    def weight(self) -> float:
        """The largest weight of the row."""
        return float(self.at(self.steps.weights))

    def at(self, matrix: Floats) -> float:
        """The cell of the query and its strongest key."""
        return float(matrix[self.token, self.best])

    @property
    def is_unscaled(self) -> bool:
        """Whether this model leaves its products as they are."""
        return isclose(self.steps.scaling, 1, rel_tol=1e-5)

    @property
    def by_root(self) -> bool:
        """Whether it divides them by the square root of the size of a query."""
        return isclose(self.steps.scaling, 1 / sqrt(self.steps.query.shape[1]), rel_tol=1e-5)

    def unscaled_weights(self) -> Floats:
        """The weights of the row if products were not scaled: the same bias and mask, the softmax of larger scores."""
        s = self.steps
        scores = np.where(s.allowed, s.products.astype(np.float64) + s.bias, -np.inf)[self.token]
        return np.asarray(softmax(scores), dtype=np.float32)

    def named(self, words: Lesson, step: int) -> str:
        """The step's place and name."""
        return words.say("step", number=step + 1, what=words.say(f"name_{step}"))

    def code(self, words: Lesson) -> str:
        """The lines that give this row in a notebook."""
        return words.code.format(
            model=self.heads.model_id,
            text=self.heads.text,
            kind=self.heads.kind,
            layer=self.layer,
            head=self.head,
            token=self.token,
        )


def present() -> int:
    """The step that is shown, from 0, kept in the address."""
    return selection.picked("step", STEPS, "step", 0, of="steps")


def choose_step(value: object) -> None:
    """A box of the diagram was pressed."""
    step = chosen_step(value, STEPS)
    if step is not None:
        selection.choose(step=step)


@st.cache_resource(max_entries=60, show_spinner=False)
def _inputs(
    model_id: str, text: str | tuple[str, str], kind: AttentionKind, layer: int
) -> tuple[Floats, Floats]:
    """What queries, and what keys and values, are made of; for cross-attention the model runs once more."""
    from attnviz.tracing.inputs import attention_input

    return attention_input(cache.model(model_id), cache.trace(model_id, text), kind, layer)
