"""How far vectors move when the words change places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from attnviz.figures.axis import label_width, plain
from attnviz.figures.theme import INK, PAPER, Mode, figure, mark
from attnviz.tracing.trace import Floats


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
        {
            "type": "bar",
            "x": xs,
            "y": 100 * changes,
            "name": name,
            "marker": {
                "color": colours[i],
                "pattern": {"shape": patterns[i], "fillmode": "overlay", "fgcolor": PAPER[mode], "size": 5},
                "line": {"width": 0},
            },
            "customdata": [plain(label) for label in labels],
            "hovertemplate": f"%{{customdata}}, {name}: <b>%{{y:.3g}} %</b><extra></extra>",
        }
        for i, (name, changes) in enumerate(series)
    ]
    return figure(
        bars,
        mode,
        barmode="group",
        bargap=0.25,
        bargroupgap=0,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 14}},
        xaxis={
            "tickvals": shown,
            "ticktext": [plain(labels[i]) for i in shown],
            "tickangle": -45,
            "range": [-0.6, len(labels) - 0.4],
            "ticks": "",
        },
        yaxis={"title": {"text": "moved, % of its length"}, "rangemode": "tozero"},
        margin={"t": 52, "b": max(68, 0.71 * label_width(labels, 14) + 28)},
    )
