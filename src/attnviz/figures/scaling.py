"""Many models side by side: what grows when a model grows. All axes of sizes are logarithmic: a power is a straight line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log10, sqrt
from typing import TYPE_CHECKING, Literal

import plotly.graph_objects as go

from attnviz.analysis.scaling import TOKENS_PER_PARAMETER
from attnviz.figures import theme
from attnviz.figures.axis import plain
from attnviz.figures.quantities import amount, percent

if TYPE_CHECKING:
    from attnviz.analysis.scaling import ModelSize
    from attnviz.figures.theme import Mode

Chart = Literal["width", "layers", "heads", "shape"]
CHARTS: tuple[Chart, ...] = ("width", "layers", "heads", "shape")

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

_HEIGHT, _ROOM = 268, (260, 180)  # pixels: of a chart, and about what lies between its axes
_TITLES = {"width": "width", "layers": "layers", "heads": "heads in a layer", "parameters": "parameters"}
_LETTER, _LINE = 6.9, 16  # pixels of a letter and a line of a label
_PLACES = (
    ("left", "middle", 1, 0),
    ("right", "middle", -1, 0),
    ("center", "bottom", 0, 1),
    ("center", "top", 0, -1),
)


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


def scaling_chart(
    sizes: Sequence[ModelSize],
    chart: Chart,
    mode: Mode,
    family: str | None = None,
    own: ModelSize | None = None,
) -> go.Figure:
    """Width, layers or heads across, parameters upwards; "shape": width across, layers upwards, area is parameters.

    The chosen ``family`` (None for all) has colour and labels, the others are grey. ``own`` is marked with a star.
    """
    across = "width" if chart == "shape" else chart
    upwards = "layers" if chart == "shape" else "parameters"
    figure = go.Figure()
    drawn = [*sizes, *([own] if own else [])]
    largest = max(size.parameters for size in drawn)
    for name, mark, members in _groups(sizes, mode, family):
        figure.add_scatter(
            x=[getattr(size, across) for size in members],
            y=[getattr(size, upwards) for size in members],
            mode="markers",
            name=name,
            marker={
                "color": mark.colour,
                "symbol": "circle" if chart == "shape" else mark.symbol,
                "size": [_bubble(s, largest) for s in members] if chart == "shape" else 9,
                "opacity": 0.75 if chart == "shape" else 1,
                "line": {"width": 1, "color": theme.PAPER[mode]},
            },
            **_hover(members),
        )
    _add_own(figure, own, across, upwards, mode)
    figure.update_layout(
        template=theme.template(mode),
        height=_HEIGHT,
        margin={"l": 8, "r": 16, "t": 10, "b": 8},
        xaxis=_log_axis(
            [getattr(s, across) for s in drawn], _TITLES[across], 0.12 if chart == "shape" else 0.06
        ),
        yaxis=_log_axis(
            [getattr(s, upwards) for s in drawn], _TITLES[upwards], 0.12 if chart == "shape" else 0.06
        ),
    )
    radius = (lambda size: _bubble(size, largest) / 2) if chart == "shape" else _point
    _write_names(figure, sizes, family, own, (across, upwards), mode, radius=radius)
    return figure


def layer_chart(
    sizes: Sequence[ModelSize], mode: Mode, family: str | None = None, own: ModelSize | None = None
) -> go.Figure:
    """Parameters of one layer (all but the embeddings, divided by the layers) against the width, beside 12 · width²."""
    figure = go.Figure()
    drawn = [*sizes, *([own] if own else [])]
    ends = [min(s.width for s in drawn) * 0.8, max(s.width for s in drawn) * 1.25]
    figure.add_scatter(
        x=ends,
        y=[12 * width**2 for width in ends],
        mode="lines",
        line={"color": theme.GREY[mode], "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    for name, mark, members in _groups(sizes, mode, family):
        figure.add_scatter(
            x=[size.width for size in members],
            y=[size.rest / size.layers for size in members],
            mode="markers",
            name=name,
            marker=_marker(mark, mode),
            **_hover(members),
        )
    _add_own(figure, own, "width", "layer", mode)
    figure.update_layout(
        template=theme.template(mode),
        height=350,
        margin={"l": 8, "r": 16, "t": 10, "b": 8},
        xaxis=_log_axis([s.width for s in drawn], "width"),
        yaxis=_log_axis([s.rest / s.layers for s in drawn], "parameters of a layer"),
    )
    _write_names(figure, sizes, family, own, ("width", "layer"), mode, room=(600, 270))
    return figure


def share_chart(
    sizes: Sequence[ModelSize], mode: Mode, family: str | None = None, own: ModelSize | None = None
) -> go.Figure:
    """The share of the embeddings against all parameters; a line joins the sizes of a family."""
    figure = go.Figure()
    drawn = [*sizes, *([own] if own else [])]
    for name, mark, members in _groups(sizes, mode, family):
        members = sorted(members, key=lambda size: size.parameters)
        figure.add_scatter(
            x=[size.parameters for size in members],
            y=[100 * size.share for size in members],
            mode="lines+markers" if len({m.family for m in members}) == 1 else "markers",
            name=name,
            line={"color": mark.colour, "width": 1.5},
            marker=_marker(mark, mode),
            **_hover(members, lambda size: f"embeddings {percent(size.share)}"),
        )
    _add_own(figure, own, "parameters", "percent", mode)
    figure.update_layout(
        template=theme.template(mode),
        height=350,
        margin={"l": 8, "r": 16, "t": 10, "b": 8},
        xaxis=_log_axis([s.parameters for s in drawn], "parameters"),
        yaxis={"title": {"text": "embeddings"}, "ticksuffix": " %", "range": [0, 100], "dtick": 20},
    )
    _write_names(figure, sizes, family, own, ("parameters", "percent"), mode, room=(600, 270))
    return figure


def training_chart(sizes: Sequence[ModelSize], own: ModelSize, mode: Mode) -> go.Figure:
    """Training tokens against parameters, of those models whose makers say so, beside 20 tokens a parameter.

    Lines that fall to the right are of equal compute, 6 · parameters · tokens. ``own`` needs its ``tokens``.
    """
    told = [size for size in sizes if size.tokens]
    figure = go.Figure()
    xs = [size.parameters for size in (*told, own)]
    ys = [size.tokens or 1 for size in (*told, own)]
    left, right = min(xs) / 2.5, max(xs) * 2.5
    low, high = min(ys) / 4, max(ys) * 4
    for power in range(int(log10(6 * left * low)), int(log10(6 * right * high)) + 1, 2):
        figure.add_scatter(
            x=[left, right],
            y=[10**power / 6 / left, 10**power / 6 / right],
            mode="lines",
            line={"color": theme.HAIRLINE[mode], "width": 1},
            hoverinfo="skip",
        )
        edge = max(left, 10**power / 6 / high)
        if edge < right and low < 10**power / 6 / edge <= high * 1.001:
            figure.add_annotation(
                x=log10(edge), y=log10(10**power / 6 / edge), text=f"10<sup>{power}</sup>", showarrow=False,
                xanchor="left", yanchor="top", font={"color": theme.GREY[mode], "size": 13}, xshift=2,
            )  # fmt: skip
    figure.add_scatter(
        x=[left, right],
        y=[TOKENS_PER_PARAMETER * left, TOKENS_PER_PARAMETER * right],
        mode="lines",
        line={"color": theme.GREY[mode], "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    for name, mark, members in _groups(sizes, mode, None):
        members = [size for size in members if size.tokens]
        if members:
            figure.add_scatter(
                x=[size.parameters for size in members],
                y=[size.tokens for size in members],
                mode="markers",
                name=name,
                marker=_marker(mark, mode),
                **_hover(members, lambda size: f"{amount(size.tokens or 0)} tokens"),
            )
    _add_own(figure, own, "parameters", "tokens", mode)
    figure.update_layout(
        template=theme.template(mode),
        height=400,
        margin={"l": 8, "r": 16, "t": 10, "b": 8},
        xaxis={**_log_axis(xs, "parameters"), "range": [log10(left), log10(right)]},
        yaxis={**_log_axis(ys, "training tokens"), "range": [log10(low), log10(high)], "showgrid": False},
    )
    _write_names(figure, told, None, own, ("parameters", "tokens"), mode, room=(600, 320))
    return figure


def size_table(sizes: Sequence[ModelSize]) -> dict[str, list[object]]:
    """The numbers behind all charts: columns with one row a model."""
    return {
        "name": [s.name for s in sizes],
        "family": [s.family for s in sizes],
        "width": [s.width for s in sizes],
        "layers": [s.layers for s in sizes],
        "heads": [s.heads for s in sizes],
        "parameters": [s.parameters for s in sizes],
        "embeddings": [s.embeddings for s in sizes],
        "training_tokens": [s.tokens or "" for s in sizes],
    }


def _groups(
    sizes: Sequence[ModelSize], mode: Mode, family: str | None
) -> Iterable[tuple[str, Mark, list[ModelSize]]]:
    """What is drawn alike: each family, or all others in grey and then the chosen one."""
    marks = family_marks((size.family for size in sizes), mode)
    if family is not None:
        grey = Mark(theme.mixed(theme.GREY[mode], 0.35, mode), "circle")
        yield "others", grey, [size for size in sizes if size.family != family]
    for name, mark in marks.items():
        if family in (None, name):
            yield name, mark, [size for size in sizes if size.family == name]


def _marker(mark: Mark, mode: Mode) -> dict[str, object]:
    return {
        "color": mark.colour,
        "symbol": mark.symbol,
        "size": 10,
        "line": {"width": 1, "color": theme.PAPER[mode]},
    }


def _hover(members: Sequence[ModelSize], further: object = None) -> dict[str, object]:
    more = further if callable(further) else lambda size: f"{size.heads} heads"
    return {
        "customdata": [
            f"<b>{plain(s.name)}</b><br>{amount(s.parameters)} parameters<br>"
            f"width {s.width:,}, {s.layers} layers<br>{more(s)}"
            for s in members
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _add_own(figure: go.Figure, own: ModelSize | None, across: str, upwards: str, mode: Mode) -> None:
    if own is not None:
        figure.add_scatter(
            x=[_of(own, across)],
            y=[_of(own, upwards)],
            mode="markers",
            marker={
                "color": theme.INK[mode],
                "symbol": "star",
                "size": 16,
                "line": {"width": 1.5, "color": theme.PAPER[mode]},
            },
            **_hover([own]),
        )


def _of(size: ModelSize, what: str) -> float:
    if what == "layer":
        return size.rest / size.layers
    return 100 * size.share if what == "percent" else float(getattr(size, what) or 1)


def _point(size: ModelSize) -> float:
    return 5.0


def _bubble(size: ModelSize, largest: int) -> float:
    """Diameter in pixels, so that areas are as parameters; the smallest stay visible."""
    return max(5.0, 38 * sqrt(size.parameters / largest))


def _write_names(
    figure: go.Figure,
    sizes: Sequence[ModelSize],
    family: str | None,
    own: ModelSize | None,
    axes: tuple[str, str],
    mode: Mode,
    room: tuple[int, int] = _ROOM,
    radius: Callable[[ModelSize], float] = _point,
) -> None:
    """Names beside the points, as many as fit beside each other: the own model's first, then the ends, then the rest.

    ``room`` is about how many pixels the plot is wide and high; its axes must be there already.
    """
    scales = [
        _Scale(axis, pixels)
        for axis, pixels in zip((figure.layout.xaxis, figure.layout.yaxis), room, strict=True)
    ]
    named = [s for s in sizes if family in (None, s.family) and not (own and s.name == own.name)]
    order = sorted(named, key=lambda size: size.parameters)
    order = [*([own] if own else []), *order[-1:], *order[:1], *order[-2:0:-1]]
    place = {
        id(size): tuple(scale.place(_of(size, a)) for scale, a in zip(scales, axes, strict=True))
        for size in order
    }
    pixel = {
        key: tuple(scale.pixel(at) for scale, at in zip(scales, p, strict=True)) for key, p in place.items()
    }
    taken = [
        (x - r, y - r, x + r, y + r)
        for size in order
        for x, y in [pixel[id(size)]]
        for r in [min(radius(size), 9)]
    ]
    for size in order:
        x, y = pixel[id(size)]
        width = _LETTER * len(size.name)
        away = (9 if size is own else radius(size)) + 3
        for xanchor, yanchor, aside, above in _PLACES:
            right, up = aside * away, above * away
            left = {"left": x + right, "right": x + right - width, "center": x - width / 2}[xanchor]
            bottom = {"middle": y - _LINE / 2, "bottom": y + up, "top": y + up - _LINE}[yanchor]
            box = (left, bottom, left + width, bottom + _LINE)
            inside = left > -20 and box[2] < room[0] + 8 and bottom > 0 and box[3] < room[1] + 8
            if inside and (size is own or not any(_overlap(box, other) for other in taken)):
                taken.append(box)
                figure.add_annotation(
                    x=place[id(size)][0], y=place[id(size)][1], xanchor=xanchor, yanchor=yanchor,
                    xshift=right, yshift=up, showarrow=False,
                    text=f"<b>{plain(size.name)}</b>" if size is own else plain(size.name),
                    font={"size": 13, "color": theme.INK[mode] if size is own or family else theme.GREY[mode]},
                )  # fmt: skip
                break


class _Scale:
    """From a value to where an annotation stands on an axis, and to about which pixel that is."""

    def __init__(self, axis: go.layout.XAxis | go.layout.YAxis, pixels: int) -> None:
        self._log = axis.type == "log"
        self._low, high = axis.range
        self._pixels = pixels / (high - self._low)

    def place(self, value: float) -> float:
        return log10(value) if self._log else value

    def pixel(self, place: float) -> float:
        return (place - self._low) * self._pixels


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _log_axis(values: Sequence[float], title: str, margin: float = 0.06) -> dict[str, object]:
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
