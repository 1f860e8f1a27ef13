"""The heads of a layer side by side, what the chosen one does, and the numbers of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from app import selection
from app.heads import CLEAR
from app.many_heads.layer import Layer
from attnviz.figures.quantities import signed, whole_percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from app.lessons import Lesson
    from attnviz.figures.palette import Mode


def picture(here: Layer, words: Lesson, mode: Mode) -> go.Figure:
    """The heads of this layer side by side."""
    from attnviz.figures.multi_head import layer_heads

    captions = [_caption(here, words, head) for head in range(here.heads.heads)]
    return layer_heads(here.thumbnails, captions, here.head, mode)


def size(here: Layer) -> tuple[float, int]:
    """Height of the small matrices by their width, and how many rows of them there are."""
    from attnviz.figures.multi_head import layer_heads_aspect, rows_of

    heads, rows, columns = here.thumbnails.shape
    return layer_heads_aspect(heads, rows, columns), rows_of(heads)


def data(here: Layer) -> dict[str, Any]:
    """The weights of the layer as rows of a table."""
    weights = here.heads.trace.weights(here.heads.kind, here.layer)  # (head, query, key)
    heads, queries, keys = weights.shape
    asking = here.heads.tokens.unique_labels
    answering = here.heads.trace.key_tokens(here.heads.kind).unique_labels
    return {
        "head": np.repeat(np.arange(heads), queries * keys),
        "query": np.tile(np.repeat(asking, keys), heads),
        "key": np.tile(answering, heads * queries),
        "weight": weights.ravel(),
    }


def said(here: Layer, words: Lesson) -> str:
    """What the chosen head does, beside chance."""
    found = here.strongest
    if found is None:
        return words.say("said_none")
    entropy = float(here.heads.patterns.entropy[here.layer, here.head])
    return " ".join(
        [
            words.say(
                "said_pattern" if found.score >= CLEAR else "said_weak",
                head=here.head,
                layer=here.layer,
                share=whole_percent(found.share),
                pattern=words.say(f"short_{found.pattern}"),
                chance=whole_percent(found.chance),
                score=signed(found.score),
                counted=found.counted,
                queries=len(here.heads.tokens),
            ),
            words.say(
                "said_entropy",
                entropy=f"{entropy:.1f}",
                most=f"{float(here.heads.patterns.entropy_chance[here.layer]):.1f}",
                keys=f"{2**entropy:.1f}",
            ),
        ]
    )


def table(here: Layer, words: Lesson, every: bool) -> dict[str, list[object]]:
    """A row a head: its strongest pattern beside chance, and every metric; of this layer or of all."""
    patterns = here.heads.patterns
    rows = [
        (layer, head)
        for layer in (range(here.heads.layers) if every else [here.layer])
        for head in range(here.heads.heads)
    ]
    strongest = [patterns.strongest(*row) for row in rows]
    table: dict[str, list[object]] = {
        **({"Layer": [layer for layer, _ in rows]} if every else {}),
        "Head": [head for _, head in rows],
        "Strongest pattern": [words.say(f"short_{s.pattern}").capitalize() if s else "–" for s in strongest],
        "Share": [100 * s.share if s else None for s in strongest],
        "Chance": [100 * s.chance if s else None for s in strongest],
        "Score": [s.score if s else None for s in strongest],
        "Tokens": [s.counted if s else None for s in strongest],
    }
    for metric in patterns.metrics[1:]:
        values = patterns.metric(metric)
        factor = 1 if metric in ("entropy", "distance") else 100
        name = "Entropy" if metric == "entropy" else "Distance" if metric == "distance" else f"To {metric}"
        table[name] = [factor * float(values[row]) for row in rows]
    return table


def choose(here: Layer) -> Callable[[int], None]:
    """What to do when one of the small matrices is picked."""

    def pick(number: int) -> None:
        if 0 <= number < here.heads.heads:
            selection.choose(layer=here.layer, head=number)

    return pick


def _caption(here: Layer, words: Lesson, head: int) -> list[str]:
    """The head with the score of its strongest pattern; below, the pattern with its share."""
    found = here.heads.patterns.strongest(here.layer, head)
    if found is None:
        return [f"H{head}"]
    return [
        f"H{head} {signed(found.score)}",
        f"{words.say(f'tag_{found.pattern}')} {whole_percent(found.share)}",
    ]
