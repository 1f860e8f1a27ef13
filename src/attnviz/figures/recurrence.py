"""Why long texts are hard: what a layer costs as they grow, and what is left of a gradient on its way back."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from attnviz.analysis.recurrence import layer_costs
from attnviz.figures.axis import end_labels, upright
from attnviz.figures.quantities import amount
from attnviz.figures.theme import GREY, INK, PAPER, Mode, figure, mark, text
from attnviz.tracing.trace import Floats

_FLOOR, _CEILING = 1e-12, 1e12
_LENGTHS = (2, 4096)
_HEIGHT = 320


def operations_by_length(n: int, d: int, k: int, mode: Mode) -> tuple[go.Figure, dict[str, list[int]]]:
    """Operations of the four layers of Table 1 against the number of tokens, with n marked; and the numbers behind it.

    Both axes are logarithmic: attention's line is twice as steep, and crosses the recurrent one at n = d.
    """
    first, last = _LENGTHS
    lengths = sorted({2**i for i in range(1, 13)} | {n, min(max(d, first), last)})
    costs = [layer_costs(length, d, kernel=k, neighbourhood=k) for length in lengths]
    names = [row.name for row in costs[0]]
    looks = (
        (mark("query", mode), text("query", mode), 3.0, "solid"),
        (INK[mode], INK[mode], 2.5, "solid"),
        (GREY[mode], GREY[mode], 1.5, "dash"),
        (mark("query", mode), text("query", mode), 1.5, "dot"),
    )
    traces: list[dict[str, Any]] = []
    ends = []
    for i, (name, (colour, words, width, dash)) in enumerate(zip(names, looks, strict=True)):
        operations = [row[i].operations for row in costs]
        traces.append(
            {
                "type": "scatter",
                "x": lengths,
                "y": operations,
                "mode": "lines",
                "line": {"color": colour, "width": width, "dash": dash},
                "customdata": [amount(number) for number in operations],
                "hovertemplate": f"{name}: %{{customdata}}<br>%{{x:,}} tokens<extra></extra>",
            }
        )
        ends.append((float(np.log10(operations[-1])), _short(name), words))
    now = layer_costs(n, d, kernel=k, neighbourhood=k)
    traces.append(
        {
            "type": "scatter",
            "x": [n, n],
            "y": [now[0].operations, now[1].operations],
            "mode": "markers",
            "marker": {
                "color": [mark("query", mode), INK[mode]],
                "size": 11,
                "line": {"color": PAPER[mode], "width": 2},
            },
            "hoverinfo": "skip",
        }
    )
    lowest = min(row[3].operations for row in costs)
    highest = max(row.operations for last_row in costs for row in last_row)
    notes = end_labels(ends, 0.075 * float(np.log10(highest / lowest)))
    if first < d < last:
        notes.append(
            {
                "x": float(np.log10(d)),
                "y": float(np.log10(d**3)),
                "text": "n = d",
                "showarrow": False,
                "xanchor": "left",
                "yanchor": "top",
                "xshift": 6,
                "yshift": -4,
                "font": {"color": GREY[mode], "size": 14},
            }
        )
    ticks = [2, 32, 512, 4096]
    made = figure(
        traces,
        mode,
        height=_HEIGHT,
        margin={"l": 72, "r": 112, "t": 22},
        xaxis={
            "type": "log",
            "title": {"text": "tokens, n"},
            "tickvals": ticks,
            "tickangle": 0,
            "ticktext": [f"{t:,}" for t in ticks],
        },
        yaxis=_powers(lowest, highest, "operations"),
        annotations=notes,
        shapes=[upright(n, mode)],
    )
    return made, {
        "tokens": lengths,
        **{name: [row[i].operations for row in costs] for i, name in enumerate(names)},
    }


def surviving_gradient(norms: Floats, radius: float, mode: Mode) -> go.Figure:
    """The norm of a gradient (step + 1) against steps back, on a logarithmic axis.

    The dotted line is radius to the power of the steps: what the measured one follows in the long run. Norms outside
    1e-12 to 1e12 are drawn at that edge.
    """
    steps = np.arange(len(norms), dtype=np.float32)
    drawn = np.clip(norms, _FLOOR, _CEILING).astype(np.float32)
    power = np.clip(np.float64(radius) ** steps, _FLOOR, _CEILING).astype(np.float32)
    traces = [
        {
            "type": "scatter",
            "x": steps,
            "y": y,
            "mode": "lines",
            "line": {"color": colour, "width": width, "dash": dash},
            "hovertemplate": f"{name}: %{{y:.3g}}<extra></extra>",
        }
        for name, y, colour, width, dash in (
            (f"{radius:g} to the power of %{{x}}", power, GREY[mode], 1.5, "dot"),
            ("%{x} steps back", drawn, INK[mode], 2.5, "solid"),
        )
    ]
    low = min(1e-1, float(drawn.min()), float(power.min()))
    high = max(1e1, float(drawn.max()), float(power.max()))
    ends = [
        (float(np.log10(drawn[-1])), "recurrence", INK[mode]),
        (float(np.log10(power[-1])), f"{radius:g}<sup>n</sup>", GREY[mode]),
    ]
    return figure(
        traces,
        mode,
        height=_HEIGHT,
        margin={"l": 72, "r": 96, "t": 16},
        xaxis={"title": {"text": "steps back"}, "range": [0, float(steps[-1])]},
        yaxis=_powers(low, high, "gradient left"),
        annotations=end_labels(ends, 0.08 * float(np.log10(high / low))),
    )


def _short(name: str) -> str:
    """A layer's name beside its line: "restricted" for "Self-attention, restricted"."""
    return name.rpartition(", ")[2].lower()


def _powers(low: float, high: float, title: str) -> dict[str, object]:
    """A logarithmic axis with at most seven powers of ten."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    step = max(1, -(-(last - first) // 6))
    powers = [p for p in range(first, last + 1) if p % step == 0]
    return {
        "type": "log",
        "title": {"text": title},
        "range": [np.log10(low) - 0.1, np.log10(high) + 0.2],
        "tickvals": [10.0**p for p in powers],
        "ticktext": [
            "1" if p == 0 else "10" if p == 1 else f"10<sup>{p}</sup>".replace("-", "−") for p in powers
        ],
    }
