"""One text, what an encoder-decoder made of it, and the attention between the two: what the page shows and can ask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import streamlit as st

from app import cache, selection
from app.lessons import Lesson
from app.translation_errors import errors_of, measured
from app.widgets.lesson import Question, Try
from attnviz.analysis.alignment import AlignmentScore, WordAlignment, head_alignments, word_alignment
from attnviz.analysis.alignment_pairs import Language, aligned_pairs
from attnviz.analysis.attention_view import AttentionView
from attnviz.analysis.writing import (
    WordChanges,
    aligned_maps,
    all_heads_off,
    by_word,
    clearness,
    crossings,
    earlier_shares,
    ends,
    likeliest,
    log_probabilities,
    probability_of,
    single_heads,
    small_maps,
    word_changes,
)
from attnviz.figures.palette import SEQUENTIAL
from attnviz.figures.quantities import whole_percent
from attnviz.figures.weight_colours import place
from attnviz.models.catalog import title_of
from attnviz.tracing.tokens import Tokens, tokens
from attnviz.tracing.trace import NO_EDITS, Edits, Floats, Trace
from attnviz.viewer import ribbons

if TYPE_CHECKING:
    from attnviz.models.loading import LoadedModel

TRANSLATOR = "attnviz/translate-en-pt"
DIRECTIONS: dict[str, Language] = {TRANSLATOR: "en", "attnviz/translate-pt-en": "pt"}
LETTERS = "attnviz/spelling-to-sound"

WORDS_TO_SPELL = (
    "though",
    "through",
    "tough",
    "thought",
    "attention",
    "knight",
    "psychology",
    "rhythm",
    "colonel",
    "island",
    "orchestra",
    "machine",
    "character",
    "phone",
    "gnome",
    "yacht",
    "queue",
    "ocean",
    "nation",
    "measure",
    "schedule",
    "language",
    "translate",
    "encoder",
)

MOST_AT_ONCE = 32
"""Heads of which each can be switched off without asking first; more take a minute."""


@dataclass(frozen=True, eq=False)
class HeadScores:
    """How well each head aligns, (layer, head) from 0 to 1; with counts where words were marked by hand."""

    shares: Floats
    counts: tuple[tuple[AlignmentScore, ...], ...] = ()

    @property
    def best(self) -> tuple[int, int]:
        """(layer, head) of the highest score, the first of equal ones."""
        layer, head = np.unravel_index(int(np.nan_to_num(self.shares, nan=-1).argmax()), self.shares.shape)
        return int(layer), int(head)

    @property
    def marked(self) -> bool:
        """Whether the scores are of links that people marked."""
        return bool(self.counts)


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
        return [_name(layer, head) for layer in range(self.layers) for head in range(self.heads)]

    @property
    def best(self) -> str:
        """The head that aligns best."""
        return _name(*self.scores.best)

    @cached_property
    def merged(self) -> bool:
        """Whether pieces of words are shown as one."""
        return by_word(self.trace)

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
        return _scores(self.model_id) or HeadScores(
            np.array([[clearness(of_head) for of_head in of_layer] for of_layer in self.maps], np.float32)
        )

    @cached_property
    def maps(self) -> Floats:
        """(layer, head, target word, source word)"""
        return aligned_maps(self.trace, merge_words=self.merged)

    def alignment(self, layer: int, head: int) -> WordAlignment:
        """The map of one head."""
        return word_alignment(self.trace, layer, head, merge_words=self.merged)

    @property
    def steps(self) -> tuple[str, ...]:
        """The written tokens that can be chosen, told apart."""
        return self.written.unique_labels[1:]

    @property
    def opening(self) -> str:
        """The token worth opening with: one of a crossing, else one that looks hard at a word far from its place."""
        best = self.alignment(*self.scores.best)
        if not best.targets:
            return self.steps[0]
        crossed = _clearest_crossing(best)
        far = np.abs(np.arange(len(best.targets))[:, None] - np.arange(len(best.sources)))  # (target, source)
        letters = np.array([any(map(str.isalnum, label)) for label in best.target_labels])
        strength = (best.weights * (1 + far)).max(axis=1) * (
            letters + 0.001
        )  # a sign where there is nothing else
        word = crossed[1][0] if crossed else int(strength.argmax())
        return self.written.unique_labels[best.targets[word][0]]

    def row_of(self, step: str) -> int:
        """The row of the matrices in which this token was chosen: that of the token before."""
        return self.steps.index(step)

    def word_of(self, alignment: WordAlignment, step: str) -> int:
        """The word that this token belongs to, the first where it belongs to none."""
        token = self.row_of(step) + 1
        return next((i for i, group in enumerate(alignment.targets) if token in group), 0)

    def payload(self, words: Lesson, layer: int, head: int, step: str) -> dict[str, Any]:
        """What the ribbons draw."""
        shown = self.alignment(layer, head)
        maps = place(small_maps(self.maps))
        return ribbons.payload(
            shown.source_labels,
            shown.target_labels,
            shown.weights,
            word=self.word_of(shown, step),
            heads=[
                ribbons.Head(
                    _name(i, h),
                    whole_percent(float(self.scores.shares[i, h])),
                    self._meaning(words, i, h),
                    maps[i, h],
                )
                for i in range(self.layers)
                for h in range(self.heads)
            ],
            across=self.heads,
            head=layer * self.heads + head,
            palette=SEQUENTIAL,
            caption=words.say("caption_marked" if self.scores.marked else "caption_clear", **self._marked()),
            note=words.say("measured", title=title_of(self.model_id), layer=layer, head=head),
        )

    def _meaning(self, words: Lesson, layer: int, head: int) -> str:
        if not self.scores.marked:
            return words.say("clear", share=whole_percent(float(self.scores.shares[layer, head])))
        score = self.scores.counts[layer][head]
        return words.say("right", right=score.right, words=score.words, error=f"{score.error_rate or 0:.2f}")

    def _marked(self) -> dict[str, object]:
        if not self.scores.marked:
            return {}
        return {"words": self.scores.counts[0][0].words, "sentences": len(sentences_of(self.model_id))}

    def looks(self, layer: int, head: int, step: str) -> list[tuple[str | None, float]]:
        """Where the step's word looks, strongest first; special tokens by their name."""
        shown = self.alignment(layer, head)
        word = self.word_of(shown, step)
        rest = self._rest_label
        found = [
            *zip(shown.source_labels, shown.weights[word].tolist(), strict=True),
            (rest, float(shown.elsewhere[word])),
        ]
        strongest = sorted(found, key=lambda pair: -pair[1])[:3]
        return [(label, weight) for label, weight in strongest if weight >= 0.03] or [strongest[0]]

    def word_label(self, step: str) -> str:
        """The word that this token belongs to, told apart from others that are written alike."""
        shown = self.alignment(*self.scores.best)
        return shown.target_labels[self.word_of(shown, step)] if shown.targets else step

    def described(self, words: Lesson, layer: int, head: int, step: str) -> str:
        """The matrix in words."""
        said = ", ".join(
            f"{round(100 * weight)} percent at {label}" for label, weight in self.looks(layer, head, step)
        )
        return words.say("matrix_alt", layer=layer, head=head, query=self.word_label(step), said=said)

    @property
    def _rest_label(self) -> str:
        read = self.trace.key_tokens("cross")
        return next(
            (label for label, special in zip(read.labels, read.special, strict=True) if special), "the rest"
        )

    def view(self, layer: int, head: int) -> AttentionView:
        """The map as a matrix, special tokens in a last column."""
        shown = self.alignment(layer, head)
        specials = tuple(i for i, special in enumerate(self.trace.key_tokens("cross").special) if special)
        ending = (specials,) if specials else ()
        columns = [shown.weights, *([shown.elsewhere[:, None]] if specials else [])]
        return AttentionView(
            np.concatenate(columns, axis=1),
            shown.target_labels,
            (*shown.source_labels, *([self._rest_label] if specials else [])),
            shown.targets,
            (*shown.sources, *ending),
            np.zeros(len(shown.targets), np.float32),
        )

    # Step by step ------------------------------------------------------------------------------------------------------

    def next_tokens(self, step: str) -> list[tuple[str, float, bool]]:
        """The five likeliest tokens at this step, and the one that stands there where it is none of them: label,
        probability, whether it stands there."""
        row = self.row_of(step)
        here = self.written.ids[row + 1]
        found = likeliest(self.trace, row)
        if here not in [i for i, _ in found]:
            found.append((here, probability_of(self.trace, row, here)))
        return [(self._label(i), p, i == here) for i, p in found]

    def earlier(self, step: str) -> tuple[tuple[str, ...], Floats]:
        """What the decoder had at hand of what it had written: labels, and shares (layer, token)."""
        row = self.row_of(step)
        return ("start", *self.written.unique_labels[1 : row + 1]), earlier_shares(self.trace, row)

    def gates_of(self, step: str) -> Floats:
        """What each channel kept at this step, (layer, channel)."""
        assert self.trace.gates is not None
        return self.trace.gates[:, self.row_of(step)]

    @property
    def is_cut(self) -> bool:
        """Whether the model would have gone on writing."""
        return self.target is None and not ends(self.trace, _end(self.model_id))

    @property
    def log_probabilities(self) -> Floats:
        """Of each written token, and of ending there."""
        return log_probabilities(self.trace, _end(self.model_id))

    def _label(self, token: int) -> str:
        return _label(self.model_id, token)

    # Heads switched off ------------------------------------------------------------------------------------------------

    @property
    def one_by_one(self) -> tuple[Tokens, ...]:
        """What the model writes as it is, with each head off, and last with all of them off."""
        edits = (*single_heads(self.layers, self.heads), all_heads_off(self.layers, self.heads))
        return cache.write(self.model_id, self.text, edits)

    def changes(self) -> list[tuple[str, WordChanges]]:
        """The heads that this text needs, each with what is written without it."""
        plain, *others, _ = self.one_by_one
        return [
            (name, word_changes(self.said(plain), self.said(other)))
            for name, other in zip(self.names, others, strict=True)
            if other.ids != plain.ids
        ]

    def without(self, names: list[str]) -> tuple[str, WordChanges]:
        """What is written as it is, and what without these heads."""
        off = tuple(("cross", *divmod(self.names.index(name), self.heads)) for name in names)
        plain, other = cache.write(self.model_id, self.text, (NO_EDITS, Edits(ablate_heads=cast(Any, off))))
        return self.said(plain), word_changes(self.said(plain), self.said(other))

    def blind(self) -> tuple[str, WordChanges]:
        """What is written as it is, and what with cross-attention wholly off."""
        plain, *_, blind = self.one_by_one
        return self.said(plain), word_changes(self.said(plain), self.said(blind))

    def blind_alike(self) -> str | None:
        """Another text of the page of which the same is written without cross-attention."""
        off = all_heads_off(self.layers, self.heads)
        other = next(text for text in sentences_of(self.model_id) if text != self.text)
        (written,) = cache.write(self.model_id, other, (off,))
        return other if written.ids == self.one_by_one[-1].ids else None

    # The lesson --------------------------------------------------------------------------------------------------------

    def code(self, words: Lesson, layer: int, head: int) -> str:
        """The lines that give this map in a notebook."""
        return words.code.format(
            model=self.model_id,
            text=self.text,
            target="" if self.target is None else f", target={self.target!r}",
            layer=layer,
            head=head,
            options="" if self.merged else ", merge_words=False",
        )

    def suggestions(self, words: Lesson, layer: int, head: int) -> list[Try]:
        """Sentences and heads worth opening, each with what was measured there."""
        found = []
        crossed = crossing_sentence(self.model_id, avoid=self.text)
        if crossed:
            found.append(
                Try(
                    words.say("try_crossing"),
                    words.say(
                        "try_crossing_detail", text=crossed.text, first=crossed.first, second=crossed.second
                    ),
                    {selection.TEXT: crossed.text, "own": ""},
                )
            )
        best = self.scores.best
        if (layer, head) != best:
            found.append(
                Try(
                    words.say("try_best"),
                    f"{_name(*best)}: {self._meaning(words, *best)}",
                    {"cross": _name(*best)},
                )
            )
        worst = np.unravel_index(
            int(np.nan_to_num(self.scores.shares, nan=2).argmin()), self.scores.shares.shape
        )
        at = (int(worst[0]), int(worst[1]))
        if at not in (best, (layer, head)):
            found.append(
                Try(
                    words.say("try_worst"),
                    f"{_name(*at)}: {self._meaning(words, *at)}",
                    {"cross": _name(*at)},
                )
            )
        doubted = self._most_doubted()
        if doubted:
            step, share = doubted
            found.append(
                Try(
                    words.say("try_doubt"),
                    words.say("try_doubt_detail", word=step, share=whole_percent(share)),
                    {"step": step},
                )
            )
        return found[:4]

    def _most_doubted(self) -> tuple[str, float] | None:
        chances = np.exp(self.log_probabilities[: len(self.steps)])
        lowest = int(chances.argmin())
        return (self.steps[lowest], float(chances[lowest])) if chances[lowest] < 0.9 else None

    def questions(self, words: Lesson) -> list[Question]:
        """Where word order crosses in a sentence that is not on screen, and how many heads this one needs."""
        return [q for q in (self._crossing(words), self._needed(words)) if q is not None]

    def _crossing(self, words: Lesson) -> Question | None:
        crossed = crossing_sentence(self.model_id, avoid=self.text, number=1 + len(self.text))
        if crossed is None:
            return None
        return Question(
            "crossing",
            words.say("ask_crossing", text=crossed.text),
            crossed.choices,
            f"{crossed.first} and {crossed.second}",
            words.say(
                "because_crossing",
                written=crossed.written,
                first=crossed.first,
                second=crossed.second,
                of_first=crossed.of_first,
                of_second=crossed.of_second,
                head=crossed.head,
            ),
            {selection.TEXT: crossed.text, "cross": crossed.head, "own": ""},
        )

    def _needed(self, words: Lesson) -> Question | None:
        count = self.layers * self.heads
        if not 4 <= count <= MOST_AT_ONCE:
            return None
        changed = [name for name, _ in self.changes()]
        ranges = _ranges(count)
        answer = next(text for low, high, text in ranges if low <= len(changed) <= high)
        return Question(
            "needed",
            words.say("ask_needed", heads=count),
            [text for _, _, text in ranges],
            answer,
            words.say(
                "because_needed", changed=len(changed), heads=count, names=", ".join(changed) or "none"
            ),
            {},
        )


@dataclass(frozen=True)
class Crossing:
    """A sentence in which two words that stand side by side change places, by the model's best map."""

    text: str
    written: str
    head: str
    first: str
    second: str
    of_first: str
    of_second: str
    choices: tuple[str, ...]


def shown_model(model: LoadedModel) -> str:
    """The model that the page shows: the chosen one where it reads one text and writes another."""
    return model.id if model.architecture.kind == "encoder-decoder" else TRANSLATOR


def prepare(model_id: str) -> None:
    """Score the heads of a model now, so that the first learner need not wait for it."""
    _scores(model_id)


def sentences_of(model_id: str) -> tuple[str, ...]:
    """The page's sentence set for a model: marked sentences of its language, words to spell, or English sentences."""
    if model_id == LETTERS:
        return WORDS_TO_SPELL
    return tuple(pair.source for pair in aligned_pairs(DIRECTIONS.get(model_id, "en")))


def remark(shown: Translated, words: Lesson) -> str:
    """What a learner should know of this text before trusting what was made of it, the gravest first; mostly nothing."""
    read = shown.trace.key_tokens("cross")
    ordinary = len(read) - sum(read.special)
    said = []
    if shown.target is None and shown.is_cut:
        said.append(words.say("cut", tokens=len(shown.steps)))
    if sum(read.unknown):
        said.append(words.say("unknown", unknown=sum(read.unknown), tokens=ordinary))
    elif len(shown.text) > 3 and shown.text.isupper():
        small = cache.engine().tokens(shown.model_id, shown.text.lower())
        said.append(words.say("capitals", pieces=ordinary, small=len(small) - sum(small.special)))
    elif is_copied(shown):
        copied, of_text = _copied(shown)
        said.append(words.say("copied", copied=copied, words=of_text, language=language_of(shown.model_id)))
    elif shown.merged and (groups := len({w for w in read.words if w >= 0})) >= 3 and ordinary > 2.2 * groups:
        said.append(words.say("split", pieces=f"{ordinary / groups:.1f}"))
    return " ".join(said)


def is_copied(shown: Translated) -> bool:
    """Whether a translator left most of the text as it is, as they do with languages that they cannot read."""
    copied, of_text = _copied(shown)
    return shown.model_id in DIRECTIONS and copied >= 3 and 2 * copied > of_text


def _copied(shown: Translated) -> tuple[int, int]:
    """How many different words of the text came through unchanged, of how many."""
    of_text = {word for word in shown.text.lower().split() if any(map(str.isalpha, word))}
    return len(of_text.intersection(shown.written.text.lower().split())), len(of_text)


def language_of(model_id: str) -> str:
    """The language that a bundled translator reads."""
    return title_of(model_id).partition(" to ")[0]


def other_direction(model_id: str) -> str:
    """The bundled translator that goes the other way."""
    return next(other for other in DIRECTIONS if other != model_id)


def follow(shown: Translated) -> None:
    """When model, text or target have changed since the last run, open what is worth seeing there."""
    now = (shown.model_id, shown.text, shown.target)
    before = st.session_state.get("_translated")
    st.session_state["_translated"] = now
    if before is None or before == now:
        return
    if before[0] != now[0]:
        selection.choose(cross=_name(*shown.scores.best), off=[])
    if st.session_state.get("step") not in shown.steps or before[1] != now[1]:
        selection.choose(step=shown.opening)


def choose_word(shown: Translated, value: object) -> None:
    """A written word was pressed in the picture; it is checked here."""
    alignment = shown.alignment(*shown.scores.best)
    word = ribbons.chosen(value, len(alignment.targets))
    if word is not None:
        selection.choose(step=shown.written.unique_labels[alignment.targets[word][0]])


def choose_head(shown: Translated, value: object) -> None:
    """A head was pressed in the picture; it is checked here."""
    head = ribbons.chosen(value, len(shown.names))
    if head is not None:
        selection.choose(cross=shown.names[head])


def table(view: AttentionView) -> dict[str, list[object]]:
    """The matrix as columns: the written words, then a column for each that was read."""
    weights = zip(view.key_labels, view.weights.T.tolist(), strict=True)
    return {"written": list(view.query_labels), **dict(weights)}


def known_errors(model_id: str, words: Lesson) -> list[Try]:
    """The errors of a model that it does make, each with what was measured where it went wrong."""
    found = []
    for error in errors_of(model_id):
        shown = translated(model_id, error.text)
        best = shown.scores.best
        tokenizer = cache.engine().tokenizer(model_id)
        right = tokenizer(text_target=f"{error.right}", add_special_tokens=False)["input_ids"][0]
        at_error = measured(error, shown.trace, shown.alignment(*best), int(right))
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
                    right_share=_small_percent(at_error.right),
                    at=error.at,
                    at_share=whole_percent(at_error.at),
                    clue=error.clue,
                    clue_share=_small_percent(at_error.clue),
                    head=_name(*best),
                ),
                {
                    selection.TEXT: error.text,
                    "own": "",
                    "cross": _name(*best),
                    "step": shown.written.unique_labels[at_error.step],
                },
            )
        )
    return found


def translated(model_id: str, text: str, target: str | None = None) -> Translated:
    """The record of a text, for everybody who reads it."""
    return _translated(model_id, text, target, cache.trace(model_id, text, target))


@st.cache_resource(max_entries=40, show_spinner=False)
def _translated(model_id: str, text: str, target: str | None, _trace: Trace) -> Translated:
    return Translated(model_id, text, target, _trace)


@st.cache_resource(max_entries=20, show_spinner=False)
def _scores(model_id: str) -> HeadScores | None:
    """Every head against the marked sentences of the model's language; takes a second, once a server."""
    if model_id not in DIRECTIONS:
        return None
    examples = [
        (cache.trace(model_id, pair.source, pair.target), pair.sure, pair.possible)
        for pair in aligned_pairs(DIRECTIONS[model_id])
    ]
    found = head_alignments(examples)
    return HeadScores(found.accuracy, found.scores)


@st.cache_data(max_entries=200, show_spinner=False)
def crossing_sentence(model_id: str, avoid: str, number: int = 0) -> Crossing | None:
    """A sentence of the page's set in which neighbours change places: the first, or one of the others that follow."""
    if model_id not in DIRECTIONS:
        return None
    found = []
    for text in sentences_of(model_id):
        if text != avoid and (crossed := _crossing_in(model_id, text)):
            found.append(crossed)
        if len(found) == 6:
            break
    others = found[1:] or found
    return (others[number % len(others)] if number else found[0]) if found else None


@st.cache_data(max_entries=500, show_spinner=False)
def _crossing_in(model_id: str, text: str) -> Crossing | None:
    shown = translated(model_id, text)
    best = shown.scores.best
    alignment = shown.alignment(*best)
    crossed = _clearest_crossing(alignment)
    if crossed is None:
        return None
    later, earlier = crossed
    names = alignment.source_labels
    pairs = tuple(f"{a} and {b}" for a, b in pairwise(names) if a.isalpha() and b.isalpha())
    first, second = names[earlier[1]], names[later[1]]
    if f"{first} and {second}" not in pairs or not 2 <= len(pairs) <= 9:
        return None
    return Crossing(
        text,
        shown.written.text.strip(),
        _name(*best),
        first,
        second,
        alignment.target_labels[earlier[0]],
        alignment.target_labels[later[0]],
        pairs,
    )


def _clearest_crossing(alignment: WordAlignment) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Of the links that cross between neighbours of the source, those with the most weight: (target, source) twice, the
    earlier target word first."""
    found = [
        (float(alignment.weights[one] * alignment.weights[other]), one, other)
        for one, other in crossings(alignment.links)
        if one[1] - other[1] == 1 and all(alignment.source_labels[link[1]].isalpha() for link in (one, other))
    ]
    return max(found)[1:] if found else None


@st.cache_data(max_entries=50_000, show_spinner=False)
def _label(model_id: str, token: int) -> str:
    return tokens(cache.engine().tokenizer(model_id), [token]).labels[0]


def _end(model_id: str) -> int | None:
    return cast("int | None", cache.engine().tokenizer(model_id).eos_token_id)


def _name(layer: int, head: int) -> str:
    return f"L{layer}H{head}"


def _small_percent(share: float) -> str:
    return "under 1 %" if share < 0.005 else whole_percent(share)


def _ranges(count: int) -> list[tuple[int, int, str]]:
    """Four answers to "how many of ``count``": none, up to a quarter, up to a half, more."""
    quarter, half = count // 4, count // 2
    return [
        (0, 0, "None"),
        (1, quarter, f"1 to {quarter}"),
        (quarter + 1, half, f"{quarter + 1} to {half}"),
        (half + 1, count, f"More than {half}"),
    ]
