"""The smaller parts of the scaling page: which family is looked at, how families are drawn, exponents and sources."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from app import selection
from app.scaled import published, sentences
from app.scaled.own import TOKENS
from app.scaled.published import ALL
from app.widgets import table
from app.widgets.markup import filled, html
from attnviz.figures.family_marks import SVG_SYMBOLS, family_marks
from attnviz.figures.quantities import amount
from attnviz.models.configs import published_configs

if TYPE_CHECKING:
    from app.lessons import Lesson
    from app.scaled.own import Scaled
    from attnviz.figures.theme import Mode


def options() -> list[str]:
    """What can be looked at: all families, or one."""
    return [ALL, *published.families()]


def choose(words: Lesson, mode: Mode) -> str | None:
    """The family that is looked at, None for all; below it the legend."""
    selection.one_of("among", options(), "family")
    chosen = st.selectbox(words.say("among"), options(), key="among", bind="query-params")
    _legend(None if chosen == ALL else chosen, mode)
    return None if chosen == ALL else str(chosen)


def _legend(chosen: str | None, mode: Mode) -> None:
    rows = []
    for family, mark in family_marks(published.families(), mode).items():
        members = sorted(size.parameters for size in published.families()[family])
        sign = _sign(SVG_SYMBOLS[mark.symbol], mark.colour)
        told = filled("<b>{}</b><small>{} to {}</small>", family, _short(members[0]), _short(members[-1]))
        rows.append(f"<li{' class=av-away' if chosen not in (None, family) else ''}>{sign}{told}</li>")
    st.html(f"<ul class='av-legend'>{''.join(rows)}</ul>")


@cache
def _sign(path: str, colour: str) -> str:
    """A symbol as an image: Streamlit takes drawings out of HTML."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-7 -7 14 14"><path d="{path}" fill="{colour}"/></svg>'
    return f'<img width="14" height="14" alt="" src="data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}">'


def laws(words: Lesson, chosen: str | None) -> None:
    """The exponents of every family that has enough models, the chosen one marked."""
    rows = [
        (name, found)
        for name, found in (
            (family or ALL, published.law(family)) for family in (None, *published.families())
        )
        if found is not None
    ]
    table.show(
        {
            "Family": [name for name, _ in rows],
            "Models": [str(found.models) for _, found in rows],
            "Width to the power": [sentences.interval(words, found.width) for _, found in rows],
            "Depth to the power": [sentences.interval(words, found.layers) for _, found in rows],
        },
        words.say("law_caption"),
        marked=chosen or ALL,
    )


def tokens(own: Scaled, words: Lesson) -> int:
    """The chosen number of training tokens."""
    start = own.usual_tokens()
    selection.one_of("tokens_read", TOKENS, "number of tokens", start=start, show=amount)
    chosen = st.select_slider(
        words.say("training_tokens"),
        TOKENS,
        start,
        key="tokens_read",
        bind="query-params",
        format_func=amount,
    )
    return int(chosen)


def sources(words: Lesson) -> None:
    """Where each config comes from."""
    entries = published_configs()
    dates = sorted(entry.date for entry in entries)
    said = words.say(
        "configs_say",
        models=len(entries),
        first=dates[0],
        last=dates[-1],
        checked=sum(bool(e.checked) for e in entries),
        told=sum(bool(e.tokens) for e in entries),
    )
    html("<p class='av-text'>{}</p>", said)
    with st.expander(words.say("configs"), key="config_sources"):
        table.show(
            {
                "Model": [entry.name for entry in entries],
                "Published": [entry.date for entry in entries],
                "Config": [entry.source.removeprefix("https://") for entry in entries],
                "Compared with": [entry.checked.removeprefix("https://") for entry in entries],
                "Training tokens": [
                    f"{e.tokens_said} {amount(e.tokens)}".strip() if e.tokens else "–" for e in entries
                ],
                "Said in": [entry.tokens_source.removeprefix("https://") for entry in entries],
            },
            words.say("configs"),
        )


def _short(number: float) -> str:
    return amount(number).replace(" million", "M").replace(" billion", "B")
