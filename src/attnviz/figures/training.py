"""Training tokens against parameters: which models were trained for how long, beside what suits their size."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from attnviz.analysis.scaling import TOKENS_PER_PARAMETER
from attnviz.figures import theme
from attnviz.figures.log_axis import log_axis
from attnviz.figures.model_points import by_family, hover, marker, star
from attnviz.figures.point_names import names_beside
from attnviz.figures.quantities import amount

if TYPE_CHECKING:
    from attnviz.analysis.scaling import ModelSize
    from attnviz.figures.theme import Mode


def training_chart(sizes: Sequence[ModelSize], own: ModelSize, mode: Mode) -> go.Figure:
    """Training tokens against parameters, of those models whose makers say so, beside 20 tokens a parameter.

    Lines that fall to the right are of equal compute, 6 · parameters · tokens. ``own`` needs its ``tokens``.
    """
    told = [size for size in sizes if size.tokens]
    xs = [size.parameters for size in (*told, own)]
    ys = [size.tokens or 1 for size in (*told, own)]
    left, right = min(xs) / 2.5, max(xs) * 2.5
    low, high = min(ys) / 4, max(ys) * 4
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for power in range(int(log10(6 * left * low)), int(log10(6 * right * high)) + 1, 2):
        compute = {"color": theme.HAIRLINE[mode], "width": 1}
        traces.append(_rule([left, right], [10**power / 6 / left, 10**power / 6 / right], compute))
        edge = max(left, 10**power / 6 / high)
        if edge < right and low < 10**power / 6 / edge <= high * 1.001:
            notes.append({
                "x": log10(edge), "y": log10(10**power / 6 / edge), "text": f"10<sup>{power}</sup>",
                "xanchor": "left", "yanchor": "top", "xshift": 2, "showarrow": False,
                "font": {"color": theme.GREY[mode], "size": 13},
            })  # fmt: skip
    suits = {"color": theme.GREY[mode], "width": 1.5, "dash": "dot"}
    traces.append(_rule([left, right], [TOKENS_PER_PARAMETER * left, TOKENS_PER_PARAMETER * right], suits))
    for name, mark, members in by_family(sizes, mode, None):
        members = [size for size in members if size.tokens]
        if members:
            traces.append(
                {
                    "type": "scatter",
                    "x": [size.parameters for size in members],
                    "y": [size.tokens for size in members],
                    "mode": "markers",
                    "name": name,
                    "marker": marker(mark, mode),
                    **hover(members, lambda size: f"{amount(size.tokens or 0)} tokens"),
                }
            )
    fields = ("parameters", "tokens")
    axes = (
        {**log_axis(xs, "parameters"), "range": [log10(left), log10(right)]},
        {**log_axis(ys, "training tokens"), "range": [log10(low), log10(high)], "showgrid": False},
    )
    return theme.figure(
        [*traces, *star(own, *fields, mode)],
        mode,
        height=400,
        margin={"l": 72, "r": 16, "t": 10},
        xaxis=axes[0],
        yaxis=axes[1],
        annotations=[*notes, *names_beside(told, None, own, fields, axes, mode, height=320, kept=notes)],
    )


def _rule(xs: list[float], ys: list[float], line: dict[str, Any]) -> dict[str, Any]:
    """A line to compare points with."""
    return {"type": "scatter", "x": xs, "y": ys, "mode": "lines", "line": line, "hoverinfo": "skip"}
