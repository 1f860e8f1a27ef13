"""The colours of AttnViz: colour means something, and the same in light and dark.

Query, key and value keep their colours from page to page; what belongs to no part of the model is ink or
grey. Text takes the text colours: the light marks of key, value, feed-forward and cross-attention have too
little contrast. No Plotly here: pictures that are drawn without it use the same colours.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Mode = Literal["light", "dark"]


class Colour(NamedTuple):
    """A meaning's mark and text on light paper, and the one colour that serves for both on dark."""

    light: str
    light_text: str
    dark: str


MEANINGS: dict[str, Colour] = {
    "query": Colour("#0072B2", "#0072B2", "#56B4E9"),
    "key": Colour("#D55E00", "#B84E00", "#FF9E4A"),
    "value": Colour("#009E73", "#007A59", "#3CC9A3"),
    "cross": Colour("#CC79A7", "#A3487F", "#E3A3C6"),
    "stream": Colour("#6B7280", "#57606B", "#A1A9B5"),
    "feed_forward": Colour("#B58900", "#7D5F00", "#E6C35C"),
    "less": Colour("#B2182B", "#B2182B", "#EF8A62"),
    "more": Colour("#2166AC", "#2166AC", "#67A9CF"),
}

INK = {"light": "#15191F", "dark": "#E8EBEF"}
PAPER = {"light": "#FFFFFF", "dark": "#0F1318"}
PANEL = {"light": "#F4F5F7", "dark": "#191F27"}
HAIRLINE = {"light": "#DDE1E6", "dark": "#2B333D"}
GREY = {"light": "#57606B", "dark": "#A1A9B5"}

SEQUENTIAL = {
    "light": [
        "#FFFFFF",
        "#E3EFF8",
        "#C3DDF0",
        "#9BC8E6",
        "#6DAFDA",
        "#3D93CA",
        "#0072B2",
        "#005D96",
        "#004775",
        "#003052",
    ],
    "dark": [
        "#0F1318",
        "#12202C",
        "#143145",
        "#174763",
        "#1C6288",
        "#2A82B3",
        "#56B4E9",
        "#86CBF3",
        "#B2E0FA",
        "#DDF3FF",
    ],
}
"""Ten stops for weights; a weight w stands at w ** 0.6."""

DIVERGING = {
    "light": [
        "#B2182B",
        "#CB4F52",
        "#DF8481",
        "#EFB8B3",
        "#F8E3E0",
        "#E0EAF4",
        "#B2CDE6",
        "#80ABD4",
        "#4D88C0",
        "#2166AC",
    ],
    "dark": [
        "#EF8A62",
        "#BF7052",
        "#8E5744",
        "#5C3F37",
        "#2E2829",
        "#232D36",
        "#2F4B60",
        "#426C8C",
        "#558BB0",
        "#67A9CF",
    ],
}
CATEGORIES = {
    "light": ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B58900", "#56B4E9", "#6B7280"],
    "dark": ["#56B4E9", "#FF9E4A", "#3CC9A3", "#E3A3C6", "#E6C35C", "#0072B2", "#A1A9B5"],
}
"""Categories differ in a second mark as well (dash, symbol): in some eyes two of them look alike."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")


def mark(meaning: str, mode: Mode) -> str:
    """The colour of an area or line that means this (a key of ``MEANINGS``)."""
    colour = MEANINGS[meaning]
    return colour.light if mode == "light" else colour.dark


def text(meaning: str, mode: Mode) -> str:
    """The colour of words that mean this; at least 4.5:1 on the paper."""
    colour = MEANINGS[meaning]
    return colour.light_text if mode == "light" else colour.dark


def mixed(colour: str, share: float, mode: Mode) -> str:
    """``colour`` laid over the paper with this share of it, from 0 (paper) to 1, as an opaque colour."""
    over, under = (tuple(int(hexes[i : i + 2], 16) for i in (1, 3, 5)) for hexes in (colour, PAPER[mode]))
    return "#" + "".join(
        f"{round(share * o + (1 - share) * u):02X}" for o, u in zip(over, under, strict=True)
    )
