"""The attention of one head as a matrix: queries ask in rows, keys answer in columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from attnviz.analysis.attention_view import AttentionView, strongest_keys
from attnviz.figures import weight_colours
from attnviz.figures.axis import axis_title, label_width, plain, token_axis
from attnviz.figures.theme import PAPER, Mode, figure, mark

LONGEST_WITH_VALUES = 24
"""Tokens up to which values are written into the cells."""

LEAST_VALUE = 0.045
"""Weights below round to less than 5 %; written out they would be noise."""

LONGEST_WITH_NAMES = 64
"""Tokens up to which pointing at a cell names both; a name for each cell of 512 tokens would weigh 10 MB."""

_MATRIX_HEIGHT = 312  # pixels of the rows on a small screen, from which the room for labels follows


def attention_heatmap(
    view: AttentionView, mode: Mode, *, chosen: int | None = None, height: int | None = None
) -> go.Figure:
    """Annotated heatmap of a view; the ``chosen`` row is outlined and the key that it looks at most is bold.

    Weights lie in it as they are (float32), so that a saved page holds the numbers.
    """
    rows, columns = view.weights.shape
    longest = max(rows, columns)
    lit = [column for column, _ in strongest_keys(view, chosen)] if chosen is not None else []
    size = 12 if longest > 28 else 14
    per_cell = _MATRIX_HEIGHT / longest
    with_names = longest <= LONGEST_WITH_NAMES
    gap = 1.5 if per_cell >= 12 else 0.5 if per_cell >= 4 else 0
    heatmap = {
        "type": "heatmap",
        "z": np.asarray(view.weights, dtype=np.float32),
        "zmin": 0,
        "zmax": 1,
        "colorscale": weight_colours.scale(mode),
        "showscale": False,
        "xgap": gap,
        "ygap": gap,
        "text": _values(view, mode) if longest <= LONGEST_WITH_VALUES else None,
        "texttemplate": "%{text}" if longest <= LONGEST_WITH_VALUES else None,
        "textfont": {"weight": 500, "size": 12},
        "hovertext": _names(view) if with_names else None,
        "hovertemplate": ("%{hovertext}" if with_names else "%{y} to %{x}")
        + ": <b>%{z:.1%}</b><extra></extra>",
    }
    bar = {
        "type": "scatter",
        "x": [0],
        "y": [0],
        "mode": "markers",
        "marker": weight_colours.bar(mode),
        "hoverinfo": "skip",
    }
    above = 0.71 * label_width(view.key_labels, size) + size  # labels stand at 45 degrees
    x_axis = token_axis(
        view.key_labels,
        "key",
        mode,
        first=lit,
        bold=lit[0] if lit else None,
        room=1.2 * size / per_cell,
        size=size,
    )
    y_axis = token_axis(
        view.query_labels, "query", mode, hidden=chosen, room=1.08 * size / per_cell, size=size
    )
    titles = [
        axis_title("key", mode, xanchor="left", xshift=0, yshift=above),
        axis_title("query", mode, xanchor="right", xshift=-6, yshift=2),
    ]
    return figure(
        [heatmap, bar],
        mode,
        height=height,
        xaxis={**x_axis, "side": "top", "tickangle": -45, "constraintoward": "left"},
        yaxis={**y_axis, "scaleanchor": "x", "constraintoward": "top"},
        margin={
            "l": max(92, label_width(view.query_labels, size) + 16),
            "r": 28,
            "t": above + 22,
            "b": 80,
        },
        annotations=titles if chosen is None else [*titles, _chip(view, chosen, size, mode)],
        shapes=None if chosen is None else [_frame(view, chosen, mode)],
    )


def _frame(view: AttentionView, chosen: int, mode: Mode) -> dict[str, Any]:
    """The outline of the chosen row."""
    return {
        "type": "rect",
        "x0": -0.5,
        "x1": len(view.key_labels) - 0.5,
        "y0": chosen - 0.5,
        "y1": chosen + 0.5,
        "line": {"color": mark("query", mode), "width": 2},
    }


def _chip(view: AttentionView, chosen: int, size: int, mode: Mode) -> dict[str, Any]:
    """The chosen token in the place of its label."""
    return {
        "text": f"<b>{plain(view.query_labels[chosen])}</b>",
        "font": {"color": PAPER[mode], "size": size},
        "bgcolor": mark("query", mode),
        "borderpad": 1,
        "showarrow": False,
        "x": 0,
        "xref": "x domain",
        "y": chosen,
        "xanchor": "right",
        "xshift": -6,
    }


def _values(view: AttentionView, mode: Mode) -> list[list[str]]:
    """Percentages of the weights worth writing, each in the ink that stands out from its cell."""
    inks = [weight_colours.ink_on(place, mode) for place in range(256)]
    places = weight_colours.place(view.weights).tolist()
    return [
        [
            f'<span style="color:{inks[p]}">{100 * w:.0f}</span>' if w >= LEAST_VALUE else ""
            for w, p in zip(*row, strict=True)
        ]
        for row in zip(view.weights.tolist(), places, strict=True)
    ]


def _names(view: AttentionView) -> list[list[str]]:
    """What each cell is: from which query to which key."""
    keys = [plain(label) for label in view.key_labels]
    return [[f"{query} to {key}" for key in keys] for query in map(plain, view.query_labels)]
