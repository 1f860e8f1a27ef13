"""What a decoder keeps of what it has written: the share of each token, and the gates that let go."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import plotly.graph_objects as go

from attnviz.figures.axis import plain, shown_labels
from attnviz.figures.theme import GREY, INK, PAPER, Mode, figure, mark, mixed
from attnviz.tracing.trace import Floats

_PATTERNS = ("", "/", "x", ".", "-", "+")
"""A second mark beside the shade of grey."""
_MOST_LABELS = 18
"""Slanted labels that stand beside each other on a phone."""


def kept_shares(labels: Sequence[str], shares: Floats, mode: Mode) -> go.Figure:
    """Bars of what each token read so far has in the state, ``shares`` (layer, token), one bar a layer, in per cent."""
    layers = len(shares)
    colours = [mixed(mark("stream", mode), 1 - 0.6 * layer / max(layers, 2), mode) for layer in range(layers)]
    bars = [
        {
            "type": "bar",
            "x": list(range(len(labels))),
            "y": (100 * of_layer).tolist(),
            "name": f"Layer {layer}",
            "marker": {
                "color": colour,
                "pattern": {
                    "shape": shape,
                    "fgcolor": PAPER[mode],
                    "bgcolor": colour,
                    "size": 6,
                    "solidity": 0.25,
                },
            },
            "hovertemplate": f"layer {layer}: %{{y:.0f}} %<extra></extra>",
        }
        for layer, (of_layer, colour, shape) in enumerate(
            zip(shares, colours, cycle(_PATTERNS), strict=False)
        )
    ]
    return figure(
        bars,
        mode,
        height=240,
        margin={"t": 46, "b": 68},
        barmode="group",
        bargap=0.3,
        showlegend=layers > 1,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis={**_ticks(labels, len(labels) - 1), "tickangle": -45 if len(labels) > 8 else 0},
        yaxis={"ticksuffix": " %", "rangemode": "tozero", "nticks": 4},
    )


def gate_maps(labels: Sequence[str], gates: Floats, mode: Mode, *, chosen: int | None = None) -> go.Figure:
    """The forget gates (layer, token, channel): a panel a layer, one below the other, tokens across, each channel a line.

    The channels of a layer are sorted by how much they keep on average, the most at the top. Dark is kept, light is let
    go; the ``chosen`` token is outlined.
    """
    layers, tokens, channels = gates.shape
    height = 36 + 190 * layers
    gap = 36 / height  # for the name of a panel
    part = (1 - gap * (layers - 1)) / layers
    traces, axes, titles, shapes = [], {}, [], []
    for layer, of_layer in enumerate(gates):
        place = "" if layer == 0 else str(layer + 1)
        y = f"y{place}"
        bottom = (layers - 1 - layer) * (part + gap)
        order = np.argsort(of_layer.mean(axis=0), kind="stable")
        traces.append(
            {
                "type": "heatmap",
                "z": np.ascontiguousarray(of_layer[:, order].T, dtype=np.float32),
                "x": list(range(tokens)),
                "yaxis": y,
                "zmin": 0,
                "zmax": 1,
                "colorscale": [[0, mixed(mark("stream", mode), 0.06, mode)], [1, INK[mode]]],
                "showscale": False,
                "hovertemplate": "%{z:.0%} kept<extra></extra>",
            }
        )
        axes[f"yaxis{place}"] = {
            "domain": [bottom, bottom + part],
            "visible": False,
            "range": [-0.5, channels - 0.5],
        }
        titles.append(
            {
                "text": f"Layer {layer}, {channels:,} channels",
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": bottom + part,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 14, "color": GREY[mode]},
            }
        )
        if chosen is not None:
            shapes.append(
                {
                    "type": "rect",
                    "yref": y,
                    "x0": chosen - 0.5,
                    "x1": chosen + 0.5,
                    "y0": -0.5,
                    "y1": channels - 0.5,
                    "line": {"color": mark("query", mode), "width": 2},
                }
            )
    axes["xaxis"] = {
        **_ticks(labels, chosen or 0),
        "anchor": y,
        "tickangle": -45,
        "tickfont": {"size": 13, "color": GREY[mode]},
    }
    margin = {"l": 20, "t": 28, "b": 72}
    return figure(traces, mode, height=height + 100, margin=margin, annotations=titles, shapes=shapes, **axes)


def _ticks(labels: Sequence[str], important: int) -> dict[str, object]:
    """As many of the labels as have room, and the ``important`` one."""
    places = shown_labels(len(labels), [important], len(labels) / _MOST_LABELS)
    return {"tickvals": places, "ticktext": [plain(labels[i]) for i in places]}
