"""Learned positions: a table of the model itself, one row a position."""

from __future__ import annotations

from functools import partial

import numpy as np

from app.lessons import Lesson
from app.positions.here import (
    LEARNED,
    SHUFFLE,
    Here,
    Taught,
    hero,
    offer,
    said,
    slider,
    stack,
    stage,
    table_columns,
)
from app.widgets import figure
from app.widgets import lesson as blocks
from app.widgets.lesson import Question, Try
from app.widgets.markup import html
from attnviz.analysis.positions import cosine_similarities, first_components, without_lonely_first
from attnviz.figures import position_tables
from attnviz.figures.quantities import signed
from attnviz.tracing.trace import Floats


def show(here: Here, words: Lesson) -> Taught:
    """The table, how alike its rows are, and the directions in which they differ most."""
    if here.facts.positions != "learned":
        offer(LEARNED, words.say("learned_none", scheme=here.scheme(words)))
        return Taught([Try(words.say("try_own"), here.scheme(words), {"scheme": here.fitting})], [], "")
    with stage() as (margin, main):
        with margin:
            number = _stack(here, words)
            whole = here.known.tables[number].table
            rows = slider(words.say("rows"), "pos_rows", 4, len(whole), 128)
            html(
                "<p class='av-source'>{}</p>",
                words.say(
                    "learned_text", tokens=len(here.tokens), last=len(here.tokens) - 1, rows=f"{len(whole):,}"
                ),
            )
        table = whole[:rows]
        similar = cosine_similarities(table)
        far = min(32, rows - 1)
        near, there = _mean_at(similar, 1), _mean_at(similar, far)
        observed = words.say(
            "learned_say",
            alike=words.say("alike_more" if near > there + 0.05 else "alike_same", far=far),
            title=here.title,
            rows=f"{len(whole):,}",
            width=f"{whole.shape[1]:,}",
            near=signed(near),
            there=signed(there),
        )
        with main:
            hero(
                position_tables.table_heatmap(table, figure.mode()),
                observed,
                partial(table_columns, table, "position", "dimension"),
            )
            said(observed)
    with blocks.section("pos_similar", words.say("similar"), words.say("similar_remark")):
        _similar(similar, words)
    with blocks.section("pos_parts", words.say("parts"), words.say("parts_remark")):
        _parts(table, words)
    code = words.say("learned_code", model=here.model.id, stack=number, rows=rows)
    return Taught(_suggestions(here, whole, words), _questions(cosine_similarities(whole), words), code)


def _stack(here: Here, words: Lesson) -> int:
    """Which of the model's tables: an encoder-decoder has two."""
    stacks = [table.stack for table in here.known.tables]
    return stacks.index(stack(stacks, words))


def _mean_at(similar: Floats, distance: int) -> float:
    return float(np.diagonal(similar, distance).mean())


def _similar(similar: Floats, words: Lesson) -> None:
    odd = int(similar.mean(axis=1).argmin())
    observed = words.say(
        "similar_say",
        odd=odd,
        mean=signed((similar[odd].sum() - 1) / max(len(similar) - 1, 1)),
        all=signed(_mean_pair(similar)),
    )
    said(observed)
    figure.show(
        position_tables.similarity_heatmap(similar, figure.mode()),
        "position_similarity",
        observed,
        partial(table_columns, similar, "position", "other"),
    )


def _mean_pair(similar: Floats) -> float:
    count = len(similar)
    return float((similar.sum() - np.trace(similar)) / max(count * (count - 1), 1))


def _parts(table: Floats, words: Lesson) -> None:
    alike = without_lonely_first(table)
    first = len(table) - len(alike)
    if first:
        sizes = np.linalg.norm(table, axis=1)
        html(
            "<p class='av-text'>{}</p>",
            words.say("parts_first", size=f"{sizes[0]:.1f}", usual=f"{np.median(sizes):.1f}"),
        )
    parts = first_components(alike)
    observed = words.say(
        "parts_say",
        share=f"{100 * parts.shares.sum():.0f}",
        count=len(parts.shares),
        width=f"{table.shape[1]:,}",
    )
    said(observed)
    figure.show(
        position_tables.components_curves(parts, figure.mode(), first),
        "position_components",
        observed,
        {
            "position": range(first, len(table)),
            **{f"component_{i + 1}": parts.values[:, i] for i in range(parts.values.shape[1])},
        },
    )
    html("<p class='av-source'>{}</p>", words.say("parts_source"))


def _suggestions(here: Here, whole: Floats, words: Lesson) -> list[Try]:
    count = len(whole)
    shares = {
        rows: float(first_components(without_lonely_first(whole[:rows])).shares.sum())
        for rows in {min(16, count), count}
    }
    few, every = min(shares), max(shares)
    return [
        Try(
            words.say("try_all_rows"),
            words.say("try_rows_detail", rows=f"{every:,}", share=f"{100 * shares[every]:.0f}"),
            {"pos_rows": every},
            "section_pos_parts",
        ),
        Try(
            words.say("try_few_rows"),
            words.say("try_rows_detail", rows=few, share=f"{100 * shares[few]:.0f}"),
            {"pos_rows": few},
            "section_pos_parts",
        ),
        Try(words.say("try_shuffle"), words.say("try_shuffle_detail"), {"scheme": SHUFFLE}),
    ]


def _questions(similar: Floats, words: Lesson) -> list[Question]:
    count = len(similar)
    if count < 64:
        return []
    asked = count // 4
    choices = [1, asked - 8, asked + 2, asked + 30]
    best = max(choices, key=lambda i: float(similar[asked, i]))
    listed = ", ".join(f"{i}: {signed(similar[asked, i])}" for i in choices)
    near, far = _mean_at(similar, 1), _mean_at(similar, count // 2)
    names = ("the neighbours", "the two far apart", "both alike")
    return [
        Question(
            "alike",
            words.say("ask_alike", asked=asked),
            [f"position {i}" for i in choices],
            f"position {best}",
            words.say("because_alike", asked=asked, listed=listed),
            {"scheme": LEARNED, "pos_rows": min(count, 256)},
            "section_pos_similar",
        ),
        Question(
            "apart",
            words.say("ask_apart", far=count // 2),
            names,
            names[2] if abs(near - far) < 0.02 else names[0] if near > far else names[1],
            words.say("because_apart", near=signed(near), there=signed(far), far=count // 2),
            {"scheme": LEARNED, "pos_rows": count},
            "section_pos_similar",
        ),
    ]
