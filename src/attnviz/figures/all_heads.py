"""Every head of a model as one small picture."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from attnviz.figures.theme import GREY, INK, Mode, template
from attnviz.figures.weight_colours import palette

Thumbnails = NDArray[np.uint8]
"""(layer, head, row, column): places on the palette of weights, 0 to 255."""

MARGINS = {"l": 30, "r": 4, "t": 22, "b": 4}
"""Pixels around the thumbnails, fixed, so that something can be laid over them from outside."""

_GAP = 0.09  # of a thumbnail's width
_SHARPEST = 48  # pixels of a thumbnail's side; browsers scale down well and up badly


def all_heads(
    thumbnails: Thumbnails,
    mode: Mode,
    *,
    chosen: tuple[int, int] | None = None,
    names: Sequence[Sequence[str]] | None = None,
    height: int | None = None,
) -> go.Figure:
    """One thumbnail for each head, layers across and heads down, the ``chosen`` (layer, head) in a ring.

    Pointing at one says its name, or its entry of ``names`` (layer, head). All weights travel as one small
    PNG; the points above them carry no picture and can be selected: point i is layer i // heads, head i %
    heads.
    """
    layers, heads = thumbnails.shape[:2]
    places = [(layer, head) for layer in range(layers) for head in range(heads)]
    shown = [names[layer][head] if names else f"L{layer}H{head}" for layer, head in places]
    points = go.Scatter(
        x=[layer for layer, _ in places],
        y=[head for _, head in places],
        mode="markers",
        marker={"symbol": "square", "size": 26, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        text=shown,
        hovertemplate="%{text}<extra></extra>",
    )
    sheet = {
        "source": _source(thumbnails.tobytes(), thumbnails.shape, mode),
        "xref": "x",
        "yref": "y",
        "x": -0.5,
        "y": -0.5,
        "sizex": layers,
        "sizey": heads,
        "sizing": "stretch",
        "layer": "below",
    }
    axis = {
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
        "tickmode": "array",
        "tickfont": {"size": 12 if layers <= 12 else 11},
        "tickangle": 0,
        "automargin": False,
    }
    return go.Figure(
        points,
        {
            "template": template(mode),
            "height": height,
            "margin": MARGINS,
            "xaxis": {
                **axis,
                "side": "top",
                "range": [-0.5, layers - 0.5],
                "constrain": "domain",
                "constraintoward": "left",
                "tickvals": list(range(layers)),
                "ticktext": _numbered("L", layers, chosen and chosen[0], mode),
            },
            "yaxis": {
                **axis,
                "range": [heads - 0.5, -0.5],
                "scaleanchor": "x",
                "constrain": "domain",
                "constraintoward": "top",
                "tickvals": list(range(heads)),
                "ticktext": _numbered("H", heads, chosen and chosen[1], mode),
            },
            "images": [sheet],
            "shapes": [_ring(*chosen, mode)] if chosen else [],
            "hovermode": "closest",
            "clickmode": "event+select",
            "dragmode": False,
        },
    )


def _ring(layer: int, head: int, mode: Mode) -> dict[str, Any]:
    """The frame of the chosen thumbnail."""
    half = (1 - _GAP) / 2 + 0.01
    return {
        "type": "rect",
        "x0": layer - half,
        "x1": layer + half,
        "y0": head - half,
        "y1": head + half,
        "line": {"color": INK[mode], "width": 2},
    }


def _numbered(letter: str, count: int, chosen: int | None, mode: Mode) -> list[str]:
    """L0, L1, …; the chosen one in ink."""
    colours = [INK[mode] if i == chosen else GREY[mode] for i in range(count)]
    names = [f"<b>{letter}{i}</b>" if i == chosen else f"{letter}{i}" for i in range(count)]
    return [
        f'<span style="color:{colour}">{name}</span>' for name, colour in zip(names, colours, strict=True)
    ]


@lru_cache(maxsize=32)
def _source(data: bytes, shape: tuple[int, ...], mode: Mode) -> str:
    """The sheet as a data URL; kept, for only the ring moves when another head is chosen."""
    thumbnails = np.frombuffer(data, dtype=np.uint8).reshape(shape)
    return f"data:image/png;base64,{b64encode(_png(_sheet(thumbnails), mode)).decode()}"


def _sheet(thumbnails: Thumbnails) -> NDArray[np.int16]:
    """All thumbnails on one sheet (row, column), -1 between them."""
    layers, heads, rows, columns = thumbnails.shape
    enlarge = max(1, -(-_SHARPEST // max(rows, columns)))
    large = thumbnails.repeat(enlarge, axis=2).repeat(enlarge, axis=3).astype(np.int16)
    margins = [max(1, round(side * _GAP / (1 - _GAP) / 2)) for side in large.shape[2:]]
    framed = np.pad(large, ((0, 0), (0, 0), *((m, m) for m in margins)), constant_values=-1)
    sheet = framed.transpose(1, 2, 0, 3)  # (head, row, layer, column)
    return sheet.reshape(heads * framed.shape[2], layers * framed.shape[3])


def _png(sheet: NDArray[np.int16], mode: Mode) -> bytes:
    """The sheet as an 8-bit PNG with a palette, in which -1 is transparent (PNG specification, ISO/IEC
    15948).
    """
    height, width = sheet.shape
    colours = palette(mode)
    # entry 0 is the transparent one; the places 0 and 1 of the weights share entry 1, which no eye can tell
    # apart
    entries = np.concatenate([np.zeros((1, 3), np.uint8), colours[1:]])
    entries[1] = colours[0]
    index = np.where(sheet < 0, 0, np.maximum(sheet, 1)).astype(np.uint8)
    scanlines = np.concatenate(
        [np.zeros((height, 1), np.uint8), index], axis=1
    )  # each with the filter "none"
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", entries.tobytes()),
            _chunk(b"tRNS", b"\x00"),
            _chunk(b"IDAT", zlib.compress(scanlines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
