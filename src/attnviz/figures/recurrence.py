"""What is left of a gradient on its way back through a recurrence."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from attnviz.figures.theme import GREY, INK, MEANINGS, Mode, template
from attnviz.tracing.trace import Floats

_FLOOR, _CEILING = 1e-12, 1e12


def surviving_gradient(norms: Floats, mode: Mode) -> go.Figure:
    """The norm of a gradient (step + 1) against steps back, on a logarithmic axis, beside attention's one step.

    Norms outside 1e-12 to 1e12 are drawn at that edge.
    """
    steps = np.arange(len(norms), dtype=np.float32)
    drawn = np.clip(norms, _FLOOR, _CEILING).astype(np.float32)
    blue = MEANINGS["query"].dark if mode == "dark" else MEANINGS["query"].light
    figure = go.Figure()
    figure.add_scatter(
        x=steps,
        y=drawn,
        mode="lines",
        line={"color": INK[mode], "width": 2.5},
        name="recurrence",
        hovertemplate="%{x} steps back: %{y:.3g}<extra></extra>",
    )
    figure.add_scatter(
        x=[steps[0], steps[-1]],
        y=[1, 1],
        mode="lines",
        line={"color": blue, "width": 2.5, "dash": "dash"},
        name="attention",
        hovertemplate="attention: one step, whatever the distance<extra></extra>",
    )
    low = min(1e-2, float(drawn.min()) / 3)
    high = max(1e2, float(drawn.max()) * 3)
    for y, text, colour in ((1.0, "attention: one step", blue), (float(drawn[-1]), "recurrence", GREY[mode])):
        shift = 12 if text.startswith("attention") == (drawn[-1] <= 1) else -12
        figure.add_annotation(
            x=float(steps[-1]),
            y=np.log10(y),
            text=text,
            showarrow=False,
            xanchor="right",
            yshift=shift,
            font={"color": colour, "size": 14},
        )
    figure.update_layout(
        template=template(mode),
        height=320,
        showlegend=False,
        margin={"l": 64, "r": 12, "t": 12, "b": 48},
        xaxis={"title": "steps back", "range": [0, float(steps[-1])]},
        yaxis={
            "type": "log",
            "title": "gradient left",
            "range": [np.log10(low), np.log10(high)],
            "exponentformat": "power",
            "dtick": max(1, int(np.ceil((np.log10(high) - np.log10(low)) / 6))),
        },
    )
    return figure
