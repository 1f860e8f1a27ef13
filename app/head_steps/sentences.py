"""What each step does to the row, in a sentence with its numbers."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from app import cache
from app.head_steps.numbers import number, share
from app.head_steps.walk import Walk

if TYPE_CHECKING:
    from app.lessons import Lesson
    from attnviz.tracing.trace import Floats


def said(walk: Walk, words: Lesson, step: int) -> str:
    """What this step does to the row, with its numbers."""
    return " ".join(filter(None, _SAY[step](walk, words)))


def _say_0(walk: Walk, words: Lesson) -> list[str]:
    row = walk.steps.asking[walk.token]
    gaps = {
        "query": walk.query,
        "layer": walk.layer,
        "width": row.size,
        "smallest": number(float(row.min())),
        "largest": number(float(row.max())),
    }
    if walk.heads.kind == "cross":
        return [words.say("say_0_cross", **gaps)]
    normed = cache.model(walk.heads.model_id).architecture.norm_placement in ("before", "both")
    which = "say_0_norm" if normed else "say_0_plain" if walk.layer else "say_0_first"
    return [words.say("say_0", **gaps), words.say(which)]


def _say_1(walk: Walk, words: Lesson) -> list[str]:
    row = walk.steps.query[walk.token]
    said = words.say(
        "say_1",
        query=walk.query,
        width=walk.steps.asking.shape[1],
        size=row.size,
        length=number(float(np.linalg.norm(row))),
    )
    return [said, words.say("rotated") if _rotates(walk) else ""]


def _say_2(walk: Walk, words: Lesson) -> list[str]:
    return _say_made(walk, words, "say_2", walk.steps.key, "keys")


def _say_3(walk: Walk, words: Lesson) -> list[str]:
    return _say_made(walk, words, "say_3", walk.steps.value, "values")


def _say_made(walk: Walk, words: Lesson, sentence: str, made: Floats, what: str) -> list[str]:
    said = words.say(
        sentence,
        size=made.shape[1],
        count="1 token" if len(made) == 1 else f"{len(made)} tokens",
        key=walk.key,
        length=number(float(np.linalg.norm(made[walk.best]))),
    )
    return [said, _shared(walk, words, what)]


def _say_4(walk: Walk, words: Lesson) -> list[str]:
    row = walk.steps.products[walk.token]
    rank = 1 + int((row > row[walk.best]).sum())
    place = (
        "only" if row.size == 1 else "largest" if rank == 1 else "smallest" if rank == row.size else "ranked"
    )
    return [
        words.say(
            "say_4",
            query=walk.query,
            key=walk.key,
            size=walk.steps.query.shape[1],
            product=number(float(row[walk.best])),
            rank=words.say(place, rank=rank, count=row.size),
        )
    ]


def _say_5(walk: Walk, words: Lesson) -> list[str]:
    s = walk.steps
    size = s.query.shape[1]
    product = walk.at(s.products)
    said = [
        words.say(
            "say_5_none" if walk.is_unscaled else "say_5_root" if walk.by_root else "say_5",
            product=number(product),
            size=size,
            root=f"{sqrt(size):.2f}",
            scaling=f"{s.scaling:.4g}",
            scaled=number(product * s.scaling),
        )
    ]
    if s.softcap is not None:
        said.append(
            words.say(
                "capped",
                cap=f"{s.softcap:g}",
                before=number(product * s.scaling),
                scaled=number(walk.at(s.scaled)),
            )
        )
    if s.has_bias:
        said.append(words.say("biased", bias=number(walk.at(s.bias)), score=number(walk.at(s.scores))))
    hidden = int((~s.allowed[walk.token]).sum())
    which = "masked" if hidden else "unmasked"
    said.append(words.say(which, hidden=hidden, count=len(walk.keys), query=walk.query))
    return said


def _say_6(walk: Walk, words: Lesson) -> list[str]:
    said = words.say("say_6", key=walk.key, query=walk.query, weight=share(walk.weight))
    return [said, words.say("sums", count=len(walk.keys)) if len(walk.keys) > 1 else ""]


def _say_7(walk: Walk, words: Lesson) -> list[str]:
    output, value = walk.steps.output[walk.token], walk.steps.value[walk.best]
    length = float(np.linalg.norm(output))
    said = words.say(
        "say_7" if len(walk.keys) > 1 else "say_7_one",
        weight=share(walk.weight),
        key=walk.key,
        query=walk.query,
        size=output.size,
        length=number(length),
    )
    cosine = float(output @ value) / max(length * float(np.linalg.norm(value)), 1e-9)
    return [said, words.say("alike", cosine=number(cosine), key=walk.key)]


def _shared(walk: Walk, words: Lesson, what: str) -> str:
    call = walk.heads.trace.call(walk.heads.kind, walk.layer)
    if call.group == 1:
        return ""
    first = walk.head // call.group * call.group
    return words.say(
        "shared",
        first=first,
        last=first + call.group - 1,
        what=what,
        stored=call.key.shape[0],
        heads=call.heads,
    )


def _rotates(walk: Walk) -> bool:
    return cache.model(walk.heads.model_id).architecture.positions == "rotary"


_SAY = (_say_0, _say_1, _say_2, _say_3, _say_4, _say_5, _say_6, _say_7)
