"""T5's positions: one learned number for each bucket of distances and each head, added to the scores."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from app import selection
from app.lessons import Lesson
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
from attnviz.analysis.positions import relative_bias, relative_buckets
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
            if own is None:
                buckets = 2 * slider(words.say("buckets"), "pos_buckets", 4, 32, 16)
                farthest = slider(words.say("farthest"), "pos_farthest", 32, 512, 128)
                selection.one_of("pos_two_sided", (True, False), "direction")
                two_sided = st.toggle(words.say("two_sided"), True, key="pos_two_sided", bind="query-params")
            else:
                buckets, farthest, two_sided = len(own.table), own.max_distance, own.two_sided
        distances = np.arange(-reach, (reach if two_sided else 0) + 1)
        found = relative_buckets(distances, buckets, farthest, two_sided=two_sided)
        steps = words.say("buckets_say", **_buckets_facts(buckets, farthest, two_sided))
        with main:
            if own is None:
                offer(RELATIVE, words.say("relative_none", scheme=here.scheme(words)))
                _steps(distances, found, "positions", steps)
            else:
                _biases(own, distances, head, words)
    if own is not None:
        with blocks.section("pos_buckets", words.say("buckets_name"), words.say("buckets_remark")):
            _steps(distances, found, "position_buckets", steps)
        with blocks.section("pos_bias_table", words.say("bias_table"), words.say("bias_table_remark")):
            figure.show(
                position_tables.table_heatmap(
                    own.table.T, figure.mode(), x="bucket", y="head", bar="bias"
                ).update_layout(height=140 + 24 * own.table.shape[1]),
                "position_bias_table",
                words.say("bias_table_alt"),
                partial(table_columns, own.table.T, "head", "bucket"),
            )
    html("<p class='av-source'>{}</p>", words.say("relative_source"))
    code = (
        words.say("relative_code", model=here.model.id, head=head)
        if own
        else words.say("buckets_code", buckets=buckets, farthest=farthest, two_sided=two_sided)
    )
    return Taught(_suggestions(own, words), _questions(buckets, farthest, two_sided, own, words), code)


def _own(here: Here, words: Lesson) -> RelativeBias:
    """One of the model's tables, chosen by stack; UMT5 has one for each layer, of which the first is shown."""
    chosen = stack(list(dict.fromkeys(bias.stack for bias in here.known.biases)), words)
    return next(bias for bias in here.known.biases if bias.stack == chosen)


def _biases(
    own: RelativeBias, distances: np.ndarray[tuple[int], np.dtype[np.int64]], head: int, words: Lesson
) -> None:
    biases = relative_bias(own.table, distances, own.max_distance, two_sided=own.two_sided)
    favourite = int(distances[biases[head].argmax()])
    observed = words.say(
        "relative_say",
        head=head,
        most=signed(biases[head].max()),
        at=_where(favourite),
        least=signed(biases[head].min()),
        far=_where(int(distances[biases[head].argmin()])),
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


def _where(distance: int) -> str:
    if distance == 0:
        return "at itself"
    return f"{abs(distance)} {'after' if distance > 0 else 'before'}"


def _steps(
    distances: np.ndarray[tuple[int], np.dtype[np.int64]],
    found: np.ndarray[tuple[int], np.dtype[np.int64]],
    name: str,
    observed: str,
) -> None:
    figure.show(
        position_scores.bucket_steps(distances, found, figure.mode()),
        name,
        observed,
        {"distance": distances, "bucket": found},
    )
    said(observed)


def _buckets_facts(buckets: int, farthest: int, two_sided: bool) -> dict[str, object]:
    """How many distances back have a bucket of their own, and what the widest one takes in."""
    back = -np.arange(0, 4 * farthest)
    found = relative_buckets(back, buckets, farthest, two_sided=two_sided)
    sizes = np.bincount(found)
    own = int((sizes == 1).sum())
    last = int(np.argmax(found == found[-1]))
    widest = int(sizes[:-1].max()) if len(sizes) > 1 else 1
    return {"buckets": buckets, "own": own, "last": last, "widest": widest}


def _suggestions(own: RelativeBias | None, words: Lesson) -> list[Try]:
    found = [
        Try(
            words.say("try_reach"),
            words.say("try_reach_detail", last=_buckets_facts(32, 128, True)["last"]),
            {"pos_reach": 512},
        ),
        Try(words.say("try_shuffle"), words.say("try_shuffle_detail"), {"scheme": SHUFFLE}),
    ]
    if own is not None:
        spread = own.table.max(axis=0) - own.table.min(axis=0)  # (head,)
        head = int(spread.argmax())
        found.insert(
            0,
            Try(
                words.say("try_strong"),
                words.say("try_strong_detail", head=head, spread=f"{spread[head]:.1f}"),
                {"head": head},
            ),
        )
    return found


def _questions(
    buckets: int, farthest: int, two_sided: bool, own: RelativeBias | None, words: Lesson
) -> list[Question]:
    near, far = (2, 3), (farthest // 2, farthest // 2 + 3)
    same = {
        pair: len(set(relative_buckets(-np.array(pair), buckets, farthest, two_sided=two_sided).tolist()))
        == 1
        for pair in (near, far)
    }
    names = (
        "both pairs share",
        f"only {near[0]} and {near[1]}",
        f"only {far[0]} and {far[1]}",
        "neither pair",
    )
    answer = {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}[same[near], same[far]]
    places = {
        d: int(relative_buckets(np.array([-d]), buckets, farthest, two_sided=two_sided)[0])
        for d in (*near, *far)
    }
    asked = [
        Question(
            "buckets",
            words.say("ask_buckets", a=near[0], b=near[1], c=far[0], d=far[1]),
            names,
            names[answer],
            words.say("because_buckets", listed=", ".join(f"{d}: {bucket}" for d, bucket in places.items())),
        )
    ]
    if own is not None and own.table.shape[1] > 1:
        last, first = own.table[buckets // 2 - 1 if two_sided else -1], own.table[0]  # farthest back, itself
        drop = first - last
        steepest = int(drop.argmax())
        asked.append(
            Question(
                "steepest",
                words.say("ask_steepest"),
                [f"head {i}" for i in range(min(len(drop), 12))],
                f"head {steepest}",
                words.say(
                    "because_steepest",
                    head=steepest,
                    near=signed(first[steepest]),
                    far=signed(last[steepest]),
                ),
                {"head": steepest},
            )
        )
    return [q for q in asked if q.answer in q.choices]
