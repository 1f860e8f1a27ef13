"""Sentences in English and Portuguese whose words were linked by hand, to score heads of a translator by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from attnviz.analysis.alignment import Link, Links

Language = Literal["en", "pt"]

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class AlignedPair:
    """A sentence and its translation, with the links between their words as (target word, source word).

    ``sure`` links are between words of content; ``possible`` ones may be drawn or left out.
    """

    source: str
    target: str
    sure: Links
    possible: Links

    @property
    def source_words(self) -> tuple[str, ...]:
        """Words and signs, as links count them."""
        return tuple(_WORD.findall(self.source))

    @property
    def target_words(self) -> tuple[str, ...]:
        """Words and signs, as links count them."""
        return tuple(_WORD.findall(self.target))


@cache
def aligned_pairs(source: Language) -> tuple[AlignedPair, ...]:
    """All pairs, read in one direction: ``source`` is the language that a model reads."""
    rows = yaml.safe_load(files(__package__).joinpath("alignment_pairs.yaml").read_text("utf-8"))
    return tuple(_pair(row, source) for row in rows)


def _pair(row: dict[str, str], source: Language) -> AlignedPair:
    sure, possible = (_links(row, row[name]) for name in ("sure", "possible"))
    if source == "en":
        return AlignedPair(row["en"], row["pt"], sure, possible)
    return AlignedPair(row["pt"], row["en"], _turned(sure), _turned(possible))


def _links(row: dict[str, str], marked: str) -> Links:
    """(Portuguese word, English word) of each "word=palavra"; a sentence has each marked word once."""
    english, portuguese = (_WORD.findall(row[language]) for language in ("en", "pt"))
    links: set[Link] = set()
    for link in marked.split():
        word, palavra = link.split("=")
        if (english.count(word), portuguese.count(palavra)) != (1, 1):
            raise ValueError(f"“{link}” does not name one word each of “{row['en']}” and “{row['pt']}”")
        links.add((portuguese.index(palavra), english.index(word)))
    return frozenset(links)


def _turned(links: Links) -> Links:
    return frozenset((source, target) for target, source in links)
