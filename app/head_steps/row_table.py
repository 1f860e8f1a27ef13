"""The row of the query in numbers: for each key all that leads to its weight."""

from __future__ import annotations

import numpy as np

from app.head_steps.numbers import number, share
from app.head_steps.walk import Walk
from app.lessons import Lesson

LONGEST = 24
"""Keys up to which the table has a row for each."""

_STRONGEST = 12


def table(walk: Walk, words: Lesson) -> dict[str, list[str]]:
    """The row of the query: for each key every number on the way to its weight."""
    s, row = walk.steps, walk.token
    count = len(walk.keys)
    shown = list(range(count))
    if count > LONGEST:
        shown = sorted(np.argsort(-s.weights[row], kind="stable")[:_STRONGEST].tolist())
    columns: dict[str, list[str]] = {
        "Key": [walk.keys[i] for i in shown],
        "Q · K": [number(s.products[row, i]) for i in shown],
        "Scaled": [number(s.scaled[row, i]) for i in shown],
    }
    if s.has_bias:
        columns["Bias"] = [number(s.bias[row, i]) for i in shown]
    if s.has_bias or s.masks:
        columns["Score"] = [number(s.scores[row, i]) for i in shown]
    columns["Weight"] = [share(s.weights[row, i]) for i in shown]
    columns["Length of the value"] = [number(float(np.linalg.norm(s.value[i]))) for i in shown]
    if count > len(shown):
        rest = 1 - float(s.weights[row, shown].sum())
        for name, column in columns.items():
            column.append(
                words.say("rest", count=count - len(shown))
                if name == "Key"
                else share(max(rest, 0))
                if name == "Weight"
                else "–"
            )
    return columns
