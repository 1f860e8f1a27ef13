"""Words of a learner, made fit to be drawn and saved; nothing here knows a picture."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def well_formed(text: str) -> str:
    """The text with every broken half of a character (a lone surrogate) as "�": it can then be sent and
    saved."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_right_to_left(text: str) -> bool:
    """Whether the first character that has a direction runs from right to left (Arabic, Hebrew)."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("R", "AL", "L"):
            return direction != "L"
    return False


def percent(share: float) -> str:
    """A share of 1 in whole per cent, "68 %", with a space that does not break; "under 1 %" where it rounds
    to 0."""
    rounded = round(100 * share)
    return f"{rounded}\u00a0%" if rounded or share == 0 else "under 1\u00a0%"


def steps(number: int) -> str:
    """ "1 step", "6 steps"."""
    return f"{number} step" if number == 1 else f"{number} steps"


def table(rows: Iterable[Sequence[object]]) -> str:
    """CSV with one line a row.

    A text that a spreadsheet would run as a formula gets an apostrophe before it: texts arrive by shared
    links too.
    """
    written = io.StringIO(newline="")
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and len(value) > 1 and value.startswith(_FORMULA):
        return f"'{value}"
    return value
