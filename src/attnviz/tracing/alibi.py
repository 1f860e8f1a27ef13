"""The slopes of attention with linear biases (ALiBi). No torch here: analysis and figures need them as well."""

from __future__ import annotations

import math


def alibi_slopes(heads: int) -> list[float]:
    """Slopes of the linear biases, one for each head: the geometric sequence 2^(-8/n), 2^(-16/n), …

    For a number of heads that is no power of two: those of the next lower power, then every other slope of the next
    higher. Press et al. 2022, "Train Short, Test Long", section 3 and the authors' code.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    return slopes + [2 ** (-8 * (i + 1) / (2 * power)) for i in range(0, 2 * (heads - power), 2)]
