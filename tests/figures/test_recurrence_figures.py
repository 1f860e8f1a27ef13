"""Operations and gradients stand where the formulas have them, and their names beside them."""

import numpy as np
import pytest

from attnviz.analysis.recurrence import gradient_norms
from attnviz.figures.recurrence import operations_by_length, surviving_gradient


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("n", "d"), [(16, 512), (2, 1), (4096, 4096)])
def test_attention_and_recurrence_cost_the_same_where_tokens_are_as_many_as_numbers(mode, n, d):
    figure, table = operations_by_length(n, d, 4, mode)
    attention, recurrent, *_, here = figure.data
    assert list(attention.x) == table["tokens"] and list(attention.y) == table["Self-attention"]
    assert [a == r for a, r in zip(attention.y, recurrent.y, strict=True)] == [x == d for x in attention.x]
    assert list(here.y) == [n * n * d, n * d * d]
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == n
    assert ("n = d" in [note.text for note in figure.layout.annotations]) == (2 < d < 4096)


def test_the_gradient_follows_the_power_of_the_radius():
    norms = gradient_norms(0.5, 60)
    power, measured = surviving_gradient(norms, 0.5, "light").data  # nothing is drawn that was not computed
    np.testing.assert_allclose(power.y[:10], 0.5 ** np.arange(10), rtol=1e-6)
    np.testing.assert_allclose(measured.y, np.maximum(norms, 1e-12), rtol=1e-6)


def test_names_at_the_ends_do_not_lie_on_each_other():
    figure = surviving_gradient(np.ones(9, np.float32), 1.0, "dark")
    heights = sorted(note.y for note in figure.layout.annotations)
    low, high = figure.layout.yaxis.range
    assert np.diff(heights).min() > 0.05 * (high - low)
