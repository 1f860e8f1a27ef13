"""Clear maps and needed heads: how well each head aligns against how many texts change without it."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from attnviz.figures.theme import GREY, INK, Mode, figure, mark, text
from attnviz.tracing.trace import Floats

_SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "x")
_ROOM = (12, 8)
"""Per cent across and upwards within which a second name would lie on the first."""


def head_needs(
    scores: Floats, changed: Floats, mode: Mode, *, named: Sequence[tuple[int, int]] = (), x_title: str
) -> go.Figure:
    """A point for each head: its ``scores`` (layer, head) across and the share of texts ``changed`` without it upwards.

    Layers differ in colour and form. The heads in ``named`` are larger and named first, the others from the most changed
    down, as far as there is room; pointing at any names it.
    """
    layers, heads = scores.shape
    places = {
        (layer, head): (100 * float(scores[layer, head]), 100 * float(changed[layer, head]))
        for layer in range(layers)
        for head in range(heads)
    }
    order = sorted(places, key=lambda place: (place not in named, -places[place][1]))
    labelled: list[tuple[int, int]] = []
    for place in order:
        (x, y) = places[place]
        if all(abs(x - places[o][0]) > _ROOM[0] or abs(y - places[o][1]) > _ROOM[1] for o in labelled):
            labelled.append(place)
    points = []
    for layer in range(layers):
        of_layer = [(layer, head) for head in range(heads)]
        points.append(
            {
                "type": "scatter",
                "x": [places[place][0] for place in of_layer],
                "y": [places[place][1] for place in of_layer],
                "mode": "markers+text",
                "text": [f"L{layer}H{head}" if (layer, head) in labelled else "" for layer, head in of_layer],
                "customdata": [f"L{layer}H{head}" for layer, head in of_layer],
                "textposition": "top center",
                "textfont": {
                    "size": 13,
                    "color": [INK[mode] if place in named else GREY[mode] for place in of_layer],
                },
                "marker": {
                    "symbol": _SYMBOLS[layer % len(_SYMBOLS)],
                    "size": [14 if place in named else 9 for place in of_layer],
                    "color": text("cross", mode) if layer == layers - 1 else mark("cross", mode),
                    "opacity": 1,
                },
                "hovertemplate": "%{customdata}: %{x:.0f} % and %{y:.0f} %<extra></extra>",
                "cliponaxis": False,
            }
        )
    return figure(
        points,
        mode,
        height=360,
        margin={"r": 24, "t": 24},
        xaxis={"title": {"text": x_title}, "range": [-4, 104], "ticksuffix": " %"},
        yaxis={
            "title": {"text": "texts changed without it"},
            "range": [0, max(10.0, 108 * float(changed.max()))],
            "ticksuffix": " %",
            "nticks": 5,
        },
    )
