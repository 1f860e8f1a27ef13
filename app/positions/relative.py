"""T5's positions: one learned number for each bucket of distances and each head, added to the scores."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from app import selection
from app.lessons import Lesson
from app.positions.buckets import Integers, Rule
from app.positions.here import (
    RELATIVE,
    SHUFFLE,
    Here,
    Taught,
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
from attnviz.analysis.positions import relative_bias
from attnviz.figures import position_scores, position_tables
from attnviz.figures.quantities import signed
from attnviz.models.positions import RelativeBias


def show(here: Here, words: Lesson) -> Taught:
    """The model's own biases where it is a T5, and the buckets for everybody."""
    own = _own(here, words) if here.known.biases else None
    with stage() as (margin, main):
        with margin:
            head = slider(words.say("head"), "head", 0, own.table.shape[1] - 1, 0) if own else 0
            reach = slider(words.say("reach"), "pos_reach", 8, 512, 160 if own is None else 64)
            rule = _chosen(words) if own is None else _learned(own)
        distances = np.arange(-reach, (reach if rule.two_sided else 0) + 1)
        with main:
            if own is None:
                offer(RELATIVE, words.say("relative_none", scheme=here.scheme(words)))
                _steps(distances, rule, "positions", words)
            else:
                _biases(own, rule, distances, head, words)
    if own is not None:
        with blocks.section("pos_buckets", words.say("buckets"), words.say("buckets_remark")):
            _steps(distances, rule, "position_buckets", words)
        with blocks.section("pos_bias_table", words.say("bias_table"), words.say("bias_table_remark")):
            _table(own, words)
    html("<p class='av-source'>{}</p>", words.say("relative_source"))
    if own is None:
        return Taught(_suggestions(rule, words), [_ask_buckets(rule, words)], _code(rule, words))
    code = words.say(
        "relative_code",
        model=here.model.id,
        number=here.known.biases.index(own),
        end=9 if own.two_sided else 1,
        head=head,
    )
    questions = [_ask_buckets(rule, words), *_ask_steepest(own, rule, words)]
    return Taught([_strongest(own, words), *_suggestions(rule, words)], questions, code)


def _own(here: Here, words: Lesson) -> RelativeBias:
    """One of the model's tables, chosen by stack; UMT5 has one for each layer, of which the first is shown."""
    chosen = stack(list(dict.fromkeys(bias.stack for bias in here.known.biases)), words)
    return next(bias for bias in here.known.biases if bias.stack == chosen)


def _learned(own: RelativeBias) -> Rule:
    return Rule(len(own.table), own.max_distance, own.two_sided)


def _chosen(words: Lesson) -> Rule:
    """Buckets of any size; the largest distance lies beyond the 32 that have a bucket of their own at most."""
    buckets = slider(words.say("buckets"), "pos_buckets", 8, 64, 32, 2)
    farthest = slider(words.say("farthest"), "pos_farthest", 64, 512, 128)
    selection.switch("pos_two_sided", words.say("two_sided"), start=True)
    two_sided = st.toggle(words.say("two_sided"), True, key="pos_two_sided", bind="query-params")
    return Rule(buckets, farthest, two_sided)


def _biases(own: RelativeBias, rule: Rule, distances: Integers, head: int, words: Lesson) -> None:
    biases = relative_bias(own.table, distances, own.max_distance, two_sided=own.two_sided)
    reached = np.unique(
        rule.of(rule.distances)
    )  # no key after the query has distance 0, so one bucket stays empty
    learned = own.table[reached, head]
    observed = words.say(
        "relative_say",
        head=head,
        raised=rule.keys(int(reached[learned.argmax()])),
        most=signed(learned.max()),
        lowered=rule.keys(int(reached[learned.argmin()])),
        least=signed(learned.min()),
    )
    figure.show(
        position_scores.bias_curves(
            distances, biases, [f"head {i}" for i in range(len(biases))], figure.mode(), head
        ),
        "positions",
        observed,
        {"distance": distances, **{f"head_{i}": row for i, row in enumerate(biases)}},
    )
    said(observed)


def _steps(distances: Integers, rule: Rule, name: str, words: Lesson) -> None:
    found = rule.of(distances)
    observed = words.say("buckets_say", buckets=rule.buckets, **rule.sizes())
    figure.show(
        position_scores.bucket_steps(distances, found, figure.mode()),
        name,
        observed,
        {"distance": distances, "bucket": found},
    )
    said(observed)


def _table(own: RelativeBias, words: Lesson) -> None:
    table = own.table.T  # (head, bucket)
    figure.show(
        position_tables.table_heatmap(table, figure.mode(), x="bucket", y="head", bar="bias").update_layout(
            height=140 + 24 * len(table)
        ),
        "position_bias_table",
        words.say("bias_table_alt"),
        partial(table_columns, table, "head", "bucket"),
    )


def _code(rule: Rule, words: Lesson) -> str:
    return words.say("buckets_code", buckets=rule.buckets, farthest=rule.farthest, two_sided=rule.two_sided)


def _suggestions(rule: Rule, words: Lesson) -> list[Try]:
    return [
        Try(
            words.say("try_reach"),
            words.say(
                "try_reach_detail",
                buckets=rule.buckets,
                farthest=rule.farthest,
                last=rule.sizes()["last"],
            ),
            {"pos_reach": 512},
        ),
        Try(words.say("try_shuffle"), words.say("try_shuffle_detail"), {"scheme": SHUFFLE}),
    ]


def _strongest(own: RelativeBias, words: Lesson) -> Try:
    spread = np.ptp(own.table, axis=0)  # (head,)
    head = int(spread.argmax())
    detail = words.say("try_strong_detail", head=head, spread=f"{spread[head]:.1f}")
    return Try(words.say("try_strong"), detail, {"head": head})


def _ask_buckets(rule: Rule, words: Lesson) -> Question:
    near, far = (2, 3), (rule.farthest // 2, rule.farthest // 2 + 3)
    places = {distance: int(rule.of(np.array(-distance))) for distance in (*near, *far)}
    names = {
        (True, True): "both pairs share",
        (True, False): f"only {near[0]} and {near[1]}",
        (False, True): f"only {far[0]} and {far[1]}",
        (False, False): "neither pair",
    }
    return Question(
        "buckets",
        words.say("ask_buckets", a=near[0], b=near[1], c=far[0], d=far[1]),
        list(names.values()),
        names[places[near[0]] == places[near[1]], places[far[0]] == places[far[1]]],
        words.say("because_buckets", listed=", ".join(f"{d}: {bucket}" for d, bucket in places.items())),
    )


def _ask_steepest(own: RelativeBias, rule: Rule, words: Lesson) -> list[Question]:
    """Asked of up to twelve heads."""
    itself, far = own.table[0], own.table[int(rule.of(np.array(-rule.farthest)))]  # (head,) each
    steepest = int(np.abs(itself - far).argmax())
    heads = [f"head {i}" for i in range(min(len(far), 12))]
    if len(heads) < 2 or steepest >= len(heads):
        return []
    return [
        Question(
            "steepest",
            words.say("ask_steepest", stack=own.stack.capitalize()),
            heads,
            heads[steepest],
            words.say(
                "because_steepest", head=steepest, near=signed(itself[steepest]), far=signed(far[steepest])
            ),
            {"head": steepest},
        )
    ]
