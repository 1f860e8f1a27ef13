"""A model of the learner's own sizes: what its controls hold, and the config that they describe."""

from __future__ import annotations

import json
from math import isqrt
from typing import Any

from app.explored.model import counted
from attnviz.models.architecture import Architecture
from attnviz.models.configs import sized_config
from attnviz.models.parameter_count import ParameterCount

OWN_FAMILIES = {"GPT-2": "gpt2", "Llama": "llama", "BERT": "bert", "T5": "t5"}
RANGES = {
    "layers": (1, 128),
    "heads": (1, 128),
    "head_width": (8, 256),
    "ff": (64, 65_536),
    "vocabulary": (64, 300_000),
}
"""Least and most of each size control."""


def own_sizes(shape: Architecture) -> dict[str, Any]:
    """The values of the size controls that come nearest to this architecture."""
    kin = {"encoder": "BERT", "encoder-decoder": "T5", "decoder": "Llama" if shape.gated else "GPT-2"}
    sizes = {
        "layers": max(shape.encoder_layers, shape.decoder_layers),
        "heads": max(shape.encoder_heads, shape.decoder_heads),
        "head_width": shape.d_head,
        "ff": shape.d_ff,
        "vocabulary": shape.vocabulary,
    }
    return {
        "family": kin[shape.kind],
        "shared": max(shape.encoder_key_value_heads, shape.decoder_key_value_heads),
        **{name: min(max(size, RANGES[name][0]), RANGES[name][1]) for name, size in sizes.items()},
    }


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


def doubled(shape: Architecture) -> dict[str, Any]:
    """The same with every width twice as large."""
    sizes = own_sizes(shape)
    return {**sizes, **{name: 2 * sizes[name] for name in ("heads", "shared", "ff")}}


def counted_sizes(sizes: dict[str, Any]) -> ParameterCount:
    """The count of the model that these controls describe."""
    return counted(json.dumps(own_config(sizes)), is_config=True)
