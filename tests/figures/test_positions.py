"""Figures of positions hold the numbers that they are given, and survive the smallest ones."""

import numpy as np
import pytest

from attnviz.analysis import positions as p
from attnviz.figures import positions as f


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("length", "width"), [(2, 1), (5, 7), (40, 16)])
def test_tables_of_any_size(mode, length, width):
    table = p.sinusoidal(length, width)
    fig = f.table_heatmap(table, mode)
    np.testing.assert_array_equal(fig.data[0].z, table)
    assert tuple(fig.layout.yaxis.range) == (length - 0.5, -0.5)  # position 0 on top
    curves = f.dimension_curves(table, [0, width - 1], mode)
    np.testing.assert_array_equal(curves.data[1].customdata, table[:, width - 1])
    products = p.products_by_distance(table)
    np.testing.assert_array_equal(f.products_curve(products, mode).data[2].y, products.mean)
    assert len(f.components_curves(p.first_components(table), mode).data) == min(3, length, width)
    f.similarity_heatmap(p.cosine_similarities(table), mode)


def test_colours_end_before_a_lonely_outlier():
    table = np.full((100, 10), 0.1, np.float32)
    assert f.colour_limit(table) == pytest.approx(0.1)
    table[0, 0] = 5
    assert f.colour_limit(table) == pytest.approx(0.1)
    assert f.colour_limit(np.zeros((2, 2), np.float32)) == 1


def test_hands_and_arcs_stand_where_the_angles_say():
    turning = np.array([np.pi / 2], np.float32)
    fig = f.dials(turning, [0], position=1, shift=1, mode="light")
    _, arc, start, end = fig.data
    np.testing.assert_allclose([start.x[1], start.y[1]], [0, 1], atol=1e-6)
    np.testing.assert_allclose([end.x[1], end.y[1]], [-1, 0], atol=1e-6)
    np.testing.assert_allclose(np.hypot(arc.x, arc.y), 0.72, atol=1e-6)
    assert "90°" in fig.layout.annotations[0].text
    assert "2 turns" in f.dials(turning, [0], 0, 8, "light").layout.annotations[0].text


def test_a_score_is_marked_where_the_text_has_it():
    scores = np.array([3, 2, 1], np.float32)
    fig = f.score_curve(np.arange(3), scores, 2, "dark", scores)
    assert (fig.data[-1].x[0], fig.data[-1].y[0]) == (2, 1)
    np.testing.assert_array_equal(fig.data[1].y, scores)


def test_the_chosen_head_is_drawn_last_and_named():
    distances = np.arange(-4, 1)
    fig = f.bias_curves(distances, p.alibi_bias(3, distances), ["a", "b", "<c>"], "light", chosen=2)
    assert [trace.line.width for trace in fig.data] == [1.25, 1.25, 3]
    assert fig.layout.annotations[0].text == "&lt;c&gt;"
    steps = f.bucket_steps(distances, p.relative_buckets(distances), "light")
    assert steps.data[0].y.tolist() == [4, 3, 2, 1, 0]
    matrix = f.bias_matrix(np.array([[0, np.nan], [-1, 0]], np.float32), "light")
    assert matrix.data[0].z[1, 0] == 1


def test_bars_are_per_cent_and_names_are_escaped():
    fig = f.change_bars(["<b>", "x"], [("with", np.array([0.5, 0.1], np.float32))], "light")
    np.testing.assert_allclose(fig.data[0].y, [50, 10])
    assert fig.layout.xaxis.ticktext[0] == "&lt;b&gt;"


def test_wavelengths_beside_another_base():
    own, other = (p.wavelengths(p.speeds(8, base)) for base in (1e4, 1e6))
    fig = f.wavelength_curve(own, other, 512, "light")
    np.testing.assert_array_equal(fig.data[1].y, other)
    assert any("512" in note.text for note in fig.layout.annotations)
    assert not f.wavelength_curve(own, None, None, "light").layout.shapes
