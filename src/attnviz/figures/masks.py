"""A mask as a matrix: filled where a query may look at a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from attnviz.figures import theme
from attnviz.figures.axis import TITLES, label_width, token_axis

if TYPE_CHECKING:
    from attnviz.analysis.masks import Mask
    from attnviz.figures.theme import Mode

_CELLS = 230  # pixels of the longer side on a small screen, from which the room for labels follows
_HEIGHT = 420


def mask_figure(mask: Mask, mode: Mode) -> go.Figure:
    """Filled cells are allowed, empty ones are hidden; rows ask, columns answer. Cells are square where there is room."""
    rows, columns = mask.visible.shape
    per_cell = _CELLS / max(rows, columns)
    colour = theme.mark("cross" if mask.kind == "cross" else "query", mode)
    gap = 1.5 if per_cell >= 12 else 0.5 if per_cell >= 4 else 0
    above = 0.71 * label_width(mask.key_labels, 14) + 14  # labels stand at 45 degrees
    x_axis = token_axis(mask.key_labels, "key", mode, room=17 / per_cell)
    y_axis = token_axis(mask.query_labels, "query", mode, room=14 / per_cell)
    heatmap = {
        "type": "heatmap",
        "z": mask.visible.astype(np.uint8),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, theme.PANEL[mode]], [1, theme.mixed(colour, 0.7, mode)]],
        "showscale": False,
        "xgap": gap,
        "ygap": gap,
        "hoverinfo": "skip",
    }
    return theme.figure(
        [heatmap],
        mode,
        height=_HEIGHT,
        margin={"l": 90, "r": 40, "t": above + 38, "b": 12},
        xaxis={
            **x_axis,
            "constraintoward": "left",
            "side": "top",
            "tickangle": -45,
            "title": {"text": TITLES["key"], "font": {"size": 14, "color": theme.text("key", mode)}},
        },
        yaxis={
            **y_axis,
            "scaleanchor": "x",
            "constraintoward": "top",
            "title": {"text": TITLES["query"], "font": {"size": 14, "color": theme.text("query", mode)}},
        },
    )


def mask_table(mask: Mask) -> dict[str, list[object]]:
    """Columns: one row for each query, one column for each key; 1 where it may look."""
    table: dict[str, list[object]] = {TITLES["query"]: list(mask.query_labels)}
    for label, column in zip(mask.key_labels, mask.visible.T, strict=True):
        table[label] = [int(allowed) for allowed in column]
    return table
