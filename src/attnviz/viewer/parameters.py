"""All parameters of a model to scale: so many to a square, grouped as the model uses them.

Drawn by ``parameters.js``. An area is exact: a part of 147,840 at 10,000 a square is 14 whole squares and one
cut to 0.784 of its width.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from attnviz.models.parameter_count import COMPONENTS, formula
from attnviz.viewer.text import table, well_formed

if TYPE_CHECKING:
    from attnviz.models.parameter_count import ParameterCount, Part

SQUARES = 3200
"""Squares that are drawn at most: a model of a hundred times the size gets a coarser square, not a larger
picture."""

_ROWS = ("attention", "recurrence", "cross", "feed_forward", "other")


@dataclass(frozen=True)
class Drawn:
    """What one colour in one place stands for: a matrix with its bias, or the norms of a layer."""

    part: str
    name: str
    count: int
    shape: str
    arithmetic: str

    def __post_init__(self) -> None:
        if self.part not in COMPONENTS:
            raise ValueError(f"unknown part {self.part!r}")
        if self.count < 1:
            raise ValueError(f"{self.part} holds {self.count} parameters")


@dataclass(frozen=True)
class Group:
    """Parts that are named together: what stands at the input, one layer, the head. ``rows`` begin on a line
    each."""

    title: str
    stack: Literal["", "encoder", "decoder"]
    layer: int | None
    rows: tuple[tuple[Drawn, ...], ...]
    note: str = ""

    @property
    def count(self) -> int:
        """Parameters of the group."""
        return sum(part.count for row in self.rows for part in row)


@dataclass(frozen=True)
class Parameters:
    """The whole picture; the groups' counts sum to ``total``."""

    title: str
    total: int
    unit: int
    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        if self.unit < 1:
            raise ValueError(f"a square must stand for at least 1 parameter, not {self.unit}")
        drawn = sum(group.count for group in self.groups)
        if drawn != self.total:
            raise ValueError(f"the groups hold {drawn:,} parameters, the model {self.total:,}")


def payload(
    count: ParameterCount,
    *,
    title: str,
    unit: int | None = None,
    chosen: Mapping[str, Any] | None = None,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The parameter picture's data, JSON values only.

    ``title`` is the model's name; ``chosen`` the part that is held lit, as ``block.chosen_part`` returns it;
    ``unit`` the parameters one square stands for, by default 1, 2 or 5 times a power of ten so that at most
    ``SQUARES`` squares are drawn.

    Fields: ``title``, ``total``, ``unit``, ``groups`` [{title, stack, layer, count, note, rows [[{part, name,
    count, shape, arithmetic}]]}], ``chosen``, ``hint``, ``note``, ``alt``, ``csv``, ``theme``. Raises
    ValueError where the numbers do not sum up.
    """
    picture = Parameters(
        well_formed(title), count.total, unit or fitting_unit(count.total), tuple(_groups(count))
    )
    rows: list[list[object]] = [["group", "part", "shape", "parameters", "arithmetic"]]
    for group in picture.groups:
        place = (
            f"{group.stack.capitalize()} {group.title.lower()}" if group.layer is not None else group.title
        )
        rows += [
            [place, part.part, part.shape, part.count, part.arithmetic] for row in group.rows for part in row
        ]
    return {
        "title": picture.title,
        "total": picture.total,
        "unit": picture.unit,
        "groups": [_group(group) for group in picture.groups],
        "chosen": None if chosen is None else dict(chosen),
        "hint": "Point at a part for its arithmetic.",
        "note": f"One square is {_counted(picture.unit)}; the last square of each part is cut to size.",
        "alt": f"The {picture.total:,} parameters of {picture.title}, drawn to scale: "
        + "; ".join(f"{COMPONENTS[name].lower()} {number:,}" for name, number in count.by_component.items())
        + ".",
        "csv": table(rows),
        "theme": theme,
    }


def fitting_unit(total: int) -> int:
    """The smallest of 1, 2, 5, 10, 20 … parameters a square with which ``total`` makes at most ``SQUARES``
    squares.

    MiniLM (22.7 million) gets 10,000, an 8 billion model 5 million.
    """
    unit, factors = 1, (2, 2.5, 2)
    step = 0
    while total > unit * SQUARES:
        unit = int(unit * factors[step % 3])
        step += 1
    return unit


def _counted(unit: int) -> str:
    return "1 parameter" if unit == 1 else f"{unit:,} parameters"


def _group(group: Group) -> dict[str, Any]:
    return {
        "title": group.title,
        "stack": group.stack,
        "layer": group.layer,
        "count": group.count,
        "note": group.note,
        "rows": [[vars(part) for part in row] for row in group.rows],
    }


def _groups(count: ParameterCount) -> Iterable[Group]:
    entering = [part for part in count.parts if part.at_the_input]
    if entering:
        yield Group("Embeddings", "", None, (_drawn(entering),))
    for layer in count.layers:
        used = f"used {layer.uses} times" if layer.uses > 1 else ""
        yield Group(f"Layer {layer.index}", layer.stack, layer.index, tuple(_rows(layer.parts)), used)
    rest = [part for part in count.parts if part.layer is None and not part.at_the_input]
    for component, title in (
        ("norm", "Final norm"),
        ("pooler", "Pooler"),
        ("head", "Head"),
        ("other", "Other"),
    ):
        parts = [part for part in rest if part.component == component]
        if parts:
            yield Group(title, "", None, (_drawn(parts),))
        elif component == "head" and count.tied_head:
            yield Group(title, "", None, (), "the embeddings again, counted once")
    left = [part for part in rest if part.component not in ("norm", "pooler", "head", "other")]
    if left:
        yield Group("Between the layers", "", None, (_drawn(left),))


def _rows(parts: tuple[Part, ...]) -> Iterable[tuple[Drawn, ...]]:
    norms = [part for part in parts if part.component == "norm"]
    others = [part for part in parts if part.component != "norm"]
    for row in _ROWS:
        members = _drawn([part for part in others if _row(part.component) == row])
        if members:
            yield tuple(
                sorted(members, key=lambda part: part.part == "positions")
            )  # T5's bias, behind the matrices
    if norms:
        yield _drawn(norms)


def _row(component: str) -> str:
    kind = component.partition(".")[0]
    return kind if kind in _ROWS else "attention" if component == "positions" else "other"


def _drawn(parts: list[Part]) -> tuple[Drawn, ...]:
    """One entry a component, in the order of ``COMPONENTS``."""
    found = []
    for component, name in COMPONENTS.items():
        members = [part for part in parts if part.component == component]
        if members:
            total = sum(part.count for part in members)
            found.append(Drawn(component, name, total, _shapes(members), formula(members)))
    return tuple(found)


def _shapes(parts: list[Part]) -> str:
    """The shapes of the matrices, or of the vectors where there is no matrix: "384 × 384", "2 × 384"."""
    widest = max(len(part.shape) for part in parts)
    shapes = Counter(part.shape for part in parts if len(part.shape) == widest)
    written = [(number, " × ".join(f"{size:,}" for size in shape)) for shape, number in shapes.items()]
    return ", ".join(shape if number == 1 else f"{number} of {shape}" for number, shape in written)
