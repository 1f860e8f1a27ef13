"""The modules of a model as a tree that unfolds without asking the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.widgets.markup import filled

if TYPE_CHECKING:
    from attnviz.models.parameter_count import ModuleNode

_LINE = (
    "<span class='av-name'>{}</span><span class='av-class'>{}</span><span class='av-shape'>{}</span>"
    "<span class='av-number'>{}</span>"
)


def show(root: ModuleNode) -> None:
    """Draw the tree with its first layer open."""
    st.html(f"<div class='av-tree'>{_drawn(root, _way_to_first_layer(root))}</div>")


def _drawn(node: ModuleNode, opened: set[int], inside: bool = False) -> str:
    line = filled(_LINE, _name(node), node.class_name, _shape(node), _number(node))
    if not node.children:
        return f"<div class='av-leaf'>{line}</div>"
    is_open = inside or id(node) in opened
    layer = inside or (is_open and node.name.isdigit())
    children = "".join(_drawn(child, opened, layer) for child in node.children)
    return f"<details{' open' if is_open else ''}><summary>{line}</summary><div>{children}</div></details>"


def _way_to_first_layer(node: ModuleNode) -> set[int]:
    """The nodes to open so that the first layer is seen: the way down to the first numbered module with
    parts."""
    if node.name.isdigit() and node.children:
        return {id(node)}
    for child in node.children:
        below = _way_to_first_layer(child)
        if below:
            return {id(node), *below}
    return set()


def _name(node: ModuleNode) -> str:
    if not node.name:
        return "the model"
    return f"{node.name} to {node.last}" if node.last else node.name


def _shape(node: ModuleNode) -> str:
    if node.tied_to:
        return f"the same numbers as {node.tied_to}"
    if node.last:
        return f"{node.repeats} alike"
    return ", ".join(" × ".join(f"{size:,}" for size in shape) for _, shape in node.shapes)


def _number(node: ModuleNode) -> str:
    if not node.count:
        return "" if not node.tied_to else "0"
    return f"{node.count:,} each" if node.last else f"{node.count:,}"
