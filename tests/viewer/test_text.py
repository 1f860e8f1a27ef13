from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.viewer.text import is_right_to_left, percent, steps, table, well_formed


@given(st.text())
def test_well_formed_text_is_left_as_it_is(text: str) -> None:
    assert well_formed(text) == text


def test_broken_halves_are_replaced() -> None:
    assert well_formed("a\ud83d") == "a�"
    assert well_formed("\ude00b") == "�b"
    assert well_formed("\ud83d\ude00") == "😀"  # two halves that belong together
    well_formed("".join(map(chr, range(0xD800, 0xE000)))).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the", False),
        ("الحيوان", True),
        ("שלום", True),
        ("«الحيوان»", True),
        ("123", False),
        ("", False),
        ("(a", False),
    ],
)
def test_direction_is_that_of_the_first_letter(text: str, expected: bool) -> None:
    assert is_right_to_left(text) is expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.678, "68 %"), (1.0, "100 %"), (0.0, "0 %"), (0.004, "under 1 %"), (0.0051, "1 %")],
)
def test_percent(share: float, expected: str) -> None:
    assert percent(share).replace("\u00a0", " ") == expected


def test_steps() -> None:
    assert (steps(1), steps(6)) == ("1 step", "6 steps")


def test_table_reads_back_and_runs_nothing() -> None:
    rows = [["a", 1], ["with, comma", 0.5], ['with "quotes"', 2], ["line\nend", 3], ["-", 4], ["مرحبا", 5]]
    read = list(csv.reader(io.StringIO(table(rows), newline="")))
    assert read == [[str(cell) for cell in row] for row in rows]
    for formula in ("=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"):
        assert next(csv.reader(io.StringIO(table([[formula, -2]]), newline=""))) == [f"'{formula}", "-2"]
