"""Shows a Plotly figure with a text alternative, and lets the learner save it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import streamlit as st

from app import assets
from app.widgets import waiting
from attnviz import viewer
from attnviz.viewer.text import table

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from attnviz.figures.palette import Mode

    Data: TypeAlias = pd.DataFrame | Mapping[str, Iterable[object]]
    """Columns by name."""


def mode() -> Mode:
    """The theme in which the learner sees the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def show(
    fig: go.Figure,
    name: str,
    alt: str,
    data: Data | Callable[[], Data] | None = None,
    *,
    fills: bool = False,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """Draw the figure; below it a quiet "Save" with picture, numbers and interactive page.

    ``name`` is the file name without ending, and the key after "plot_"; ``alt`` says in words what is shown. ``data``
    that takes time to lay out can be a function, called when it is saved. ``fills`` makes the figure as high as its place,
    which the style sheet gives. ``on_pick`` is told the number of the point that the learner clicks. Pictures and page are
    made in the browser, from the figure as it stands.

    The place is ours, in which Plotly draws anew (``chart.js``): ``st.plotly_chart`` makes another chart at each change,
    draws it twice, and all charts of a page before it shows one.
    """
    key = f"plot_{name}"
    head = {
        "name": name,
        "alt": alt,
        "script": assets.address(assets.PLOTLY),
        "fills": fills,
        "picks": on_pick is not None,
        "numbers": data is not None,
    }
    if data is not None and st.session_state.pop(f"_{key}_numbers", False):
        head["csv"] = _csv(data)
    shown = fig.to_json(validate=False)
    mount = st.components.v2.component("attnviz_chart", js=_script(), isolate_styles=False)
    mount(
        key=key,
        data=f"{json.dumps(head)}\n{shown}".encode(),
        on_pick_change=partial(_pick, key, on_pick),
        on_numbers_change=partial(_ask, key),
    )
    waiting.let_draw(key, shown)


def _pick(key: str, on_pick: Callable[[int], None] | None) -> None:
    number = st.session_state[key].pick
    if on_pick and isinstance(number, int) and number >= 0:
        on_pick(number)


def _ask(key: str) -> None:
    """The numbers were asked for: they go along with the figure once."""
    st.session_state[f"_{key}_numbers"] = True


def _csv(data: Data | Callable[[], Data]) -> str:
    """Columns as a table that spreadsheets open as data, in their own encoding and without running formulas."""
    found = data() if callable(data) else data
    columns = {str(name): list(values) for name, values in found.items()}
    return "\ufeff" + table([list(columns), *zip(*columns.values(), strict=True)])


@cache
def _script() -> str:
    return f"{viewer.module('fonts')}\n{Path(__file__).with_name('chart.js').read_text('utf-8')}"
