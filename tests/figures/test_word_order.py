"""How far vectors moved, as bars."""

import numpy as np

from attnviz.figures.word_order import change_bars


def test_bars_are_per_cent_and_names_are_escaped():
    fig = change_bars(["<b>", "x"], [("with", np.array([0.5, 0.1], np.float32))], "light")
    np.testing.assert_allclose(fig.data[0].y, [50, 10])
    assert fig.layout.xaxis.ticktext[0] == "&lt;b&gt;"
