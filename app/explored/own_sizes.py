"""A model of the learner's own sizes: what its controls hold, and the config that they describe."""

from __future__ import annotations

from math import isqrt
from typing import Any

from attnviz.models.configs import sized_config

OWN_FAMILIES = {"GPT-2": "gpt2", "Llama": "llama", "BERT": "bert", "T5": "t5"}
RANGES = {
    "layers": (1, 128),
    "heads": (1, 128),
    "head_width": (8, 256),
    "ff": (64, 65_536),
    "vocabulary": (64, 300_000),
}
"""Least and most of each size control."""


def own_config(sizes: dict[str, Any]) -> dict[str, Any]:
    """The config that these controls describe."""
    return sized_config(
        OWN_FAMILIES[sizes["family"]],
        layers=sizes["layers"],
        heads=sizes["heads"],
        key_value_heads=sizes["shared"],
        d_head=sizes["head_width"],
        d_ff=sizes["ff"],
        vocabulary=sizes["vocabulary"],
    )


def divisors(number: int) -> list[int]:
    """Every number of key and value heads that this many query heads can share evenly."""
    low = [n for n in range(1, isqrt(number) + 1) if number % n == 0]
    return sorted({*low, *(number // n for n in low)})
