"""The controls that say which model is explored: the one at hand, a published config, a pasted one, or own
sizes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app import selection
from app.explored import Explored
from app.explored.own_sizes import OWN_FAMILIES, RANGES, divisors, own_config
from app.widgets import segments
from attnviz.models.catalog import title_of
from attnviz.models.configs import published_config, published_configs

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
    text = str(st.session_state.get("config", ""))
    with st.popover("Paste a config.json", icon=":material/content_paste:", key="paste"):
        pasted = st.text_area(
            "The config.json of a model",
            json.dumps(dict(example.config), indent=1),
            key="config",
            height=320,
            width=420,
            bind="query-params" if len(text) <= selection.LONGEST_TEXT_IN_URL else None,
            help="Every model on the Hugging Face hub has this file. Nothing in it is run.",
        )
        if len(pasted) > selection.LONGEST_TEXT_IN_URL:
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
            "layers": places[1].slider("Layers", *RANGES["layers"], 12, key="layers", bind="query-params"),
            "heads": places[2].slider("Heads", *RANGES["heads"], 12, key="heads", bind="query-params"),
            "head_width": places[3].slider(
                "Width of a head", *RANGES["head_width"], 64, 2, key="head_width", bind="query-params"
            ),
            "ff": places[4].slider(
                "Feed-forward width", *RANGES["ff"], 3072, 64, "localized", key="ff", bind="query-params"
            ),
            "vocabulary": places[5].slider(
                "Vocabulary",
                *RANGES["vocabulary"],
                50_257,
                1,
                "localized",
                key="vocabulary",
                bind="query-params",
            ),
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
