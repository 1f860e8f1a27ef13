"""The learner's sentence on Home: where each of its words looks, and what can be asked about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import cache, selection
from app.examples import examples
from app.widgets.lesson import Question, Try
from attnviz.analysis.reading import NEAREST, Look, farthest_look, hardest_looks, spaced_words
from attnviz.models.catalog import title_of
from attnviz.tracing.trace import AttentionKind
from attnviz.viewer import sentence as picture
from attnviz.viewer.text import percent


@dataclass(frozen=True, eq=False)
class Sentence:
    """Words as they are written, and for each the head where it looks hardest at one that is two or more back."""

    model_id: str
    text: str
    kind: AttentionKind
    words: tuple[str, ...]
    looks: tuple[Look, ...]
    heads: int
    start: int

    def payload(self, word: int) -> dict[str, Any]:
        """What the sentence picture draws, with this word asking."""
        looks = [picture.Look(tuple(map(float, k.weights)), k.key, k.layer, k.head) for k in self.looks]
        return picture.payload(
            self.words,
            looks,
            query=word,
            model=title_of(self.model_id),
            heads=self.heads,
            candidates="a word two or more back",
        )

    def chosen(self, value: object, otherwise: int) -> int:
        """The word that the picture sent back, checked."""
        index = picture.chosen_word(value, len(self.words))
        return otherwise if index is None else index

    def suggestions(self, word: int) -> list[Try]:
        """Words worth choosing: the longest look back, the strongest, and the shortest."""
        can_look = [i for i, look in enumerate(self.looks) if look.key is not None]
        if len(can_look) < 2:
            return []
        ranked = {
            "Reach farthest back": max(can_look, key=lambda i: (i - self._key(i), self._weight(i))),
            "See the strongest look": max(can_look, key=self._weight),
            "See the weakest look": min(can_look, key=self._weight),
        }
        suggestions, seen = [], {word}
        for action, i in ranked.items():
            if i not in seen:
                seen.add(i)
                suggestions.append(
                    Try(
                        action,
                        f"‘{self._bare(i)}’ looks {percent(self._weight(i))} at ‘{self._bare(self._key(i))}’, "
                        f"{i - self._key(i)} back",
                        {"word": i},
                        "hero",
                    )
                )
        return suggestions

    def questions(self, word: int) -> list[Question]:
        """Predict where another word looks: one that is not on screen, with its strongest look."""
        others = [i for i, look in enumerate(self.looks) if look.key is not None and i != word and i > 2]
        if not others:
            return []
        asked = max(others, key=self._weight)
        key = self._key(asked)
        earlier = sorted(range(asked + 1 - NEAREST), key=lambda i: (i != key, -self.looks[asked].weights[i]))[
            :4
        ]
        choices = [self._named(i, asked) for i in sorted(earlier)]
        look = self.looks[asked]
        return [
            Question(
                "look",
                f"In layer {look.layer}, head {look.head}: at which word two or more back does"
                f" ‘{self._bare(asked)}’ look most?",
                choices,
                self._named(key, asked),
                f"‘{self._bare(asked)}’ gives {percent(self._weight(asked))} of its weight to ‘{self._bare(key)}’.",
                {"word": asked},
                "hero",
            )
        ]

    @property
    def longer(self) -> str | None:
        """An example with words to look back at, for a text that has none."""
        if any(look.key is not None for look in self.looks):
            return None
        return next(text for text in examples(self.model_id).values() if len(text.split()) > NEAREST)

    def code(self, word: int) -> dict[str, Any]:
        """What the page's lines of Python are filled with, and what they print."""
        look = self.looks[word]
        found = (
            "this word has none two or more back"
            if look.key is None
            else (
                f"{look.layer} {look.head} {look.key} {look.weights[look.key]:.2f}: ‘{self._bare(look.key)}’"
            )
        )
        return {"model": self.model_id, "text": self.text, "kind": self.kind, "word": word, "found": found}

    def _key(self, i: int) -> int:
        key = self.looks[i].key
        assert key is not None
        return key

    def _weight(self, i: int) -> float:
        return float(self.looks[i].weights[self._key(i)])

    def _bare(self, i: int) -> str:
        return self.words[i].strip(".,;:!?\"'“”‘’()") or self.words[i]

    def _named(self, i: int, asked: int) -> str:
        """The word, with its place where it stands more than once among the earlier ones."""
        same = [j for j in range(asked) if self._bare(j) == self._bare(i)]
        return self._bare(i) if len(same) == 1 else f"{self._bare(i)} (word {i + 1})"


@st.cache_data(max_entries=200, show_spinner=False)
def sentence(model_id: str, text: str) -> Sentence:
    """The sentence of a text that has been traced; searching all heads takes some 10 ms and is kept."""
    trace = cache.trace(model_id, text)
    kind = trace.kinds[0]
    tokens = trace.query_tokens(kind)
    groups = spaced_words(tokens)
    looks = hardest_looks(trace, kind, groups)
    words = tuple("".join(tokens.surfaces[i] for i in group).strip() for group in groups)
    heads = trace.layers(kind) * trace.heads(kind)
    return Sentence(model_id, text, kind, words, looks, heads, farthest_look(looks))


def choose_word(value: object) -> None:
    """The learner clicked a word; the click is checked against the sentence of this moment."""
    here = sentence(selection.model_id(), selection.text())
    selection.choose(word=here.chosen(value, here.start))
