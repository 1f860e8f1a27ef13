"""Sentences that a translator gets wrong, and what was measured where it went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from app import lessons
from attnviz.analysis.alignment import WordAlignment
from attnviz.analysis.writing import probability_of
from attnviz.tracing.trace import Trace


@dataclass(frozen=True)
class Error:
    """A sentence with the word that comes out wrong; see the file for the fields."""

    text: str
    wrong: str
    right: str
    at: str
    clue: str
    why: str


@dataclass(frozen=True)
class Measured:
    """At the wrong word: its probability and that of the right one's first piece, the weight on the word that it stands
    for and on the word that tells."""

    step: int
    wrong: float
    right: float
    at: float
    clue: float


@cache
def errors_of(model_id: str) -> tuple[Error, ...]:
    """The errors that are known of a model; none of most."""
    path = Path(lessons.__file__).parent / lessons.LANGUAGE / "translation_errors.yaml"
    return tuple(Error(**row) for row in yaml.safe_load(path.read_text("utf-8")).get(model_id, ()))


def measured(error: Error, trace: Trace, alignment: WordAlignment, right: int) -> Measured | None:
    """What the model did at the wrong word; None where it does not write that word. ``right`` is a token's id."""
    if error.wrong not in alignment.target_labels:
        return None
    word = alignment.target_labels.index(error.wrong)
    step = alignment.targets[word][0]
    return Measured(
        step,
        probability_of(trace, step - 1, trace.query_tokens("cross").ids[step]),
        probability_of(trace, step - 1, right),
        float(alignment.weights[word, alignment.source_labels.index(error.at)]),
        float(alignment.weights[word, alignment.source_labels.index(error.clue)]),
    )
