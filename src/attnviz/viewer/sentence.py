"""The learner's sentence as the picture: one step of attention above it, the steps of a recurrence below.

Drawn by ``sentence.js``. For every word of the sentence the payload carries where it looks, so that choosing
another word needs no answer from Python.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from attnviz.viewer.text import is_right_to_left, percent, steps, table, well_formed

LONGEST = 96
"""Words that are drawn at most: about eight lines of a laptop's width. The rest of a longer text is named,
not drawn."""

Role = Literal["", "query", "key"]


@dataclass(frozen=True)
class Look:
    """Where one word looks, in the head that was chosen for it.

    ``weights`` holds its weight on each word of the sentence, each from 0 to 1, together at most 1 (special
    tokens may have the rest). ``key`` is the word it looks hardest at, None where there is none to look at
    (the first word).
    """

    weights: tuple[float, ...]
    key: int | None
    layer: int
    head: int

    def __post_init__(self) -> None:
        if not all(isfinite(weight) and -1e-6 <= weight <= 1 + 1e-6 for weight in self.weights):
            raise ValueError("weights must lie between 0 and 1")
        if sum(self.weights) > 1 + 1e-3:
            raise ValueError(f"the weights of one word sum to {sum(self.weights):.4f}, more than 1")
        if self.key is not None and not 0 <= self.key < len(self.weights):
            raise ValueError(f"key {self.key} is none of {len(self.weights)} words")


@dataclass(frozen=True)
class Sentence:
    """What the picture shows. ``looks`` has one entry a word, ``query`` is the word that asks at first."""

    words: tuple[str, ...]
    looks: tuple[Look, ...]
    query: int
    model: str
    heads: int
    candidates: str

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("a sentence has at least one word")
        if len(self.looks) != len(self.words) or {len(look.weights) for look in self.looks} != {
            len(self.words)
        }:
            raise ValueError(
                f"{len(self.words)} words need as many looks with as many weights each,"
                f" not {len(self.looks)} with {sorted({len(look.weights) for look in self.looks})}"
            )
        if not 0 <= self.query < len(self.words):
            raise ValueError(f"query {self.query} is none of {len(self.words)} words")
        if any(look.key == index for index, look in enumerate(self.looks)):
            raise ValueError("the word that is looked at must be another one")


def payload(
    words: Sequence[str],
    looks: Sequence[Look],
    *,
    query: int,
    model: str,
    heads: int,
    candidates: str = "an earlier word",
    lead: bool = True,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The sentence picture's data, JSON values only.

    ``looks`` says for each word where it looks and in which head; ``heads`` is how many heads were searched
    for it, ``candidates`` among which words ("an earlier word", "another word"). ``lead`` adds the sentence
    "To carry animal to it …", which then changes at once with the word. ``theme`` is None where the page or
    the reader's system decides.

    Fields: ``words`` [{text, rtl}], ``query``, ``looks`` [{key, hops, weights, step, attention, share,
    steps, recurrence, lead, hint, note, say}], ``alt``, ``csv``, ``title``, ``theme``. Raises ValueError for
    numbers that do not fit together.
    """
    sentence = Sentence(
        tuple(well_formed(word) for word in words), tuple(looks), query, well_formed(model), heads, candidates
    )
    number = min(len(sentence.words), LONGEST)
    shown = [_look(sentence, index, number, lead) for index in range(number)]
    query = min(sentence.query, number - 1)
    return {
        "title": " ".join(sentence.words[:number]),
        "words": [{"text": word, "rtl": is_right_to_left(word)} for word in sentence.words[:number]],
        "query": query,
        "looks": shown,
        "alt": "The sentence, one arc of attention above it, the steps of a recurrent network below it.",
        "csv": _csv(sentence, number),
        "theme": theme,
    }


def chosen_word(value: object, words: int) -> int | None:
    """What the picture sent back as ``word``: an index below ``words``, or None for anything else."""
    valid = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < words
    return value if valid else None  # type: ignore[return-value]


def _look(sentence: Sentence, index: int, number: int, lead: bool) -> dict[str, Any]:
    look = sentence.looks[index]
    word = _bare(sentence.words[index])
    weights = [round(weight, 4) for weight in look.weights[:number]]
    whole = len(sentence.words)
    cut = "" if number == whole else f"The first {number} of {whole} words are shown."
    if look.key is None or look.key >= number:
        nothing = f"has no {sentence.candidates.partition(' ')[2]} to look at."
        return {
            "key": None,
            "hops": 0,
            "weights": weights,
            "lead": [[word, "query"], [f" {nothing}", ""]] if lead else [],
            "hint": "Choose any other word."
            if any(other.key is not None for other in sentence.looks[:number])
            else "No word here has one; write some more.",
            "note": cut,
            "say": f"‘{word}’ {nothing}",
        }
    key = _bare(sentence.words[look.key])
    hops = abs(index - look.key)
    weight = percent(look.weights[look.key])
    head = f"layer {look.layer}, head {look.head}"
    rest = f", a recurrent network takes {steps(hops)}. Attention takes one{', too' if hops == 1 else ''}."
    lead_parts: list[tuple[str, Role]] = [
        ("To carry ", ""),
        (key, "key"),
        (" to ", ""),
        (word, "query"),
        (rest, ""),
    ]
    note = (
        f"Measured in {sentence.model}, {head}: of all {sentence.heads} heads the one where ‘{word}’ looks"
        f" hardest at {sentence.candidates}. {cut}"
    )
    return {
        "key": look.key,
        "hops": hops,
        "weights": weights,
        "step": "1 step",
        "attention": f"attention, {weight} of its weight",
        "share": weight,
        "steps": steps(hops),
        "recurrence": "recurrence, one word after another",
        "lead": [list(part) for part in lead_parts] if lead else [],
        "hint": "Choose any word.",
        "note": note.strip(),
        "say": f"‘{word}’ looks {weight} at ‘{key}’ in {head}: 1 step of attention, {steps(hops)} of a"
        " recurrence.",
    }


def _bare(word: str) -> str:
    """A word without the punctuation around it, unless it is nothing else."""
    return re.sub(r"^[^\w]+|[^\w]+$", "", word) or word


def _csv(sentence: Sentence, number: int) -> str:
    words = sentence.words[:number]
    rows: list[list[object]] = [["word", "layer", "head", *words]]
    for word, look in zip(words, sentence.looks, strict=False):
        rows.append([word, look.layer, look.head, *(round(weight, 4) for weight in look.weights[:number])])
    return table(rows)
