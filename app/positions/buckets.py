"""T5's rule by which distances share buckets, and what falls into each, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnviz.analysis.positions import relative_buckets

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    """So many ``buckets``, the last of each direction from below ``farthest`` on."""

    buckets: int
    farthest: int
    two_sided: bool

    def of(self, distances: Integers) -> Integers:
        """The bucket of each distance key - query."""
        return relative_buckets(distances, self.buckets, self.farthest, two_sided=self.two_sided)

    @property
    def distances(self) -> Integers:
        """Distances enough to reach every bucket: all that are farther away share the last of their side."""
        return np.arange(-2 * self.farthest, (2 * self.farthest if self.two_sided else 0) + 1)

    def keys(self, bucket: int) -> str:
        """Which keys fall into a bucket: "keys 11 to 13 tokens before"."""
        inside = self.distances[self.of(self.distances) == bucket]
        near, far = sorted(abs(int(end)) for end in (inside[0], inside[-1]))
        side = "after" if inside[-1] > 0 else "before"
        if far == 0:
            return "the token itself"
        if far == 2 * self.farthest:
            return f"keys {near} or more tokens {side}"
        if near < far:
            return f"keys {near} to {far} tokens {side}"
        return f"the key just {side}" if near == 1 else f"the key {near} tokens {side}"

    def sizes(self) -> dict[str, int]:
        """How many distances back have a bucket of their own, how many the widest takes in, and where the last begins."""
        back = self.distances[self.distances <= 0]
        sizes = np.bincount(self.of(back))
        return {
            "own": int((sizes == 1).sum()),
            "widest": int(sizes[:-1].max()),
            "last": int(sizes[:-1].sum()),
        }
