import numpy as np
import pytest

from attnviz.analysis.recurrence import gradient_norms, layer_costs


def test_table_1_of_the_paper():
    attention, recurrent, convolution, restricted = layer_costs(n=64, d=512, kernel=4, neighbourhood=16)
    assert (attention.operations, attention.sequential, attention.path) == (64 * 64 * 512, 1, 1)
    assert (recurrent.operations, recurrent.sequential, recurrent.path) == (64 * 512**2, 64, 64)
    assert (convolution.operations, convolution.sequential, convolution.path) == (4 * 64 * 512**2, 1, 3)
    assert (restricted.operations, restricted.sequential, restricted.path) == (16 * 64 * 512, 1, 4)


@pytest.mark.parametrize(
    ("n", "kernel", "layers"), [(1, 2, 1), (2, 2, 1), (3, 2, 2), (4096, 2, 12), (82, 3, 5), (81, 3, 4)]
)
def test_layers_of_a_dilated_convolution(n, kernel, layers):
    assert layer_costs(n, 8, kernel, 4)[2].path == layers


def test_restricted_attention_sees_no_more_than_there_is():
    assert layer_costs(5, 8, 3, 100)[3].path == 1


def test_bad_numbers():
    for wrong in ((0, 1, 2, 1), (1, 0, 2, 1), (1, 1, 1, 1), (1, 1, 2, 0)):
        with pytest.raises(ValueError):
            layer_costs(*wrong)


@pytest.mark.parametrize("radius", [0.5, 0.9, 1.0, 1.1, 1.5])
def test_the_gradient_changes_by_the_radius_a_step_in_the_long_run(radius):
    norms = gradient_norms(radius, 80).astype(float)
    assert norms[0] == 1
    assert len(norms) == 81
    rate = (norms[80] / norms[40]) ** (1 / 40)
    assert rate == pytest.approx(radius, rel=0.03)


def test_vanishing_and_exploding_stay_numbers():
    assert gradient_norms(0.1, 400)[-1] == 0
    assert np.isposinf(gradient_norms(1.5, 4000)[-1])
    assert gradient_norms(0.0, 3).tolist() == [1, 0, 0, 0]


def test_one_step_equals_the_matrix_itself():
    """Independent of the loop: the norm after two steps is that of the squared matrix on the same vector."""
    generator = np.random.default_rng(7)
    matrix = generator.normal(0, 1, (16, 16)) / 4
    matrix *= 0.8 / np.abs(np.linalg.eigvals(matrix)).max()
    vector = generator.normal(0, 1, 16)
    vector /= np.linalg.norm(vector)
    np.testing.assert_allclose(
        gradient_norms(0.8, 2, width=16, seed=7)[1:],
        [np.linalg.norm(matrix.T @ vector), np.linalg.norm(matrix.T @ matrix.T @ vector)],
        rtol=1e-5,
    )
