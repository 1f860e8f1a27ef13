"""The block that is open: which it is, its shapes, how many numbers it has, and the page that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import course, selection
from app.compared.models import NAMES, Block, Compared
from app.course import Page
from app.lessons import Lesson
from attnviz.figures.quantities import percent
from attnviz.models.parameter_count import COMPONENTS
from attnviz.viewer.stacks import chosen_block

_EXPLAINED = {
    "embeddings": "tokens",
    "positions": "positions",
    "attention": "self_attention",
    "cross": "cross_attention",
    "recurrence": "home",
    "feed_forward": "feed_forward",
    "head": "predictions",
}
"""The page that explains a block; the model explorer where there is none."""

_BLOCK_OF = "_block_of"


def opened(compared: Sequence[Compared]) -> tuple[Compared, Block]:
    """The block whose shapes are shown, from the controls; what the address asks for is checked."""
    name = selection.one_of("architecture", NAMES, "kind of model")
    model = next(one for one in compared if one.name == name)
    names = [block.name for block in model.blocks]
    moved = st.session_state.get(_BLOCK_OF, model.model_id) != model.model_id
    if moved and st.session_state.get("block") not in names:  # another model may lack the block that was open
        st.session_state["block"] = _first(names)
    st.session_state[_BLOCK_OF] = model.model_id
    chosen = selection.one_of("block", names, "block", start=_first(names))
    return model, model.blocks[names.index(chosen)]


def first_block(model: Compared) -> str:
    """The block to begin with: the attention."""
    return _first([block.name for block in model.blocks])


def _first(names: Sequence[str]) -> str:
    return next((name for name in names if name.lower().endswith("attention")), names[0])


def choose_block(compared: Sequence[Compared], value: object) -> None:
    """A block was clicked in the picture: show its shapes below."""
    chosen = chosen_block(value, len(compared))
    if chosen is None:
        return
    model = compared[chosen["column"]]
    part = chosen["part"].partition(".")[0]
    names = [b.name for b in model.blocks if b.part == part and chosen["stack"] in ("", b.stack)]
    if names:
        selection.choose(architecture=model.name, block=names[0])


def held(compared: Sequence[Compared], model: Compared, block: Block) -> dict[str, Any]:
    """The open block as the picture holds it lit."""
    column = [one.kind for one in compared].index(model.kind)
    return {"part": block.part, "stack": block.stack, "layer": None, "column": column}


def shapes(model: Compared, block: Block) -> dict[str, list[str]]:
    """The shapes of a block and how many numbers they hold, in columns."""
    parts = model.parts(block)
    rows: dict[str, list[str]] = {"Numbers for": [], "Shape": [], "In one": []}
    for part in parts:
        rows["Numbers for"].append(
            f"{COMPONENTS[part.component]}{', bias' if part.name.endswith('bias') else ''}"
        )
        sizes = " × ".join(f"{size:,}" for size in part.shape)
        rows["Shape"].append(sizes if len(part.shape) > 1 else f"vector of {sizes}")
        rows["In one"].append(f"{part.count:,}")
    return rows


def said(model: Compared, words: Lesson, block: Block) -> str:
    """How many numbers a block has, in one layer and in all."""
    parts, count = model.parts(block), model.model.count
    one = sum(part.count for part in parts)
    if not parts:
        tied = block.part == "head" and count.tied_head
        return words.say(
            "block_tied" if tied else "block_none", title=model.title, number=f"{count.tied_head:,}"
        )
    if parts[0].layer is None:
        return words.say("block_once", title=model.title, one=f"{one:,}", share=percent(one / count.total))
    layers = [layer for layer in count.layers if layer.stack == block.stack]
    every = sum(
        part.count
        for layer in layers
        for part in layer.parts
        if part.component.partition(".")[0] == block.part
    )
    return words.say(
        "block_layers",
        title=model.title,
        one=f"{one:,}",
        layers=len(layers),
        all=f"{every:,}",
        share=percent(every / count.total),
    )


def explained(block: Block) -> Page:
    """The page that explains a block."""
    wanted = course.page(_EXPLAINED.get(block.part, "model_explorer"))
    return wanted if wanted.exists else course.page("model_explorer")
