"""What a longer text costs: memory for keys and values, and operations for each token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from attnviz.analysis.memory import BITS, cache_bytes, token_flops, weight_bytes
from attnviz.figures import theme
from attnviz.figures.axis import upright
from attnviz.figures.quantities import amount, size

if TYPE_CHECKING:
    from attnviz.analysis.memory import Flops
    from attnviz.figures.theme import Mode
    from attnviz.models.parameter_count import ParameterCount, Stack

LONGEST = 131_072
_PLOT, _LABEL = 230, 48  # pixels: height between the axes, and of a name of two lines with some room


def lengths(count: ParameterCount) -> list[int]:
    """Text lengths worth a look: powers of two up to the last position that the model has, and that position."""
    limit = count.architecture.max_positions if count.architecture else None
    longest = min(limit or LONGEST, LONGEST)
    powers = [2**k for k in range(longest.bit_length()) if 2**k < longest]
    return [*powers, longest]


def memory_table(count: ParameterCount, length: int) -> dict[str, list[str]]:
    """Columns: weights and key-value cache by data type, in words."""
    rows: dict[str, list[str]] = {"Data type": list(BITS)}
    rows["Weights"] = [size(weight_bytes(count.total, dtype)) for dtype in BITS]
    if cache_bytes(count, 1):
        rows["Cache for a token"] = [size(cache_bytes(count, 1, dtype)) for dtype in BITS]
        rows[f"Cache for {length:,}"] = [size(cache_bytes(count, length, dtype)) for dtype in BITS]
        rows["Together"] = [
            size(weight_bytes(count.total, dtype) + cache_bytes(count, length, dtype)) for dtype in BITS
        ]
    return rows


def memory_curve(count: ParameterCount, length: int, dtype: str, mode: Mode) -> go.Figure:
    """The key-value cache against the length of the text, beside the weights, which stay as they are."""
    xs = lengths(count)
    weights = [weight_bytes(count.total, dtype)] * len(xs)
    cache = [cache_bytes(count, n, dtype) for n in xs]
    at = cache_bytes(count, length, dtype)
    return _curves(xs, ("weights", weights), ("keys and values", cache), (length, at), "value", size, mode)


def flops_curve(count: ParameterCount, stack: Stack, length: int, mode: Mode) -> go.Figure:
    """Operations for one token against the length of the text: the matrices' stay, attention's grow."""
    xs = lengths(count)
    work = [token_flops(count, n)[stack] for n in xs]
    matrices, attention = [f.matrices for f in work], [f.attention for f in work]
    at = token_flops(count, length)[stack].attention
    return _curves(xs, ("matrices", matrices), ("attention", attention), (length, at), "query", amount, mode)


def cost_table(count: ParameterCount, dtype: str) -> dict[str, list[int]]:
    """The numbers behind both curves: columns with one row a length."""
    xs = lengths(count)
    table: dict[str, list[int]] = {
        "length": xs,
        f"weights_{dtype}_bytes": [weight_bytes(count.total, dtype)] * len(xs),
        f"cache_{dtype}_bytes": [cache_bytes(count, n, dtype) for n in xs],
    }
    work: list[dict[Stack, Flops]] = [token_flops(count, n) for n in xs]
    for stack in work[0]:
        table[f"{stack}_matrix_flops"] = [f[stack].matrices for f in work]
        table[f"{stack}_attention_flops"] = [f[stack].attention for f in work]
    return table


Curve = tuple[str, Sequence[int]]


def _curves(
    xs: Sequence[int],
    flat: Curve,
    steep: Curve,
    at: tuple[int, int],
    meaning: str,
    words: Callable[[float], str],
    mode: Mode,
) -> go.Figure:
    """Both axes logarithmic, so that a straight line is a power and a flat one costs nothing more.

    The steep one has the colour of its ``meaning``, and a point ``at`` the length of the text unless that costs nothing.
    """
    mark = theme.mark(meaning, mode)
    curves = (
        (*flat, theme.GREY[mode], "dot", theme.GREY[mode]),
        (*steep, mark, "solid", theme.text(meaning, mode)),
    )
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": list(xs),
            "y": list(ys),
            "mode": "lines",
            "line": {"color": colour, "width": 2.5, "dash": dash},
            "customdata": [words(y) for y in ys],
            "hovertemplate": f"{name}: %{{customdata}}<br>at %{{x:,}} tokens<extra></extra>",
        }
        for name, ys, colour, dash, _ in curves
    ]
    if at[1] > 0:
        traces.append(
            {
                "type": "scatter",
                "x": [at[0]],
                "y": [at[1]],
                "mode": "markers",
                "marker": {"color": mark, "size": 12, "line": {"color": theme.PAPER[mode], "width": 2}},
                "hoverinfo": "skip",
            }
        )
    low = min(min(y for y in ys if y > 0) for _, ys, *_ in curves if any(ys))
    high = max(max(ys) for _, ys, *_ in curves)
    bottom, top = _log10(low) - 0.2, _log10(high) + 0.3
    # two names at the ends of lines that would lie on each other stand above and below
    ends = [_log10(ys[-1]) for _, ys, *_ in curves]
    near = abs(ends[0] - ends[1]) < (top - bottom) * _LABEL / _PLOT
    upwards = ("top", "bottom") if ends[0] <= ends[1] else ("bottom", "top")
    notes = [
        {
            "x": 1,
            "xref": "paper",
            "y": end,
            "text": f"{name}<br><b>{words(ys[-1])}</b>",
            "font": {"color": colour, "size": 14},
            "showarrow": False,
            "xanchor": "left",
            "yanchor": anchor if near else "middle",
            "align": "left",
            "xshift": 8,
        }
        for end, anchor, (name, ys, _, _, colour) in zip(ends, upwards, curves, strict=True)
    ]
    powers = range(int(_log10(low)), int(_log10(high)) + 2)
    step = 1 if len(powers) <= 7 else 2 if len(powers) <= 13 else 3
    ticks = [10.0**p for p in powers if p % step == 0]
    shown = [x for x in xs if x in _round_lengths(xs)]
    return theme.figure(
        traces,
        mode,
        height=_PLOT + 90,
        margin={"l": 112, "r": 128, "t": 48},
        xaxis={
            "type": "log",
            "title": {"text": "tokens"},
            "tickvals": shown,
            "ticktext": [f"{x:,}" for x in shown],
        },
        yaxis={
            "type": "log",
            "tickvals": ticks,
            "ticktext": [words(t) for t in ticks],
            "range": [bottom, top],
        },
        annotations=notes,
        shapes=[upright(at[0], mode)] if at[1] > 0 else None,
    )


def _round_lengths(xs: Sequence[int]) -> set[int]:
    """Every other power, and the last length, which may be none."""
    fourth = {x for x in xs if x.bit_length() % 2 == 1 and x & (x - 1) == 0}
    return {x for x in fourth if x * 3 < xs[-1]} | {xs[-1]}


def _log10(value: float) -> float:
    from math import log10

    return log10(max(value, 1))
