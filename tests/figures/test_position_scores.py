"""Scores and biases by distance hold the numbers that they are given."""

import numpy as np

from attnviz.analysis import positions as p
from attnviz.figures.position_scores import bias_curves, bias_matrix, bucket_steps, score_curve


def test_a_score_is_marked_where_the_text_has_it():
    scores = np.array([3, 2, 1], np.float32)
    fig = score_curve(np.arange(3), scores, 2, "dark", scores)
    assert (fig.data[-1].x[0], fig.data[-1].y[0]) == (2, 1)
    np.testing.assert_array_equal(fig.data[1].y, scores)
    behind = score_curve(np.arange(-2, 1), scores, -2, "light")
    assert (behind.data[-1].x[0], behind.data[-1].y[0]) == (-2, 3)


def test_the_chosen_head_is_drawn_last_and_named():
    distances = np.arange(-4, 1)
    fig = bias_curves(distances, p.alibi_bias(3, distances), ["a", "b", "<c>"], "light", chosen=2)
    assert [trace.line.width for trace in fig.data] == [1.25, 1.25, 3]
    assert fig.layout.annotations[0].text == "&lt;c&gt;"
    steps = bucket_steps(distances, p.relative_buckets(distances), "light")
    assert steps.data[0].y.tolist() == [4, 3, 2, 1, 0]
    matrix = bias_matrix(np.array([[0, np.nan], [-1, 0]], np.float32), ["the", "<cat>"], "light")
    assert matrix.data[0].z[1, 0] == 1
    assert matrix.data[0].hovertext[1][0] == "&lt;cat&gt; to the"
    assert matrix.layout.xaxis.ticktext == matrix.layout.yaxis.ticktext == ("the", "&lt;cat&gt;")
