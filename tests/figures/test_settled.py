"""A figure as it is shown says the same without a template, and holds nothing that Plotly would take for a change."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from attnviz.analysis.attention_steps import toy_attention
from attnviz.figures.attention_steps import toy_figure
from attnviz.figures.settled import Settled
from attnviz.figures.theme import template


def test_the_templates_values_stand_in_the_figure_and_its_own_come_first():
    figure = go.Figure(
        go.Scatter(x=[1, 2], y=[3, 4]),
        {"template": template("dark"), "margin": {"t": 40}, "yaxis": {"title": {"text": "height"}}},
    )
    layout = Settled(figure).to_dict()["layout"]
    theme = template("dark").layout.to_plotly_json()
    assert "template" not in layout
    assert layout["margin"] == {**theme["margin"], "t": 40}
    assert layout["xaxis"] == theme["xaxis"]
    assert layout["yaxis"]["title"] == {**theme["yaxis"]["title"], "text": "height"}
    assert layout["yaxis"]["showgrid"] is True and layout["font"] == theme["font"]


def test_every_axis_gets_the_template_of_its_direction_and_the_figure_stays_as_it_was():
    figure = toy_figure(toy_attention(3, 4, 2, 0, causal=False), "light")
    before = figure.to_json()
    shown = Settled(figure)
    layout = shown.to_dict()["layout"]
    names = [name for name in layout if "axis" in name]
    assert len(names) == 16
    for name in names:
        assert layout[name]["gridcolor"] == template("light").layout.xaxis.gridcolor
    assert layout["datarevision"] == 1
    assert figure.to_json() == before
    assert json.loads(shown.to_json())["data"] == json.loads(before)["data"]
    assert isinstance(shown, go.Figure)


def test_a_figure_without_axes_gets_none():
    figure = go.Figure(go.Treemap(labels=["a"], parents=[""]), {"template": template("light")})
    layout = Settled(figure).to_dict()["layout"]
    assert not [name for name in layout if "axis" in name]


def test_defaults_for_traces_are_refused():
    figure = go.Figure(go.Heatmap(z=np.eye(2)), {"template": {"data": {"heatmap": [{"zmin": 0}]}}})
    with pytest.raises(ValueError, match="traces"):
        Settled(figure).to_dict()
