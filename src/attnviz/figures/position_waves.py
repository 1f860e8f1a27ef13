"""Sinusoidal and rotary positions: waves, their wavelengths, and shifts as rotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from attnviz.analysis.positions import ByDistance
from attnviz.figures.axis import end_labels
from attnviz.figures.theme import GREY, HAIRLINE, INK, Mode, figure, mark, text
from attnviz.tracing.trace import Floats

_APART = 2.6
"""Between the middles of two curves that go from -1 to 1, so that they never touch."""


def dimension_curves(table: Floats, dimensions: Sequence[int], mode: Mode) -> go.Figure:
    """Chosen dimensions of a sinusoidal table (position, width) as curves, one below the other: sines solid, cosines
    dashed."""
    length = len(table)
    xs = np.arange(length)
    curves = [
        {
            "type": "scatter",
            "x": xs,
            "y": table[:, dimension] - _APART * row,
            "customdata": table[:, dimension],
            "mode": "lines",
            "line": {"color": INK[mode], "width": 1.75, "dash": "dash" if dimension % 2 else "solid"},
            "hovertemplate": f"dimension {dimension}, position %{{x}}: <b>%{{customdata:.3f}}</b><extra></extra>",
        }
        for row, dimension in enumerate(dimensions)
    ]
    middles = [-_APART * row for row in range(len(dimensions))]
    return figure(
        curves,
        mode,
        height=60 + 46 * max(len(dimensions), 2),
        xaxis={"title": {"text": "position"}, "range": [0, max(length - 1, 1)]},
        yaxis={
            "tickvals": middles,
            "ticktext": [f"{d} {'cosine' if d % 2 else 'sine'}" for d in dimensions],
            "range": [middles[-1] - 1.4, 1.4],
            "showgrid": True,
        },
        margin={"l": 88},
    )


def products_curve(products: ByDistance, mode: Mode) -> go.Figure:
    """Dot products against distance: their mean as a line, from least to most as a band."""
    xs = np.arange(len(products.mean))
    band = {"mode": "lines", "line": {"width": 0, "color": GREY[mode]}, "hoverinfo": "skip"}
    return figure(
        [
            {"type": "scatter", "x": xs, "y": products.most, **band},
            {
                "type": "scatter",
                "x": xs,
                "y": products.least,
                "fill": "tonexty",
                "fillcolor": HAIRLINE[mode],
                **band,
            },
            {
                "type": "scatter",
                "x": xs,
                "y": products.mean,
                "mode": "lines",
                "line": {"color": INK[mode], "width": 2},
                "hovertemplate": "%{x} apart: <b>%{y:.3f}</b><extra></extra>",
            },
        ],
        mode,
        height=300,
        xaxis={"title": {"text": "distance"}, "range": [0, max(len(xs) - 1, 1)]},
        yaxis={"title": {"text": "dot product"}, "zeroline": True},
    )


def turned(radians: float) -> str:
    """An angle from 0 on in words: "1.59 turns", "22.5°", "under 0.001°"."""
    if radians >= 2 * np.pi:
        return f"{radians / (2 * np.pi):.3g} turns"
    degrees = float(np.degrees(radians))
    return "under 0.001°" if 0 < degrees < 0.001 else f"{degrees:.3g}°"


def dials(turning: Floats, pairs: Sequence[int], position: int, shift: int, mode: Mode) -> go.Figure:
    """A dial for each of the ``pairs``: the hand at ``position`` (dashed), and ``shift`` positions later (solid).

    The arc between them is the rotation by ``shift``: the same from every position.
    """
    columns = 4
    rows = -(-len(pairs) // columns)
    # one trace for all of a kind, with gaps between: each further trace costs the browser as much as a figure of its own
    lines: tuple[dict[str, Any], ...] = (
        {"color": HAIRLINE[mode], "width": 1.5},
        {"color": mark("query", mode), "width": 4},
        {"color": GREY[mode], "width": 2, "dash": "dash"},
        {"color": INK[mode], "width": 2.5},
    )
    strokes: list[list[Any]] = [[] for _ in lines]  # points as complex numbers
    gap = [complex(np.nan, np.nan)]
    notes: list[dict[str, Any]] = []
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 73))
    for number, pair in enumerate(pairs):
        x0, y0 = 2.7 * (number % columns), -3.4 * (number // columns)
        speed = float(turning[pair])
        start, end = speed * position, speed * (position + shift)
        arc = 0.72 * np.exp(1j * np.linspace(start, end, 2 + min(720, int(abs(end - start) / 0.05))))
        hands = [np.array([0, np.exp(1j * angle)]) for angle in (start, end)]
        for found, points in zip(strokes, (circle, arc, *hands), strict=True):
            found += [complex(x0, y0) + points, gap]
        notes.append(
            {
                "x": x0,
                "y": y0 - 1.08,
                "yanchor": "top",
                "text": f"pair {pair}<br><b>{turned(shift * speed)}</b>",
                "showarrow": False,
                "font": {"color": INK[mode], "size": 14},
            }
        )
    traces = [
        {
            "type": "scatter",
            "x": points.real,
            "y": points.imag,
            "mode": "lines",
            "line": line,
            "hoverinfo": "skip",
            "showlegend": False,
        }
        for points, line in zip((np.concatenate(found[:-1]) for found in strokes), lines, strict=True)
    ]
    across = min(len(pairs), columns)
    hidden = {"visible": False, "fixedrange": True}
    return figure(
        traces,
        mode,
        height=60 + 182 * rows,
        xaxis={
            **hidden,
            "range": [-1.3, 2.7 * (across - 1) + 1.3],
            "constrain": "domain",
            "constraintoward": "left",
        },
        yaxis={
            **hidden,
            "range": [-3.4 * (rows - 1) - 2.2, 1.1],
            "scaleanchor": "x",
            "constrain": "domain",
        },
        annotations=notes,
        margin={"l": 8, "t": 4, "b": 4},
    )


def wavelength_curve(own: Floats, other: Floats | None, longest: int | None, mode: Mode) -> go.Figure:
    """Positions for one turn of each pair, on a logarithmic axis; beside it those of another base, and the longest text."""
    xs = np.arange(len(own))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": xs,
            "y": own,
            "mode": "lines+markers",
            "line": {"color": INK[mode], "width": 2},
            "marker": {"size": 5},
            "hovertemplate": "pair %{x}: once around in <b>%{y:,.1f}</b> positions<extra></extra>",
        }
    ]
    labels = [(float(np.log10(own[-1])), "this base", INK[mode])]
    if other is not None:
        traces.append(
            {
                "type": "scatter",
                "x": xs,
                "y": other,
                "mode": "lines",
                "line": {"color": GREY[mode], "width": 2, "dash": "dot"},
                "hovertemplate": "own base, pair %{x}: <b>%{y:,.1f}</b> positions<extra></extra>",
            }
        )
        labels.append((float(np.log10(other[-1])), "the model's", GREY[mode]))
    shapes: list[dict[str, Any]] = []
    if longest:
        labels.append((float(np.log10(longest)), "longest text", text("key", mode)))
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
    return figure(
        traces,
        mode,
        height=320,
        xaxis={"title": {"text": "pair"}},
        yaxis={
            "type": "log",
            "title": {"text": "positions for one turn"},
            "tickvals": [10.0**k for k in range(10)],
            "ticktext": [f"{10**k:,}" if k < 7 else f"10<sup>{k}</sup>" for k in range(10)],
        },
        margin={"l": 98, "r": 100, "t": 20},
        annotations=end_labels(labels, 0.07 * (max(labels)[0] - np.log10(6))),
        shapes=shapes or None,
    )
