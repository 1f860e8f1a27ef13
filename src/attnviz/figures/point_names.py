"""Names beside the points of a chart, as many as fit beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log10
from typing import TYPE_CHECKING, Any

from attnviz.figures import theme
from attnviz.figures.axis import plain
from attnviz.figures.model_points import value_of

if TYPE_CHECKING:
    from attnviz.analysis.scaling import ModelSize
    from attnviz.figures.theme import Mode

_LETTER, _LINE = 6.9, 16  # pixels of a letter and a line of a label
_NARROWEST = 244  # pixels between the axes on a phone; what is apart there is so wherever there is more room
_PLACES = (
    ("left", "middle", 1, 0),
    ("right", "middle", -1, 0),
    ("center", "bottom", 0, 1),
    ("center", "top", 0, -1),
)


def names_beside(
    sizes: Sequence[ModelSize],
    family: str | None,
    own: ModelSize | None,
    fields: tuple[str, str],
    axes: tuple[Mapping[str, Any], Mapping[str, Any]],
    mode: Mode,
    height: int = 190,
    radius: Callable[[ModelSize], float] | None = None,
    kept: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Names beside the points, as many as fit beside each other: the own model's first, then the ends, then the rest.

    ``fields`` are what the ``axes`` show. ``height`` is about how many pixels lie between the axes. ``radius`` is that of a
    point in pixels, 5 unless told. ``kept`` are powers of ten that stand there already, each right of and below its place.
    """
    room = (_NARROWEST, height)
    radius = radius or (lambda size: 5.0)
    scales = [_Scale(axis, pixels) for axis, pixels in zip(axes, room, strict=True)]
    named = [s for s in sizes if family in (None, s.family) and not (own and s.name == own.name)]
    order = sorted(named, key=lambda size: size.parameters)
    order = [*([own] if own else []), *order[-1:], *order[:1], *order[-2:0:-1]]
    place = {
        id(size): tuple(scale.place(value_of(size, a)) for scale, a in zip(scales, fields, strict=True))
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
    for note in kept:
        x, y = (scale.pixel(note[name]) for scale, name in zip(scales, ("x", "y"), strict=True))
        taken.append((x, y - _LINE - 4, x + 5 * _LETTER, y))
    notes: list[dict[str, Any]] = []
    for size in order:
        x, y = pixel[id(size)]
        width = _LETTER * len(size.name)
        away = (9 if size is own else radius(size)) + 3
        found = []
        for xanchor, yanchor, aside, above in _PLACES:
            right, up = aside * away, above * away
            left = {"left": x + right, "right": x + right - width, "center": x - width / 2}[xanchor]
            bottom = {"middle": y - _LINE / 2, "bottom": y + up, "top": y + up - _LINE}[yanchor]
            box = (left, bottom, left + width, bottom + _LINE)
            if left > 8 and box[2] < room[0] + 8 and bottom > 0 and box[3] < room[1] + 8:
                found.append((box, {"xanchor": xanchor, "yanchor": yanchor, "xshift": right, "yshift": up}))
        free = [one for one in found if not any(_overlap(one[0], other) for other in taken)]
        for box, at in (free or (found if size is own else []))[:1]:
            taken.append(box)
            notes.append({
                "x": place[id(size)][0], "y": place[id(size)][1], **at, "showarrow": False,
                "text": f"<b>{plain(size.name)}</b>" if size is own else plain(size.name),
                "font": {"size": 13, "color": theme.INK[mode] if size is own or family else theme.GREY[mode]},
            })  # fmt: skip
    return notes


class _Scale:
    """From a value to where an annotation stands on an axis, and to about which pixel that is."""

    def __init__(self, axis: Mapping[str, Any], pixels: int) -> None:
        self._log = axis.get("type") == "log"
        self._low, high = axis["range"]
        self._pixels = pixels / (high - self._low)

    def place(self, value: float) -> float:
        return log10(value) if self._log else value

    def pixel(self, place: float) -> float:
        return (place - self._low) * self._pixels


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
