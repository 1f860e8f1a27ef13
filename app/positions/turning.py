"""At which speeds rotary pairs turn: the model's own, or those of the formula."""

from __future__ import annotations

from dataclasses import dataclass

from app.positions.here import Here
from attnviz.analysis import positions as analysis
from attnviz.tracing.trace import Floats


@dataclass(frozen=True, eq=False)
class Turning:
    """How pairs turn: the model's own speeds, or those of the formula for a layer that does not turn."""

    own: Floats
    base: float
    width: int
    is_own: bool

    def speeds(self, base: float) -> Floats:
        """The speeds under another base; the model's own under its own base, which may be stretched for long texts."""
        return self.own if base == self.base else analysis.speeds(self.width, base)


def turning(here: Here, layer: int) -> Turning:
    """How the queries and keys of a layer turn, or would turn."""
    rotation = here.known.rotation(layer)
    if rotation is not None:
        return Turning(rotation.speeds, rotation.base, 2 * len(rotation.speeds), True)
    width = here.trace.call(here.kind, layer).query.shape[-1]
    return Turning(analysis.speeds(width), analysis.BASE, width, False)
