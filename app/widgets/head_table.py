"""Every head with its numbers, sorted by any column; a press on a row chooses its head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app import selection
from app.many_heads import one_layer

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

    from app.lessons import Lesson
    from app.many_heads.layer import Layer

_WHOLE = ("Layer", "Head")
_WORDS = ("Strongest pattern",)
_PLAIN = ("Score", "Entropy", "Distance")


def show(here: Layer, words: Lesson) -> None:
    """Draw the table of this layer's heads, or of all heads where the learner asks for them."""
    every = st.toggle(words.say("table_all"), key="every", bind="query-params")
    columns = one_layer.table(here, words, every)
    rows = len(columns["Head"])
    st.dataframe(
        columns,
        key="head_table",
        hide_index=True,
        height=min(36 + 35 * rows, 460),
        column_config={name: _format(name) for name in columns},
        on_select=lambda: _choose(columns),
        selection_mode="single-row",
    )


def _format(name: str) -> ColumnConfig:
    config = st.column_config
    if name in _WHOLE:
        return config.NumberColumn(name, width=60, pinned=True)
    if name in _WORDS:
        return config.TextColumn(name, width=130)
    if name == "Tokens":
        return config.NumberColumn(
            name, width="small", help="Tokens that have such a key, whose mean the share is"
        )
    return config.NumberColumn(name, width="small", format="%.2f" if name in _PLAIN else "%.1f %%")


def _choose(columns: dict[str, list[object]]) -> None:
    """A row was pressed: open its head, if it is one of those that were shown."""
    rows = st.session_state["head_table"]["selection"]["rows"]
    if rows and 0 <= rows[0] < len(columns["Head"]):
        selection.choose(**{name.lower(): columns[name][rows[0]] for name in _WHOLE if name in columns})
