"""Numbers of the steps as a reader says them."""

from __future__ import annotations

import numpy as np

from attnviz.figures.quantities import signed, whole_percent


def number(value: float) -> str:
    """Two digits after the point, fewer for what is large, with a true minus; −∞ where a score is masked."""
    if not np.isfinite(value):
        return "−∞"
    digits = 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return signed(value, digits)


def share(part: float) -> str:
    """A share of 1 in per cent, with a digit after the point where it is under ten: "68 %", "3.2 %", "<0.1 %".

    Short, for the narrow columns of a table.
    """
    if 0 < part < 0.0005:
        return "<0.1 %"
    return whole_percent(part) if part >= 0.1 or part == 0 else f"{100 * part:.1f} %"
