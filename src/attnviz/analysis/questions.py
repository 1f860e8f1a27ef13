"""A question to be answered before looking: predict, then see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Question:
    """A prediction about the data at hand.

    ``answer`` is one of ``choices`` and is computed; ``reason`` says with numbers why. ``values`` are the controls that
    open the place where it can be seen, which is in the part ``at`` of the page. Raises ValueError for an answer that
    is no choice, for choices that are alike, and for fewer than two.
    """

    key: str
    question: str
    choices: Sequence[str]
    answer: str
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""

    def __post_init__(self) -> None:
        if self.answer not in self.choices:
            raise ValueError(f"the answer {self.answer!r} is none of {list(self.choices)}")
        if len(set(self.choices)) < max(2, len(self.choices)):
            raise ValueError(f"there is nothing to choose among {list(self.choices)}")
