import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from attnviz.analysis.weight_histogram import weight_histogram


def test_by_hand():
    histogram = weight_histogram(np.array([[-1.0, -0.1], [0.1, 1.0]]), bins=3, reach=99)
    np.testing.assert_allclose(histogram.edges, [-1, -1 / 3, 1 / 3, 1], rtol=1e-6)
    assert histogram.counts.tolist() == [1, 2, 1]
    assert (histogram.size, histogram.mean, histogram.smallest, histogram.largest) == (4, 0, -1, 1)
    assert histogram.deviation == pytest.approx(np.sqrt(2.02 / 4)) and histogram.beyond == 0
    assert histogram.near == 4


def test_equals_numpy_on_many_numbers():
    matrix = np.random.default_rng(0).normal(0.001, 0.04, (1500, 1100))  # more than one chunk
    histogram = weight_histogram(matrix)
    inside = np.histogram(np.clip(matrix, histogram.edges[0], histogram.edges[-1]), histogram.edges)[0]
    assert np.abs(histogram.counts - inside).sum() <= 20  # numbers at an edge may fall to either side
    assert histogram.counts.sum() == matrix.size
    assert np.abs(histogram.counts - histogram.normal).max() < 6 * np.sqrt(histogram.normal.max())


def test_outliers_stay_countable():
    matrix = np.concatenate([np.random.default_rng(1).normal(size=10_000), [500.0, -500.0]])
    histogram = weight_histogram(matrix)
    assert histogram.near == np.sum(np.abs(matrix) <= 2 * matrix.std())
    assert histogram.beyond == 2 and histogram.largest == 500 and histogram.counts.sum() == 10_002
    assert histogram.edges[-1] == pytest.approx(5 * histogram.deviation, rel=0.1)


def test_equal_numbers():
    for value in (0.0, 1.0, -3.0):
        histogram = weight_histogram(np.full(7, value))
        assert histogram.counts.max() == 7 and histogram.deviation == 0


@pytest.mark.parametrize(
    ("matrix", "bins"),
    [(np.zeros(0), 81), (np.ones(3), 80), (np.ones(3), 1), ([np.nan, 1], 81), ([np.inf, 1], 81)],
)
def test_refuses_what_has_no_histogram(matrix, bins):
    with pytest.raises(ValueError, match=r"histogram|finite"):
        weight_histogram(np.asarray(matrix), bins=bins)


@given(npst.arrays(np.float32, st.integers(1, 50), elements=st.floats(-1e6, 1e6, width=32)))
def test_every_number_is_counted_once(matrix):
    histogram = weight_histogram(matrix, bins=9)
    assert histogram.counts.sum() == matrix.size
    assert (np.diff(histogram.edges) > 0).all()
    np.testing.assert_allclose(histogram.edges, -histogram.edges[::-1], rtol=1e-5)
