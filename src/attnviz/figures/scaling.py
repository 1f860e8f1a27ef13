"""Many models side by side: what grows when a model grows. All axes of sizes are logarithmic: a power is a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Literal

import plotly.graph_objects as go

from attnviz.figures import theme
from attnviz.figures.log_axis import log_axis
from attnviz.figures.model_points import add_own, by_family, hover, marker
from attnviz.figures.point_names import write_names
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
    figure = go.Figure()
    drawn = [*sizes, *([own] if own else [])]
    largest = max(size.parameters for size in drawn)
    for name, mark, members in by_family(sizes, mode, family):
        figure.add_scatter(
            x=[getattr(size, across) for size in members],
            y=[getattr(size, upwards) for size in members],
            mode="markers",
            name=name,
            marker={
                "color": mark.colour,
                "symbol": "circle" if chart == "shape" else mark.symbol,
                "size": [_bubble(s, largest) for s in members] if chart == "shape" else 9,
                "opacity": 0.75 if chart == "shape" else 1,
                "line": {"width": 1, "color": theme.PAPER[mode]},
            },
            **hover(members),
        )
    add_own(figure, own, across, upwards, mode)
    figure.update_layout(
        template=theme.template(mode),
        height=_HEIGHT,
        margin={"l": 78, "r": 16, "t": 10},
        xaxis=log_axis(
            [getattr(s, across) for s in drawn], _TITLES[across], 0.12 if chart == "shape" else 0.06
        ),
        yaxis=log_axis(
            [getattr(s, upwards) for s in drawn], _TITLES[upwards], 0.12 if chart == "shape" else 0.06
        ),
    )
    radius = (lambda size: _bubble(size, largest) / 2) if chart == "shape" else None
    write_names(figure, sizes, family, own, (across, upwards), mode, radius=radius)
    return figure


def layer_chart(
    sizes: Sequence[ModelSize], mode: Mode, family: str | None = None, own: ModelSize | None = None
) -> go.Figure:
    """Parameters of one layer (all but the embeddings, divided by the layers) against the width, beside 12 · width²."""
    figure = go.Figure()
    drawn = [*sizes, *([own] if own else [])]
    ends = [min(s.width for s in drawn) * 0.8, max(s.width for s in drawn) * 1.25]
    figure.add_scatter(
        x=ends,
        y=[12 * width**2 for width in ends],
        mode="lines",
        line={"color": theme.GREY[mode], "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    for name, mark, members in by_family(sizes, mode, family):
        figure.add_scatter(
            x=[size.width for size in members],
            y=[size.rest / size.layers for size in members],
            mode="markers",
            name=name,
            marker=marker(mark, mode),
            **hover(members),
        )
    add_own(figure, own, "width", "layer", mode)
    figure.update_layout(
        template=theme.template(mode),
        height=350,
        margin={"l": 78, "r": 16, "t": 10},
        xaxis=log_axis([s.width for s in drawn], "width"),
        yaxis=log_axis([s.rest / s.layers for s in drawn], "parameters of a layer"),
    )
    write_names(figure, sizes, family, own, ("width", "layer"), mode, room=(600, 270))
    return figure


def share_chart(
    sizes: Sequence[ModelSize], mode: Mode, family: str | None = None, own: ModelSize | None = None
) -> go.Figure:
    """The share of the embeddings against all parameters; a line joins the sizes of a family."""
    figure = go.Figure()
    drawn = [*sizes, *([own] if own else [])]
    for name, mark, members in by_family(sizes, mode, family):
        members = sorted(members, key=lambda size: size.parameters)
        figure.add_scatter(
            x=[size.parameters for size in members],
            y=[100 * size.share for size in members],
            mode="lines+markers" if len({m.family for m in members}) == 1 else "markers",
            name=name,
            line={"color": mark.colour, "width": 1.5},
            marker=marker(mark, mode),
            **hover(members, lambda size: f"embeddings {percent(size.share)}"),
        )
    add_own(figure, own, "parameters", "percent", mode)
    figure.update_layout(
        template=theme.template(mode),
        height=350,
        margin={"l": 84, "r": 16, "t": 24},
        xaxis=log_axis([s.parameters for s in drawn], "parameters"),
        yaxis={"title": {"text": "embeddings"}, "ticksuffix": " %", "range": [0, 100], "dtick": 20},
    )
    write_names(figure, sizes, family, own, ("parameters", "percent"), mode, room=(600, 270))
    return figure


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
