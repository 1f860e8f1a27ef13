"""A text, what was written of it, and every map between the two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import streamlit as st

from app import cache
from app.translation import scores
from app.translation.scores import HeadScores
from attnviz.analysis.alignment import WordAlignment, word_alignment
from attnviz.analysis.writing import aligned_maps, by_word, clearest_crossing, ends, log_probabilities
from attnviz.models.spelling import spells
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import Floats, Trace


@dataclass(frozen=True, eq=False)
class Translated:
    """A text, the target that is shown (the model's own, or the learner's) and every map between them."""

    model_id: str
    text: str
    target: str | None
    trace: Trace

    @property
    def written(self) -> Tokens:
        """The target's tokens, after a start token."""
        return self.trace.query_tokens("cross")

    @property
    def layers(self) -> int:
        """Layers with cross-attention."""
        return self.trace.layers("cross")

    @property
    def heads(self) -> int:
        """Heads in each of them."""
        return self.trace.heads("cross")

    @property
    def names(self) -> list[str]:
        """Every head, layer by layer."""
        return [scores.name(layer, head) for layer in range(self.layers) for head in range(self.heads)]

    @property
    def best(self) -> str:
        """The head that aligns best."""
        return scores.name(*self.scores.best)

    @cached_property
    def merged(self) -> bool:
        """Whether pieces of words are shown as one; never of letters and sounds, however many words they spell."""
        return not spells(self.model_id) and by_word(self.trace)

    def said(self, written: Tokens) -> str:
        """What was written as a reader sees it: as text, or token by token where tokens are letters or sounds."""
        if self.merged:
            return written.text.strip()
        return " ".join(
            label for label, special in zip(written.labels, written.special, strict=True) if not special
        )

    @cached_property
    def scores(self) -> HeadScores:
        """Of marked sentences where there are some for this model, else of this text."""
        return scores.marked(self.model_id) or HeadScores.clear(self.maps)

    @cached_property
    def maps(self) -> Floats:
        """(layer, head, target word, source word)"""
        return aligned_maps(self.trace, merge_words=self.merged)

    def alignment(self, layer: int, head: int) -> WordAlignment:
        """The map of one head."""
        return word_alignment(self.trace, layer, head, merge_words=self.merged)

    @property
    def best_alignment(self) -> WordAlignment:
        """The map of the head that aligns best."""
        return self.alignment(*self.scores.best)

    @property
    def steps(self) -> tuple[str, ...]:
        """The written tokens that can be chosen, told apart."""
        return self.written.unique_labels[1:]

    @property
    def opening(self) -> str:
        """The token worth opening with: one of a crossing, else one that looks hard at a word far from its place."""
        best = self.best_alignment
        if not best.targets:
            return self.steps[0]
        crossed = clearest_crossing(best)
        far = np.abs(np.arange(len(best.targets))[:, None] - np.arange(len(best.sources)))  # (target, source)
        letters = np.array([any(map(str.isalnum, label)) for label in best.target_labels])
        strength = (best.weights * (1 + far)).max(axis=1)  # (target,)
        strength *= letters + 0.001  # a sign where there is nothing else
        return self.step_of(crossed[1][0] if crossed else int(strength.argmax()))

    def row_of(self, step: str) -> int:
        """The row of the matrices in which this token was chosen: that of the token before."""
        return self.steps.index(step)

    def step_of(self, word: int) -> str:
        """The first token of a written word."""
        return self.written.unique_labels[self.best_alignment.targets[word][0]]

    def word_of(self, alignment: WordAlignment, step: str) -> int:
        """The word that this token belongs to, the first where it belongs to none."""
        token = self.row_of(step) + 1
        return next((i for i, group in enumerate(alignment.targets) if token in group), 0)

    def rows_of(self, alignment: WordAlignment, step: str) -> tuple[str, ...]:
        """The tokens in whose rows the word of this token was chosen, in order."""
        before = ("start", *self.steps)
        return tuple(before[token - 1] for token in alignment.targets[self.word_of(alignment, step)])

    def word_label(self, step: str) -> str:
        """The word that this token belongs to, told apart from others that are written alike."""
        shown = self.best_alignment
        return shown.target_labels[self.word_of(shown, step)] if shown.targets else step

    @property
    def is_cut(self) -> bool:
        """Whether the model would have gone on writing."""
        return self.target is None and not ends(self.trace, _end(self.model_id))

    @property
    def log_probabilities(self) -> Floats:
        """Of each written token, and of ending there."""
        return log_probabilities(self.trace, _end(self.model_id))


def translated(model_id: str, text: str, target: str | None = None) -> Translated:
    """The record of a text, for everybody who reads it."""
    return _translated(model_id, text, target, cache.trace(model_id, text, target))


@st.cache_resource(max_entries=40, show_spinner=False)
def _translated(model_id: str, text: str, target: str | None, _trace: Trace) -> Translated:
    return Translated(model_id, text, target, _trace)


def _end(model_id: str) -> int | None:
    return cast("int | None", cache.engine().tokenizer(model_id).eos_token_id)
