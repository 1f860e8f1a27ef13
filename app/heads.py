"""All heads of a model on the learner's text: what the pages about attention start from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from app import cache, selection
from app.lessons import lesson
from attnviz.analysis.attention_view import (
    AttentionView,
    Weighted,
    attention_view,
)
from attnviz.analysis.head_patterns import HeadPatterns, head_patterns
from attnviz.analysis.lenses import RolledOut, ValueWeighted
from attnviz.analysis.reading import farthest_look, hardest_looks, spaced_words
from attnviz.errors import SelectionError
from attnviz.models.outputs import output_projections
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionKind, Trace
from attnviz.viewer.attention import Choice, Lens, pattern_names

KIND_NAMES: dict[AttentionKind, str] = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}

CLEAR = 0.25
"""Score from which a head is worth showing as an example of a pattern: a quarter of the way from chance to all."""


LONGEST_SEARCH = 120
"""Words or tokens from the start of a text among which the opening look is sought: a place to start, at once."""


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

    @property
    def reads_pairs(self) -> bool:
        """Whether the model takes a second text beside the first."""
        return self.trace.kinds == ("encoder",)


def read(model_id: str) -> str | tuple[str, str]:
    """What the model is given: the text, and for a model that takes pairs a second one where there is one."""
    text, second = selection.text(), selection.second()
    pairs = second and cache.model(model_id).architecture.kind == "encoder"
    return (text, second) if pairs else text


def row_note(kind: AttentionKind) -> str:
    """What a row of cross-attention is a row of; empty for self-attention, where it is plain."""
    return lesson("attention_heatmaps").say("row_read") if kind == "cross" else ""


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


@st.cache_data(max_entries=300, show_spinner=False)
def _opening(model_id: str, text: str | tuple[str, str], kind: AttentionKind) -> tuple[int, int, int]:
    """For self-attention the head with the farthest strong look; for cross-attention the clearest alignment."""
    trace = cache.trace(model_id, text)
    if kind == "cross":
        return _clearest_alignment(trace)
    tokens = trace.query_tokens(kind)
    pieces = tuple((i,) for i, special in enumerate(tokens.special) if not special)
    # a text of a word or two has only its tokens to look back at
    for parts in (spaced_words(tokens), pieces):
        searched = parts[:LONGEST_SEARCH]
        looks = hardest_looks(trace, kind, searched, first_key=int(not tokens.special[0])) if searched else ()
        if any(look.key is not None for look in looks):
            found = farthest_look(looks)
            return looks[found].layer, looks[found].head, searched[found][0]
    return 0, 0, pieces[0][0] if pieces else 0


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
