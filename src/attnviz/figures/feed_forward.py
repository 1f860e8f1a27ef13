"""The feed-forward network: its widths to scale, its activation functions, and what its neurons do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from attnviz.analysis.feed_forward import ACTIVATIONS, Sparsity, gated
from attnviz.figures.axis import label_width, plain
from attnviz.figures.theme import DASHES, DIVERGING, GREY, INK, Mode, even_scale, figure, mark, mixed, text
from attnviz.tracing.trace import Floats

_BAR = 0.34
"""Width of a bar of numbers; a step from one bar to the next is 2."""

MOST_NAMED = 40
"""Tokens that have a bar with a name each; of more, the bars stand side by side."""


def widths(d_model: int, d_ff: int, activation: str, is_gated: bool, mode: Mode) -> go.Figure:
    """A network's vectors as bars as high as they are wide, its matrices as the planes between them.

    Input, expansion (two of them where a gate decides what passes), activation, output.
    """
    stream, ff = mark("stream", mode), mark("feed_forward", mode)
    gap = 0.16 * d_ff
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    middles = (d_ff / 2 + gap / 2, -d_ff / 2 - gap / 2) if is_gated else (0.0,)
    names = ("gate", "up") if is_gated else ("in",)
    for middle, name in zip(middles, names, strict=True):
        shapes.append(_plane(0, 0, d_model, 2, middle, d_ff, mixed(ff, 0.22, mode)))
        shapes.append(_bar(2, middle, d_ff, ff))
        notes.append(_name(1.0, middle / 2, f"{name}<br>{d_model:,} × {d_ff:,}", mode))
        if is_gated:
            said = activation if name == "gate" else "as it is"
            shapes.append(_plane(2, middle, d_ff, 4, 0, d_ff, mixed(ff, 0.1, mode)))
            notes.append(_name(2.95, 0.62 * middle, f"{said}{'<br>times' if name == 'gate' else ''}", mode))
    if not is_gated:
        shapes.append(_plane(2, 0, d_ff, 4, 0, d_ff, mixed(ff, 0.1, mode)))
        notes.append(_name(3.0, 0, activation, mode))
    shapes += [
        _bar(4, 0, d_ff, ff),
        _plane(4, 0, d_ff, 6, 0, d_model, mixed(ff, 0.22, mode)),
        _bar(0, 0, d_model, stream),
        _bar(6, 0, d_model, stream),
    ]
    notes.append(_name(5.0, 0, f"out<br>{d_ff:,} × {d_model:,}", mode))
    top = (d_ff if is_gated else d_ff / 2) + gap
    bars = [(0, "input", d_model, "stream"), (2, "expansion", d_ff, "feed_forward")]
    bars += [(4, "activation", d_ff, "feed_forward"), (6, "output", d_model, "stream")]
    for x, name, width, meaning in bars:
        doubled = f"2 × {width:,}" if is_gated and name == "expansion" else f"{width:,}"
        notes.append(
            {
                "x": x,
                "y": top,
                "text": f"{name}<br><b>{doubled}</b>",
                "showarrow": False,
                "yanchor": "bottom",
                "font": {"size": 15, "color": text(meaning, mode)},
            }
        )
    hidden = {"visible": False, "fixedrange": True}
    return figure(
        [
            {
                "type": "scatter",
                "x": [0, 6],
                "y": [0, 0],
                "mode": "markers",
                "marker": {"opacity": 0},
                "hoverinfo": "skip",
            }
        ],
        mode,
        height=380,
        xaxis={**hidden, "range": [-0.7, 6.7]},
        yaxis={**hidden, "range": [-top, top * 1.36]},
        shapes=shapes,
        annotations=notes,
        margin={"t": 4, "b": 4, "l": 0, "r": 0},
    )


def _bar(x: float, middle: float, height: float, colour: str) -> dict[str, Any]:
    half = _BAR / 2
    return {
        "type": "rect",
        "x0": x - half,
        "x1": x + half,
        "y0": middle - height / 2,
        "y1": middle + height / 2,
        "fillcolor": colour,
        "line": {"width": 0},
    }


def _plane(
    x0: float, middle0: float, h0: float, x1: float, middle1: float, h1: float, colour: str
) -> dict[str, Any]:
    left, right = x0 + _BAR / 2, x1 - _BAR / 2
    corners = (
        (left, middle0 + h0 / 2),
        (right, middle1 + h1 / 2),
        (right, middle1 - h1 / 2),
        (left, middle0 - h0 / 2),
    )
    path = " L ".join(f"{x:.4f} {y:.2f}" for x, y in corners)
    return {
        "type": "path",
        "path": f"M {path} Z",
        "fillcolor": colour,
        "line": {"width": 0},
        "layer": "below",
    }


def _name(x: float, y: float, words: str, mode: Mode) -> dict[str, Any]:
    font = {"size": 14, "color": INK[mode]}
    return {"x": x, "y": y, "text": words, "showarrow": False, "font": font}


def activation_curves(x: float, up: float, mode: Mode, own: str = "") -> go.Figure:
    """ReLU, GELU, SiLU and a gated SiLU over the input, with their values at ``x`` marked; the model's own is bold."""
    xs = np.linspace(-6, 6, 241)
    colours = (GREY[mode], INK[mode], mark("feed_forward", mode), mark("key", mode))
    words = (GREY[mode], INK[mode], text("feed_forward", mode), text("key", mode))
    curves: list[tuple[str, Floats, Any]] = [
        (name, function(xs), function(np.array([x]))[0]) for name, function in ACTIVATIONS.items()
    ]
    curves.append((f"SiLU × {up:g}", gated(xs, np.array(up)), gated(np.array([x]), np.array(up))[0]))
    traces: list[dict[str, Any]] = []
    for i, (name, ys, at) in enumerate(curves):
        traces.append(
            {
                "type": "scatter",
                "x": xs,
                "y": ys,
                "name": f"{name} (this model)" if name == own else name,
                "mode": "lines",
                "line": {"color": colours[i], "width": 3.5 if name == own else 2, "dash": DASHES[i]},
                "hovertemplate": f"{name}(%{{x:.2f}}) = <b>%{{y:.3f}}</b><extra></extra>",
            }
        )
        traces.append(
            {
                "type": "scatter",
                "x": [x],
                "y": [float(at)],
                "mode": "markers",
                "showlegend": False,
                "marker": {
                    "color": words[i],
                    "size": 10,
                    "symbol": ("circle", "square", "diamond", "cross")[i],
                },
                "hovertemplate": f"{name}({x:g}) = <b>%{{y:.3f}}</b><extra></extra>",
            }
        )
    return figure(
        traces,
        mode,
        height=360,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 14}},
        xaxis={"title": {"text": "input"}, "range": [-6, 6], "zeroline": True},
        yaxis={"title": {"text": "output"}, "range": [-2.5, 6.2], "zeroline": True},
        margin={"r": 18, "t": 52},
    )


def neuron_bars(names: Sequence[str], values: Floats, mode: Mode, title: str = "activation") -> go.Figure:
    """One bar for each name, the first on top: activations of neurons, or of one neuron at each token."""
    ys = np.arange(len(names))
    labels = [plain(name) for name in names]
    bars = {
        "type": "bar",
        "x": np.asarray(values, dtype=np.float32),
        "y": ys,
        "orientation": "h",
        "marker": {"color": mark("feed_forward", mode), "line": {"width": 0}},
        "customdata": labels,
        "hovertemplate": "%{customdata}: <b>%{x:.3f}</b><extra></extra>",
    }
    return figure(
        [bars],
        mode,
        height=72 + 26 * max(len(names), 3),
        bargap=0.25,
        margin={"l": max(68, label_width(labels, 14) + 22), "r": 14},
        xaxis={"title": {"text": title}, "zeroline": True, "showgrid": True},
        yaxis={
            "tickvals": ys,
            "ticktext": labels,
            "range": [len(names) - 0.5, -0.5],
            "showgrid": False,
            "ticks": "",
        },
    )


def token_bars(labels: Sequence[str], values: Floats, mode: Mode) -> go.Figure:
    """A neuron's activation at each token: by name, or, of more than ``MOST_NAMED``, in the order of the text, where
    pointing at a bar names its token."""
    if len(labels) <= MOST_NAMED:
        return neuron_bars(labels, values, mode)
    bars = {
        "type": "bar",
        "x": np.arange(len(labels)),
        "y": np.asarray(values, dtype=np.float32),
        "marker": {"color": mark("feed_forward", mode), "line": {"width": 0}},
        "customdata": [plain(label) for label in labels],
        "hovertemplate": "%{customdata}, token %{x}: <b>%{y:.3f}</b><extra></extra>",
    }
    return figure(
        [bars],
        mode,
        height=300,
        bargap=0,
        xaxis={"title": {"text": f"{len(labels):,} tokens in order, from 0"}, "showgrid": False},
        yaxis={"title": {"text": "activation"}, "zeroline": True},
    )


def neuron_map(
    values: Floats,
    neurons: Sequence[int],
    labels: Sequence[str],
    mode: Mode,
    among: Sequence[int] | None = None,
) -> go.Figure:
    """Activations (neuron, token) of some neurons at every token: red below zero, blue above.

    Each row has its own scale, up to its largest at the tokens ``among``: one neuron can be a thousand times as strong
    as the next, and so can one token be.
    """
    heard = values if among is None else values[:, np.asarray(among)]
    largest = np.abs(heard).max(axis=1, keepdims=True)
    shares = values / np.where(largest > 0, largest, 1)
    rows = np.arange(len(neurons))
    columns = np.arange(len(labels))
    room = 1 if len(labels) <= 28 else -(-len(labels) // 28)
    heatmap = {
        "type": "heatmap",
        "z": np.asarray(shares, dtype=np.float32),
        "zmin": -1,
        "zmax": 1,
        "colorscale": even_scale(DIVERGING[mode]),
        "xgap": 1,
        "ygap": 1,
        "customdata": np.asarray(values, dtype=np.float32),
        "hovertemplate": "%{x}, neuron %{y}: <b>%{customdata:.3f}</b><extra></extra>",
        "colorbar": {
            "title": {
                "text": "of the row’s largest",
                "side": "right",
                "font": {"size": 13, "color": GREY[mode]},
            },
            "tickfont": {"size": 13, "color": GREY[mode]},
            "tickformat": ".0%",
            "ticklen": 0,
            "outlinewidth": 0,
            "thickness": 8,
        },
    }
    return figure(
        [heatmap],
        mode,
        height=120 + 22 * max(len(neurons), 4),
        margin={"r": 94, "t": max(30, 0.71 * label_width(labels, 14) + 32), "b": 8},
        xaxis={
            "side": "top",
            "tickangle": -45,
            "tickvals": columns[::room],
            "ticktext": [plain(labels[i]) for i in columns[::room]],
            "ticks": "",
        },
        yaxis={
            "title": {"text": "neuron"},
            "tickvals": rows,
            "ticktext": [str(n) for n in neurons],
            "range": [len(neurons) - 0.5, -0.5],
            "showgrid": False,
            "ticks": "",
        },
    )


def sparsity_curves(found: Sparsity, neurons: int, mode: Mode, chosen: int) -> go.Figure:
    """By layer: the share of neurons above zero, and the share that together hold half of all activation."""
    layers = np.arange(len(found.half))
    series = (
        ("above zero", 100 * found.positive, GREY[mode], "dash"),
        ("hold half of all activation", 100 * found.half / neurons, mark("feed_forward", mode), "solid"),
    )
    traces = [
        {
            "type": "scatter",
            "x": layers,
            "y": ys,
            "name": name,
            "mode": "lines+markers",
            "line": {"color": colour, "width": 2.5, "dash": dash},
            "marker": {"size": [12 if i == chosen else 6 for i in layers]},
            "hovertemplate": f"layer %{{x}}: <b>%{{y:.1f}} %</b> {name}<extra></extra>",
        }
        for name, ys, colour, dash in series
    ]
    return figure(
        traces,
        mode,
        height=320,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 14}},
        xaxis={"title": {"text": "layer"}, "dtick": 1 if len(layers) <= 16 else 5},
        yaxis={"title": {"text": f"% of {neurons:,} neurons"}, "rangemode": "tozero"},
        margin={"t": 52},
    )
