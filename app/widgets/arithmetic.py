"""A count written out: one line a component, its formula, its number, its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.widgets.markup import filled
from attnviz.figures.parameters import component_colour
from attnviz.figures.quantities import percent

if TYPE_CHECKING:
    from attnviz.figures.theme import Mode
    from attnviz.models.parameter_count import ParameterCount

_ROW = (
    "<tr><th scope='row'><i style='background:{}'></i>{}</th><td class='av-formula'>{}</td>"
    "<td>{}</td><td class='av-share'>{}</td></tr>"
)
_SUM = (
    "<tr class='av-total'><th scope='row'>Together</th><td class='av-formula'></td><td>{}</td>"
    "<td class='av-share'>100 %</td></tr>"
)


def show(count: ParameterCount, mode: Mode) -> None:
    """The table, and its sum."""
    rows = "".join(
        filled(
            _ROW,
            component_colour(line.component, mode),
            line.title,
            line.formula,
            f"{line.count:,}",
            percent(line.count / count.total),
        )
        for line in count.arithmetic
    )
    total = filled(_SUM, f"{count.total:,}")
    st.html(
        "<div class='av-scroll'><table class='av-sum'><caption>Parameters by component</caption>"
        f"<tbody>{rows}{total}</tbody></table></div>"
    )
