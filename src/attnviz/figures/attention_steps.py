"""The steps of one attention head as figures: heat strips of vectors, matrices of scores, the weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from attnviz.analysis.attention_steps import AttentionSteps
from attnviz.analysis.attention_view import AttentionView
from attnviz.figures.axis import TITLES, Role, axis_title, label_width, plain, token_axis
from attnviz.figures.heatmap import LONGEST_WITH_VALUES, attention_heatmap
from attnviz.figures.quantities import signed
from attnviz.figures.theme import (
    DIVERGING,
    INK,
    PANEL,
    PAPER,
    Mode,
    even_scale,
    figure,
    horizontal_bar,
    mark,
    mixed,
    text,
)
from attnviz.tracing.trace import Floats

_PLOT = 330  # pixels of the rows on a small screen, from which the room for labels follows
_WIDTH = 560  # pixels of the columns there
_BETWEEN = 0.1  # of the height, between two panels
MOST_WRITTEN = 5
"""Numbers of a row up to which they are written into the cells."""

MOST_NAMED = 2048
"""Cells up to which pointing at one names its token: a name for each of 16 x 576 would take longer than all else."""

_USUAL = 99.5
"""Per cent of the numbers of a strip that its colours span: a few channels of the stream are far larger than all others."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Rows of numbers (row, column) with one token a row. ``meaning`` gives their colour, ``lit`` is the framed row."""

    values: Floats
    labels: Sequence[str]
    role: Role
    meaning: str
    title: str
    lit: int | None = None


def strips(
    panels: Sequence[Panel], mode: Mode, height: int | None = None, frames: Sequence[dict[str, Any]] = ()
) -> go.Figure:
    """Vectors as heat strips, one below the other: a token a row, a number a cell.

    Negative numbers are ink, positive ones have the colour of what they belong to; both as strong as they are large.
    ``frames`` are outlines besides those of the rows that are lit.
    """
    rows = [max(len(panel.labels), 1.6) for panel in panels]
    free = 1 - _BETWEEN * (len(panels) - 1)
    largest = max(_largest(panel.values) for panel in panels)  # one colour means one number in all panels
    margin = {
        "l": max(60, 16 + max(label_width(panel.labels, 14) for panel in panels)),
        "r": 26,
        "t": 26,
        "b": 94,
    }
    traces, axes, notes, shapes = [], {}, [], list(frames)
    top = 1.0
    for number, (panel, share) in enumerate(zip(panels, rows, strict=True), start=1):
        tall = free * share / sum(rows)
        per_row = _PLOT * tall / len(panel.labels)
        size = 14 if len(panel.labels) <= 28 else 12
        place = "" if number == 1 else str(number)
        x, y = f"x{place}", f"y{place}"
        last = number == len(panels)
        traces.append(_strip(panel, x, y, per_row, largest, mode, last=last))
        axis = token_axis(
            panel.labels, panel.role, mode, hidden=panel.lit, room=1.08 * size / per_row, size=size
        )
        axes[f"yaxis{place}"] = {
            **axis,
            "range": [len(panel.labels) - 0.5, -0.5],  # rows run downwards for keys as well
            "domain": [max(0.0, top - tall), top],
            "anchor": x,
        }
        axes[f"xaxis{place}"] = {
            **_numbers(panel.values.shape[1]),
            "anchor": y,
            "showticklabels": last,
        }
        notes.append(_caption(panel.title, panel.meaning, x, y, mode))
        if panel.lit is not None:
            shapes.append(_frame(panel.lit, panel.values.shape[1], x, y, mode))
            notes.append(_chip(panel.labels[panel.lit], panel.lit, x, y, size, mode))
        top -= tall + _BETWEEN
    return figure(
        traces, mode, height=height, margin=margin, annotations=notes, shapes=shapes or None, **axes
    )


def score_matrix(
    scores: Floats,
    query_labels: Sequence[str],
    key_labels: Sequence[str],
    mode: Mode,
    *,
    lit: int,
    best: int,
    title: str,
    height: int | None = None,
) -> go.Figure:
    """Scores (query, key) before the softmax: queries ask in rows, keys answer in columns; masked ones (-inf) are
    empty. The ``lit`` row is framed and the name of its key ``best`` is bold."""
    shown = np.where(np.isfinite(scores), scores, np.nan)
    count = max(scores.shape)
    size = 12 if count > 28 else 14
    per_cell = _PLOT / len(query_labels)
    written = count <= LONGEST_WITH_VALUES
    above = 0.71 * label_width(key_labels, size) + size
    largest = _largest(scores)
    heatmap = {
        "type": "heatmap",
        "z": shown,
        "zmin": -largest,
        "zmax": largest,
        "colorscale": _scale("score", mode),
        "xgap": 1.5 if per_cell >= 12 else 0,
        "ygap": 1.5 if per_cell >= 12 else 0,
        "hoverongaps": False,
        "text": _written(scores, 0 if largest >= 10 else 1) if written else None,
        "texttemplate": "%{text}" if written else None,
        "textfont": {"size": 12, "weight": 500},
        "hovertext": [[f"{plain(q)} · {plain(k)}" for k in key_labels] for q in query_labels]
        if count <= 64
        else None,
        "hovertemplate": ("%{hovertext}" if count <= 64 else "%{y} · %{x}")
        + ": <b>%{z:.3f}</b><extra></extra>",
        "colorbar": _bar(mode, largest, title),
    }
    x_axis = token_axis(
        key_labels,
        "key",
        mode,
        first=[best],
        bold=best,
        room=1.2 * size * len(key_labels) / _WIDTH,
        size=size,
    )
    y_axis = token_axis(query_labels, "query", mode, hidden=lit, room=1.08 * size / per_cell, size=size)
    return figure(
        [heatmap],
        mode,
        height=height,
        xaxis={**x_axis, "side": "top", "tickangle": -45},
        yaxis=y_axis,
        margin={"l": max(92, label_width(query_labels, size) + 16), "r": 28, "t": above + 22, "b": 80},
        plot_bgcolor=PANEL[mode],
        annotations=[
            axis_title("key", mode, xanchor="left", xshift=0, yshift=above),
            axis_title("query", mode, xanchor="right", xshift=-6, yshift=2),
            _chip(query_labels[lit], lit, "x", "y", size, mode),
        ],
        shapes=[_frame(lit, len(key_labels), "x", "y", mode)],
    )


def weight_matrix(view: AttentionView, lit: int, mode: Mode) -> go.Figure:
    """The weights as on every page, but as wide as there is room: in the same place as the scores before them."""
    made = attention_heatmap(view, mode, chosen=lit)
    made.layout.yaxis.scaleanchor = None
    return made


def weighted_sum(
    steps: AttentionSteps, lit: int, query_labels: Sequence[str], key_labels: Sequence[str], mode: Mode
) -> go.Figure:
    """What each key adds to the output of one query, its weight times its value, and below their sum."""
    query = query_labels[lit]
    return strips(
        [
            Panel(steps.carried(lit), key_labels, "key", "value", f"weight × value, for {plain(query)}"),
            Panel(steps.output[lit : lit + 1], [query], "query", "value", "their sum: the output", lit=0),
        ],
        mode,
    )


def toy_figure(steps: AttentionSteps, mode: Mode) -> go.Figure:
    """All eight steps of a toy side by side, two rows of four, with the numbers in the cells. In the matrices of the second
    row but the last, queries ask in rows and keys answer in columns."""
    parts = (
        ("x", steps.asking, "stream"),
        ("Q", steps.query, "query"),
        ("K", steps.key, "key"),
        ("V", steps.value, "value"),
        ("Q · K", steps.products, "score"),
        ("÷ √d", steps.scores, "score"),
        ("softmax", steps.weights, "query"),
        ("output", steps.output, "value"),
    )
    traces, axes, notes = [], {}, []
    for number, (name, values, meaning) in enumerate(parts, start=1):
        row, column = divmod(number - 1, 4)
        place = "" if number == 1 else str(number)
        x, y = f"x{place}", f"y{place}"
        rows, columns = values.shape
        largest = _largest(values)
        digits = 2 if name == "softmax" else 1
        crossed = row == 1 and column < 3
        cell = "query %{y}, key %{x}" if crossed else "row %{y}, column %{x}"
        traces.append(
            {
                "type": "heatmap",
                "z": np.where(np.isfinite(values), values, np.nan),
                "zmin": -largest,
                "zmax": largest,
                "colorscale": _scale(meaning, mode),
                "showscale": False,
                "xaxis": x,
                "yaxis": y,
                "xgap": 1.5,
                "ygap": 1.5,
                "hoverongaps": False,
                "text": _written(values, digits) if columns <= MOST_WRITTEN else None,
                "texttemplate": "%{text}" if columns <= MOST_WRITTEN else None,
                "textfont": {"size": 13},
                "hovertemplate": f"{name}, {cell}: <b>%{{z:.3f}}</b><extra></extra>",
            }
        )
        axes[f"xaxis{place}"] = {
            **_numbers(columns),
            **(_side_title("key", mode) if crossed else {}),
            "anchor": y,
            "domain": [column * 0.26, column * 0.26 + 0.22],
        }
        bottom = 0.57 if row == 0 else 0.0
        axes[f"yaxis{place}"] = {
            **_numbers(rows),
            **(_side_title("query", mode) if crossed and column == 0 else {}),
            "anchor": x,
            "domain": [bottom, bottom + 0.43],
            "range": [rows - 0.5, -0.5],
            "tickvals": list(range(rows)),
            "showticklabels": column == 0,
        }
        notes.append(_caption(f"{name}<br>{rows} × {columns}", meaning, x, y, mode))
    margin = {"l": 44, "r": 8, "t": 46, "b": 48}
    return figure(traces, mode, height=600, margin=margin, annotations=notes, **axes)


def _strip(
    panel: Panel, x: str, y: str, per_row: float, largest: float, mode: Mode, *, last: bool
) -> dict[str, Any]:
    """The cells of one panel; the last one carries the colour bar."""
    rows, width = panel.values.shape
    written = width <= MOST_WRITTEN and rows <= LONGEST_WITH_VALUES
    named = panel.values.size <= MOST_NAMED
    return {
        "type": "heatmap",
        "z": panel.values,
        "zmin": -largest,
        "zmax": largest,
        "colorscale": _scale(panel.meaning, mode),
        "xaxis": x,
        "yaxis": y,
        "xgap": 0.5 if width <= 80 else 0,
        "ygap": 1.5 if per_row >= 12 else 0,
        "text": _written(panel.values, 1) if written else None,
        "texttemplate": "%{text}" if written else None,
        "hovertext": [[plain(label)] * width for label in panel.labels] if named else None,
        "hovertemplate": ("%{hovertext}" if named else "row %{y}")
        + ", number %{x}: <b>%{z:.3f}</b><extra></extra>",
        "showscale": last,
        "colorbar": _bar(mode, largest) if last else None,
    }


def _numbers(count: int) -> dict[str, Any]:
    """An axis along the numbers of a vector: only its ends are named."""
    return {
        "range": [-0.5, count - 0.5],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "tickmode": "array",
        "tickvals": [0, count - 1] if count > 1 else [0],
        "tickfont": {"size": 13},
        "ticks": "",
    }


def _side_title(role: Role, mode: Mode) -> dict[str, Any]:
    """The name of a side of a small matrix, outside its numbers."""
    name = {"text": f"<b>{TITLES[role]}</b>", "font": {"color": text(role, mode), "size": 13}, "standoff": 4}
    return {"title": name}


def _largest(values: Floats) -> float:
    """The end of the colours, alike on both sides of zero."""
    finite = np.abs(values[np.isfinite(values)])
    return max(float(np.percentile(finite, _USUAL)) if finite.size else 1.0, 1e-6)


def _scale(meaning: str, mode: Mode) -> list[list[float | str]]:
    """From negative over nothing to positive: the diverging palette for what has no colour of its own."""
    if meaning in ("stream", "score"):
        return even_scale(DIVERGING[mode])
    zero = mixed(PANEL[mode], 0.6, mode)
    return [[0, mixed(INK[mode], 0.8, mode)], [0.5, zero], [1, mark(meaning, mode)]]


def _written(values: Floats, digits: int) -> list[list[str]]:
    """Numbers for the cells, with a true minus; nothing where a score is masked."""
    return [[signed(v, digits) if np.isfinite(v) else "" for v in row] for row in values.tolist()]


def _bar(mode: Mode, largest: float, title: str = "") -> dict[str, Any]:
    digits = 0 if largest >= 10 else 1 if largest >= 1 else 2
    return {
        **horizontal_bar(title, mode),
        "tickvals": [-largest, 0, largest],
        "ticktext": [f"−{largest:.{digits}f}", "0", f"{largest:.{digits}f}"],
    }


def _caption(words: str, meaning: str, x: str, y: str, mode: Mode) -> dict[str, Any]:
    colour = INK[mode] if meaning == "score" else text(meaning, mode)
    return {
        "text": f"<b>{words}</b>",
        "font": {"size": 14, "color": colour},
        "align": "left",
        "showarrow": False,
        "xref": f"{x} domain",
        "yref": f"{y} domain",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 2,
    }


def _frame(row: int, columns: int, x: str, y: str, mode: Mode) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": x,
        "yref": y,
        "x0": -0.5,
        "x1": columns - 0.5,
        "y0": row - 0.5,
        "y1": row + 0.5,
        "line": {"color": mark("query", mode), "width": 2},
    }


def _chip(label: str, row: int, x: str, y: str, size: int, mode: Mode) -> dict[str, Any]:
    """The chosen token in the place of its label."""
    return {
        "text": f"<b>{plain(label)}</b>",
        "font": {"color": PAPER[mode], "size": size},
        "bgcolor": mark("query", mode),
        "borderpad": 1,
        "showarrow": False,
        "xref": f"{x} domain",
        "yref": y,
        "x": 0,
        "y": row,
        "xanchor": "right",
        "xshift": -6,
    }
