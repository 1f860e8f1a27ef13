"""Figures of the feed-forward network hold the numbers that they are given."""

import re

import numpy as np
import pytest

from attnviz.analysis import feed_forward as analysis
from attnviz.figures import feed_forward as f


def bars(fig):
    return sorted(abs(s.y1 - s.y0) for s in fig.layout.shapes if s.type == "rect")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_widths_are_to_scale_and_a_gate_is_a_third_matrix(mode):
    plain, gated = (f.widths(384, 1536, "GELU", is_gated, mode) for is_gated in (False, True))
    assert bars(plain) == [384, 384, 1536, 1536]
    assert bars(gated) == [384, 384, 1536, 1536, 1536]
    named = [re.sub("<[^>]*>", " ", note.text) for note in gated.layout.annotations]
    assert sum("384 × 1,536" in name for name in named) == 2 and any("1,536 × 384" in name for name in named)
    assert any("2 × 1,536" in name for name in named)


def test_functions_are_marked_at_the_input():
    fig = f.activation_curves(-1.0, 2.0, "light", own="GELU")
    at = [float(trace.y[0]) for trace in fig.data if trace.mode == "markers"]
    x = np.array([-1.0])
    expected = [
        *(function(x)[0] for function in analysis.ACTIVATIONS.values()),
        analysis.gated(x, np.array([2.0]))[0],
    ]
    np.testing.assert_allclose(at, expected, rtol=1e-6)
    assert [t.name for t in fig.data if t.name and "this model" in t.name] == ["GELU (this model)"]


def test_maps_and_bars_hold_activations_and_escape_tokens():
    values = np.array([[1000, -1, 2], [0, 0, 0]], np.float32)
    fig = f.neuron_map(values, [7, 9], ["<b>", "a", "a²"], "light", among=[1, 2])
    np.testing.assert_array_equal(fig.data[0].customdata, values)
    np.testing.assert_allclose(fig.data[0].z, [[500, -0.5, 1], [0, 0, 0]])
    assert fig.layout.xaxis.ticktext[0] == "&lt;b&gt;"
    one = f.neuron_bars(["<i>"], np.array([2.5], np.float32), "dark")
    assert one.data[0].x[0] == 2.5 and one.layout.yaxis.ticktext == ("&lt;i&gt;",)


def test_the_bars_of_a_long_text_stand_side_by_side():
    values = np.linspace(-1, 1, 362, dtype=np.float32)
    named = f.token_bars(["<b>"] * f.MOST_NAMED, values[: f.MOST_NAMED], "light")
    assert named.data[0].orientation == "h" and named.layout.height == 72 + 26 * f.MOST_NAMED
    long = f.token_bars(["<b>"] * 362, values, "light")
    np.testing.assert_array_equal(long.data[0].y, values)
    assert long.layout.height == 300 and long.data[0].customdata[0] == "&lt;b&gt;"
    assert "362 tokens" in long.layout.xaxis.title.text


def test_sparsity_is_in_per_cent_of_the_neurons():
    found = analysis.sparsity(np.array([[[4, 0, 0, 0]], [[1, 1, -1, -1]]], np.float32))
    fig = f.sparsity_curves(found, 4, "light", chosen=1)
    np.testing.assert_allclose(fig.data[0].y, [25, 50])
    np.testing.assert_allclose(fig.data[1].y, [25, 50])
