"""A small table in the page's own type: words at the left, numbers at the right."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.widgets.markup import filled


def show(columns: Sequence[str], rows: Sequence[Sequence[object]], key: str, numbers: Sequence[int] = ()) -> None:
    """Draw the rows under their headings; the columns in ``numbers`` are set to the right."""
    heads = "".join(_cell("th", name, i in numbers) for i, name in enumerate(columns))
    body = "".join(
        "<tr>" + "".join(_cell("td", value, i in numbers) for i, value in enumerate(row)) + "</tr>" for row in rows
    )
    with st.container(key=f"table_{key}"):
        st.html(f"<div class='av-table'><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>")


def _cell(tag: str, value: object, number: bool) -> str:
    return filled(f"<{tag}{' class=av-number' if number else ''}>" + "{}" + f"</{tag}>", value)
