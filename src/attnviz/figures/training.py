"""Training tokens against parameters: which models were trained for how long, beside what suits their size."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from attnviz.analysis.scaling import TOKENS_PER_PARAMETER
from attnviz.figures import theme
from attnviz.figures.log_axis import log_axis
from attnviz.figures.model_points import add_own, by_family, hover, marker
from attnviz.figures.point_names import write_names
from attnviz.figures.quantities import amount

if TYPE_CHECKING:
    from attnviz.analysis.scaling import ModelSize
    from attnviz.figures.theme import Mode


def training_chart(sizes: Sequence[ModelSize], own: ModelSize, mode: Mode) -> go.Figure:
    """Training tokens against parameters, of those models whose makers say so, beside 20 tokens a parameter.

    Lines that fall to the right are of equal compute, 6 · parameters · tokens. ``own`` needs its ``tokens``.
    """
    told = [size for size in sizes if size.tokens]
    figure = go.Figure()
    xs = [size.parameters for size in (*told, own)]
    ys = [size.tokens or 1 for size in (*told, own)]
    left, right = min(xs) / 2.5, max(xs) * 2.5
    low, high = min(ys) / 4, max(ys) * 4
    notes: list[dict[str, object]] = []
    for power in range(int(log10(6 * left * low)), int(log10(6 * right * high)) + 1, 2):
        figure.add_scatter(
            x=[left, right],
            y=[10**power / 6 / left, 10**power / 6 / right],
            mode="lines",
            line={"color": theme.HAIRLINE[mode], "width": 1},
            hoverinfo="skip",
        )
        edge = max(left, 10**power / 6 / high)
        if edge < right and low < 10**power / 6 / edge <= high * 1.001:
            notes.append({
                "x": log10(edge), "y": log10(10**power / 6 / edge), "text": f"10<sup>{power}</sup>",
                "xanchor": "left", "yanchor": "top", "xshift": 2, "showarrow": False,
                "font": {"color": theme.GREY[mode], "size": 13},
            })  # fmt: skip
    figure.add_scatter(
        x=[left, right],
        y=[TOKENS_PER_PARAMETER * left, TOKENS_PER_PARAMETER * right],
        mode="lines",
        line={"color": theme.GREY[mode], "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    for name, mark, members in by_family(sizes, mode, None):
        members = [size for size in members if size.tokens]
        if members:
            figure.add_scatter(
                x=[size.parameters for size in members],
                y=[size.tokens for size in members],
                mode="markers",
                name=name,
                marker=marker(mark, mode),
                **hover(members, lambda size: f"{amount(size.tokens or 0)} tokens"),
            )
    add_own(figure, own, "parameters", "tokens", mode)
    figure.update_layout(
        template=theme.template(mode),
        height=400,
        margin={"l": 72, "r": 16, "t": 10},
        xaxis={**log_axis(xs, "parameters"), "range": [log10(left), log10(right)]},
        yaxis={**log_axis(ys, "training tokens"), "range": [log10(low), log10(high)], "showgrid": False},
        annotations=notes,
    )
    write_names(figure, told, None, own, ("parameters", "tokens"), mode, room=(600, 320))
    return figure
