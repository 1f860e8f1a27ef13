"""What the page "Watch it learn" shows of a word: the model at every moment that was kept of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache as once
from itertools import groupby
from typing import Any

import numpy as np
import streamlit as st

from app import cache
from app.lessons import Lesson, lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.learning import Measured, Moment, first_right, moment, read_log
from attnviz.figures.palette import SEQUENTIAL
from attnviz.figures.quantities import signed, whole_percent
from attnviz.models import bundled
from attnviz.models.bundled import SPELLING
from attnviz.models.spelling import normalise
from attnviz.tracing.tokens import Tokens
from attnviz.viewer import learning as picture

WORD = "spelling"
"""Key of the word that is typed on this page."""

DICTIONARY = {
    "knight": "N AY1 T",
    "psychology": "S AY0 K AA1 L AH0 JH IY0",
    "through": "TH R UW1",
    "box": "B AA1 K S",
    "rhythm": "R IH1 DH AH0 M",
    "island": "AY1 L AH0 N D",
    "choir": "K W AY1 ER0",
    "yacht": "Y AA1 T",
    "colonel": "K ER1 N AH0 L",
    "chaos": "K EY1 AA0 S",
    "sword": "S AO1 R D",
}
"""Pronunciations of the CMU Pronouncing Dictionary; rhythm and psychology were kept out of the training."""

TELLING = ("knight", "psychology", "through", "box")
_REPEATED = 4
_LONGEST = 60  # characters of what a model writes; early ones never stop


@dataclass(frozen=True, eq=False)
class Course:
    """A word through the training. ``expected`` counts as right: the dictionary's pronunciation where that is known here,
    else what the trained model writes."""

    word: str
    notes: tuple[str, ...]
    expected: str
    listed: bool
    moments: tuple[Moment, ...]
    log: tuple[Measured, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """Step of each moment, ascending."""
        return tuple(one.step for one in self.moments)

    @property
    def heads(self) -> int:
        """Heads of all layers together."""
        return self.moments[0].diagonality.size

    @property
    def nearest(self) -> int:
        """The head that lies nearest the diagonal when trained, counted through the layers."""
        return int(self.moments[-1].diagonality.argmax())

    def name(self, head: int, words: Lesson) -> str:
        """What a head is called."""
        layer, number = divmod(head, self.moments[0].diagonality.shape[1])
        return words.say("head", layer=layer, head=number)

    def said(self, at: int, head: int, words: Lesson) -> str:
        """What this head does at this moment, with its numbers, against the beginning."""
        now, before = self.moments[at], self.moments[0]
        near, even = float(now.diagonality.flat[head]), float(now.entropy.flat[head])
        name = self.name(head, words)
        if not at:
            return words.say("said_first", head=name, near=signed(near), bits=signed(even))
        return words.say(
            "said",
            head=name,
            near=signed(near),
            bits=signed(even),
            before=signed(float(before.diagonality.flat[head])),
            bits_before=signed(float(before.entropy.flat[head])),
        )

    def summary(self, words: Lesson) -> str:
        """Since when the word is right, and how many heads have come to lie near the diagonal."""
        last = self.moments[-1]
        near = int((last.diagonality > 0.5).sum())
        before = int((self.moments[0].diagonality > 0.5).sum())
        since = first_right(self.moments, self.expected)
        if since:
            verdict = words.say("right_since", step=f"{since.step:,}", word=self.word, sounds=self.expected)
        else:
            verdict = words.say("never_right", word=self.word, sounds=self.expected, written=last.written)
        return f"{verdict} " + words.say("heads_near", near=near, heads=self.heads, before=before)

    def payload(self, at: int, head: int, words: Lesson) -> dict[str, Any]:
        """The picture's data."""
        return picture.payload(
            self.moments,
            self.log,
            title=self.word,
            expected=self.expected,
            said=[[self.said(i, j, words) for j in range(self.heads)] for i in range(len(self.moments))],
            chosen=(at, head),
            palette=SEQUENTIAL,
            mark=words.say("right" if self.listed else "as_trained"),
            note=words.say(
                "note",
                rows=words.say("rows_right" if self.listed else "rows_trained"),
                words=whole_percent(self.log[-1].word_accuracy),
                word=self.word,
            ),
        )

    def questions(self, words: Lesson) -> list[Question]:
        """Predictions about this word, answered from its moments."""
        found = []
        written = list(dict.fromkeys(one.written for one in self.moments if one.written))
        middle = next((i for i, one in enumerate(self.moments) if one.step >= 100), 0)
        if len(written) > 2:
            here = self.moments[middle]
            choices = sorted(dict.fromkeys([here.written, written[-1], written[0], *written]))[:4]
            choices = sorted({here.written, *choices[:3]})
            found.append(
                Question(
                    "early",
                    words.say("ask_early", step=f"{here.step:,}", word=self.word),
                    choices,
                    here.written,
                    words.say(
                        "because_early" if self.listed else "because_early_trained",
                        step=f"{here.step:,}",
                        written=here.written,
                        sounds=self.expected,
                    ),
                    {"moment": middle},
                )
            )
        near = self.moments[-1].diagonality
        layers = [float(layer.mean()) for layer in near]
        best = int(np.argmax(layers))
        if len(layers) > 1 and len({round(value, 2) for value in layers}) == len(layers):
            found.append(
                Question(
                    "layer",
                    words.say("ask_layer"),
                    [words.say("layer", layer=i) for i in range(len(layers))],
                    words.say("layer", layer=best),
                    words.say(
                        "because_layer",
                        values=", ".join(f"{i}: {signed(value)}" for i, value in enumerate(layers)),
                    ),
                    {
                        "moment": len(self.moments) - 1,
                        "head": best * near.shape[1] + int(near[best].argmax()),
                    },
                )
            )
        return found

    def code(self, words: Lesson, head: int) -> str:
        """The lines that give the page's numbers."""
        layer, number = divmod(head, self.moments[0].diagonality.shape[1])
        return words.code.format(word=self.word, sounds=self.expected, layer=layer, head=number)


@st.cache_resource(max_entries=200, show_spinner=False)
def course(text: str) -> Course:
    """A word at every moment. Raises :class:`attnviz.errors.TextError` for a text that the model cannot read."""
    word, notes = normalise(text)
    grown = _written(cache.trace(SPELLING, word).target_tokens)
    expected = DICTIONARY.get(word, grown)
    kept = {**bundled.youth(), log()[-1].step: SPELLING}
    moments = [
        moment(step, _written(cache.trace(model, word).target_tokens), cache.trace(model, word, expected))
        for step, model in kept.items()
    ]
    return Course(word, notes, expected, word in DICTIONARY, tuple(moments), log())


@once
def log() -> tuple[Measured, ...]:
    """The log of the training."""
    return read_log(bundled.training_log())


def suggestions(words: Lesson, current: str) -> list[Try]:
    """Words that show something; what the trained model makes of each is written now."""
    found = []
    for word in TELLING:
        if word != current:
            letters, sounds = len(word), len(DICTIONARY[word].split())
            detail = words.say("try_detail", letters=letters, sounds=sounds)
            found.append(Try(words.say("try", word=word), detail, {WORD: word}))
    wrong = next((word for word in DICTIONARY if word not in (current, *TELLING) and not _knows(word)), None)
    if wrong:
        detail = words.say("try_wrong_detail", written=_grown(wrong), sounds=DICTIONARY[wrong])
        found.append(Try(words.say("try_wrong", word=wrong), detail, {WORD: wrong}))
    return found[-4:]


def place(value: object, course: Course) -> tuple[int, int] | None:
    """What the picture sent back, checked."""
    if isinstance(value, Mapping):
        return picture.chosen_place(value, len(course.moments), course.heads)
    return None


def _knows(word: str) -> bool:
    return _grown(word) == DICTIONARY[word]


@st.cache_data(show_spinner=False)
def _grown(word: str) -> str:
    return _written(cache.trace(SPELLING, word).target_tokens)


def _written(tokens: Tokens | None) -> str:
    """The sounds, with long repetitions of one counted: an untrained model goes on and on."""
    labels = (tokens.labels if tokens else ())[1:]
    if tokens and labels and all(tokens.special[1:]):
        return lesson("learning").say("padding", count=len(labels))
    parts: list[str] = []
    for label, run in groupby(labels):
        count = len(list(run))
        parts += [f"{label} × {count}"] if count >= _REPEATED else [label] * count
    text = " ".join(parts)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rpartition(' ')[0]} …"
