"""The layer diagram beside all parameters to scale: what is pointed at in one lights up in the other.

Drawn by ``explorer.js`` from the payloads of ``block`` and ``parameters``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from attnviz.viewer import block, parameters

if TYPE_CHECKING:
    from attnviz.models.architecture import Architecture
    from attnviz.models.parameter_count import ParameterCount


def payload(
    architecture: Architecture,
    count: ParameterCount,
    *,
    title: str,
    unit: int | None = None,
    chosen: Mapping[str, Any] | None = None,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The explorer picture's data: fields ``block`` and ``parameters`` (see there), and the common ones."""
    diagram = block.payload(architecture, count, title=title)
    squares = parameters.payload(count, title=title, unit=unit, chosen=chosen)
    return {
        "title": squares["title"],
        "block": diagram,
        "parameters": squares,
        "chosen": squares["chosen"],
        "hint": squares["hint"],
        "note": squares["note"],
        "alt": f"{squares['alt']} {diagram['alt']}",
        "csv": squares["csv"],
        "theme": theme,
    }
