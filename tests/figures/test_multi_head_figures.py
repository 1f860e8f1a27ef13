"""Every head of a layer in its place, every head of a model in its colour, and the outputs put together."""

import numpy as np
import pytest

from attnviz.figures.multi_head import columns_of, head_map, layer_heads, layer_heads_aspect, put_together


@pytest.mark.parametrize(
    ("heads", "columns"), [(1, 1), (4, 4), (8, 4), (9, 5), (12, 6), (16, 8), (32, 8), (64, 13)]
)
def test_rows_are_full_where_they_can_be(heads, columns):
    assert columns_of(heads) == columns


@pytest.mark.parametrize(("heads", "rows", "columns"), [(12, 16, 16), (8, 13, 15), (5, 1, 1), (9, 3, 20)])
def test_each_head_is_drawn_once_where_its_point_is(heads, rows, columns):
    weights = np.random.default_rng(2).random((heads, rows, columns)).astype(np.float32)
    captions = [[f"H{i}", "x"] for i in range(heads)]
    figure = layer_heads(weights, captions, heads - 1, "light")
    points, tiles = figure.data
    assert list(points.text) == [f"H{i} · x" for i in range(heads)]
    x, y, cells = (np.asarray(values) for values in (tiles.x, tiles.y, tiles.z))
    assert cells.shape == (len(y) - 1, len(x) - 1)
    assert (np.diff(x) > 0).all() and (np.diff(y) > 0).all()
    for i in range(heads):
        left, top = points.x[i] - columns / 2, points.y[i] - rows / 2
        column, row = (int(np.flatnonzero(np.isclose(edges, at))[0]) for edges, at in ((x, left), (y, top)))
        np.testing.assert_array_equal(cells[row : row + rows, column : column + columns], weights[i])
        assert x[column + columns] == pytest.approx(left + columns)
        assert y[row + rows] == pytest.approx(top + rows)
    assert np.isfinite(cells).sum() == weights.size, "nothing but the heads is drawn"
    (frame,) = figure.layout.shapes
    left, top = points.x[-1] - columns / 2, points.y[-1] - rows / 2
    assert (frame.x0, frame.y0, frame.x1, frame.y1) == pytest.approx((left, top, left + columns, top + rows))
    x, y = figure.layout.xaxis.range, figure.layout.yaxis.range
    assert layer_heads_aspect(heads, rows, columns) == pytest.approx(y[0] / x[1])


def test_the_map_has_layers_across_and_heads_down():
    values = np.arange(6, dtype=np.float32).reshape(3, 2)  # (layer, head)
    written = [[f"{v:.0f}" for v in row] for row in values]
    figure = head_map(values, "dark", chosen=(2, 1), title="n", written=written, largest=5)
    points, cells = figure.data
    assert cells.z[1][2] == 5 and (cells.zmin, cells.zmax) == (0, 5)
    assert list(points.text) == ["L0H0: 0", "L0H1: 1", "L1H0: 2", "L1H1: 3", "L2H0: 4", "L2H1: 5"]
    (frame,) = figure.layout.shapes
    assert (frame.x0 + frame.x1) / 2 == 2 and (frame.y0 + frame.y1) / 2 == 1
    assert "<b>L2</b>" in figure.layout.xaxis.ticktext and "<b>H1</b>" in figure.layout.yaxis.ticktext


def test_the_map_of_a_deep_model_has_layers_down_and_heads_across():
    values = np.arange(60, dtype=np.float32).reshape(30, 2)  # (layer, head)
    written = [["x"] * 2] * 30
    figure = head_map(values, "light", chosen=(17, 1), title="n", written=written, largest=59)
    points, cells = figure.data
    assert cells.z[17][1] == 35
    number = points.text.index("L17H1: x")
    assert number == 17 * 2 + 1 and (points.x[number], points.y[number]) == (1, 17)
    (frame,) = figure.layout.shapes
    assert ((frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2) == (1, 17)
    layers = figure.layout.yaxis
    assert "<b>L17</b>" in layers.ticktext and len(layers.ticktext) <= 16
    assert all(f"L{at}" in name for at, name in zip(layers.tickvals, layers.ticktext, strict=True))


def test_the_framed_numbers_are_the_chosen_head():
    side_by_side = np.zeros((2, 12), np.float32)
    figure = put_together(side_by_side, np.ones((2, 5), np.float32), ["a", "b"], 2, 3, ("in", "out"), "light")
    assert figure.data[0].z.shape == (2, 12) and figure.data[1].z.shape == (2, 5)
    frame = figure.layout.shapes[-1]
    assert (frame.x0, frame.x1) == (7.5, 11.5)
