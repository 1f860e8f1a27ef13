"""A logarithmic axis with a few round numbers on it: on two of them a power is a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10


def log_axis(values: Sequence[float], title: str, margin: float = 0.06) -> dict[str, object]:
    """A logarithmic axis with a few round numbers on it."""
    low, high = log10(min(values)), log10(max(values))
    margin *= max(high - low, 0.5)
    low, high = low - margin, high + margin
    steps = [1, 2, 5] if high - low < 2.2 else [1, 3] if high - low < 3.2 else [1]
    ticks = [step * 10.0**power for power in range(int(low) - 1, int(high) + 2) for step in steps]
    ticks = [tick for tick in ticks if low <= log10(tick) <= high]
    if len(ticks) > 7:
        ticks = ticks[:: -(-len(ticks) // 7)]
    return {
        "type": "log",
        "title": {"text": title},
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": [_short(tick) for tick in ticks],
    }


def _short(number: float) -> str:
    """A round number on an axis: "30M", "1B", "2,000"."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:,.0f}"
