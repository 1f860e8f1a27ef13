"""Table 1 of "Attention Is All You Need" with numbers: four ways to build a layer, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.widgets import figure, pictograms
from app.widgets.markup import filled
from attnviz.analysis.recurrence import LayerCost

COLUMNS = ("Operations", "Steps in a row", "Longest path")


def show(rows: Sequence[LayerCost], caption: str) -> None:
    """Draw the table. Under each number stands its formula, and a bar to scale with the others of its column."""
    largest = [
        max(row.operations for row in rows),
        max(r.sequential for r in rows),
        max(r.path for r in rows),
    ]
    body = "".join(_row(row, largest) for row in rows)
    names = "".join(filled("<th scope='col'>{}</th>", name) for name in ("Layer", *COLUMNS))
    st.html(
        "<table class='av-layers'>"
        + filled("<caption>{}</caption>", caption)
        + f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(row: LayerCost, largest: Sequence[int]) -> str:
    measures = (
        (row.operations, row.operations_formula),
        (row.sequential, row.sequential_formula),
        (row.path, row.path_formula),
    )
    cells = "".join(
        filled("<td data-name='{}'><b>{:}</b>", name, f"{number:,}")
        + f"<small>{_formula(formula) if formula != '1' else 'always'}</small>"
        + f"<i style='--share:{number / most:.4f}'></i></td>"
        for name, (number, formula), most in zip(COLUMNS, measures, largest, strict=True)
    )
    looks = "av-attends" if "attention" in row.name else ""
    picture = pictograms.picture(f"layer {row.name}", figure.mode())
    return (
        f"<tr class='{looks}'>"
        + f"<th scope='row'>{picture}"
        + filled("<span>{}</span></th>", row.name)
        + cells
        + "</tr>"
    )


def _formula(formula: str) -> str:
    """The base of a logarithm stands below the line: log_k(n)."""
    before, under, after = filled("{}", formula).partition("_k(n)")
    return f"{before}<sub>k</sub> n{after}" if under else before
