"""One axis of tokens for every figure: numbers with names on them, for equal names on a category axis would
merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Literal

from attnviz.figures.theme import HAIRLINE, Mode, text

Role = Literal["query", "key"]
TITLES: dict[Role, str] = {"query": "query (from)", "key": "key (to)"}
LONGEST_LABEL = 18


def shown_labels(count: int, important: Iterable[int], room: float) -> list[int]:
    """Which of ``count`` labels to write, ascending, so that no two are nearer than ``room`` positions.

    The important ones come first, in their order; then the ends; then whatever still fits.
    """
    chosen: list[int] = []
    for position in dict.fromkeys((*important, 0, count - 1, *range(count))):
        if all(abs(position - other) >= room for other in chosen):
            chosen.append(position)
    return sorted(chosen)


def token_axis(
    labels: Sequence[str],
    role: Role,
    mode: Mode,
    *,
    first: Sequence[int] = (),
    bold: int | None = None,
    hidden: int | None = None,
    room: float = 1.0,
    size: int = 14,
) -> dict[str, Any]:
    """A Plotly axis with one unit for each token; rows run downwards.

    ``first`` labels come first where there is not ``room`` (in units) for all; ``bold`` is one of them. The
    ``hidden`` one keeps its place but is not seen, for something else is drawn there.
    """
    count = len(labels)
    places = shown_labels(count, [*([hidden] if hidden is not None else []), *first], room)
    names = {i: plain(labels[i]) for i in places}
    if bold in names:
        names[bold] = f"<b>{names[bold]}</b>"
    if hidden in names:
        names[hidden] = f'<span style="color:rgba(0,0,0,0)">{names[hidden]}</span>'
    ends = [-0.5, count - 0.5]
    return {
        "range": ends[::-1] if role == "query" else ends,
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [names[i] for i in places],
        "tickfont": {"size": size, "color": text(role, mode)},
        "ticks": "",
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "constrain": "domain",
        "ticklabelstandoff": 4,
    }


def label_width(labels: Iterable[str], size: int) -> float:
    """About how many pixels the longest label takes; letters of the text font are 0.55 of their size wide."""
    return 0.55 * size * max((min(len(label), LONGEST_LABEL) for label in labels), default=0)


def plain(label: str) -> str:
    """A label that Plotly shows as it is: cut where it is very long, and with no mark-up in it."""
    cut = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
    return escape(cut, quote=False)


def axis_title(role: Role, mode: Mode, *, xanchor: str, xshift: float, yshift: float) -> dict[str, Any]:
    """The name of an axis at the upper left corner of the matrix."""
    return {
        "text": f"<b>{TITLES[role]}</b>",
        "font": {"color": text(role, mode), "size": 13},
        "showarrow": False,
        "xref": "x domain",
        "yref": "y domain",
        "x": 0,
        "y": 1,
        "xanchor": xanchor,
        "yanchor": "bottom",
        "xshift": xshift,
        "yshift": yshift,
    }


def upright(x: float, mode: Mode) -> dict[str, Any]:
    """A hairline behind all else from the bottom of the plot to its top."""
    return {
        "type": "line",
        "xref": "x",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "yref": "y domain",
        "line": {"color": HAIRLINE[mode], "width": 1},
        "layer": "below",
    }


def end_labels(ends: list[tuple[float, str, str]], least: float) -> list[dict[str, Any]]:
    """Names right of the ends of lines, (height, name, colour) each, moved up where two would be nearer than ``least``."""
    notes: list[dict[str, Any]] = []
    last = float("-inf")
    for y, name, colour in sorted(ends):
        last = max(y, last + least)
        notes.append(
            {
                "x": 1,
                "xref": "paper",
                "xanchor": "left",
                "xshift": 8,
                "y": last,
                "text": name,
                "showarrow": False,
                "font": {"color": colour, "size": 14},
            }
        )
    return notes
