"""A figure that a browser draws once: Streamlit gives Plotly a copy of it right after the first drawing, as a change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

_AXIS = re.compile(r"[xy]axis\d*")


class Settled(go.Figure):
    """The same figure, to be shown: what it says of itself holds the template's values themselves, and not the template.

    Plotly takes every template for another one, and draws anew; and of data without a revision it cannot tell either.
    """

    def __init__(self, figure: go.Figure) -> None:
        self.__dict__ = figure.__dict__  # to make it anew would check every value again

    def to_dict(self) -> dict[str, Any]:
        """The figure as Plotly's JSON, without a template. Raises ValueError for one that has defaults for traces."""
        found: dict[str, Any] = super().to_dict()
        layout = found["layout"]
        template = layout.pop("template", {})
        if template.get("data"):
            raise ValueError("defaults for traces cannot be written out")
        axes = {name for name in layout if _AXIS.fullmatch(name)}
        if any("z" in trace or "x" in trace for trace in found["data"]):
            axes |= {"xaxis", "yaxis"}
        for name, values in template.get("layout", {}).items():
            for place in _alike(name, axes) if _AXIS.fullmatch(name) else [name]:
                layout[place] = _over(values, layout.get(place))
        layout["datarevision"] = 1
        return found


def _alike(name: str, axes: set[str]) -> list[str]:
    """Those of ``axes`` that go the same way as "xaxis" or "yaxis"."""
    return sorted(axis for axis in axes if axis[0] == name[0])


def _over(defaults: Any, own: Any) -> Any:
    """The defaults, where nothing of one's own stands."""
    if own is None:
        return defaults
    if not isinstance(defaults, Mapping) or not isinstance(own, Mapping):
        return own
    return {**defaults, **{name: _over(defaults.get(name), value) for name, value in own.items()}}
