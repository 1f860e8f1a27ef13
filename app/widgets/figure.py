"""Shows a Plotly figure with a text alternative, and lets the learner save it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import streamlit as st

from app.widgets import waiting
from attnviz import viewer
from attnviz.figures.palette import PAPER
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

    ``name`` is the file name without ending and the key; ``alt`` says in words what the figure shows. ``data`` that
    takes time to lay out can be a function, called when it is saved. ``fills`` makes the figure as high as its place,
    which the style sheet gives. ``on_pick`` is told the number of the point that the learner clicks. PNG and SVG are
    made in the browser, from the figure as the learner has turned it.
    """
    from attnviz.figures.settled import Settled

    picked: Any = {"selection_mode": "points", "on_select": partial(_pick, name, on_pick)} if on_pick else {}
    with st.container(key=f"figure_{name}"):
        shown = Settled(fig)
        with waiting.one_after_the_other(name, shown.to_json(validate=False)):
            st.plotly_chart(
                shown,
                key=f"plot_{name}",
                theme=None,
                alt=alt,
                height="stretch" if fills else "content",
                config={"displaylogo": False, "displayModeBar": False, "responsive": True},
                **picked,
            )
        with (
            st.popover("Save", key=f"save_{name}", icon=":material/download:", type="tertiary"),
            st.container(key=f"saving_{name}"),
        ):
            _save_picture(name)
            if data is not None:
                _download("Numbers (CSV)", f"{name}.csv", "text/csv", partial(_csv, data))
            _download("Interactive page (HTML)", f"{name}.html", "text/html", partial(_page, fig, mode()))


def _download(label: str, file: str, kind: str, content: Callable[[], bytes]) -> None:
    """A button whose file is made when it is pressed."""
    st.download_button(label, content, file, kind, on_click="ignore", key=f"download_{file}", width="stretch")


def _pick(name: str, on_pick: Callable[[int], None]) -> None:
    """Tell which point was clicked; nothing when a click took the choice back."""
    points = st.session_state[f"plot_{name}"]["selection"]["point_indices"]
    if points:
        on_pick(int(points[0]))


def _csv(data: Data | Callable[[], Data]) -> bytes:
    """Columns as a table that spreadsheets open as data, in their own encoding and without running formulas."""
    found = data() if callable(data) else data
    columns = {str(name): list(values) for name, values in found.items()}
    return ("\ufeff" + table([list(columns), *zip(*columns.values(), strict=True)])).encode()


def _page(fig: go.Figure, mode: Mode) -> bytes:
    """A page with Plotly in it, so that it opens without a network, on the paper of the theme."""
    text: str = fig.to_html(include_plotlyjs=True, full_html=True)
    return text.replace("<body>", f'<body style="background: {PAPER[mode]}">', 1).encode()


_BUTTONS = (
    '<button type="button" data-kind="png">Picture (PNG)</button>'
    '<button type="button" data-kind="svg">Drawing (SVG)</button>'
)
_STYLE = """
:host, div { width: 100%; }
button { display: block; width: 100%; font: inherit; font-size: 14px; color: var(--st-text-color); background: none;
  cursor: pointer; border: 1px solid var(--st-border-color); border-radius: 6px; padding: 8px 12px; min-height: 40px; }
button + button { margin-top: 8px; }
button:hover { background: var(--st-secondary-background-color); }
"""


def _save_picture(name: str) -> None:
    mount = st.components.v2.component("save_figure", html=_BUTTONS, css=_STYLE, js=_script())
    mount(key=f"picture_{name}", data={"name": name})


@cache
def _script() -> str:
    own = Path(__file__).with_name("save_figure.js").read_text("utf-8")
    return f"{viewer.module('fonts')}\n{own}"
