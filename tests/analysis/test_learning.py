"""How near the diagonal, how even, and since when right: on matrices made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.analysis.learning import Moment, diagonality, first_right, mean_entropy, read_log


def matrix(rows):
    return np.array(rows, np.float32)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_the_diagonal_is_1_even_weights_are_0(n):
    assert diagonality(np.eye(n, dtype=np.float32)) == pytest.approx(1)
    assert diagonality(np.full((n, n), 1 / n, np.float32)) == pytest.approx(0, abs=1e-6)


def test_two_by_two_by_hand():
    # places 1/4 and 3/4: even weights are 1/4 away in each row, the nearest 0, these 0.2 * 1/2
    assert diagonality(matrix([[0.8, 0.2], [0.2, 0.8]])) == pytest.approx((0.5 - 0.2) / 0.5)
    assert diagonality(matrix([[0, 1], [1, 0]])) == pytest.approx(-1)


def test_three_sounds_of_six_letters_by_hand():
    # rows at 1/6, 1/2, 5/6; columns at 1/12, 3/12 … 11/12: nearest are 1/12 away
    weights = np.zeros((3, 6), np.float32)
    weights[[0, 1, 2], [0, 2, 4]] = 1
    assert diagonality(weights) == pytest.approx(1)
    even = sum(abs(r - c) for r in (1 / 6, 1 / 2, 5 / 6) for c in np.arange(1, 12, 2) / 12) / 6
    weights = np.zeros((3, 6), np.float32)
    weights[:, 0] = 1  # all at the first letter: 1/12 + 5/12 + 9/12
    assert diagonality(weights) == pytest.approx((even - 15 / 12) / (even - 3 / 12))


def test_weight_elsewhere_counts_as_even_or_as_one_more():
    whole = matrix([[0.8, 0.2], [0.2, 0.8]])
    assert diagonality(whole * 0.5) == pytest.approx(diagonality(whole) / 2)
    assert diagonality(matrix([[0, 0], [0, 0]])) == pytest.approx(0)
    assert mean_entropy(matrix([[0.5, 0.25]])) == pytest.approx(1.5)
    assert mean_entropy(matrix([[0, 0]])) == 0


def test_one_letter_is_all_there_is():
    assert diagonality(matrix([[1], [1]])) == 1
    assert mean_entropy(matrix([[1], [1]])) == 0


def test_entropy_by_hand():
    assert mean_entropy(matrix([[1, 0, 0, 0], [0.25] * 4])) == pytest.approx(1)
    assert mean_entropy(matrix([[0.5, 0.25, 0.25]])) == pytest.approx(1.5)


@pytest.mark.parametrize("measure", [diagonality, mean_entropy])
@pytest.mark.parametrize("weights", [np.zeros((0, 3)), np.full((1, 3), 0.5)], ids=["no cell", "too much"])
def test_what_are_no_weights_is_an_error(measure, weights):
    with pytest.raises(ValueError, match="weights"):
        measure(weights.astype(np.float32))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_between_the_bounds(rows, columns, seed):
    weights = np.random.default_rng(seed).dirichlet(np.ones(columns), rows).astype(np.float32)
    assert diagonality(weights) <= 1 + 1e-6
    assert -1e-6 <= mean_entropy(weights) <= np.log2(columns) + 1e-6
    turned = weights[::-1, ::-1]  # reading both from the end changes nothing
    assert diagonality(turned) == pytest.approx(diagonality(weights), abs=1e-5)


def at(step, written):
    nothing = np.zeros((1, 1, 1, 1), np.float32)
    return Moment(step, written, ("a",), ("A",), nothing, nothing[0, 0], nothing[0, 0])


@pytest.mark.parametrize(
    ("written", "since"),
    [("A A A", 0), ("B A A", 1), ("A B A", 2), ("A A B", None)],
)
def test_right_since(written, since):
    found = first_right([at(i, one) for i, one in enumerate(written.split())], "A")
    assert (found.step if found else None) == since


def test_a_log_is_read(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss,word_accuracy,phoneme_errors,seconds\n0,nan,0.0,1.0,0\n10,5.5,0.1,0.9,3\n")
    first, second = read_log(path)
    assert np.isnan(first.loss) and first.phoneme_errors == 1
    assert (second.step, second.loss, second.word_accuracy) == (10, 5.5, 0.1)
