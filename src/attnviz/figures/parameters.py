"""Where the parameters of a model sit, as a treemap: area is number."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from attnviz.figures import theme
from attnviz.figures.quantities import percent
from attnviz.figures.theme import Mode
from attnviz.models.parameter_count import COMPONENTS

if TYPE_CHECKING:
    from attnviz.models.parameter_count import ParameterCount, Part

_GROUPS = {
    "attention": "Attention",
    "cross": "Cross-attention",
    "recurrence": "Recurrence",
    "feed_forward": "Feed-forward",
    "norm": "Norms",
    "pooler": "Pooler",
    "head": "Head",
    "other": "Other",
}
_LEAVES = {
    "embeddings": "Tokens",
    "feed_forward.gate": "Gate",
    "feed_forward.in": "In",
    "feed_forward.out": "Out",
    **{f"cross.{name}": name.capitalize() for name in ("query", "key", "value", "output")},
}

_SHADES = {
    "embeddings": ("stream", 0.45),
    "norm": ("stream", 0.15),
    "pooler": ("stream", 0.3),
    "recurrence": ("stream", 0.2),
    "head": ("stream", 0.2),
    "other": ("stream", 0.5),
    "attention.output": ("value", 0.5),
    "cross.query": ("cross", -0.25),
    "cross.key": ("cross", 0.0),
    "cross.value": ("cross", 0.35),
    "cross.output": ("cross", 0.62),
    "feed_forward.gate": ("feed_forward", -0.35),
    "feed_forward.in": ("feed_forward", 0.0),
    "feed_forward.out": ("feed_forward", 0.42),
}
"""Meaning, and how far its colour is mixed towards the paper, or (below 0) towards the ink."""

_OTHER: dict[Mode, Mode] = {"light": "dark", "dark": "light"}


@cache
def component_colour(component: str, mode: Mode) -> str:
    """The colour of a component's area, the same as in the pictures that the browser draws."""
    kind, _, matrix = component.partition(".")
    meaning, share = _SHADES.get(component, (matrix if kind == "attention" else "stream", 0.0))
    mark = theme.mark(meaning, mode)
    return theme.mixed(mark, 1 - share, mode) if share >= 0 else theme.mixed(mark, 1 + share, _OTHER[mode])


def parameter_treemap(count: ParameterCount, title: str, mode: Mode) -> go.Figure:
    """Groups, in them their components, in them the layers; the areas of a level sum to the one above.

    A click goes into a part and out of it again.
    """
    boxes: dict[str, tuple[str, str, int, str]] = {"": (title, "", count.total, theme.PANEL[mode])}
    two_stacks = len({layer.stack for layer in count.layers}) > 1
    for part in count.parts:
        group, component = _group(part), _leaf(part)
        colour = component_colour(part.component, mode)
        _add(boxes, group, group, "", part.count, theme.mixed(colour, 0.45, mode))
        _add(boxes, f"{group}/{component}", component, group, part.count, colour)
        place = _place(part, two_stacks)
        _add(boxes, f"{group}/{component}/{place}", place, f"{group}/{component}", part.count, colour)
    _leave_out_only_children(boxes)
    colours = [box[3] for box in boxes.values()]
    treemap = {
        "type": "treemap",
        "ids": [key or title for key in boxes],
        "labels": [box[0] for box in boxes.values()],
        "parents": ["" if not key else box[1] or title for key, box in boxes.items()],
        "values": [box[2] for box in boxes.values()],
        "branchvalues": "total",
        "maxdepth": 3,
        "sort": False,
        "marker": {"colors": colours, "line": {"width": 2, "color": theme.PAPER[mode]}, "pad": {"t": 26}},
        "text": [f"{box[2]:,}<br>{percent(box[2] / count.total)}" for box in boxes.values()],
        "texttemplate": "<b>%{label}</b><br>%{text}",
        "textfont": {"size": 15, "color": [_readable(colour, mode) for colour in colours]},
        "hovertemplate": "<b>%{label}</b><br>%{text}<extra></extra>",
        "tiling": {"pad": 2, "packing": "squarify"},
        "pathbar": {"visible": False},  # the header of the box one is in leads out of it again
    }
    return theme.figure([treemap], mode, height=480, margin={"l": 0, "r": 0, "t": 0, "b": 0})


def parameter_words(count: ParameterCount, title: str) -> str:
    """The treemap in words."""
    shares = {group: 0 for part in count.parts for group in (_group(part),)}
    for part in count.parts:
        shares[_group(part)] += part.count
    listed = ", ".join(f"{group.lower()} {percent(number / count.total)}" for group, number in shares.items())
    return f"The {count.total:,} parameters of {title}: {listed}."


def parameter_table(count: ParameterCount) -> dict[str, list[object]]:
    """Columns with a row for each parameter tensor, or share of a fused one; ``layer`` is empty outside the
    layers."""
    rows = count.parts
    return {
        "name": [part.name for part in rows],
        "component": [part.component for part in rows],
        "stack": [part.stack for part in rows],
        "layer": ["" if part.layer is None else part.layer for part in rows],
        "shape": [" × ".join(map(str, part.shape)) for part in rows],
        "parameters": [part.count for part in rows],
        "trainable": [part.trainable for part in rows],
    }


def _group(part: Part) -> str:
    if part.at_the_input:
        return "Embeddings"
    # what is in no group is a layer's bias by distance
    return _GROUPS.get(part.component.partition(".")[0], "Attention")


def _leaf(part: Part) -> str:
    if part.at_the_input and part.component == "norm":
        return "Norm"
    return _LEAVES.get(part.component, COMPONENTS[part.component])


def _place(part: Part, two_stacks: bool) -> str:
    if part.layer is None:
        return part.name.rpartition(".")[0]
    return f"{part.stack} {part.layer}" if two_stacks else f"L{part.layer}"


def _add(
    boxes: dict[str, tuple[str, str, int, str]], key: str, label: str, parent: str, number: int, colour: str
) -> None:
    before = boxes[key][2] if key in boxes else 0
    boxes[key] = (label, parent, before + number, colour)


def _leave_out_only_children(boxes: dict[str, tuple[str, str, int, str]]) -> None:
    """A box that alone fills its parent says nothing new: a head in the head, one table in the tokens."""
    for depth in (2, 1):
        parents = [box[1] for box in boxes.values()]
        for key in [key for key in boxes if key.count("/") == depth and key not in parents]:
            _, parent, _, colour = boxes[key]
            if parents.count(parent) == 1:
                boxes[parent] = (*boxes[parent][:3], colour)
                del boxes[key]


@cache
def _readable(background: str, mode: Mode) -> str:
    """The one of ink and paper that stands out more; black or white where neither reaches 4.5:1 (WCAG 2.2)."""
    words = max(theme.INK[mode], theme.PAPER[mode], key=lambda ink: _contrast(ink, background))
    if _contrast(words, background) >= 4.5:
        return words
    return max("#000000", "#FFFFFF", key=lambda ink: _contrast(ink, background))


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
