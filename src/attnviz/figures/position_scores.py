"""What distance does to scores: rotations of a query and a key, learned biases in buckets, and slopes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from attnviz.figures.axis import axis_title, end_labels, label_width, plain, token_axis
from attnviz.figures.theme import (
    GREY,
    INK,
    PAPER,
    SEQUENTIAL,
    Mode,
    even_scale,
    figure,
    horizontal_bar,
    mark,
    text,
)
from attnviz.tracing.trace import Floats


def score_curve(
    distances: NDArray[np.integer], scores: Floats, here: int, mode: Mode, elsewhere: Floats | None = None
) -> go.Figure:
    """A score against the distance of query and key; ``here`` is the one of them at which the two stand in the text.

    ``elsewhere`` are the scores of the same distances with both moved on: dots that lie on the line.
    """
    traces = [
        {
            "type": "scatter",
            "x": distances,
            "y": scores,
            "mode": "lines",
            "line": {"color": mark("query", mode), "width": 2},
            "hovertemplate": "%{x} apart: <b>%{y:.3f}</b><extra></extra>",
        }
    ]
    if elsewhere is not None:
        traces.append(
            {
                "type": "scatter",
                "x": distances,
                "y": elsewhere,
                "mode": "markers",
                "marker": {"color": INK[mode], "size": 9, "symbol": "circle-open", "line": {"width": 1.5}},
                "hovertemplate": "both moved, %{x} apart: <b>%{y:.3f}</b><extra></extra>",
            }
        )
    traces.append(
        {
            "type": "scatter",
            "x": [here],
            "y": [float(scores[distances.tolist().index(here)])],
            "mode": "markers",
            "marker": {"color": mark("key", mode), "size": 13, "line": {"color": PAPER[mode], "width": 2}},
            "hovertemplate": "in your text: <b>%{y:.3f}</b><extra></extra>",
        }
    )
    return figure(
        traces,
        mode,
        height=320,
        xaxis={"title": {"text": "positions from key to query"}},
        yaxis={"title": {"text": "score"}, "zeroline": True},
    )


def bucket_steps(distances: NDArray[np.integer], buckets: NDArray[np.integer], mode: Mode) -> go.Figure:
    """Which bucket each distance falls into, as steps."""
    steps = {
        "type": "scatter",
        "x": distances,
        "y": buckets,
        "mode": "lines",
        "line": {"color": INK[mode], "width": 2, "shape": "hvh"},
        "hovertemplate": "key %{x} from the query: bucket <b>%{y}</b><extra></extra>",
    }
    return figure(
        [steps],
        mode,
        height=300,
        xaxis={"title": {"text": "key − query, in positions"}},
        yaxis={"title": {"text": "bucket"}},
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
        {
            "type": "scatter",
            "x": distances,
            "y": biases[i],
            "mode": "lines",
            "line": {
                "color": mark("key", mode) if i == chosen else GREY[mode],
                "width": 3 if i == chosen else 1.25,
            },
            "hovertemplate": f"{plain(names[i])}, %{{x}}: <b>%{{y:.3f}}</b><extra></extra>",
        }
        for i in order
    ]
    span = float(np.ptp(biases)) or 1.0
    labels = []
    if chosen is not None:
        labels = end_labels(
            [(float(biases[chosen, -1]), plain(names[chosen]), text("key", mode))], 0.1 * span
        )
    return figure(
        traces,
        mode,
        height=340,
        xaxis={
            "title": {"text": "key − query, in positions"},
            "range": [int(distances[0]), int(distances[-1])],
        },
        yaxis={"title": {"text": "added to the score"}, "zeroline": True},
        margin={"r": 88, "t": 20},
        annotations=labels,
    )


def bias_matrix(bias: Floats, labels: Sequence[str], mode: Mode) -> go.Figure:
    """What one head adds to the scores between the first tokens of a text, (query, key), NaN where a key is hidden;
    darker takes more away."""
    size = 13
    room = 1.14 * size * len(bias) / 238  # of a label, in cells of a square on a narrow screen
    heatmap = {
        "type": "heatmap",
        "z": np.asarray(-bias, dtype=np.float32),
        "colorscale": even_scale(SEQUENTIAL[mode]),
        "xgap": 1,
        "ygap": 1,
        "hovertext": [[f"{plain(query)} to {plain(key)}" for key in labels] for query in labels],
        "hovertemplate": "%{hovertext}: <b>−%{z:.3f}</b><extra></extra>",
        "hoverongaps": False,
        "colorbar": horizontal_bar("taken from the score", mode),
    }
    above = 0.71 * label_width(labels, size) + size  # labels stand at 45 degrees
    return figure(
        [heatmap],
        mode,
        height=410,
        xaxis={
            **token_axis(labels, "key", mode, room=room, size=size),
            "side": "top",
            "tickangle": -45,
            "constraintoward": "left",
        },
        yaxis={
            **token_axis(labels, "query", mode, room=room, size=size),
            "scaleanchor": "x",
            "constraintoward": "top",
        },
        margin={"l": max(92, label_width(labels, size) + 16), "r": 28, "t": above + 22, "b": 80},
        annotations=[
            axis_title("key", mode, xanchor="left", xshift=0, yshift=above),
            axis_title("query", mode, xanchor="right", xshift=-6, yshift=2),
        ],
    )
