"""Figures of tables hold the numbers that they are given, and survive the smallest ones."""

import numpy as np
import pytest

from attnviz.analysis import positions as p
from attnviz.figures.position_tables import colour_limit, components_curves, similarity_heatmap, table_heatmap


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("length", "width"), [(2, 1), (5, 7), (40, 16)])
def test_tables_of_any_size(mode, length, width):
    table = p.sinusoidal(length, width)
    fig = table_heatmap(table, mode)
    np.testing.assert_array_equal(fig.data[0].z, table)
    assert tuple(fig.layout.yaxis.range) == (length - 0.5, -0.5)  # position 0 on top
    assert len(components_curves(p.first_components(table), mode).data) == min(3, length, width)
    similarity_heatmap(p.cosine_similarities(table), mode)


def test_colours_end_before_a_lonely_outlier():
    table = np.full((100, 10), 0.1, np.float32)
    assert colour_limit(table) == pytest.approx(0.1)
    table[0, 0] = 5
    assert colour_limit(table) == pytest.approx(0.1)
    assert colour_limit(np.zeros((2, 2), np.float32)) == 1
