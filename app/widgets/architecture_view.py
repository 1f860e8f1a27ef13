"""The smaller parts of the architectures page: which models are shown, the open block, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app import selection
from app.compared import blocks, told
from app.compared.models import KINDS, NAMES, Compared, name_of, options, start
from app.widgets import table as tables
from app.widgets.markup import html
from attnviz.models.architecture import family
from attnviz.models.configs import published_configs

if TYPE_CHECKING:
    from app.lessons import Lesson

_GENERAL = ("use", "context", "attention", "in", "out", "objective")
_OWN = ("shown", "size", "norm", "positions", "feed", "head", "inside")
_SHORT = {"encoder": "encoder", "decoder": "decoder", "encoder-decoder": "both"}


def models(words: Lesson) -> list[Compared]:
    """One model of each kind, chosen above its diagram."""
    found = []
    with st.container(key="architecture_models"):
        for kind, (name, key) in KINDS.items():
            offered, first = options(kind), start(kind)
            selection.one_of(key, offered, "model of this kind", start=first, show=name_of)
            chosen = st.selectbox(name, offered, offered.index(first), name_of, key=key, bind="query-params")
            found.append(Compared(kind, str(chosen)))
    return found


def block(shown: Sequence[Compared], words: Lesson) -> None:
    """The shapes of one block, how many numbers it has, and the page that explains it."""
    left, right = st.columns(2)
    blocks.opened(shown)  # what the address asks for is checked before the controls are drawn
    name = left.selectbox(words.say("block_kind"), NAMES, key="architecture", bind="query-params")
    model = next(one for one in shown if one.name == name)
    names = [one.name for one in model.blocks]
    first = blocks.first_block(model)
    chosen = right.selectbox(
        words.say("block_name"), names, names.index(first), key="block", bind="query-params"
    )
    opened = model.blocks[names.index(str(chosen))]
    html("<p class='av-say' role='status'>{}</p>", blocks.said(model, words, opened))
    rows = blocks.shapes(model, opened)
    if rows["Shape"]:
        tables.show(rows, words.say("block_caption"))
    page = blocks.explained(opened)
    st.page_link(page.path, label=words.say("block_more", page=page.title), icon=":material/arrow_forward:")


def table(shown: Sequence[Compared], words: Lesson) -> None:
    """What each kind is for, and what the configs of the shown models say."""
    columns: dict[str, list[str]] = {"": [words.say(f"row_{row}") for row in (*_GENERAL, "examples", *_OWN)]}
    for one in shown:
        general = [words.say(f"{row}_{_SHORT[one.kind]}") for row in _GENERAL]
        columns[one.name] = [*general, _examples(one), *told.facts(one, words)]
    with st.container(key="architecture_table"):
        tables.show(columns, words.say("table_caption"))
    html("<p class='av-source'>{}</p>", words.say("table_source"))


def _examples(one: Compared) -> str:
    """The families of the published configs that are of this kind."""
    found = [e.family for e in published_configs() if family(e.config["model_type"]).kind == one.kind]
    return ", ".join(dict.fromkeys(found))
