"""Several models side by side, each as the diagram of its layers, with one token on its way through all of them.

Drawn by ``stacks.js`` from the payloads of ``block``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from attnviz.viewer import block
from attnviz.viewer.text import table, well_formed

if TYPE_CHECKING:
    from attnviz.models.architecture import Architecture
    from attnviz.models.parameter_count import ParameterCount


@dataclass(frozen=True)
class Column:
    """One model. ``kind`` stands above its ``title``.

    ``told`` says what happens to a token where it passes: by "stack.part" ("decoder.cross"), or by the part alone;
    "bridge" is the way between two stacks, "parallel" two sublayers at once, and "" (after the stack and a dot) the end.
    What "rest" says stands there before it comes in.
    """

    kind: str
    title: str
    architecture: Architecture
    count: ParameterCount
    told: Mapping[str, str]


def payload(
    columns: Sequence[Column],
    *,
    title: str,
    hint: str = "",
    chosen: Mapping[str, Any] | None = None,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The picture's data, JSON values only: ``columns`` with ``kind``, ``title``, ``block`` and ``told`` of each, and the
    common fields. ``chosen`` is what is held lit, as :func:`chosen_block` returns it. Raises ValueError without a column.
    """
    if not columns:
        raise ValueError("there is no model to draw")
    drawn: list[dict[str, Any]] = [
        {
            "kind": column.kind,
            "title": well_formed(column.title),
            "block": block.payload(column.architecture, column.count, title=column.title),
            "told": dict(column.told),
        }
        for column in columns
    ]
    return {
        "title": well_formed(title),
        "columns": drawn,
        "chosen": None if chosen is None else dict(chosen),
        "hint": hint,
        "note": "",
        "alt": " ".join(f"{one['kind']}, {one['title']}: {one['block']['alt']}" for one in drawn),
        "csv": table([["kind", "model", "stack", "block", "detail"], *_rows(drawn)]),
        "theme": theme,
    }


def chosen_block(value: object, columns: int) -> dict[str, Any] | None:
    """What the picture sent back as ``part``: {column, part, stack, layer}, checked; None for anything else."""
    part = block.chosen_part(value)
    column = value.get("column") if isinstance(value, dict) else None
    if part is None or type(column) is not int or not 0 <= column < columns:
        return None
    return {**part, "column": column}


def _rows(drawn: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [one["kind"], one["title"], stack["stack"], box["title"], box["detail"]]
        for one in drawn
        for stack in one["block"]["stacks"]
        for box in (*stack["before"], *stack["sublayers"], *stack["after"])
    ]
