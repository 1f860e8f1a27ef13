"""The heads of a model on the learner's text: what the heatmap page shows of them and can ask about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from app import cache, selection
from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.attention_view import (
    AttentionView,
    Weighted,
    attention_view,
    row_weights,
    strongest_keys,
)
from attnviz.analysis.head_patterns import HeadPatterns, head_patterns
from attnviz.analysis.lenses import RolledOut, ValueWeighted, value_weighted
from attnviz.analysis.quadrants import quadrants
from attnviz.analysis.reading import farthest_look, hardest_looks, spaced_words
from attnviz.errors import SelectionError
from attnviz.figures.quantities import whole_percent
from attnviz.models.outputs import output_projections
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionKind, Trace
from attnviz.viewer.attention import LENSES, PATTERN_WORDS, Choice, Lens, pattern_names

KIND_NAMES: dict[AttentionKind, str] = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}

CLEAR = 0.25
"""Score from which a head is worth showing as an example of a pattern: a quarter of the way from chance to all."""


LONGEST_SEARCH = 120
"""Words from the start of a text among which the opening look is sought: in a long one that is a place to start, at once."""


@dataclass(frozen=True)
class Hidden:
    """What of the matrix is hidden or merged."""

    first: bool = False
    special: bool = False
    pieces: bool = False


@dataclass(frozen=True, eq=False)
class Heads:
    """All heads of one kind of attention for one text."""

    model_id: str
    text: str | tuple[str, str]
    trace: Trace
    kind: AttentionKind

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.trace.layers(self.kind)

    @property
    def heads(self) -> int:
        """Heads in each layer."""
        return self.trace.heads(self.kind)

    @property
    def tokens(self) -> Tokens:
        """The tokens that ask."""
        return self.trace.query_tokens(self.kind)

    @property
    def starts_special(self) -> bool:
        """Whether the first key is a special token, so that hiding those hides it too."""
        return self.trace.key_tokens(self.kind).special[0]

    @property
    def has_special(self) -> bool:
        """Whether there are special tokens to hide."""
        return any((*self.tokens.special, *self.trace.key_tokens(self.kind).special))

    @property
    def has_pieces(self) -> bool:
        """Whether a word takes several tokens."""
        return any(len(t.word_groups) < len(t) for t in (self.tokens, self.trace.key_tokens(self.kind)))

    @cached_property
    def opening(self) -> tuple[int, int, int]:
        """Layer, head and query token worth opening with."""
        return _opening(self.model_id, self.text, self.kind)

    @cached_property
    def patterns(self) -> HeadPatterns:
        """What each head does, beside chance."""
        return _patterns(self.model_id, self.text, self.kind)

    def prepare(self) -> None:
        """Measure all heads now, while the page says so; for 500 tokens it takes seconds."""
        _ = self.opening, self.patterns

    def seen(self, lens: Lens) -> Weighted:
        """The trace through a lens."""
        if lens == "value":
            return ValueWeighted(self.trace, output_projections(cache.model(self.model_id)))
        return _rolled_out(self.model_id, self.text) if lens == "rollout" else self.trace

    @property
    def lenses(self) -> tuple[Lens, ...]:
        """The lenses that this model and kind of attention can be seen through."""
        known = self.kind in output_projections(cache.model(self.model_id))
        found: dict[Lens, bool] = {"weights": True, "value": known, "rollout": self.kind != "cross"}
        return tuple(lens for lens, there in found.items() if there)

    def view(
        self,
        layer: int,
        head: int | tuple[int, ...] | None,
        hidden: Hidden,
        threshold: float = 0.0,
        lens: Lens = "weights",
    ) -> AttentionView:
        """One head, or the mean of several or of a layer, as it should be drawn."""
        return attention_view(
            self.seen(lens),
            self.kind,
            layer,
            head,
            hide_first=hidden.first,
            hide_special=hidden.special,
            merge_words=hidden.pieces,
            threshold=threshold,
        )

    def names(self) -> list[list[str]]:
        """What to say of each head (layer, head) when it is pointed at: what it does most."""
        return pattern_names(self.patterns)

    def chosen_view(self, choice: Choice) -> AttentionView | None:
        """What the viewer shows, in exact numbers; None where all of it is hidden."""
        hidden = Hidden(choice.first, choice.special, choice.merge)
        try:
            return self.view(choice.layer, choice.shown_heads, hidden, choice.least / 100, choice.lens)
        except SelectionError:
            return None

    def said(self, words: Lesson, choice: Choice) -> dict[str, Any]:
        """The sentence about the chosen row, in the parts that the viewer draws."""
        view = self.chosen_view(choice)
        if view is None:
            return {"choice": choice.payload(), "parts": [[words.say("all_hidden"), ""]], "remarks": []}
        query, looks = self.looks(view, choice.token)
        reads = LENSES[choice.lens]
        parts = [[query, "query"]]
        if view.row_of(choice.token) is None:
            parts.append([f" {words.say('hidden')}", ""])
        elif not looks:
            parts.append([f" {words.say('hidden_weight')}", ""])
        for number, (key, weight) in enumerate(looks):
            before = f" {reads['verb']} " if number == 0 else " and " if number == len(looks) - 1 else ", "
            parts.append([f"{before}{whole_percent(weight)} {reads['to']} ", ""])
            parts.append(["itself", ""] if key is None else [key, "key"])
        if looks:
            parts.append([".", ""])
        remark = self.remark(words, view, choice.token, choice.least / 100)
        return {"choice": choice.payload(), "parts": parts, "remarks": [remark] if remark else []}

    def explained(self, words: Lesson, choice: Choice) -> list[str]:
        """Why weight is not explanation, in numbers of the chosen row: what it carries, and what rollout makes of it."""
        answering = self.trace.key_tokens(self.kind).unique_labels
        heads = list(range(self.heads)) if choice.mean else list(choice.heads) or [choice.head]
        weights = self.trace.weights(self.kind, choice.layer)[heads, choice.token].mean(axis=0)  # (key,)
        gaps = {"query": self.tokens.unique_labels[choice.token]}
        said = []
        if "value" in self.lenses:
            output = output_projections(cache.model(self.model_id))[self.kind][choice.layer]
            shares = value_weighted(self.trace.call(self.kind, choice.layer), output)[heads, choice.token]
            shares = shares.mean(axis=0)
            key = int(np.abs(shares - weights).argmax())
            numbers = {
                "weight": whole_percent(float(weights[key])),
                "share": whole_percent(float(shares[key])),
            }
            same = numbers["weight"] == numbers["share"]
            way = "same" if same else "less" if shares[key] < weights[key] else "more"
            said.append(words.say(f"carried_{way}", key=answering[key], **numbers, **gaps))
        if "rollout" in self.lenses:
            row = self.seen("rollout").weights(self.kind, choice.layer, 0)[choice.token]
            key = int(weights.argmax())
            numbers = {"weight": whole_percent(float(weights[key])), "share": whole_percent(float(row[key]))}
            said.append(words.say("rolled", key=answering[key], layer=choice.layer, **numbers, **gaps))
        return said

    def looks(self, view: AttentionView, token: int) -> tuple[str, list[tuple[str | None, float]]]:
        """The query's label and at which keys it looks most, None for itself."""
        row = view.row_of(token)
        if row is None:
            return self.tokens.unique_labels[token], []
        itself = view.queries[row] if self.kind != "cross" else None
        found = strongest_keys(view, row)
        return view.query_labels[row], [
            (None if view.keys[column] == itself else view.key_labels[column], weight)
            for column, weight in found
        ]

    def remark(self, words: Lesson, view: AttentionView, token: int, threshold: float) -> str:
        """What was done to the row that is shown: weight shared out, or left out."""
        row = view.row_of(token)
        said = []
        if row is not None and view.masked_share[row] >= 0.005:
            said.append(words.say("renormalised", share=whole_percent(float(view.masked_share[row]))))
        if threshold:
            said.append(words.say("below", least=round(100 * threshold)))
        return " ".join(said)

    @property
    def reads_pairs(self) -> bool:
        """Whether the model takes a second text beside the first."""
        return self.trace.kinds == ("encoder",)

    def across(self, words: Lesson, choice: Choice) -> str:
        """How much attention crosses from one text of a pair to the other; empty for one text."""
        if not any(self.tokens.segments):
            return ""
        head = None if choice.mean else choice.head
        (_, there), (back, _) = quadrants(self.trace, self.kind, choice.layer, head)
        return words.say(
            "across",
            where=words.say("where", layer=choice.layer, head=head)
            if head is not None
            else words.say("where_mean", layer=choice.layer, heads=self.heads),
            there=whole_percent(float(there)),
            back=whole_percent(float(back)),
        )

    def code(self, words: Lesson, choice: Choice) -> str:
        """The lines that give this row in a notebook."""
        named = {"hide_first": choice.first, "hide_special": choice.special, "merge_words": choice.merge}
        seen = words.say(f"code_{choice.lens}") if choice.lens != "weights" else ""
        return words.code.format(
            seen=f"{seen}\n" if seen else "",
            of="seen" if seen else "trace",
            model=self.model_id,
            text=self.text,
            kind=self.kind,
            layer=choice.layer,
            head=choice.shown_heads,
            token=choice.token,
            options="".join(f", {name}=True" for name, on in named.items() if on),
        )

    def suggestions(self, words: Lesson) -> list[Try]:
        """Heads worth opening, each with what was measured there."""
        layer, head, token = self.opening
        query, looks = self.looks(self.view(layer, head, Hidden()), token)
        found = []
        if looks and looks[0][0] is not None:
            key, weight = looks[0]
            action = words.say("follow", query=query, key=key)
            found.append(
                Try(action, _at(layer, head, whole_percent(weight)), _open(layer, head, self, token))
            )
        for pattern in ("previous", "special", "first"):
            if pattern not in self.patterns.patterns or (pattern == "first" and self.starts_special):
                continue
            layer, head = self.patterns.best(pattern)
            if float(self.patterns.score(pattern)[layer, head]) < CLEAR:
                continue
            share = float(self.patterns.share[pattern][layer, head])
            detail = f"{whole_percent(share)} to {PATTERN_WORDS[pattern]}"
            found.append(Try(words.say(f"try_{pattern}"), _at(layer, head, detail), _open(layer, head, self)))
        if self.patterns.patterns:
            layer, head = self.patterns.most_even()
            most = float(self.patterns.entropy_chance[layer])
            detail = f"{float(self.patterns.entropy[layer, head]):.1f} of {most:.1f} bits"
            found.append(Try(words.say("even"), _at(layer, head, detail), _open(layer, head, self)))
        return found[:4]

    def questions(self, words: Lesson, layer: int, head: int | None, token: int) -> list[Question]:
        """What another head does with the chosen token, and what a third one does most."""
        told = {(t.values["layer"], t.values["head"]) for t in self.suggestions(words)} | {(layer, head)}
        asked = [self._where_it_looks(words, (layer, head), token, told), self._what_it_does(words, told)]
        return [question for question in asked if question is not None]

    def _where_it_looks(
        self, words: Lesson, shown: tuple[int, int | None], token: int, told: set[tuple[int, int | None]]
    ) -> Question | None:
        rows = row_weights(self.trace, self.kind, token)  # (layer, head, key)
        answering = self.trace.key_tokens(self.kind)
        worth = [i for i in self._worth_asking(answering, token) if rows[..., i].max() > 0]
        if len(worth) < 2:
            return None
        best = rows.argmax(axis=-1)
        strength = np.where(np.isin(best, worth), rows.max(axis=-1), 0)
        for place in told:
            if place[1] is not None:
                strength[place] = 0
        layer, head = (int(i) for i in np.unravel_index(strength.argmax(), strength.shape))
        if strength[layer, head] == 0:
            return None
        answer = int(best[layer, head])
        row = rows[layer, head]
        here = rows[shown[0], shown[1] or 0]
        others = [
            int(here.argmax()),
            0,
            token if self.kind != "cross" else 0,
            *np.argsort(-row)[1:4].tolist(),
        ]
        choices = sorted(dict.fromkeys((answer, *(i for i in others if here[i] > 0 or row[i] > 0))))[:6]
        if answer not in choices:
            choices[-1] = answer
        query = self.tokens.unique_labels[token]
        names = {i: self._choice(answering, i, token) for i in choices}
        return Question(
            "looks",
            words.say("ask_looks", layer=layer, head=head, query=query),
            list(names.values()),
            names[answer],
            words.say(
                "because_looks",
                query=query,
                share=whole_percent(float(row[answer])),
                key=answering.unique_labels[answer],
            ),
            {"layer": layer, "head": head, "heads": "", "mean": False},
        )

    def _what_it_does(self, words: Lesson, told: set[tuple[int, int | None]]) -> Question | None:
        known = self.patterns.patterns
        if len(known) < 2:
            return None
        strongest = {
            (layer, head): self.patterns.strongest(layer, head)
            for layer in range(self.layers)
            for head in range(self.heads)
            if (layer, head) not in told
        }
        clear = [(place, s) for place, s in strongest.items() if s is not None and s.score > 0.4]
        if not clear:
            return None
        (layer, head), found = clear[
            len(self.text) % len(clear)
        ]  # the same for everybody who reads this text
        return Question(
            "does",
            words.say("ask_does", layer=layer, head=head),
            [PATTERN_WORDS[p] for p in known],
            PATTERN_WORDS[found.pattern],
            words.say(
                "because_does",
                share=whole_percent(found.share),
                pattern=PATTERN_WORDS[found.pattern],
                chance=whole_percent(found.chance),
            ),
            {"layer": layer, "head": head, "heads": "", "mean": False},
        )

    def _worth_asking(self, answering: Tokens, token: int) -> Iterable[int]:
        """Keys that make a good answer: words, not the token itself and not the first one, where most heads rest."""
        for i in range(1, len(answering)):
            if not answering.special[i] and (self.kind == "cross" or i != token):
                yield i

    def _choice(self, answering: Tokens, i: int, token: int) -> str:
        label = answering.unique_labels[i]
        return f"{label} (itself)" if i == token and self.kind != "cross" else label


def read(model_id: str) -> str | tuple[str, str]:
    """What the model is given: the text, and for a model that takes pairs a second one where there is one."""
    text, second = selection.text(), selection.second()
    pairs = second and cache.model(model_id).architecture.kind == "encoder"
    return (text, second) if pairs else text


def follow(heads: Heads) -> None:
    """When model, text or kind has changed since the last run, open what is worth seeing there.

    Otherwise a token of the old text would be asked for in the new one, and answered with an excuse.
    """
    now = (heads.model_id, heads.text, heads.kind)
    before = st.session_state.get("_heads")
    st.session_state["_heads"] = now
    if before is None or before == now:
        return
    layer, head, token = heads.opening
    if before[0] != now[0] or before[2] != now[2]:
        selection.choose(layer=layer, head=head)
    if str(st.session_state.get("query")) not in heads.tokens.unique_labels:
        selection.choose(query=heads.tokens.unique_labels[token])


def _at(layer: int, head: int, measured: str) -> str:
    return f"layer {layer}, head {head}: {measured}"


def _open(layer: int, head: int, heads: Heads, token: int | None = None) -> dict[str, object]:
    chosen = {} if token is None else {"query": heads.tokens.unique_labels[token]}
    return {"layer": layer, "head": head, "heads": "", "mean": False, **chosen}


@st.cache_data(max_entries=300, show_spinner=False)
def _opening(model_id: str, text: str | tuple[str, str], kind: AttentionKind) -> tuple[int, int, int]:
    """For self-attention the head with the farthest strong look; for cross-attention the clearest alignment."""
    trace = cache.trace(model_id, text)
    if kind == "cross":
        return _clearest_alignment(trace)
    words = spaced_words(trace.query_tokens(kind))[:LONGEST_SEARCH]
    if not words:
        return 0, 0, 0
    looks = hardest_looks(trace, kind, words, first_key=int(kind == "decoder"))
    word = farthest_look(looks)
    return looks[word].layer, looks[word].head, words[word][0]


def _clearest_alignment(trace: Trace) -> tuple[int, int, int]:
    """The head whose rows look hardest, each at another token, and its row that looks hardest."""
    best, found = -1.0, (0, 0, 0)
    for layer in range(trace.layers("cross")):
        for head, weights in enumerate(trace.weights("cross", layer)):  # (query, key)
            different = len(set(weights.argmax(axis=1).tolist())) / len(weights)
            score = float(weights.max(axis=1).mean()) * different
            if score > best:
                best, found = score, (layer, head, int(weights.max(axis=1).argmax()))
    return found


@st.cache_resource(max_entries=100, show_spinner=False)
def _patterns(model_id: str, text: str | tuple[str, str], kind: AttentionKind) -> HeadPatterns:
    return head_patterns(cache.trace(model_id, text), kind)


@st.cache_resource(max_entries=12, show_spinner=False)
def _rolled_out(model_id: str, text: str | tuple[str, str]) -> RolledOut:
    return RolledOut(cache.trace(model_id, text))
