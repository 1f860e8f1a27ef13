"""Models as points of a chart: each family alike, the chosen one lit, the learner's own a star."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attnviz.figures import theme
from attnviz.figures.axis import plain
from attnviz.figures.family_marks import Mark, family_marks
from attnviz.figures.quantities import amount

if TYPE_CHECKING:
    from attnviz.analysis.scaling import ModelSize
    from attnviz.figures.theme import Mode


def by_family(
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


def marker(mark: Mark, mode: Mode) -> dict[str, object]:
    """A point of a family."""
    return {
        "color": mark.colour,
        "symbol": mark.symbol,
        "size": 10,
        "line": {"width": 1, "color": theme.PAPER[mode]},
    }


def hover(members: Sequence[ModelSize], further: object = None) -> dict[str, object]:
    """What each point says when it is pointed at; ``further`` makes its last line, which are the heads unless told."""
    more = further if callable(further) else lambda size: f"{size.heads} heads"
    return {
        "customdata": [
            f"<b>{plain(s.name)}</b><br>{amount(s.parameters)} parameters<br>"
            f"width {s.width:,}, {s.layers} layers<br>{more(s)}"
            for s in members
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def star(own: ModelSize | None, across: str, upwards: str, mode: Mode) -> list[dict[str, Any]]:
    """The trace of the learner's own model; none where there is none."""
    if own is None:
        return []
    return [
        {
            "type": "scatter",
            "x": [value_of(own, across)],
            "y": [value_of(own, upwards)],
            "mode": "markers",
            "marker": {
                "color": theme.INK[mode],
                "symbol": "star",
                "size": 16,
                "line": {"width": 1.5, "color": theme.PAPER[mode]},
            },
            **hover([own]),
        }
    ]


def value_of(size: ModelSize, what: str) -> float:
    """Where a model stands on an axis: a field of it, the parameters of a "layer", or the "percent" of its embeddings."""
    if what == "layer":
        return size.rest / size.layers
    return 100 * size.share if what == "percent" else float(getattr(size, what) or 1)
