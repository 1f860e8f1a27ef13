"""All heads of a model as a map, coloured by what was measured of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app import selection
from app.heads import Heads
from app.many_heads.layer import Layer
from attnviz.analysis.head_patterns import Metric
from attnviz.figures.quantities import signed, whole_percent
from attnviz.models.catalog import title_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from app.lessons import Lesson
    from attnviz.figures.palette import Mode


def metric(heads: Heads, words: Lesson) -> Metric | None:
    """By what the map is coloured, checked; None where a text is too short for any measure."""
    offered = heads.patterns.metrics
    if not offered:
        return None

    def show(name: Metric) -> str:
        return words.say(f"metric_{name}").capitalize()

    chosen = selection.one_of("metric", offered, "measure", show=show)
    with st.container(key="many_metric"):
        answer = st.selectbox(
            words.say("metric"), offered, key="metric", bind="query-params", format_func=show
        )
    return answer or chosen


def picture(here: Layer, words: Lesson, metric: Metric, mode: Mode) -> go.Figure:
    """All heads by one metric."""
    from attnviz.figures.multi_head import head_map

    values = here.heads.patterns.metric(metric)
    return head_map(
        values,
        mode,
        chosen=(here.layer, here.head),
        title=words.say(f"metric_{metric}").capitalize(),
        written=[[_value(metric, float(v)) for v in row] for row in values],
        largest=_end(metric, values),
    )


def alt(here: Layer, words: Lesson, metric: Metric) -> str:
    """The map in words."""
    values = here.heads.patterns.metric(metric)
    found = np.unravel_index(np.nan_to_num(values, nan=-np.inf).argmax(), values.shape)
    layer, head = int(found[0]), int(found[1])
    return words.say(
        "map_alt",
        title=title_of(here.heads.model_id),
        metric=words.say(f"metric_{metric}"),
        layer=layer,
        head=head,
        value=_value(metric, float(values[layer, head])),
    )


def data(here: Layer) -> dict[str, list[object]]:
    """Every metric of every head."""
    layers, heads = here.heads.layers, here.heads.heads
    table: dict[str, list[object]] = {
        "layer": [layer for layer in range(layers) for _ in range(heads)],
        "head": [head for _ in range(layers) for head in range(heads)],
    }
    for metric in here.heads.patterns.metrics:
        table[metric] = list(here.heads.patterns.metric(metric).ravel().tolist())
        table[f"chance of {metric}"] = list(
            np.repeat(here.heads.patterns.metric_chance(metric), heads).tolist()
        )
    return table


def choose(heads: Heads) -> Callable[[int], None]:
    """What to do when a head of the map is picked: the first layer's come first."""

    def pick(number: int) -> None:
        if 0 <= number < heads.layers * heads.heads:
            selection.choose(layer=number // heads.heads, head=number % heads.heads)

    return pick


def _end(metric: Metric, values: Any) -> float:
    """Where the colours end: at all weight for shares and scores, at the largest for the rest."""
    if metric not in ("entropy", "distance"):
        return 1.0
    return max(float(np.nan_to_num(values).max()), 1e-6)


def _value(metric: Metric, value: float) -> str:
    if np.isnan(value):
        return "–"
    if metric == "strongest":
        return signed(value)
    return f"{value:.1f}" if metric in ("entropy", "distance") else whole_percent(value)
