"""Strips, matrices and the weighted sum carry the numbers that they were given."""

import numpy as np
import pytest

from attnviz.analysis.attention_steps import toy_attention
from attnviz.analysis.attention_view import AttentionView
from attnviz.figures.attention_steps import (
    Panel,
    score_matrix,
    strips,
    toy_figure,
    weight_matrix,
    weighted_sum,
)

TOY = toy_attention(4, 6, 3, seed=1, causal=True)
LABELS = ["the", "cat", "sat", "the²"]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_strip_holds_the_vectors_row_by_row(mode):
    figure = strips([Panel(TOY.query, LABELS, "query", "query", "Q", lit=1)], mode)
    np.testing.assert_array_equal(figure.data[0].z, TOY.query)
    assert figure.data[0].zmin == -figure.data[0].zmax
    assert list(figure.layout.yaxis.range) == [3.5, -0.5], "rows run downwards"
    (frame,) = figure.layout.shapes
    assert (frame.y0, frame.y1) == (0.5, 1.5)


def test_keys_run_downwards_too_and_nothing_is_framed():
    figure = strips([Panel(TOY.key, LABELS, "key", "key", "K")], "light")
    assert list(figure.layout.yaxis.range) == [3.5, -0.5]
    assert not figure.layout.shapes


def test_one_far_number_does_not_make_all_others_pale():
    values = np.ones((10, 50), np.float32)
    values[0, 0] = 1000
    assert (
        strips([Panel(values, [str(i) for i in range(10)], "query", "stream", "x")], "light").data[0].zmax
        < 10
    )


def test_masked_scores_are_empty_and_written_as_nothing():
    figure = score_matrix(TOY.scores, LABELS, LABELS, "light", lit=2, best=0, title="scores")
    assert np.isnan(figure.data[0].z[0, 1:]).all() and not np.isnan(figure.data[0].z[3]).any()
    assert figure.data[0].text[0][1] == ""
    written = figure.data[0].text[3][0].replace("−", "-")
    assert float(written) == pytest.approx(float(TOY.scores[3, 0]), abs=0.05)
    assert "<b>the</b>" in figure.layout.xaxis.ticktext


def test_the_weights_are_as_wide_as_there_is_room():
    each = tuple((i,) for i in range(4))
    view = AttentionView(TOY.weights, tuple(LABELS), tuple(LABELS), each, each, np.zeros(4, np.float32))
    figure = weight_matrix(view, 2, "light")
    np.testing.assert_allclose(figure.data[0].z, TOY.weights, atol=1e-6)
    assert figure.layout.yaxis.scaleanchor is None


def test_the_weighted_sum_adds_up_and_one_colour_means_one_number():
    figure = weighted_sum(TOY, 3, LABELS, LABELS, "light")
    parts, total = (np.array(trace.z) for trace in figure.data)
    np.testing.assert_allclose(parts.sum(axis=0), total[0], atol=1e-6)
    np.testing.assert_allclose(total[0], TOY.output[3])
    assert figure.data[0].zmax == figure.data[1].zmax


def test_the_toy_shows_all_eight_steps():
    figure = toy_figure(TOY, "dark")
    shown = [np.array(trace.z) for trace in figure.data]
    expected = [TOY.asking, TOY.query, TOY.key, TOY.value, TOY.products, TOY.scores, TOY.weights, TOY.output]
    for one, other in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(one, np.where(np.isfinite(other), other, np.nan))
    assert figure.layout.annotations[0].text == "<b>x<br>4 × 6</b>"
    titled = [axis for axis in figure.layout if axis.startswith("xaxis") and figure.layout[axis].title.text]
    assert sorted(titled) == ["xaxis5", "xaxis6", "xaxis7"] and "key (to)" in figure.layout.xaxis5.title.text
    assert "query (from)" in figure.layout.yaxis5.title.text


def test_labels_are_text():
    figure = strips([Panel(TOY.query, ["<i>", "b", "c", "d"], "query", "query", "Q", lit=0)], "light")
    assert "<i>" not in figure.layout.annotations[1].text


@pytest.mark.parametrize(
    ("rows", "width", "limit"), [(16, 384, 120_000), (512, 64, 300_000), (512, 576, 2_100_000)]
)
def test_what_a_strip_weighs(rows, width, limit):
    values = np.random.default_rng(0).normal(size=(rows, width)).astype(np.float32)
    panel = Panel(values, [f"w{i}" for i in range(rows)], "query", "stream", "x", lit=0)
    assert len(strips([panel], "light").to_json()) < limit


def test_one_token_of_one_number():
    one = toy_attention(1, 1, 1)
    assert strips([Panel(one.query, ["a"], "query", "query", "Q", lit=0)], "light").data[0].z.shape == (1, 1)
    assert score_matrix(one.scores, ["a"], ["a"], "light", lit=0, best=0, title="").data[0].z.shape == (1, 1)
