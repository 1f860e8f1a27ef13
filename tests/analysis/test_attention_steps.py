"""The steps of a head against the trace, against the model's own matrices, and against sums done by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attnviz
from attnviz.analysis.attention_steps import attention_steps, softmax, steps, toy_attention
from attnviz.errors import SelectionError
from attnviz.models.architecture import FAMILIES
from attnviz.models.catalog import catalog
from attnviz.models.projections import projections
from attnviz.models.spelling import spells
from attnviz.tracing.inputs import attention_input
from tests.tiny import save_tiny

TEXT = "the cat sat on the mat and the dog ran"
_TURNED = ("rotary",)
_SCALED_IN_PLACE = ("opt",)  # multiplies its queries by the scaling before they reach the attention function


def every_head(model, trace):
    """Kind, layer, inputs, of all layers of a trace."""
    for kind in trace.kinds:
        for layer in range(trace.layers(kind)):
            yield kind, layer, *attention_input(model, trace, kind, layer)


def check(model, trace):
    for kind, layer, asking, answering in every_head(model, trace):
        for head in range(trace.heads(kind)):
            found = attention_steps(trace, kind, layer, head, asking, answering)
            np.testing.assert_allclose(found.weights, trace.weights(kind, layer, head), atol=1e-5)
            np.testing.assert_allclose(
                found.output, trace.head_outputs(kind, layer, head), atol=2e-5 * size(found.value)
            )
            np.testing.assert_array_equal(found.allowed, np.isfinite(trace.scores(kind, layer, head)))
            np.testing.assert_allclose(
                found.scores, trace.scores(kind, layer, head), atol=1e-4 * size(found.products)
            )
        made = projections(model, kind, layer)
        call = trace.call(kind, layer)
        close(made.value(answering), call.value)
        if model.architecture.positions not in _TURNED:
            close(made.key(answering), call.key)
            if model.architecture.model_type not in _SCALED_IN_PLACE:
                close(made.query(asking), call.query)


def size(values):
    return max(1.0, float(np.abs(values).max()))


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=1e-5 * size(expected))


@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_family_step_by_step(model_type, tmp_path):
    """Weights from the steps equal the trace's, and x through the model's matrices gives the recorded vectors."""
    model = attnviz.load(save_tiny(tmp_path, model_type))
    target = "the dog" if model.architecture.kind == "encoder-decoder" else None
    check(model, attnviz.trace(model, TEXT, target=target))


@pytest.mark.parametrize("model_id", [entry.id for entry in catalog() if entry.bundled])
def test_every_bundled_model_step_by_step(model_id):
    model = attnviz.load(model_id)
    check(
        model,
        attnviz.trace(model, "knight" if spells(model_id) else "The keys to the cabinet are on the table."),
    )


def test_turning_by_position_leaves_lengths_as_they_are():
    model = attnviz.load("HuggingFaceTB/SmolLM2-135M-Instruct")
    trace = attnviz.trace(model, "The keys are here.")
    x, _ = attention_input(model, trace, "decoder", 4)
    made = projections(model, "decoder", 4).query(x)
    turned = trace.call("decoder", 4).query
    np.testing.assert_allclose(np.linalg.norm(made, axis=-1), np.linalg.norm(turned, axis=-1), rtol=1e-4)
    np.testing.assert_allclose(made[:, 0], turned[:, 0], atol=1e-4)  # position 0 turns by nothing
    assert np.abs(made[:, 1:] - turned[:, 1:]).max() > 0.1


def test_by_hand():
    """Two tokens whose dot products are 2 and 0, scaled by a half: weights e / (e + 1) and 1 / (e + 1)."""
    found = steps(
        asking=np.eye(2),
        answering=np.eye(2),
        query=np.array([[2.0, 0], [0, 0]]),
        key=np.eye(2),
        value=np.array([[10.0], [20]]),
        scaling=0.5,
        bias=np.array([[0, 0], [0, np.finfo(np.float32).min]]),
    )
    np.testing.assert_array_equal(found.products, [[2, 0], [0, 0]])
    np.testing.assert_array_equal(found.scaled, [[1, 0], [0, 0]])
    np.testing.assert_array_equal(found.scores, [[1, 0], [0, -np.inf]])
    share = np.e / (np.e + 1)
    np.testing.assert_allclose(found.weights, [[share, 1 - share], [1, 0]], rtol=1e-6)
    np.testing.assert_allclose(found.output, [[10 * share + 20 * (1 - share)], [10]], rtol=1e-6)
    np.testing.assert_allclose(found.carried(0), [[10 * share], [20 * (1 - share)]], rtol=1e-6)
    assert found.masks and not found.has_bias


def test_a_soft_cap_and_a_bias_come_after_the_scaling():
    found = steps(
        asking=np.ones((1, 1)),
        answering=np.ones((2, 1)),
        query=np.array([[4.0]]),
        key=np.array([[1.0], [3.0]]),
        value=np.ones((2, 1)),
        scaling=0.5,
        softcap=3.0,
        bias=np.array([[0.0, -1.5]]),
    )
    np.testing.assert_allclose(found.scaled, 3 * np.tanh(np.array([[2, 6]]) / 3), rtol=1e-6)
    np.testing.assert_allclose(found.scores, found.scaled + np.array([0, -1.5]), rtol=1e-6)
    assert found.has_bias and not found.masks


def test_nobody_can_change_the_numbers():
    with pytest.raises(ValueError):
        toy_attention(2, 2, 2).weights[0, 0] = 1


@given(st.integers(1, 8), st.integers(1, 16), st.integers(1, 16), st.integers(0, 99), st.booleans())
def test_a_toy_has_the_shapes_it_was_asked_for(tokens, d_model, d_head, seed, causal):
    toy = toy_attention(tokens, d_model, d_head, seed, causal=causal)
    assert toy.asking.shape == (tokens, d_model)
    assert toy.query.shape == toy.key.shape == toy.value.shape == toy.output.shape == (tokens, d_head)
    np.testing.assert_allclose(toy.weights.sum(axis=1), 1, atol=1e-6)
    assert causal is False or not np.triu(toy.weights, 1).any()
    np.testing.assert_allclose(toy.carried(0).sum(axis=0), toy.output[0], atol=1e-5)


def test_softmax_of_nothing_is_nothing_and_large_scores_do_not_overflow():
    np.testing.assert_array_equal(softmax(np.full((1, 3), -np.inf)), np.zeros((1, 3)))
    np.testing.assert_allclose(softmax(np.array([1000.0, 1000, -1000])), [0.5, 0.5, 0])


def test_a_head_that_is_not_there():
    model = attnviz.load("sentence-transformers/all-MiniLM-L6-v2")
    trace = attnviz.trace(model, "a b")
    x, _ = attention_input(model, trace, "encoder", 0)
    with pytest.raises(SelectionError, match="no head 12"):
        attention_steps(trace, "encoder", 0, 12, x, x)
