"""A quiet table: hairlines between the rows, numbers on the right, one row marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.widgets.markup import filled

if TYPE_CHECKING:
    import pandas as pd


_NUMBER = re.compile(r"[<−]?(∞|[\d,.]+( ?\S{1,3})?)")


def show(
    data: pd.DataFrame | Mapping[str, Sequence[object]], caption: str, marked: str | None = None
) -> None:
    """Draw all rows of the columns. The first names them; the row named ``marked`` is the chosen one.

    ``caption`` is read aloud and not seen: the text around the table says it to others.
    """
    columns = [list(data[name]) for name in data]
    names = "".join(_head(name, column) for name, column in zip(data, columns, strict=True))
    rows = "".join(_row([str(value) for value in row], marked) for row in zip(*columns, strict=True))
    st.html(
        "<div class='av-scroll' tabindex='0'><table class='av-sum av-plain'>"
        + filled("<caption>{}</caption>", caption)
        + f"<thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _head(name: str, column: list[object]) -> str:
    """The name of a column, above the side at which its cells stand."""
    words = not all(_NUMBER.fullmatch(str(value)) for value in column)
    return filled("<th scope='col' class='av-words'>{}</th>" if words else "<th scope='col'>{}</th>", name)


def _row(values: list[str], marked: str | None) -> str:
    cells = filled("<th scope='row'>{}</th>", values[0]) + "".join(map(_cell, values[1:]))
    return f"<tr class='av-marked'>{cells}</tr>" if values[0] == marked else f"<tr>{cells}</tr>"


def _cell(value: str) -> str:
    """Numbers stand at the right, where their digits are below each other; words at the left."""
    return filled("<td>{}</td>" if _NUMBER.fullmatch(value) else "<td class='av-words'>{}</td>", value)
