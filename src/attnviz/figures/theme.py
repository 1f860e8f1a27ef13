"""One theme for every Plotly figure, in the colours of ``palette``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import plotly.graph_objects as go

from attnviz.figures.palette import (
    CATEGORIES,
    DASHES,
    DIVERGING,
    GREY,
    HAIRLINE,
    INK,
    MEANINGS,
    PANEL,
    PAPER,
    SEQUENTIAL,
    Colour,
    Mode,
    mark,
    mixed,
    text,
)

__all__ = [
    "CATEGORIES",
    "DASHES",
    "DIVERGING",
    "GREY",
    "HAIRLINE",
    "INK",
    "MEANINGS",
    "PANEL",
    "PAPER",
    "SEQUENTIAL",
    "Colour",
    "Mode",
    "even_scale",
    "figure",
    "horizontal_bar",
    "mark",
    "mixed",
    "template",
    "text",
]


MARGIN = {"l": 68, "r": 8, "t": 12, "b": 60}
"""Pixels around a plot: room for numbers and a title at its left and below, and for half a number above.

A plot whose labels need more is drawn a second time, wider, which takes as long again; so a figure with longer labels says
so. The same room at each change keeps the plot from jumping as well.
"""


def figure(traces: list[dict[str, Any]], mode: Mode, **layout: Any) -> go.Figure:
    """A figure of these ``traces``, each with its ``type``, and this ``layout``, in the look of the app.

    Plotly does not check it: that takes several times as long as all else. The tests let it check each figure that they
    draw. It does check what is changed later, and takes its short forms there.
    """
    made = go.Figure(traces, {"template": template(mode), **layout}, _validate=False)
    for part in (made, made.layout, *made.data):
        part._validate = True
    return made


@cache
def template(mode: Mode) -> dict[str, Any]:
    """Plotly's defaults in the look of the app. Transparent, so that a figure lies on whatever is behind it."""
    axis = {
        "gridcolor": HAIRLINE[mode],
        "linecolor": HAIRLINE[mode],
        "zerolinecolor": HAIRLINE[mode],
        "tickcolor": "rgba(0,0,0,0)",
        "ticks": "outside",
        "ticklen": 6,
        "tickfont": {"color": GREY[mode], "size": 14},
        "title": {"font": {"color": GREY[mode], "size": 14}, "standoff": 8},
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
    }
    return {
        "layout": {
            "font": {
                "family": "'IBM Plex Sans', 'Noto Sans', system-ui, sans-serif",
                "size": 14,
                "color": INK[mode],
            },
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": CATEGORIES[mode],
            "xaxis": axis,
            # at its sides only: a number at the very top would ask for room, move with it out of the plot, and so on
            "yaxis": {**axis, "showgrid": True, "automargin": "width"},
            "margin": MARGIN,
            "showlegend": False,
            "hoverlabel": {
                "bgcolor": PANEL[mode],
                "bordercolor": HAIRLINE[mode],
                "font": {"color": INK[mode], "size": 14},
            },
            "colorscale": {
                "sequential": even_scale(SEQUENTIAL[mode]),
                "diverging": even_scale(DIVERGING[mode]),
            },
        }
    }


def even_scale(stops: Sequence[str]) -> list[list[float | str]]:
    """Plotly's colour scale of these colours, evenly spaced."""
    return [[i / (len(stops) - 1), colour] for i, colour in enumerate(stops)]


def horizontal_bar(title: str, mode: Mode) -> dict[str, Any]:
    """A narrow colour bar below a figure at its left, with its title above it if it has one; ticks are the caller's."""
    return {
        "title": {"text": title, "side": "top", "font": {"size": 13, "color": GREY[mode]}},
        "tickfont": {"size": 13, "color": GREY[mode]},
        "orientation": "h",
        "ticklen": 0,
        "outlinewidth": 0,
        "thickness": 7,
        "lenmode": "pixels",
        "len": 216,
        "x": 0,
        "xanchor": "left",
        "xpad": 0,
        "y": 0,
        "yanchor": "top",
        "ypad": 12 if title else 28,
    }
