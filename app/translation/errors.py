"""Sentences that a translator gets wrong, and what was measured where it went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

import app.cache
from app import lessons, selection
from app.lessons import Lesson
from app.translation.record import translated
from app.widgets.lesson import Try
from attnviz.analysis.alignment import WordAlignment
from attnviz.analysis.writing import probability_of
from attnviz.figures.quantities import whole_percent
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


def known_errors(model_id: str, words: Lesson) -> list[Try]:
    """The errors of a model that it does make, each with what was measured where it went wrong."""
    found = []
    for error in errors_of(model_id):
        shown = translated(model_id, error.text)
        tokenizer = app.cache.engine().tokenizer(model_id)
        right = tokenizer(text_target=error.right, add_special_tokens=False)["input_ids"][0]
        at_error = measured(error, shown.trace, shown.best_alignment, int(right))
        if at_error is None:
            continue
        found.append(
            Try(
                error.text,
                words.say(
                    "error_other" if error.at == error.clue else "error",
                    why=error.why,
                    wrong=error.wrong,
                    right=error.right,
                    wrong_share=whole_percent(at_error.wrong),
                    right_share=whole_percent(at_error.right),
                    at=error.at,
                    at_share=whole_percent(at_error.at),
                    clue=error.clue,
                    clue_share=whole_percent(at_error.clue),
                    head=shown.best,
                ),
                {
                    selection.TEXT: error.text,
                    "own": "",
                    "cross": shown.best,
                    "step": shown.written.unique_labels[at_error.step],
                },
            )
        )
    return found
