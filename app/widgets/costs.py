"""What a model costs for a text of a chosen length: memory, and work for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app import selection
from app.explored.costs import memory_said, work_said
from app.widgets import figure, table
from app.widgets.markup import html
from attnviz.analysis.memory import BITS, cache_bytes
from attnviz.figures.costs import cost_table, flops_curve, lengths, memory_curve, memory_table

if TYPE_CHECKING:
    from app.explored import Explored
    from app.lessons import Lesson
    from attnviz.figures.theme import Mode
    from attnviz.models.parameter_count import Stack


def memory(model: Explored, words: Lesson, mode: Mode) -> int:
    """The controls and what they cost in memory; returns the chosen length."""
    count = model.count
    options = lengths(count)
    start = min(options, key=lambda n: abs(n - 1024))
    selection.one_of("length", options, "length", start=start)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    length = left.select_slider(
        "Length of the text, in tokens",
        options,
        start,
        key="length",
        bind="query-params",
    )
    selection.one_of("dtype", list(BITS), "data type", start="bfloat16")
    dtype = right.selectbox(
        "Data type", list(BITS), list(BITS).index("bfloat16"), key="dtype", bind="query-params"
    )
    lead, said = memory_said(model, words, length, dtype)
    html("<p class='av-say'>{}</p>", said)
    if lead:
        html("<p>{}</p>", lead)
    table.show(memory_table(count, length), words.say("memory_caption", title=model.title), marked=dtype)
    if cache_bytes(count, 1):
        figure.show(
            memory_curve(count, length, dtype, mode), "memory", alt=said, data=cost_table(count, dtype)
        )
        html("<p class='av-source'>{}</p>", words.say("memory_source"))
    return int(length)


def work(model: Explored, words: Lesson, length: int, mode: Mode) -> None:
    """Operations for one token, in words and against the length."""
    count = model.count
    stack: Stack = "decoder" if model.shape.decoder_layers else "encoder"
    said = work_said(model, words, length)
    html("<p class='av-say'>{}</p>", said)
    html("<p>{}</p>", words.say("work_lead"))
    figure.show(flops_curve(count, stack, length, mode), "work", alt=said, data=cost_table(count, "bfloat16"))
    html("<p class='av-source'>{}</p>", words.say("work_source"))
