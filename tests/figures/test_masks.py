import numpy as np
import pytest

from attnviz.analysis.masks import Mask
from attnviz.figures.masks import mask_figure, mask_table


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(
    ("rows", "columns", "kind"), [(1, 1, "decoder"), (5, 5, "decoder"), (3, 90, "cross")]
)
def test_filled_cells_are_those_that_may_be_seen(rows, columns, kind, mode):
    visible = np.tri(rows, columns, dtype=bool) if kind == "decoder" else np.ones((rows, columns), bool)
    mask = Mask(kind, visible, tuple(f"q{i}" for i in range(rows)), tuple(f"<k{i}>" for i in range(columns)))
    figure = mask_figure(mask, mode)
    assert (figure.data[0].z == visible).all()
    assert figure.layout.yaxis.title.text == "query (from)" and figure.layout.xaxis.title.text == "key (to)"
    assert figure.layout.yaxis.scaleanchor == "x"  # cells are square
    assert not any("<k" in label for label in figure.layout.xaxis.ticktext)
    table = mask_table(mask)
    assert len(table) == columns + 1 and table["<k0>"] == [1] * rows
