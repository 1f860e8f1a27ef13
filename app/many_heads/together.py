"""From the heads to the stream: their outputs side by side, the projection, and what heads share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.many_heads.layer import Layer
from attnviz.figures.quantities import shape

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from app.lessons import Lesson
    from attnviz.analysis.head_outputs import HeadOutputs
    from attnviz.figures.palette import Mode

MOST_ROWS = 64
"""Tokens whose outputs are drawn: those of 500 tokens would weigh 3 MB at each press."""


def facts(here: Layer, words: Lesson) -> list[tuple[str, str]]:
    """The shapes on the way from the heads to the stream."""
    queries, size = here.call.query.shape[1], here.call.value.shape[2]
    wide = here.call.heads * size
    width = here.heads.trace.hidden_states.shape[2]
    return [
        (words.say("fact_heads"), f"{here.call.heads}"),
        (words.say("fact_each"), f"{queries} × {size}"),
        (words.say("fact_wide"), f"{queries} × {wide:,}"),
        (words.say("fact_matrix"), f"{wide:,} × {width:,}"),
        (words.say("fact_out"), f"{queries} × {width:,}"),
    ]


def shared(here: Layer, words: Lesson) -> str:
    """Whether heads share keys and values, with numbers."""
    call = here.call
    stored, size = call.key.shape[0], call.key.shape[2]
    if call.group == 1:
        kept = stored * (size + call.value.shape[2])
        return words.say("ungrouped", heads=call.heads, kept=f"{kept:,}", size=size)
    own = here.head // call.group
    others = [i for i in range(own * call.group, (own + 1) * call.group) if i != here.head]
    return words.say(
        "grouped",
        heads=call.heads,
        stored=stored,
        group=call.group,
        head=here.head,
        own=own,
        others=" and ".join(f"head {i}" for i in others),
        kept=f"{stored * 2 * size:,}",
        full=f"{call.heads * 2 * size:,}",
    )


def picture(here: Layer, words: Lesson, found: HeadOutputs, mode: Mode) -> go.Figure:
    """The outputs side by side, and what the projection makes of them."""
    from attnviz.figures.multi_head import put_together

    labels = here.heads.tokens.unique_labels[:MOST_ROWS]
    part = words.say("first_rows", rows=MOST_ROWS) if len(here.heads.tokens) > MOST_ROWS else ""
    return put_together(
        found.side_by_side[:MOST_ROWS],
        found.projected[:MOST_ROWS],
        labels,
        here.head,
        here.heads.heads,
        (
            words.say("side_by_side", shape=shape(found.side_by_side.shape)) + part,
            words.say("projected", shape=shape(found.projected.shape)),
        ),
        mode,
    )


def data(here: Layer, found: HeadOutputs) -> dict[str, Any]:
    """How long the vector is that each head adds, token by token."""
    heads, queries = found.lengths.shape
    return {
        "head": np.repeat(np.arange(heads), queries),
        "query": np.tile(here.heads.tokens.unique_labels, heads),
        "length": found.lengths.ravel(),
    }


def said(here: Layer, words: Lesson, found: HeadOutputs) -> str:
    """Which head adds most, and which least."""
    most, least = int(found.mean_lengths.argmax()), int(found.mean_lengths.argmin())
    wide = found.side_by_side.shape[1]
    return words.say(
        "together_say",
        heads=here.heads.heads,
        size=wide // here.heads.heads,
        wide=f"{wide:,}",
        width=f"{found.projected.shape[1]:,}",
        strongest=most,
        length=f"{found.mean_lengths[most]:.2f}",
        weakest=least,
        least=f"{found.mean_lengths[least]:.2f}",
    )
