"""Many models side by side: what grows when a model grows. All axes of sizes are logarithmic: a power is a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

import plotly.graph_objects as go

from attnviz.figures import theme
from attnviz.figures.log_axis import log_axis
from attnviz.figures.model_points import by_family, hover, marker, star
from attnviz.figures.point_names import names_beside
from attnviz.figures.quantities import percent

if TYPE_CHECKING:
    from attnviz.analysis.scaling import ModelSize
    from attnviz.figures.theme import Mode

Chart = Literal["width", "layers", "heads", "shape"]
CHARTS: tuple[Chart, ...] = ("width", "layers", "heads", "shape")

_HEIGHT = 268  # pixels of a chart
_TITLES = {"width": "width", "layers": "layers", "heads": "heads in a layer", "parameters": "parameters"}


def scaling_chart(
    sizes: Sequence[ModelSize],
    chart: Chart,
    mode: Mode,
    family: str | None = None,
    own: ModelSize | None = None,
) -> go.Figure:
    """Width, layers or heads across, parameters upwards; "shape": width across, layers upwards, area is parameters.

    The chosen ``family`` (None for all) has colour and labels, the others are grey. ``own`` is marked with a star.
    """
    across = "width" if chart == "shape" else chart
    upwards = "layers" if chart == "shape" else "parameters"
    drawn = [*sizes, *([own] if own else [])]
    largest = max(size.parameters for size in drawn)
    traces = [
        {
            "type": "scatter",
            "x": [getattr(size, across) for size in members],
            "y": [getattr(size, upwards) for size in members],
            "mode": "markers",
            "cliponaxis": False,
            "name": name,
            "marker": {
                "color": mark.colour,
                "symbol": "circle" if chart == "shape" else mark.symbol,
                "size": [_bubble(s, largest) for s in members] if chart == "shape" else 9,
                "opacity": 0.75 if chart == "shape" else 1,
                "line": {"width": 1, "color": theme.PAPER[mode]},
            },
            **hover(members),
        }
        for name, mark, members in by_family(sizes, mode, family)
    ]
    margin = 0.12 if chart == "shape" else 0.06
    axes = (
        log_axis([getattr(s, across) for s in drawn], _TITLES[across], margin),
        log_axis([getattr(s, upwards) for s in drawn], _TITLES[upwards], margin),
    )
    radius = (lambda size: _bubble(size, largest) / 2) if chart == "shape" else None
    return theme.figure(
        [*traces, *star(own, across, upwards, mode)],
        mode,
        height=_HEIGHT,
        margin={"l": 78, "r": 16, "t": 10},
        xaxis=axes[0],
        yaxis=axes[1],
        annotations=names_beside(sizes, family, own, (across, upwards), axes, mode, radius=radius),
    )


def layer_chart(
    sizes: Sequence[ModelSize], mode: Mode, family: str | None = None, own: ModelSize | None = None
) -> go.Figure:
    """Parameters of one layer (all but the embeddings, divided by the layers) against the width, beside 12 · width²."""
    drawn = [*sizes, *([own] if own else [])]
    ends = [min(s.width for s in drawn) * 0.8, max(s.width for s in drawn) * 1.25]
    rule: dict[str, Any] = {
        "type": "scatter",
        "x": ends,
        "y": [12 * width**2 for width in ends],
        "mode": "lines",
        "line": {"color": theme.GREY[mode], "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
    }
    traces = [
        {
            "type": "scatter",
            "x": [size.width for size in members],
            "y": [size.rest / size.layers for size in members],
            "mode": "markers",
            "name": name,
            "marker": marker(mark, mode),
            **hover(members),
        }
        for name, mark, members in by_family(sizes, mode, family)
    ]
    axes = (
        log_axis([s.width for s in drawn], "width"),
        log_axis([s.rest / s.layers for s in drawn], "parameters of a layer"),
    )
    return theme.figure(
        [rule, *traces, *star(own, "width", "layer", mode)],
        mode,
        height=350,
        margin={"l": 78, "r": 16, "t": 10},
        xaxis=axes[0],
        yaxis=axes[1],
        annotations=names_beside(sizes, family, own, ("width", "layer"), axes, mode, height=270),
    )


def share_chart(
    sizes: Sequence[ModelSize], mode: Mode, family: str | None = None, own: ModelSize | None = None
) -> go.Figure:
    """The share of the embeddings against all parameters; a line joins the sizes of a family."""
    drawn = [*sizes, *([own] if own else [])]
    traces = []
    for name, mark, members in by_family(sizes, mode, family):
        members = sorted(members, key=lambda size: size.parameters)
        traces.append(
            {
                "type": "scatter",
                "x": [size.parameters for size in members],
                "y": [100 * size.share for size in members],
                "mode": "lines+markers" if len({m.family for m in members}) == 1 else "markers",
                "name": name,
                "line": {"color": mark.colour, "width": 1.5},
                "marker": marker(mark, mode),
                **hover(members, lambda size: f"embeddings {percent(size.share)}"),
            }
        )
    fields = ("parameters", "percent")
    axes = (
        log_axis([s.parameters for s in drawn], "parameters"),
        {"title": {"text": "embeddings"}, "ticksuffix": " %", "range": [0, 100], "dtick": 20},
    )
    return theme.figure(
        [*traces, *star(own, *fields, mode)],
        mode,
        height=350,
        margin={"l": 84, "r": 16, "t": 24},
        xaxis=axes[0],
        yaxis=axes[1],
        annotations=names_beside(sizes, family, own, fields, axes, mode, height=270),
    )


def size_table(sizes: Sequence[ModelSize]) -> dict[str, list[object]]:
    """The numbers behind all charts: columns with one row a model."""
    return {
        "name": [s.name for s in sizes],
        "family": [s.family for s in sizes],
        "width": [s.width for s in sizes],
        "layers": [s.layers for s in sizes],
        "heads": [s.heads for s in sizes],
        "parameters": [s.parameters for s in sizes],
        "embeddings": [s.embeddings for s in sizes],
        "training_tokens": [s.tokens or "" for s in sizes],
    }


def _bubble(size: ModelSize, largest: int) -> float:
    """Diameter in pixels, so that areas are as parameters; the smallest stay visible."""
    return max(5.0, 38 * sqrt(size.parameters / largest))
