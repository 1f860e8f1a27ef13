"""Shows a Plotly figure with a text alternative, and lets the learner save it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import streamlit as st

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from attnviz.figures.theme import Mode

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
    picked: Any = {"selection_mode": "points", "on_select": partial(_pick, name, on_pick)} if on_pick else {}
    with st.container(key=f"figure_{name}"):
        st.plotly_chart(
            fig,
            key=f"plot_{name}",
            theme=None,
            alt=alt,
            height="stretch" if fills else "content",
            config={"displaylogo": False, "displayModeBar": False, "responsive": True},
            **picked,
        )
        with st.popover("Save", key=f"save_{name}", icon=":material/download:", type="tertiary"):
            _save_picture(name)
            if data is not None:
                st.download_button(
                    "Numbers (CSV)",
                    lambda: _csv(data() if callable(data) else data),
                    f"{name}.csv",
                    "text/csv",
                    on_click="ignore",
                    key=f"csv_{name}",
                    width="stretch",
                )
            st.download_button(
                "Interactive page (HTML)",
                lambda: _page(fig),
                f"{name}.html",
                "text/html",
                on_click="ignore",
                key=f"html_{name}",
                width="stretch",
            )


def _pick(name: str, on_pick: Callable[[int], None]) -> None:
    """Tell which point was clicked; nothing when a click took the choice back."""
    points = st.session_state[f"plot_{name}"]["selection"]["point_indices"]
    if points:
        on_pick(int(points[0]))


def _csv(data: Data) -> bytes:
    import pandas as pd

    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
    text: str = frame.to_csv(index=False)
    return text.encode()


def _page(fig: go.Figure) -> bytes:
    """A page with Plotly in it, so that it opens without a network."""
    text: str = fig.to_html(include_plotlyjs=True, full_html=True)
    return text.encode()


_PICTURE = """
export default function ({ parentElement, data }) {
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = async () => {
      const plot = document.querySelector(`.st-key-figure_${data.name} .js-plotly-plot`);
      if (!plot) return;
      // Plotly is not global in the app; the drawn SVG is all that is needed
      const layers = [...plot.querySelectorAll("svg.main-svg")];
      const { width, height } = layers[0].getBoundingClientRect();
      const whole = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      whole.setAttribute("xmlns", "http://www.w3.org/2000/svg");
      whole.setAttribute("viewBox", `0 0 ${width} ${height}`);
      whole.setAttribute("width", width);
      whole.setAttribute("height", height);
      for (const layer of layers) whole.append(...[...layer.childNodes].map((node) => node.cloneNode(true)));
      const text = new XMLSerializer().serializeToString(whole);
      const svg = new Blob([text], { type: "image/svg+xml" });
      if (button.dataset.kind === "svg") return save(svg, `${data.name}.svg`);
      const image = new Image();
      image.src = URL.createObjectURL(svg);
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = width * 3;
      canvas.height = height * 3;
      const context = canvas.getContext("2d");
      context.fillStyle = getComputedStyle(button).getPropertyValue("--st-background-color") || "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((png) => save(png, `${data.name}.png`));
    };
  }
}
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
}
"""
_BUTTONS = (
    '<button type="button" data-kind="png">Picture (PNG)</button>'
    '<button type="button" data-kind="svg">Drawing (SVG)</button>'
)
_STYLE = """
:host, div { width: 100%; }
button { display: block; width: 100%; font: inherit; color: var(--st-text-color); background: none; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: 6px; padding: 8px 12px; margin-bottom: 8px; min-height: 40px; }
button:hover { background: var(--st-secondary-background-color); }
"""


def _save_picture(name: str) -> None:
    mount = st.components.v2.component("save_figure", html=_BUTTONS, css=_STYLE, js=_PICTURE)
    mount(key=f"picture_{name}", data={"name": name})
