"""The controls that say which model is explored: the one at hand, a published config, a pasted one, or own
sizes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app import selection
from app.explored import Explored, counted
from app.explored.own_sizes import OWN_FAMILIES, RANGES, divisors, own_config
from app.widgets import segments
from app.widgets.markup import html
from attnviz.errors import ConfigError
from attnviz.models.catalog import title_of
from attnviz.models.configs import published_config, published_configs

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SOURCES = ("Model at hand", "Published", "Pasted", "Own sizes")
VIEWS = ("Squares", "Treemap")


def show(views: Sequence[str] = VIEWS) -> tuple[Explored, str]:
    """Draw the controls; returns what they describe, and the chosen view. Nothing is counted yet.

    Without ``views`` there is none to choose, and it is "".
    """
    with st.container(
        key="described", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        with st.container(key="source_row", horizontal=True, width="content", vertical_alignment="center"):
            source = segments.choose("What to explore", SOURCES, "source", "source")
            model = _FURTHER.get(source, _at_hand)()
        view = segments.choose("View", views, "view", "view") if views else ""
    if model is None:
        model = _own()
    return model, view


def _at_hand() -> Explored:
    model_id = selection.model_id()
    return Explored("model", title_of(model_id), model_id)


def _published() -> Explored:
    names = {entry.name: entry for entry in published_configs()}
    selection.one_of("published", list(names), "published config")
    chosen = st.selectbox(
        "Published config",
        list(names),
        key="published",
        bind="query-params",
        label_visibility="collapsed",
        width=240,
    )
    return Explored("published", chosen, names[chosen].id)


def _pasted() -> Explored:
    example = published_config("gpt2")
    assert example is not None
    start = json.dumps(dict(example.config), indent=1)
    st.session_state.setdefault("config", st.query_params.get("config", start))
    with st.popover("Paste a config.json", icon=":material/content_paste:", key="paste"):
        pasted = st.text_area(
            "The config.json of a model",
            key="config",
            height=320,
            width=420,
            help="Every model on the Hugging Face hub has this file. Nothing in it is run.",
        )
        try:
            counted(pasted, is_config=True)
        except ConfigError as error:  # the page says it too, below this
            html("<p class='av-source'><b>{}</b></p>", error.message)
        fits = len(pasted) <= selection.LONGEST_TEXT_IN_URL
        # by hand: the browser writes nothing of a control in a popover that nobody has opened
        selection.keep("config", pasted if fits else start, start)
        if not fits:
            st.caption(
                f"This config is longer than {selection.LONGEST_TEXT_IN_URL:,} characters, "
                "so a copied link opens this page without it."
            )
    return Explored("config", "Your config", pasted)


def _sizes_below() -> None:
    """The size controls need more room than this row has."""


_FURTHER: dict[str, Callable[[], Explored | None]] = {
    "Published": _published,
    "Pasted": _pasted,
    "Own sizes": _sizes_below,
}


def _own() -> Explored:
    with st.container(key="own_sizes"):
        places = [*st.columns(4), *st.columns(3)]
        selection.one_of("family", list(OWN_FAMILIES), "family")
        sizes: dict[str, Any] = {
            "family": places[0].selectbox(
                "Built like", list(OWN_FAMILIES), key="family", bind="query-params"
            ),
            "layers": _size(places[1], "Layers", "layers", "number of layers", 12),
            "heads": _size(places[2], "Heads", "heads", "number of heads", 12),
            "head_width": _size(places[3], "Width of a head", "head_width", "width of a head", 64, 2),
            "ff": _size(places[4], "Feed-forward width", "ff", "feed-forward width", 3072, 64),
            "vocabulary": _size(places[5], "Vocabulary", "vocabulary", "vocabulary", 50_257),
        }
        shared = divisors(sizes["heads"])
        if sizes["family"] == "Llama":
            selection.one_of("shared", shared, "number of keys", start=shared[-1])
            sizes["shared"] = places[6].select_slider(
                "Key and value heads", shared, shared[-1], key="shared", bind="query-params"
            )
        else:
            sizes["shared"] = sizes["heads"]
            places[6].caption("Key and value heads can be shared in Llama only.")
    return Explored("own", "Your model", json.dumps(own_config(sizes)))


def _size(place: DeltaGenerator, label: str, key: str, what: str, start: int, step: int = 1) -> int:
    """A slider for one size; what the address asks for beyond its ends is mended with a note."""
    selection.number(key, *RANGES[key], what, start)
    return int(place.slider(label, *RANGES[key], start, step, "localized", key=key, bind="query-params"))
