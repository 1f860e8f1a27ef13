"""Places worth a look, and questions about the row, each answered by its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.head_steps.numbers import number, share
from app.head_steps.toy import long_queries
from app.head_steps.walk import Walk
from app.widgets.lesson import Question, Try
from attnviz.figures.quantities import whole_percent

if TYPE_CHECKING:
    from app.lessons import Lesson


def suggestions(walk: Walk, words: Lesson) -> list[Try]:
    """Places worth a look, each with what was measured there."""
    layer, head, token = walk.heads.opening
    opening = Walk(walk.heads, layer, head, token)
    there = {"layer": layer, "head": head, "query": opening.query}
    weight, unscaled = (
        whole_percent(float(most)) for most in (opening.weight, opening.unscaled_weights().max())
    )
    found = [
        Try(
            words.say("try_follow", query=opening.query, key=opening.key),
            words.say("try_follow_detail", layer=layer, head=head, weight=weight),
            {**there, "step": 6},
        ),
        Try(
            words.say("try_sum"),
            words.say("try_sum_detail", weight=weight, key=opening.key),
            {**there, "step": 7},
        ),
    ]
    if weight != unscaled:
        detail = words.say(
            "try_scale_detail",
            product=number(opening.at(opening.steps.products)),
            scaled=number(opening.at(opening.steps.scaled)),
            weight=weight,
            unscaled=unscaled,
        )
        found[1:1] = [Try(words.say("try_scale"), detail, {**there, "step": 5})]
    middle = len(walk.heads.tokens) // 2
    seen = int(opening.steps.allowed[middle].sum())
    if seen < len(walk.keys):
        query = walk.heads.tokens.unique_labels[middle]
        detail = words.say("try_mask_detail", query=query, seen=seen, count=len(walk.keys))
        found[-1:-1] = [Try(words.say("try_mask"), detail, {**there, "query": query, "step": 5})]
    return [*found[:3], long_queries(words)]


def questions(walk: Walk, words: Lesson) -> list[Question]:
    """Predict the work, what the scaling does, and which key fits another token best."""
    asked = [_ask_key(walk, words), _ask_scaling(walk, words), _ask_shape(walk, words)]
    return [question for question in asked if question is not None]


def _ask_key(walk: Walk, words: Lesson) -> Question | None:
    """About another token: the one whose largest product leads most clearly, at a word that is not itself."""
    keys = walk.heads.trace.key_tokens(walk.heads.kind)
    products = np.where(walk.steps.allowed, walk.steps.products, -np.inf)
    best, chosen = 0.0, None
    for row, of_row in enumerate(products):
        order = np.argsort(-of_row, kind="stable")
        if row == walk.token or len(order) < 3 or not np.isfinite(of_row[order[1]]):
            continue
        lead = float(of_row[order[0]] - of_row[order[1]])
        if lead > best and not keys.special[order[0]]:
            best, chosen = lead, (row, order)
    if chosen is None:
        return None
    row, order = chosen
    choices = sorted(int(i) for i in order[:5] if np.isfinite(products[row, i]))
    query = walk.heads.tokens.unique_labels[row]
    return Question(
        "key",
        words.say("ask_key", layer=walk.layer, head=walk.head, query=query),
        [walk.keys[i] for i in choices],
        walk.keys[order[0]],
        words.say(
            "because_key",
            query=query,
            key=walk.keys[order[0]],
            product=number(float(products[row, order[0]])),
            second=walk.keys[order[1]],
            less=number(float(products[row, order[1]])),
        ),
        {"step": 4, "query": query},
    )


def _ask_scaling(walk: Walk, words: Lesson) -> Question | None:
    if walk.steps.softcap is not None or walk.steps.allowed[walk.token].sum() < 2:
        return None
    scaled, unscaled = walk.weight, float(walk.unscaled_weights().max())
    which = "same" if walk.is_unscaled else "sharper" if walk.steps.scaling < 1 else "evener"
    return Question(
        "scaling",
        words.say("ask_scaling", query=walk.query, layer=walk.layer, head=walk.head),
        [words.say(name) for name in ("sharper", "same", "evener")],
        words.say(which),
        words.say(
            "because_scaling",
            unscaled=share(unscaled),
            scaled=share(scaled),
            why=words.say(f"why_{which}", times=f"{1 / walk.steps.scaling:.1f}"),
        ),
        {"step": 5},
    )


def _ask_shape(walk: Walk, words: Lesson) -> Question | None:
    queries, keys = walk.steps.products.shape
    size = walk.steps.query.shape[1]
    numbers = sorted({queries, queries * keys, queries * size, queries * keys * size})
    if len(numbers) < 2:
        return None
    return Question(
        "shape",
        words.say("ask_shape"),
        [f"{n:,}" for n in numbers],
        f"{queries * keys:,}",
        words.say("because_shape", queries=queries, keys=keys, product=f"{queries * keys:,}"),
        {"step": 4},
    )
