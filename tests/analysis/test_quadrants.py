"""How much attention stays in a text of a pair, and how much crosses."""

import numpy as np
import pytest

import attnviz
from attnviz.analysis.quadrants import quadrants

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def pair():
    return attnviz.trace(attnviz.load(MINILM), ("The cat sat.", "It was tired."))


def test_it_is_the_sum_over_the_blocks_of_the_matrix(pair):
    labels = pair.tokens.labels
    end = labels.index("[SEP]")
    first, second = range(1, end), range(end + 1, len(labels) - 1)
    weights = pair.weights("encoder", 3, 1)
    found = quadrants(pair, "encoder", 3, 1)
    for i, rows in enumerate((first, second)):
        for j, columns in enumerate((first, second)):
            expected = sum(weights[q, k] for q in rows for k in columns) / len(rows)
            assert found[i, j] == pytest.approx(expected, abs=1e-6)


def test_the_mean_of_a_layer_is_the_mean_of_its_heads(pair):
    heads = [quadrants(pair, "encoder", 0, head) for head in range(12)]
    np.testing.assert_allclose(quadrants(pair, "encoder", 0), np.mean(heads, axis=0), atol=1e-6)
    assert (quadrants(pair, "encoder", 0).sum(axis=1) < 1).all()  # special tokens have the rest


def test_one_text_has_no_quadrants():
    trace = attnviz.trace(attnviz.load(MINILM), "One text.")
    with pytest.raises(ValueError, match="two texts"):
        quadrants(trace, "encoder", 0)
