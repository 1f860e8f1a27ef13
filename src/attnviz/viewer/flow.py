"""The steps of a computation as boxes from top to bottom, with their shapes; one of them is the present one.

Drawn by ``flow.js``, on a grid of rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from attnviz.viewer.text import table, well_formed

Meaning = Literal["query", "key", "value", "stream", "ink"]


@dataclass(frozen=True)
class Box:
    """What one step makes. ``shape`` is written below its name; it takes the columns ``left`` to ``right`` of a row.

    Several boxes can belong to one step. ``above`` are the boxes, by their number, that it is made of: they stand in
    earlier rows, and the line from each runs straight down in the column that ``above`` names.
    """

    step: int
    name: str
    shape: str
    meaning: Meaning
    row: int
    left: int
    right: int
    above: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.left <= self.right or self.row < 0:
            raise ValueError(
                f"{self.name} has no place at row {self.row}, columns {self.left} to {self.right}"
            )


def payload(
    boxes: Sequence[Box],
    step: int,
    *,
    title: str,
    alt: str,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The picture's data, JSON values only: ``boxes``, ``columns``, ``rows``, ``step``, ``title``, ``alt``, ``csv``,
    ``theme``. Raises ValueError for a line that does not come from an earlier row."""
    for box in boxes:
        for source, _ in box.above:
            if not 0 <= source < len(boxes) or boxes[source].row >= box.row:
                raise ValueError(f"{box.name} cannot be made of what comes later")
    return {
        "boxes": [
            {
                "step": box.step,
                "name": well_formed(box.name),
                "shape": well_formed(box.shape),
                "meaning": box.meaning,
                "row": box.row,
                "left": box.left,
                "right": box.right,
                "above": [{"box": source, "column": column} for source, column in box.above],
            }
            for box in boxes
        ],
        "columns": 1 + max(box.right for box in boxes),
        "rows": 1 + max(box.row for box in boxes),
        "step": step,
        "title": well_formed(title),
        "alt": well_formed(alt),
        "csv": table([["step", "name", "shape"], *([box.step + 1, box.name, box.shape] for box in boxes)]),
        "theme": theme,
    }


def chosen_step(value: object, steps: int) -> int | None:
    """What the picture sent back as ``step``: a number below ``steps``, or None for anything else."""
    valid = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < steps
    return value if valid else None  # type: ignore[return-value]
