"""How families of models are told apart: a colour and a symbol each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attnviz.figures import theme

if TYPE_CHECKING:
    from attnviz.figures.theme import Mode

SVG_SYMBOLS = {
    "circle": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "square": "M-4.5 -4.5h9v9h-9z",
    "diamond": "M0 -6L6 0L0 6L-6 0z",
    "triangle-up": "M0 -6L6 4.5H-6z",
    "cross": "M-2 -6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    "triangle-down": "M0 6L6 -4.5H-6z",
    "hexagon": "M-5.5 -3L0 -6L5.5 -3V3L0 6L-5.5 3z",
    "x": "M-6 -3.5L-3.5 -6L0 -2.5L3.5 -6L6 -3.5L2.5 0L6 3.5L3.5 6L0 2.5L-3.5 6L-6 3.5L-2.5 0z",
    "pentagon": "M0 -6L6 -1.6L3.7 5.2H-3.7L-6 -1.6z",
    "bowtie": "M-6 -5L6 5V-5L-6 5z",
}
"""Plotly's names of the symbols, one for each family, and their outlines for a legend: with so many families colour alone
would not tell them apart."""

SYMBOLS = tuple(SVG_SYMBOLS)


@dataclass(frozen=True)
class Mark:
    """How a family is drawn."""

    colour: str
    symbol: str


def family_marks(families: Iterable[str], mode: Mode) -> dict[str, Mark]:
    """A colour and a symbol for each family, in the order in which they come."""
    colours = theme.CATEGORIES[mode]
    return {
        family: Mark(colours[i % len(colours)], SYMBOLS[i % len(SYMBOLS)])
        for i, family in enumerate(dict.fromkeys(families))
    }
