"""The controls of a head, outside a picture: kind of attention, layer, head, query token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app import selection
from app.heads import KIND_NAMES, Heads, follow, row_note
from app.lessons import Lesson
from app.widgets import segments, waiting
from app.widgets.markup import html
from attnviz.models.bundled import SMOLLM2
from attnviz.models.catalog import title_of
from attnviz.tracing.trace import AttentionKind, Trace


@dataclass(frozen=True)
class Place:
    """Which row of which matrix."""

    layer: int
    head: int
    token: int


def opened(words: Lesson, measure: Callable[[Heads], object]) -> Heads:
    """Trace the text, choose the kind of attention, and ``measure`` its heads while the page says so."""
    model_id, text = selection.model_id(), selection.text()
    trace = waiting.trace(model_id, text, height=470)
    heads = Heads(model_id, text, trace, _kind(trace, words))
    with waiting.skeleton(words.say("measuring"), height=470):
        measure(heads)
    follow(heads)
    checked(heads)
    return heads


def _kind(trace: Trace, words: Lesson) -> AttentionKind:
    """Encoder, decoder or cross-attention; asked only where the model has more than one."""
    kinds = trace.kinds
    if len(kinds) == 1:
        only = selection.one_of("kind", kinds, "kind of attention")
        # no control stands for it that would take what was asked for out of the address
        selection.keep("kind", only, only)
        return only
    with st.container(key="head_kind", horizontal=True, vertical_alignment="center"):
        answer = segments.choose(
            words.say("kind"), kinds, "kind", "kind of attention", show=KIND_NAMES.__getitem__
        )
        note = row_note(answer)
        if not note and "decoder" not in kinds:
            note = words.say("no_decoder", other=title_of(SMOLLM2))
        if note:
            html("<p class='av-source'>{}</p>", note)
    return answer


def checked(heads: Heads) -> Place:
    """Layer, head and query token as the address asks for them, or what is worth seeing."""
    layer, head, token = heads.opening
    names = heads.tokens.unique_labels
    return Place(
        selection.whole_number("layer", heads.layers, "layer", start=layer),
        selection.whole_number("head", heads.heads, "head", start=head),
        names.index(selection.one_of("query", names, "token", start=names[token])),
    )


def place(heads: Heads, words: Lesson, with_token: bool = True) -> Place:
    """The controls of layer, head and query token, which a page about whole heads leaves out."""
    at = checked(heads)
    # the default of a control leaves the address: so it is what opens by itself, not what the address asks for
    first_layer, first_head, first_token = heads.opening
    with st.container(key="heat_place" if with_token else "head_place"):
        layer = _numbered(words.say("layer"), "layer", heads.layers, first_layer)
        head = _numbered(words.say("head"), "head", heads.heads, first_head)
        names = heads.tokens.unique_labels
        if not with_token:
            selection.keep("query", names[at.token], names[first_token])
            return Place(layer, head, at.token)
        token = st.selectbox(words.say("token"), names, index=first_token, key="query", bind="query-params")
    return Place(layer, head, names.index(token))


def _numbered(label: str, key: str, count: int, start: int) -> int:
    """A slider from 0; a single layer or head needs none."""
    if count == 1:
        return 0
    return int(st.slider(label, 0, count - 1, start, key=key, bind="query-params"))
