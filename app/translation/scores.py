"""How well each head aligns: against words that people marked where there are some, else by how clear its map is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import cache
from app.lessons import Lesson
from app.translation.sentences import DIRECTIONS, sentences_of
from attnviz.analysis.alignment import AlignmentScore, head_alignments
from attnviz.analysis.alignment_pairs import aligned_pairs
from attnviz.analysis.writing import clearness
from attnviz.figures.quantities import whole_percent
from attnviz.tracing.trace import Floats


@dataclass(frozen=True, eq=False)
class HeadScores:
    """How well each head aligns, (layer, head) from 0 to 1; with counts where words were marked by hand."""

    shares: Floats
    counts: tuple[tuple[AlignmentScore, ...], ...] = ()

    @classmethod
    def clear(cls, maps: Floats) -> HeadScores:
        """How clear the maps (layer, head, target word, source word) of one text are."""
        return cls(np.array([[clearness(of_head) for of_head in of_layer] for of_layer in maps], np.float32))

    @property
    def best(self) -> tuple[int, int]:
        """(layer, head) of the highest score, the first of equal ones."""
        return self._at(int(np.nan_to_num(self.shares, nan=-1).argmax()))

    @property
    def worst(self) -> tuple[int, int]:
        """(layer, head) of the lowest score, the first of equal ones."""
        return self._at(int(np.nan_to_num(self.shares, nan=2).argmin()))

    @property
    def marked(self) -> bool:
        """Whether the scores are of links that people marked."""
        return bool(self.counts)

    def percent(self, layer: int, head: int) -> str:
        """The score of a head as it is written."""
        return whole_percent(float(self.shares[layer, head]))

    def meaning(self, words: Lesson, layer: int, head: int) -> str:
        """What the score of a head says."""
        if not self.marked:
            return words.say("clear", share=self.percent(layer, head))
        score = self.counts[layer][head]
        return words.say("right", right=score.right, words=score.words, error=f"{score.error_rate or 0:.2f}")

    def caption(self, words: Lesson, model_id: str) -> str:
        """What the scores of all heads are."""
        if not self.marked:
            return words.say("caption_clear")
        return words.say(
            "caption_marked", words=self.counts[0][0].words, sentences=len(sentences_of(model_id))
        )

    def _at(self, number: int) -> tuple[int, int]:
        layer, head = np.unravel_index(number, self.shares.shape)
        return int(layer), int(head)


def name(layer: int, head: int) -> str:
    """A head as the page names it."""
    return f"L{layer}H{head}"


def prepare(model_id: str) -> None:
    """Score the heads of a model now, so that the first learner need not wait for it."""
    marked(model_id)


@st.cache_resource(max_entries=20, show_spinner=False)
def marked(model_id: str) -> HeadScores | None:
    """Every head against the marked sentences of the model's language; takes a second, once a server."""
    if model_id not in DIRECTIONS:
        return None
    examples = [
        (cache.trace(model_id, pair.source, pair.target), pair.sure, pair.possible)
        for pair in aligned_pairs(DIRECTIONS[model_id])
    ]
    found = head_alignments(examples)
    return HeadScores(found.accuracy, found.scores)
