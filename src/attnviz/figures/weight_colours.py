"""The colours of attention weights: a weight w stands at w ** 0.6 of the palette, so that small ones can be
told apart.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnviz.figures.theme import PANEL, SEQUENTIAL, Mode, horizontal_bar, mixed

POWER = 0.6
STOPS = 49
_ZERO_TOWARDS_PANEL = 0.6  # as white as the paper, a tiny weight would look emptier than none
_INKS = ("#000000", "#FFFFFF")
_TICKS = (0.0, 0.05, 0.2, 0.5, 1.0)


@cache
def palette(mode: Mode) -> NDArray[np.uint8]:
    """256 colours (256, 3) for places from 0 to 1 on the palette."""
    zero = mixed(PANEL[mode], _ZERO_TOWARDS_PANEL, mode)
    stops = np.array([_rgb(colour) for colour in (zero, *SEQUENTIAL[mode][1:])])  # (stop, 3)
    places = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def place(weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The place of weights (any shape) on the palette, 0 to 255."""
    return np.asarray(np.round(255 * np.clip(weights, 0, 1) ** POWER), dtype=np.uint8)


@cache
def ink_on(place: int, mode: Mode) -> str:
    """Black or white ink, whichever stands out more from this place of the palette (contrast as in WCAG 2.1)."""
    cell = _luminance(palette(mode)[place])
    return max(_INKS, key=lambda ink: _contrast(cell, _luminance(np.array(_rgb(ink)))))


@cache
def scale(mode: Mode) -> list[list[float | str]]:
    """Plotly's colour scale for weights as they are: the palette bent by the power."""
    positions = np.linspace(0, 1, STOPS)
    colours = palette(mode)[np.round(255 * positions).astype(int)]
    return [[float(p ** (1 / POWER)), _css(c)] for p, c in zip(positions, colours, strict=True)]


def bar(mode: Mode) -> dict[str, Any]:
    """A marker that draws no point but the colour bar: the palette evenly, with the weights where they stand
    on it.
    """
    return {
        "color": [0.0],
        "cmin": 0,
        "cmax": 1,
        "opacity": 0,
        "showscale": True,
        "colorscale": [[p, _css(palette(mode)[round(255 * p)])] for p in np.linspace(0, 1, 18).tolist()],
        "colorbar": {
            **horizontal_bar("Attention weight", mode),
            "tickvals": [t**POWER for t in _TICKS],
            "ticktext": [f"{t:.0%}".replace("%", " %") if t == 1 else f"{100 * t:.0f}" for t in _TICKS],
        },
    }


def _luminance(colour: NDArray[np.integer]) -> float:
    """Relative luminance of sRGB (WCAG 2.1)."""
    channels = np.asarray(colour, dtype=float) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _css(colour: NDArray[np.uint8]) -> str:
    return "#" + "".join(f"{int(channel):02X}" for channel in colour)
