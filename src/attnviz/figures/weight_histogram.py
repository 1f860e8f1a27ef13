"""How the numbers of one matrix are distributed, beside a normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from attnviz.figures import theme
from attnviz.figures.parameters import component_colour

if TYPE_CHECKING:
    from attnviz.analysis.weight_histogram import WeightHistogram
    from attnviz.figures.theme import Mode


def weight_histogram_figure(histogram: WeightHistogram, component: str, mode: Mode) -> go.Figure:
    """Bars for the weights, in the colour of their component, and a line for what a normal distribution would
    give."""
    centres = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    width = float(histogram.edges[1] - histogram.edges[0])
    bars = {
        "type": "bar",
        "x": centres,
        "y": histogram.counts,
        "width": width * 0.92,
        "marker": {"color": component_colour(component, mode), "line": {"width": 0}},
        "hovertemplate": "%{y:,} weights<br>near %{x:.3g}<extra></extra>",
    }
    normal = {
        "type": "scatter",
        "x": centres,
        "y": histogram.normal,
        "mode": "lines",
        "line": {"color": theme.INK[mode], "width": 1.5, "dash": "dot", "shape": "spline"},
        "hoverinfo": "skip",
    }
    limit, top = float(histogram.edges[-1]), float(max(histogram.counts.max(), histogram.normal.max()))
    legend = {
        "x": 1,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "text": "dotted: a normal distribution<br>of the same deviation",
        "font": {"color": theme.GREY[mode], "size": 14},
        "showarrow": False,
        "xanchor": "right",
        "yanchor": "bottom",
        "align": "right",
    }
    return theme.figure(
        [bars, normal],
        mode,
        height=320,
        bargap=0,
        margin={"t": 48},
        xaxis={"title": {"text": "weight"}, "range": [-limit, limit]},
        yaxis={"title": {"text": "how many"}, "range": [0, top * 1.08], "tickformat": "~s"},
        annotations=[legend],
    )


def histogram_table(histogram: WeightHistogram) -> dict[str, list[float]]:
    """The numbers behind the figure: columns with one row a bin."""
    return {
        "from": histogram.edges[:-1].tolist(),
        "to": histogram.edges[1:].tolist(),
        "weights": histogram.counts.tolist(),
        "normal": histogram.normal.tolist(),
    }
