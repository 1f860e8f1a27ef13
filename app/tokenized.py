"""A text through one tokenizer and through all at hand: what the Tokens page shows and asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from app import cache, selection
from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.tokenization import split_words, token_count
from attnviz.errors import TextError
from attnviz.models.catalog import catalog, title_of
from attnviz.models.spelling import spells
from attnviz.tracing.pieces import Vocabulary
from attnviz.tracing.tokens import Tokens
from attnviz.viewer.text import is_right_to_left


@dataclass(frozen=True, eq=False)
class Tokenized:
    """A text as one model reads it."""

    model_id: str
    text: str
    tokens: Tokens
    vocabulary: Vocabulary

    @property
    def rtl(self) -> bool:
        """Whether the text is read from right to left."""
        return is_right_to_left(self.text)

    @property
    def start(self) -> int:
        """The token that is worth a look at first: one of a word that is split, else the longest."""
        split = split_words(self.tokens)
        if split:
            return split[0][1][0]
        return max(
            range(len(self.tokens)), key=lambda i: (not self.tokens.special[i], len(self.tokens.surfaces[i]))
        )

    def facts(self, words: Lesson, i: int) -> list[tuple[str, str]]:
        """All that can be said of a token."""
        tokens = self.tokens
        data = tokens.raw_bytes[i]
        absent = words.say("lost_bytes" if tokens.unknown[i] else "no_bytes")
        rank = self.vocabulary.rank(tokens.ids[i])
        return [
            (words.say("id"), f"{tokens.ids[i]:,}"),
            (words.say("string"), tokens.pieces[i]),
            (words.say("bytes"), data.hex(" ").upper() if data else absent),
            (
                words.say("rank"),
                words.say("rank_of", rank=rank, size=self.vocabulary.size) if rank is not None else "–",
            ),
            (words.say("word"), self._place(words, i)),
        ]

    def _place(self, words: Lesson, i: int) -> str:
        """What a token is in the text."""
        group = self._groups[i]
        if self.tokens.special[i]:
            return words.say("special")
        if self.tokens.unknown[i]:
            return words.say("unknown", text=self.tokens.surfaces[i].strip())
        if len(group) > 1:
            return words.say("part", part=group.index(i) + 1, of=len(group))
        return words.say("whole")

    @cached_property
    def _groups(self) -> list[tuple[int, ...]]:
        """For each token all of its word."""
        return [group for group in self.tokens.word_groups for _ in group]

    def all_facts(self, words: Lesson) -> list[list[tuple[str, str]]]:
        """The facts of each token."""
        return [self.facts(words, i) for i in range(len(self.tokens))]

    @property
    def title(self) -> str:
        """What a saved picture of the tokens is headed with."""
        return f"{title_of(self.model_id)}: {' '.join(self.text.split())[:80]}"

    def splits(self, limit: int = 12) -> tuple[list[str], list[str]]:
        """Words and signs that take several tokens, and their pieces."""
        found = split_words(self.tokens)[:limit]
        return [word for word, _ in found], [
            " ".join(self.tokens.labels[i] for i in group) for _, group in found
        ]

    def not_split(self, words: Lesson) -> str:
        """What is said where no word takes several tokens."""
        unknown = [
            s.strip() for s, lost in zip(self.tokens.surfaces, self.tokens.unknown, strict=True) if lost
        ]
        if unknown:
            return words.say("splits_unknown", signs=", ".join(dict.fromkeys(unknown)))
        return words.say("splits_none")

    def said(self, words: Lesson) -> str:
        """The text in numbers, as a sentence."""
        count = token_count(self.tokens)
        return words.say(
            "said" if count.words else "said_signs",
            title=title_of(self.model_id),
            tokens=_counted(count.tokens, "token"),
            text=_counted(count.words, "word"),
            special=count.special or "none",
            split=_counted(count.split_words, "word") if count.split_words else "none",
        )

    def questions(self, words: Lesson) -> list[Question]:
        """Predict how many tokens a word takes, of one that another press would show."""
        asked = [w for w in words.words["candidates"].split() if w not in self.text.split()]
        for word in asked:
            made = cache.engine().tokens(self.model_id, word)
            pieces = [i for i, special in enumerate(made.special) if not special]
            if len(pieces) > 1:
                first = max(1, len(pieces) - 1 - len(word) % 3)
                choices = [str(n) for n in range(first, first + 5)]
                reason = words.say("split_reason", word=word, pieces=" ".join(made.labels[i] for i in pieces))
                question = words.say("split_question", word=word, title=title_of(self.model_id))
                return [
                    Question("pieces", question, choices, str(len(pieces)), reason, {selection.TEXT: word})
                ]
        return []


def tokenized(model_id: str, text: str) -> Tokenized:
    """The text as this model reads it. Raises what the engine's ``tokens`` raises."""
    return Tokenized(model_id, text, cache.engine().tokens(model_id, text), vocabulary(model_id))


@st.cache_resource(max_entries=20, show_spinner=False)
def vocabulary(model_id: str) -> Vocabulary:
    """The vocabulary of a model's tokenizer, kept: to rank a piece all entries are looked through, for some 45 ms."""
    return Vocabulary(cache.engine().tokenizer(model_id))


def side_by_side(text: str, model_id: str) -> dict[str, list[str]]:
    """The counts of every tokenizer on this machine that reads this text: a column a fact, a row a model."""
    rows = [(title_of(i), token_count(made), i) for i, made in _readers(text, model_id) if made]
    return {
        "Model": [title for title, _, _ in rows],
        "Tokens": [f"{count.tokens:,}" for _, count, _ in rows],
        "Special": [str(count.special) for _, count, _ in rows],
        "Tokens per word": [
            f"{count.tokens_per_word:.2f}" if count.tokens_per_word else "–" for _, count, _ in rows
        ],
        "Bytes per token": [f"{count.bytes_per_token:.2f}" for _, count, _ in rows],
        "Unknown": [str(count.unknown) for _, count, _ in rows],
        "Vocabulary": [f"{vocabulary(i).size:,}" for _, _, i in rows],
    }


def left_out(text: str, model_id: str) -> list[str]:
    """The names of models on this machine that read no such text."""
    return [title_of(i) for i, made in _readers(text, model_id) if made is None]


def _readers(text: str, model_id: str) -> list[tuple[str, Tokens | None]]:
    """Every model on this machine, the chosen one last where it is not, with what it reads."""
    ids = dict.fromkeys([*(e.id for e in catalog() if e.bundled), *selection.cached_ids(), model_id])
    return [(i, _read(i, text)) for i in ids]


def suggestions(model_id: str, words: Lesson) -> list[Try]:
    """Texts whose tokens are worth seeing, each with what this model makes of it."""
    found = []
    for name in ("letters", "gap") if spells(model_id) else ("long", "spaces", "emoji", "arabic"):
        text = words.words[f"try_{name}_text"]
        made = _read(model_id, text)
        if made is None:
            continue
        count = token_count(made)
        spaces = sum(
            not special and not data.strip()
            for special, data in zip(made.special, made.raw_bytes, strict=True)
        )
        detail = words.say(
            f"try_{name}_detail",
            tokens=_counted(count.tokens, "token"),
            words=_counted(count.words, "word"),
            bytes=count.bytes,
            unknown=count.unknown,
            spaces=_counted(spaces, "token") if spaces else "no token",
        )
        found.append(Try(words.say(f"try_{name}"), detail, {selection.TEXT: text}))
    return found


def _read(model_id: str, text: str) -> Tokens | None:
    """What a model reads of a text, or None where it reads no such text."""
    try:
        return cache.engine().tokens(model_id, text)
    except TextError:
        return None


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
