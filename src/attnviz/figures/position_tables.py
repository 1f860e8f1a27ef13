"""Tables of positions as colours: the numbers themselves, how alike their rows are, and where they differ most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from attnviz.analysis.positions import Components
from attnviz.figures.axis import end_labels, label_width, plain
from attnviz.figures.theme import (
    DASHES,
    DIVERGING,
    GREY,
    INK,
    Mode,
    even_scale,
    figure,
    horizontal_bar,
    mark,
    text,
)
from attnviz.tracing.trace import Floats


def table_heatmap(
    table: Floats,
    mode: Mode,
    *,
    x: str = "dimension",
    y: str = "position",
    bar: str = "value",
    names: Sequence[str] = (),
    first: int = 0,
) -> go.Figure:
    """A table (row, column) as colours about zero: red below, blue above. Rows run downwards.

    Where a few numbers are far larger than all others, colours end before them: else the rest would be white.
    ``names`` stand at the rows in place of numbers; the columns count from ``first``.
    """
    rows, columns = table.shape
    limit = colour_limit(table)
    named: dict[str, Any] = (
        {"tickvals": list(range(rows)), "ticktext": [plain(name) for name in names]} if names else {}
    )
    heatmap = {
        "type": "heatmap",
        "z": np.asarray(table, dtype=np.float32),
        "x0": first,
        "dx": 1,
        "zmin": -limit,
        "zmax": limit,
        "colorscale": even_scale(DIVERGING[mode]),
        "hovertemplate": f"{y} %{{y}}, {x} %{{x}}: <b>%{{z:.4f}}</b><extra></extra>",
        "colorbar": _bar(bar, mode),
    }
    return figure(
        [heatmap],
        mode,
        xaxis={"title": {"text": x}, "range": [first - 0.5, first + columns - 0.5]},
        yaxis={"title": {"text": y}, "range": [rows - 0.5, -0.5], "showgrid": False, **named},
        margin={"l": max(68, label_width(names, 14) + 20), "r": 98, "t": 22},
    )


def colour_limit(table: Floats) -> float:
    """Where the colours of a table end: at its largest number, or where 99.5 % of all end if that is less than half."""
    size = np.abs(table)
    largest, most = float(size.max(initial=0)), float(np.quantile(size, 0.995)) if size.size else 0.0
    return (most if 0 < most < largest / 2 else largest) or 1.0


def similarity_heatmap(similarities: Floats, mode: Mode, *, height: int = 500) -> go.Figure:
    """Cosine similarities (position, position) from -1 to 1 as a square."""
    count = len(similarities)
    heatmap = {
        "type": "heatmap",
        "z": np.asarray(similarities, dtype=np.float32),
        "zmin": -1,
        "zmax": 1,
        "colorscale": even_scale(DIVERGING[mode]),
        "hovertemplate": "positions %{y} and %{x}: <b>%{z:.3f}</b><extra></extra>",
        "colorbar": {**horizontal_bar("cosine similarity", mode), "ypad": 62},
    }
    ends = [-0.5, count - 0.5]
    return figure(
        [heatmap],
        mode,
        height=height,
        xaxis={
            "title": {"text": "position"},
            "range": ends,
            "constrain": "domain",
            "constraintoward": "left",
        },
        yaxis={
            "title": {"text": "position"},
            "range": ends[::-1],
            "showgrid": False,
            "scaleanchor": "x",
            "constrain": "domain",
        },
        margin={"t": 16, "b": 176},
    )


def components_curves(parts: Components, mode: Mode, first: int = 0) -> go.Figure:
    """The first components of a table against the position, each named at its end with its share.

    ``first`` is the position of the first row.
    """
    xs = np.arange(len(parts.values)) + first
    colours = (INK[mode], mark("query", mode), mark("key", mode))
    words = (INK[mode], text("query", mode), text("key", mode))
    count = min(parts.values.shape[1], 3)
    curves = [
        {
            "type": "scatter",
            "x": xs,
            "y": parts.values[:, i],
            "mode": "lines",
            "line": {"color": colours[i], "width": 2, "dash": DASHES[i]},
            "hovertemplate": f"component {i + 1}, position %{{x}}: <b>%{{y:.3f}}</b><extra></extra>",
        }
        for i in range(count)
    ]
    labels = [
        (float(parts.values[-1, i]), f"{i + 1}: {100 * parts.shares[i]:.0f} %", words[i])
        for i in range(count)
    ]
    span = float(np.ptp(parts.values)) or 1.0
    return figure(
        curves,
        mode,
        height=300,
        xaxis={"title": {"text": "position"}, "range": [0, max(int(xs[-1]), 1)]},
        yaxis={"title": {"text": "along the component"}, "zeroline": True},
        margin={"l": 72, "r": 72, "t": 16},
        annotations=end_labels(labels, 0.09 * span),
    )


def _bar(title: str, mode: Mode) -> dict[str, Any]:
    """A thin colour bar at the right."""
    return {
        "title": {"text": title, "side": "right", "font": {"size": 13, "color": GREY[mode]}},
        "tickfont": {"size": 13, "color": GREY[mode]},
        "ticklen": 0,
        "outlinewidth": 0,
        "thickness": 8,
        "xpad": 8,
    }
