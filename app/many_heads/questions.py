"""Heads worth opening, and questions about them, each answered by what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.heads import CLEAR
from app.many_heads.layer import Layer
from app.widgets.lesson import Question, Try
from attnviz.figures.quantities import signed, whole_percent

if TYPE_CHECKING:
    from app.lessons import Lesson
    from attnviz.analysis.head_patterns import Pattern

_SEARCHED: tuple[Pattern, ...] = ("previous", "next", "same token", "first", "special", "itself")
"""Patterns in the order in which they are worth looking for."""


def suggestions(here: Layer, words: Lesson) -> list[Try]:
    """Heads worth opening, each found by a search over all of them, and with its score."""
    patterns = here.heads.patterns
    found = []
    for pattern in _SEARCHED:
        if pattern not in patterns.patterns or (pattern == "first" and here.heads.starts_special):
            continue
        layer, head = patterns.best(pattern)
        if float(patterns.score(pattern)[layer, head]) < CLEAR:
            continue
        detail = words.say(
            "try_detail",
            layer=layer,
            head=head,
            share=whole_percent(float(patterns.share[pattern][layer, head])),
            chance=whole_percent(float(patterns.chance[pattern][layer])),
            counted=int(patterns.counted[pattern][layer]),
            queries=len(here.heads.tokens),
        )
        values = {"layer": layer, "head": head, "metric": pattern}
        found.append(Try(words.say(f"try_{pattern}"), detail, values))
    if patterns.patterns:
        layer, head = patterns.most_even()
        detail = words.say(
            "try_even_detail",
            layer=layer,
            head=head,
            entropy=f"{float(patterns.entropy[layer, head]):.1f}",
            most=f"{float(patterns.entropy_chance[layer]):.1f}",
        )
        even = Try(words.say("try_even"), detail, {"layer": layer, "head": head, "metric": "entropy"})
        found[3:] = [even]
    return found


def questions(here: Layer, words: Lesson) -> list[Question]:
    """Predict where a pattern lives, what a head does that is not on screen, and a shape."""
    asked = [_ask_layer(here, words), _ask_does(here, words), _ask_size(here, words)]
    return [question for question in asked if question is not None]


def _ask_layer(here: Layer, words: Lesson) -> Question | None:
    """About the pattern with the clearest head that no suggestion names."""
    patterns = here.heads.patterns
    told = {one.values["metric"] for one in suggestions(here, words)}
    open_ones = [
        p for p in patterns.patterns if p not in (*told, "special", "first") and patterns.common(p).all()
    ]
    if here.heads.layers < 3 or not open_ones:
        return None
    pattern = max(open_ones, key=lambda p: float(np.nanmax(patterns.score(p))))
    layer, head = patterns.best(pattern)
    by_layer = np.nanmax(patterns.score(pattern), axis=1)
    choices = sorted({layer, *(int(i) for i in np.argsort(-by_layer)[:2]), 0, here.heads.layers - 1})
    return Question(
        "layer",
        words.say("ask_layer", pattern=words.say(f"short_{pattern}")),
        [f"Layer {i}" for i in choices],
        f"Layer {layer}",
        words.say(
            "because_layer",
            layer=layer,
            head=head,
            pattern=words.say(f"short_{pattern}"),
            share=whole_percent(float(patterns.share[pattern][layer, head])),
            chance=whole_percent(float(patterns.chance[pattern][layer])),
            score=signed(float(patterns.score(pattern)[layer, head])),
        ),
        {"layer": layer, "head": head, "metric": pattern},
    )


def _ask_does(here: Layer, words: Lesson) -> Question | None:
    """About the clearest head of another layer, which is not on screen. Where the first token is a special one, both would
    be true of a head that rests on it, so it is not asked about."""
    patterns = here.heads.patterns
    doubtful = ("first",) if here.heads.starts_special else ()
    offered = [p for p in patterns.patterns if p not in doubtful]
    if len(offered) < 2 or here.heads.layers < 2:
        return None
    told = {(one.values["layer"], one.values["head"]) for one in suggestions(here, words)}
    clear = [
        (found.score, layer, head, found)
        for layer in range(here.heads.layers)
        for head in range(here.heads.heads)
        if layer != here.layer
        and (layer, head) not in told
        and (found := patterns.strongest(layer, head)) is not None
        and found.pattern in offered
        and found.score >= 0.4
    ]
    if not clear:
        return None
    _, layer, head, found = clear[len(here.heads.text) % len(clear)]  # the same for all who read this text
    return Question(
        "does",
        words.say("ask_does", layer=layer, head=head),
        [words.say(f"short_{p}").capitalize() for p in offered],
        words.say(f"short_{found.pattern}").capitalize(),
        words.say(
            "because_does",
            share=whole_percent(found.share),
            pattern=words.say(f"short_{found.pattern}"),
            chance=whole_percent(found.chance),
        ),
        {"layer": layer, "head": head},
    )


def _ask_size(here: Layer, words: Lesson) -> Question | None:
    heads, size = here.call.heads, here.call.value.shape[2]
    wide, width = heads * size, here.heads.trace.hidden_states.shape[2]
    numbers = sorted({heads, size, wide, heads * wide})
    if len(numbers) < 2:
        return None
    return Question(
        "size",
        words.say("ask_size", heads=heads),
        [f"{n:,}" for n in numbers],
        f"{wide:,}",
        words.say("because_size", heads=heads, size=size, wide=f"{wide:,}", width=f"{width:,}"),
        {"layer": here.layer, "head": here.head},
        "section_together",
    )
