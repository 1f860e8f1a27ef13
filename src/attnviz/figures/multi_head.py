"""The heads of a layer side by side, all heads of a model by one number each, and how their outputs come together."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np
import plotly.graph_objects as go

from attnviz.figures import weight_colours
from attnviz.figures.attention_steps import Panel, strips
from attnviz.figures.axis import shown_labels
from attnviz.figures.theme import (
    GREY,
    INK,
    PANEL,
    SEQUENTIAL,
    Mode,
    even_scale,
    figure,
    horizontal_bar,
    mixed,
)
from attnviz.tracing.trace import Floats

MOST_ACROSS = 12
"""Layers that a map has across."""

_MOST_NUMBERS = 16  # along an axis of a map
_BETWEEN = 0.08  # of a tile's width, from tile to tile
_CAPTION = 0.42  # of a tile's width, for what stands below it

_NO_AXIS = {"showgrid": False, "zeroline": False, "fixedrange": True, "ticks": "", "showticklabels": False}


def columns_of(heads: int) -> int:
    """How many tiles stand in a row: about two and a half times as many as there are rows, without gaps if it can be."""
    best = max(4, ceil(sqrt(2.5 * heads)))
    return min(heads, next((c for c in (best, best - 1, best + 1) if heads % c == 0), best))


def rows_of(heads: int) -> int:
    """How many rows of tiles there are."""
    return ceil(heads / columns_of(heads))


def layer_heads(weights: Floats, captions: Sequence[Sequence[str]], chosen: int, mode: Mode) -> go.Figure:
    """All heads of a layer, (head, row, column), as small matrices on one axis; the ``chosen`` one is framed.

    ``captions`` are the lines below each. Point i of the invisible points above them is head i, to be picked. The
    figure is as high as its width asks for: see :func:`layer_heads_aspect`.
    """
    heads, rows, columns = weights.shape
    across = columns_of(heads)
    side = max(rows, columns)
    step_x, step_y = side * (1 + _BETWEEN), side * (1 + _CAPTION)
    left = [side * 0.5 * (1 - columns / side) + (i % across) * step_x for i in range(heads)]
    top = [(i // across) * step_y for i in range(heads)]
    # one trace for all: each further one costs the browser as much as a figure of its own
    tiles = {
        "type": "heatmap",
        "z": _side_by_side(weights, across),
        "x": _edges(left[:across], columns),
        "y": _edges(top[::across], rows),
        "zmin": 0,
        "zmax": 1,
        "colorscale": weight_colours.scale(mode),
        "showscale": False,
        "hoverongaps": False,
        "hoverinfo": "skip",
    }
    points = {
        "type": "scatter",
        "x": [x + columns / 2 for x in left],
        "y": [y + rows / 2 for y in top],
        "mode": "markers",
        "marker": {"symbol": "square", "size": 72, "opacity": 0},
        "text": [" · ".join(lines) for lines in captions],
        "hovertemplate": "%{text}<extra></extra>",
    }
    notes = [
        {
            "text": "<br>".join([f"<b>{lines[0]}</b>", *lines[1:]]),
            "x": left[i],
            "y": top[i] + rows,
            "xanchor": "left",
            "yanchor": "top",
            "align": "left",
            "showarrow": False,
            "font": {"size": 13, "color": INK[mode] if i == chosen else GREY[mode]},
        }
        for i, lines in enumerate(captions)
    ]
    width, height = _extent(heads, rows, columns)
    return figure(
        [points, tiles],
        mode,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        xaxis={
            **_NO_AXIS,
            "range": [-0.02 * side, width],
            "constrain": "domain",
            "constraintoward": "left",
        },
        yaxis={
            **_NO_AXIS,
            "range": [height, -0.02 * side],
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "top",
        },
        annotations=notes,
        shapes=[_frame(left[chosen], top[chosen], columns, rows, mode)],
        hovermode="closest",
        clickmode="event",
        dragmode="pan",
    )


def _side_by_side(weights: Floats, across: int) -> Floats:
    """The matrices (head, row, column) as one, ``across`` in a row, with an empty row and column after each but the last."""
    heads, rows, columns = weights.shape
    down = ceil(heads / across)
    whole = np.full((down, across, rows + 1, columns + 1), np.nan, np.float32)
    whole.reshape(-1, rows + 1, columns + 1)[:heads, :rows, :columns] = weights
    return whole.swapaxes(1, 2).reshape(down * (rows + 1), across * (columns + 1))[:-1, :-1]


def _edges(starts: Sequence[float], cells: int) -> list[float]:
    """Where the cells of tiles begin and end, ``cells`` of one unit in each."""
    return [start + cell for start in starts for cell in range(cells + 1)]


def layer_heads_aspect(heads: int, rows: int, columns: int) -> float:
    """Height of :func:`layer_heads` by its width."""
    width, height = _extent(heads, rows, columns)
    return height / width


def head_map(
    values: Floats,
    mode: Mode,
    *,
    chosen: tuple[int, int],
    title: str,
    written: Sequence[Sequence[str]],
    largest: float,
) -> go.Figure:
    """One number for every head, (layer, head), as a colour: layers across, heads down, the ``chosen`` head framed.

    More layers than :data:`MOST_ACROSS` go down, with heads across, so that the map stays narrow.
    ``written`` says the number of each head, ``largest`` is the end of the colours, which begin at 0. Point i is layer
    i // heads, head i % heads, to be picked.
    """
    layers, heads = values.shape
    deep = layers > MOST_ACROSS
    cells = {
        "type": "heatmap",
        "z": values if deep else values.T,
        "zmin": 0,
        "zmax": largest,
        "colorscale": even_scale([mixed(PANEL[mode], 0.6, mode), *SEQUENTIAL[mode][1:]]),
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
        "hoverongaps": False,
        "colorbar": {
            **horizontal_bar(title, mode),
            "tickvals": [0, largest],
            "ticktext": ["0", f"{largest:.3g}"],
            "lenmode": "fraction",
            "len": 0.9,
            "ypad": 8,
        },
    }
    places = [(layer, head) for layer in range(layers) for head in range(heads)]
    points = {
        "type": "scatter",
        "x": [place[deep] for place in places],
        "y": [place[not deep] for place in places],
        "mode": "markers",
        "marker": {"symbol": "square", "size": 22, "opacity": 0},
        "text": [f"L{layer}H{head}: {written[layer][head]}" for layer, head in places],
        "hovertemplate": "%{text}<extra></extra>",
    }
    x, y = chosen[deep], chosen[not deep]
    axis: dict[str, Any] = {
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
        "tickmode": "array",
        "tickangle": 0,
        "tickfont": {"size": 12, "color": GREY[mode]},
    }
    return figure(
        [points, cells],
        mode,
        margin={"l": 30, "r": 4, "t": 22, "b": 62},
        plot_bgcolor=PANEL[mode],
        xaxis={
            **axis,
            "side": "top",
            "range": [-0.5, (heads if deep else layers) - 0.5],
            **(_numbered("H", heads, x) if deep else _numbered("L", layers, x)),
        },
        yaxis={
            **axis,
            "range": [(layers if deep else heads) - 0.5, -0.5],
            **(_numbered("L", layers, y) if deep else _numbered("H", heads, y)),
        },
        shapes=[_frame(x - 0.5, y - 0.5, 1, 1, mode)],
        hovermode="closest",
        clickmode="event",
        dragmode="pan",
    )


def put_together(
    side_by_side: Floats,
    projected: Floats,
    labels: Sequence[str],
    chosen: int,
    heads: int,
    names: tuple[str, str],
    mode: Mode,
) -> go.Figure:
    """The heads' outputs side by side, (query, heads * d_head), the ``chosen`` head's numbers framed; below it what the
    output projection makes of them, (query, d_model)."""
    size = side_by_side.shape[1] // heads
    return strips(
        [
            Panel(side_by_side, labels, "query", "value", names[0]),
            Panel(projected, labels, "query", "stream", names[1]),
        ],
        mode,
        frames=[_frame(chosen * size - 0.5, -0.5, size, len(labels), mode)],
    )


def _extent(heads: int, rows: int, columns: int) -> tuple[float, float]:
    side, across = max(rows, columns), columns_of(heads)
    return side * (1 + _BETWEEN) * across, side * (1 + _CAPTION) * rows_of(heads)


def _numbered(letter: str, count: int, chosen: int) -> dict[str, Any]:
    """Numbers along an axis, as many as there is room for, the chosen one bold."""
    shown = shown_labels(count, [chosen], count / _MOST_NUMBERS)
    return {
        "tickvals": shown,
        "ticktext": [f"<b>{letter}{i}</b>" if i == chosen else f"{letter}{i}" for i in shown],
    }


def _frame(x: float, y: float, width: float, height: float, mode: Mode) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "y",
        "x0": x,
        "x1": x + width,
        "y0": y,
        "y1": y + height,
        "line": {"color": INK[mode], "width": 2},
    }
