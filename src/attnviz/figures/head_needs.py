"""Clear maps and needed heads: how well each head aligns against how many texts change without it."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from attnviz.figures.theme import GREY, INK, Mode, mark, template, text
from attnviz.tracing.trace import Floats


def head_needs(
    scores: Floats, changed: Floats, mode: Mode, *, named: Sequence[tuple[int, int]] = (), x_title: str
) -> go.Figure:
    """A point for each head: its ``scores`` (layer, head) across and the share of texts ``changed`` without it upwards.

    Layers differ in colour and form; the heads in ``named`` stand out. Pointing at a head names it.
    """
    figure = go.Figure()
    symbols = ("circle", "diamond", "square", "cross", "triangle-up", "x")
    for layer, (across, up) in enumerate(zip(scores, changed, strict=True)):
        late = layer == len(scores) - 1
        figure.add_scatter(
            x=(100 * across).tolist(),
            y=(100 * up).tolist(),
            mode="markers+text" if scores.size <= 32 else "markers",
            text=[f"L{layer}H{head}" for head in range(len(across))],
            textposition="top center",
            textfont={
                "size": 13,
                "color": [INK[mode] if (layer, h) in named else GREY[mode] for h in range(len(across))],
            },
            marker={
                "symbol": symbols[layer % len(symbols)],
                "size": [14 if (layer, h) in named else 9 for h in range(len(across))],
                "color": text("cross", mode) if late else mark("cross", mode),
            },
            hovertemplate="%{text}: %{x:.0f} % and %{y:.0f} %<extra></extra>",
            cliponaxis=False,
        )
    figure.update_layout(
        template=template(mode),
        height=360,
        margin={"l": 8, "r": 16, "t": 16, "b": 8},
        xaxis={"title": {"text": x_title}, "range": [-4, 104], "ticksuffix": " %"},
        yaxis={
            "title": {"text": "texts changed without it"},
            "range": [0, max(10.0, 115 * float(changed.max()))],
            "ticksuffix": " %",
            "nticks": 5,
        },
    )
    return figure
