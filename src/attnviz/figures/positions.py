"""Positions as waves, tables, rotations and biases by distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from attnviz.analysis.positions import ByDistance, Components
from attnviz.figures.axis import plain
from attnviz.figures.theme import (
    DASHES,
    DIVERGING,
    GREY,
    HAIRLINE,
    INK,
    PAPER,
    SEQUENTIAL,
    Mode,
    mark,
    template,
    text,
)
from attnviz.tracing.trace import Floats

_APART = 2.6
"""Between the middles of two curves that go from -1 to 1, so that they never touch."""


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
    heatmap = go.Heatmap(
        z=np.asarray(table, dtype=np.float32),
        x0=first,
        dx=1,
        zmin=-limit,
        zmax=limit,
        colorscale=_stops(DIVERGING[mode]),
        hovertemplate=f"{y} %{{y}}, {x} %{{x}}: <b>%{{z:.4f}}</b><extra></extra>",
        colorbar=_bar(bar, mode),
    )
    return go.Figure(
        [heatmap],
        {
            "template": template(mode),
            "xaxis": {"title": {"text": x}, "range": [first - 0.5, first + columns - 0.5]},
            "yaxis": {"title": {"text": y}, "range": [rows - 0.5, -0.5], "showgrid": False, **named},
            "margin": {"t": 16},
        },
    )


def colour_limit(table: Floats) -> float:
    """Where the colours of a table end: at its largest number, or where 99.5 % of all end if that is less than half."""
    size = np.abs(table)
    largest, most = float(size.max(initial=0)), float(np.quantile(size, 0.995)) if size.size else 0.0
    return (most if 0 < most < largest / 2 else largest) or 1.0


def similarity_heatmap(similarities: Floats, mode: Mode, *, height: int = 500) -> go.Figure:
    """Cosine similarities (position, position) from -1 to 1 as a square."""
    count = len(similarities)
    heatmap = go.Heatmap(
        z=np.asarray(similarities, dtype=np.float32),
        zmin=-1,
        zmax=1,
        colorscale=_stops(DIVERGING[mode]),
        hovertemplate="positions %{y} and %{x}: <b>%{z:.3f}</b><extra></extra>",
        colorbar=_bar_below("cosine similarity", mode),
    )
    ends = [-0.5, count - 0.5]
    return go.Figure(
        [heatmap],
        {
            "template": template(mode),
            "height": height,
            "xaxis": {
                "title": {"text": "position"},
                "range": ends,
                "constrain": "domain",
                "constraintoward": "left",
            },
            "yaxis": {
                "title": {"text": "position"},
                "range": ends[::-1],
                "showgrid": False,
                "scaleanchor": "x",
                "constrain": "domain",
            },
            "margin": {"t": 16, "b": 120},
        },
    )


def dimension_curves(table: Floats, dimensions: Sequence[int], mode: Mode) -> go.Figure:
    """Chosen dimensions of a sinusoidal table (position, width) as curves, one below the other: sines solid, cosines
    dashed."""
    length = len(table)
    xs = np.arange(length)
    curves = [
        go.Scatter(
            x=xs,
            y=table[:, dimension] - _APART * row,
            customdata=table[:, dimension],
            mode="lines",
            line={"color": INK[mode], "width": 1.75, "dash": "dash" if dimension % 2 else "solid"},
            hovertemplate=f"dimension {dimension}, position %{{x}}: <b>%{{customdata:.3f}}</b><extra></extra>",
        )
        for row, dimension in enumerate(dimensions)
    ]
    middles = [-_APART * row for row in range(len(dimensions))]
    return go.Figure(
        curves,
        {
            "template": template(mode),
            "height": 60 + 46 * max(len(dimensions), 2),
            "xaxis": {"title": {"text": "position"}, "range": [0, max(length - 1, 1)]},
            "yaxis": {
                "tickvals": middles,
                "ticktext": [f"{d} {'cosine' if d % 2 else 'sine'}" for d in dimensions],
                "range": [middles[-1] - 1.4, 1.4],
                "showgrid": True,
            },
        },
    )


def products_curve(products: ByDistance, mode: Mode) -> go.Figure:
    """Dot products against distance: their mean as a line, from least to most as a band."""
    xs = np.arange(len(products.mean))
    band = {"mode": "lines", "line": {"width": 0, "color": GREY[mode]}, "hoverinfo": "skip"}
    return go.Figure(
        [
            go.Scatter(x=xs, y=products.most, **band),
            go.Scatter(x=xs, y=products.least, fill="tonexty", fillcolor=HAIRLINE[mode], **band),
            go.Scatter(
                x=xs,
                y=products.mean,
                mode="lines",
                line={"color": INK[mode], "width": 2},
                hovertemplate="%{x} apart: <b>%{y:.3f}</b><extra></extra>",
            ),
        ],
        {
            "template": template(mode),
            "height": 300,
            "xaxis": {"title": {"text": "distance"}, "range": [0, max(len(xs) - 1, 1)]},
            "yaxis": {"title": {"text": "dot product"}, "zeroline": True},
        },
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
        go.Scatter(
            x=xs,
            y=parts.values[:, i],
            mode="lines",
            line={"color": colours[i], "width": 2, "dash": DASHES[i]},
            hovertemplate=f"component {i + 1}, position %{{x}}: <b>%{{y:.3f}}</b><extra></extra>",
        )
        for i in range(count)
    ]
    labels = [
        (float(parts.values[-1, i]), f"{i + 1}: {100 * parts.shares[i]:.0f} %", words[i])
        for i in range(count)
    ]
    span = float(np.ptp(parts.values)) or 1.0
    return go.Figure(
        curves,
        {
            "template": template(mode),
            "height": 300,
            "xaxis": {"title": {"text": "position"}, "range": [0, max(int(xs[-1]), 1)]},
            "yaxis": {"title": {"text": "along the component"}, "zeroline": True},
            "margin": {"r": 72, "t": 16},
            "annotations": _end_labels(labels, 0.09 * span),
        },
    )


def dials(turning: Floats, pairs: Sequence[int], position: int, shift: int, mode: Mode) -> go.Figure:
    """A dial for each of the ``pairs``: the hand at ``position`` (dashed), and ``shift`` positions later (solid).

    The arc between them is the rotation by ``shift``: the same from every position.
    """
    columns = 4
    rows = -(-len(pairs) // columns)
    traces: list[go.Scatter] = []
    notes: list[dict[str, Any]] = []
    full = np.linspace(0, 2 * np.pi, 73)
    for number, pair in enumerate(pairs):
        x0, y0 = 2.7 * (number % columns), -3.4 * (number // columns)
        speed = float(turning[pair])
        start, end = speed * position, speed * (position + shift)
        arc = np.linspace(start, end, 2 + min(720, int(abs(end - start) / 0.05)))
        lines = (
            (full, 1.0, {"color": HAIRLINE[mode], "width": 1.5}, False),
            (arc, 0.72, {"color": mark("query", mode), "width": 4}, False),
            (np.array([start]), 1.0, {"color": GREY[mode], "width": 2, "dash": "dash"}, True),
            (np.array([end]), 1.0, {"color": INK[mode], "width": 2.5}, True),
        )
        for angles, radius, line, hand in lines:
            xs, ys = radius * np.cos(angles), radius * np.sin(angles)
            if hand:
                xs, ys = np.insert(xs, 0, 0), np.insert(ys, 0, 0)
            traces.append(
                go.Scatter(x=x0 + xs, y=y0 + ys, mode="lines", line=line, hoverinfo="skip", showlegend=False)
            )
        turn = (
            f"{shift * speed / (2 * np.pi):.3g} turns"
            if shift * speed >= 2 * np.pi
            else f"{np.degrees(shift * speed):.3g}°"
        )
        notes.append(
            {
                "x": x0,
                "y": y0 - 1.08,
                "yanchor": "top",
                "text": f"pair {pair}<br><b>{turn}</b>",
                "showarrow": False,
                "font": {"color": INK[mode], "size": 14},
            }
        )
    across = min(len(pairs), columns)
    hidden = {"visible": False, "fixedrange": True}
    return go.Figure(
        traces,
        {
            "template": template(mode),
            "height": 24 + 200 * rows,
            "xaxis": {
                **hidden,
                "range": [-1.3, 2.7 * (across - 1) + 1.3],
                "constrain": "domain",
                "constraintoward": "left",
            },
            "yaxis": {
                **hidden,
                "range": [-3.4 * (rows - 1) - 2.2, 1.1],
                "scaleanchor": "x",
                "constrain": "domain",
            },
            "annotations": notes,
            "margin": {"t": 4, "b": 4},
        },
    )


def wavelength_curve(own: Floats, other: Floats | None, longest: int | None, mode: Mode) -> go.Figure:
    """Positions for one turn of each pair, on a logarithmic axis; beside it those of another base, and the longest text."""
    xs = np.arange(len(own))
    traces = [
        go.Scatter(
            x=xs,
            y=own,
            mode="lines+markers",
            line={"color": INK[mode], "width": 2},
            marker={"size": 5},
            hovertemplate="pair %{x}: once around in <b>%{y:,.1f}</b> positions<extra></extra>",
        )
    ]
    labels = [(float(np.log10(own[-1])), "this base", INK[mode])]
    if other is not None:
        traces.append(
            go.Scatter(
                x=xs,
                y=other,
                mode="lines",
                line={"color": GREY[mode], "width": 2, "dash": "dot"},
                hovertemplate="own base, pair %{x}: <b>%{y:,.1f}</b> positions<extra></extra>",
            )
        )
        labels.append((float(np.log10(other[-1])), "the model's", GREY[mode]))
    highest = max(float(np.max(t.y)) for t in traces)
    notes = _end_labels(labels, 0.07 * np.log10(highest / 6))
    shapes: list[dict[str, Any]] = []
    if longest:
        shapes.append(
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": longest,
                "y1": longest,
                "line": {"color": mark("key", mode), "width": 1.5, "dash": "dash"},
            }
        )
        notes.append(
            {
                "xref": "paper",
                "x": 0.01,
                "xanchor": "left",
                "y": float(np.log10(longest)),
                "yanchor": "bottom",
                "text": f"longest text, {longest:,} positions",
                "showarrow": False,
                "font": {"color": text("key", mode), "size": 14},
            }
        )
    return go.Figure(
        traces,
        {
            "template": template(mode),
            "height": 320,
            "xaxis": {"title": {"text": "pair"}},
            "yaxis": {
                "type": "log",
                "title": {"text": "positions for one turn"},
                "tickvals": [10.0**k for k in range(10)],
                "ticktext": [f"{10**k:,}" if k < 7 else f"10<sup>{k}</sup>" for k in range(10)],
            },
            "margin": {"r": 100, "t": 16},
            "annotations": notes,
            "shapes": shapes,
        },
    )


def score_curve(
    distances: NDArray[np.integer], scores: Floats, here: int, mode: Mode, elsewhere: Floats | None = None
) -> go.Figure:
    """A score against the distance of query and key; ``here`` is where the two stand in the text.

    ``elsewhere`` are the scores of the same distances with both moved on: dots that lie on the line.
    """
    traces = [
        go.Scatter(
            x=distances,
            y=scores,
            mode="lines",
            line={"color": mark("query", mode), "width": 2},
            hovertemplate="%{x} apart: <b>%{y:.3f}</b><extra></extra>",
        )
    ]
    if elsewhere is not None:
        traces.append(
            go.Scatter(
                x=distances,
                y=elsewhere,
                mode="markers",
                marker={"color": INK[mode], "size": 9, "symbol": "circle-open", "line": {"width": 1.5}},
                hovertemplate="both moved, %{x} apart: <b>%{y:.3f}</b><extra></extra>",
            )
        )
    at = int(np.argmin(np.abs(np.asarray(distances) - here)))
    traces.append(
        go.Scatter(
            x=[here],
            y=[float(scores[at])],
            mode="markers",
            marker={"color": mark("key", mode), "size": 13, "line": {"color": PAPER[mode], "width": 2}},
            hovertemplate="in your text: <b>%{y:.3f}</b><extra></extra>",
        )
    )
    return go.Figure(
        traces,
        {
            "template": template(mode),
            "height": 320,
            "xaxis": {"title": {"text": "positions from key to query"}},
            "yaxis": {"title": {"text": "score"}, "zeroline": True},
        },
    )


def bucket_steps(distances: NDArray[np.integer], buckets: NDArray[np.integer], mode: Mode) -> go.Figure:
    """Which bucket each distance falls into, as steps."""
    steps = go.Scatter(
        x=distances,
        y=buckets,
        mode="lines",
        line={"color": INK[mode], "width": 2, "shape": "hvh"},
        hovertemplate="key %{x} from the query: bucket <b>%{y}</b><extra></extra>",
    )
    return go.Figure(
        [steps],
        {
            "template": template(mode),
            "height": 300,
            "xaxis": {"title": {"text": "key − query, in positions"}},
            "yaxis": {"title": {"text": "bucket"}},
        },
    )


def bias_curves(
    distances: NDArray[np.integer],
    biases: Floats,
    names: Sequence[str],
    mode: Mode,
    chosen: int | None = None,
) -> go.Figure:
    """Biases (head, distance) as one line for each head; the ``chosen`` one stands out, the others are grey."""
    order = [i for i in range(len(biases)) if i != chosen] + ([chosen] if chosen is not None else [])
    traces = [
        go.Scatter(
            x=distances,
            y=biases[i],
            mode="lines",
            line={
                "color": mark("key", mode) if i == chosen else GREY[mode],
                "width": 3 if i == chosen else 1.25,
            },
            hovertemplate=f"{plain(names[i])}, %{{x}}: <b>%{{y:.3f}}</b><extra></extra>",
        )
        for i in order
    ]
    span = float(np.ptp(biases)) or 1.0
    labels = []
    if chosen is not None:
        labels = _end_labels(
            [(float(biases[chosen, -1]), plain(names[chosen]), text("key", mode))], 0.1 * span
        )
    return go.Figure(
        traces,
        {
            "template": template(mode),
            "height": 340,
            "xaxis": {
                "title": {"text": "key − query, in positions"},
                "range": [int(distances[0]), int(distances[-1])],
            },
            "yaxis": {"title": {"text": "added to the score"}, "zeroline": True},
            "margin": {"r": 88, "t": 16},
            "annotations": labels,
        },
    )


def bias_matrix(bias: Floats, mode: Mode) -> go.Figure:
    """What one head adds to the scores of a short text, (query, key), NaN where a key is hidden; darker takes more away."""
    count = len(bias)
    heatmap = go.Heatmap(
        z=np.asarray(-bias, dtype=np.float32),
        colorscale=_stops(SEQUENTIAL[mode]),
        xgap=1,
        ygap=1,
        hovertemplate="query %{y}, key %{x}: <b>−%{z:.3f}</b><extra></extra>",
        colorbar=_bar_below("taken from the score", mode),
    )
    axis = {"fixedrange": True, "constrain": "domain", "showgrid": False}
    return go.Figure(
        [heatmap],
        {
            "template": template(mode),
            "height": 460,
            "xaxis": {
                **axis,
                "title": {"text": "key (to)", "font": {"color": text("key", mode)}},
                "range": [-0.5, count - 0.5],
                "constraintoward": "left",
            },
            "yaxis": {
                **axis,
                "title": {"text": "query (from)", "font": {"color": text("query", mode)}},
                "range": [count - 0.5, -0.5],
                "scaleanchor": "x",
            },
            "margin": {"t": 16, "b": 120},
        },
    )


def change_bars(labels: Sequence[str], series: Sequence[tuple[str, Floats]], mode: Mode) -> go.Figure:
    """How far each token's vector moved, in per cent of its length: one group of bars for each token.

    ``series`` are up to three (name, changes (token,)); with positions first.
    """
    colours = (INK[mode], mark("query", mode), mark("value", mode))
    patterns = ("", "/", "x")
    xs = np.arange(len(labels))
    room = 1 if len(labels) <= 32 else -(-len(labels) // 32)
    shown = xs[::room]
    bars = [
        go.Bar(
            x=xs,
            y=100 * changes,
            name=name,
            marker={
                "color": colours[i],
                "pattern": {"shape": patterns[i], "fillmode": "overlay", "fgcolor": PAPER[mode], "size": 5},
                "line": {"width": 0},
            },
            customdata=[plain(label) for label in labels],
            hovertemplate=f"%{{customdata}}, {name}: <b>%{{y:.3g}} %</b><extra></extra>",
        )
        for i, (name, changes) in enumerate(series)
    ]
    return go.Figure(
        bars,
        {
            "template": template(mode),
            "barmode": "group",
            "bargap": 0.25,
            "bargroupgap": 0,
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 14}},
            "xaxis": {
                "tickvals": shown,
                "ticktext": [plain(labels[i]) for i in shown],
                "tickangle": -45,
                "range": [-0.6, len(labels) - 0.4],
                "ticks": "",
            },
            "yaxis": {"title": {"text": "moved, % of its length"}, "rangemode": "tozero"},
        },
    )


def _end_labels(ends: list[tuple[float, str, str]], least: float) -> list[dict[str, Any]]:
    """Names right of the ends of lines, moved up where two would lie on each other."""
    notes: list[dict[str, Any]] = []
    last = -np.inf
    for y, name, colour in sorted(ends):
        last = max(y, last + least)
        notes.append(
            {
                "x": 1,
                "xref": "paper",
                "xanchor": "left",
                "xshift": 8,
                "y": last,
                "text": name,
                "showarrow": False,
                "font": {"color": colour, "size": 14},
            }
        )
    return notes


def _stops(colours: Sequence[str]) -> list[list[float | str]]:
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]


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


def _bar_below(title: str, mode: Mode) -> dict[str, Any]:
    """A thin colour bar below the left end of a square."""
    return {
        **_bar(title, mode),
        "title": {"text": title, "side": "top", "font": {"size": 13, "color": GREY[mode]}},
        "orientation": "h",
        "lenmode": "pixels",
        "len": 216,
        "x": 0,
        "xanchor": "left",
        "xpad": 0,
        "y": 0,
        "yanchor": "top",
        "ypad": 62,
    }
