import numpy as np
import pytest

from attnviz.analysis.weight_histogram import weight_histogram
from attnviz.figures import theme
from attnviz.figures.weight_histogram import histogram_table, weight_histogram_figure


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_bars_are_the_counts_in_the_colour_of_the_part(mode):
    histogram = weight_histogram(np.random.default_rng(0).normal(size=(50, 40)))
    bars, curve = weight_histogram_figure(histogram, "attention.key", mode).data
    np.testing.assert_array_equal(bars.y, histogram.counts)
    np.testing.assert_array_equal(curve.y, histogram.normal)
    np.testing.assert_allclose(bars.x, (histogram.edges[1:] + histogram.edges[:-1]) / 2)
    assert bars.marker.color == theme.mark("key", mode)


def test_the_table_has_a_row_for_each_bin():
    histogram = weight_histogram(np.ones((3, 3)), bins=9)
    table = histogram_table(histogram)
    assert sum(table["weights"]) == 9
    assert {len(column) for column in table.values()} == {9}
    assert table["to"][:-1] == table["from"][1:]
