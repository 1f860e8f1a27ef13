"""Figures of what a decoder keeps and of which heads it needs."""

import numpy as np
import pytest

from attnviz.figures.head_needs import head_needs
from attnviz.figures.memory import gate_maps, kept_shares
from attnviz.figures.palette import PAPER


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_bars_hold_every_share_and_differ_in_a_second_mark(mode):
    shares = np.array([[0.25, 0.5], [0.1, 0.9]], np.float32)
    figure = kept_shares(["start", "<b>"], shares, mode)
    np.testing.assert_allclose([bar.y for bar in figure.data], 100 * shares, rtol=1e-6)
    assert len({bar.marker.pattern.shape for bar in figure.data}) == 2
    assert all(bar.marker.pattern.bgcolor == bar.marker.color != PAPER[mode] for bar in figure.data)
    assert figure.layout.xaxis.ticktext == ("start", "&lt;b&gt;")


def test_gates_keep_their_numbers_in_rows_sorted_by_what_is_kept():
    gates = np.random.default_rng(0).random((2, 3, 7)).astype(np.float32)
    figure = gate_maps(["a", "b", "c"], gates, "light", chosen=1)
    for heatmap, of_layer in zip(figure.data, gates, strict=True):
        z = np.asarray(heatmap.z)
        np.testing.assert_array_equal(np.sort(z, axis=0), np.sort(of_layer.T, axis=0))
        assert (np.diff(z.mean(axis=1)) >= 0).all()
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(0.5, 1.5)] * 2
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]


@pytest.mark.parametrize("count", [3, 64, 500])
def test_no_more_labels_than_have_room_and_the_chosen_one(count):
    labels = [str(i) for i in range(count)]
    gates = np.zeros((2, count, 3), np.float32)
    chosen = count // 2
    for shown, place in (
        (gate_maps(labels, gates, "light", chosen=chosen), chosen),
        (kept_shares(labels, np.zeros((1, count)), "light"), count - 1),
    ):
        ticks = shown.layout.xaxis.tickvals
        assert place in ticks and min(3, count) <= len(ticks) <= 18
        assert [labels[i] for i in ticks] == list(shown.layout.xaxis.ticktext)


def test_heads_stand_at_their_numbers_and_the_named_are_named():
    scores = np.array([[0.1, 0.1], [0.9, 0.5]], np.float32)
    changed = np.array([[0.8, 0.79], [0.2, 0.0]], np.float32)
    figure = head_needs(scores, changed, "light", named=((0, 1),), x_title="words aligned right")
    np.testing.assert_allclose([points.x for points in figure.data], 100 * scores, rtol=1e-6)
    np.testing.assert_allclose([points.y for points in figure.data], 100 * changed, rtol=1e-6)
    assert figure.data[0].text == ("", "L0H1")  # two names would lie on each other: the named head has it
    assert list(figure.data[0].customdata) == ["L0H0", "L0H1"]
    assert figure.data[1].text == ("L1H0", "L1H1")
