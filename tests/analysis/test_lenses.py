"""Lenses, against inputs solved by hand, brute force, and the model's own modules."""

import numpy as np
import pytest
import torch

import attnviz
from attnviz.analysis.attention_view import attention_view
from attnviz.analysis.lenses import RolledOut, ValueWeighted, carried_norms, rollout, value_weighted
from attnviz.errors import SelectionError
from attnviz.models.outputs import output_projections
from attnviz.models.weights import weights
from attnviz.tracing.trace import AttentionCall
from attnviz.viewer.packing import blocks
from tests.tiny import save_tiny


def call(scores, values, heads=1):
    """A layer whose scores are given: queries are rows of the scores, keys are one-hot."""
    keys = scores.shape[-1]
    return AttentionCall(
        "encoder", 0, scores, np.eye(keys, dtype=np.float32)[None].repeat(heads, 0), values, 1.0
    )


def test_a_weight_counts_as_much_as_its_value_is_long():
    scores = np.log(np.array([[[0.5, 0.25, 0.25]]], np.float32))
    values = np.array([[[0, 0], [3, 4], [0, 1]]], np.float32)  # lengths 0, 5, 1
    one = call(scores, values)
    output = 2 * np.eye(2, dtype=np.float32)[None]
    np.testing.assert_allclose(carried_norms(one, output), [[0, 10, 2]])
    np.testing.assert_allclose(value_weighted(one, output), [[[0, 5 / 6, 1 / 6]]], rtol=1e-6)
    np.testing.assert_array_equal(value_weighted(call(scores, 0 * values), output), np.zeros((1, 1, 3)))
    with pytest.raises(ValueError, match="does not fit"):
        carried_norms(one, output[:, :1])


@pytest.mark.parametrize("family", ["bert", "llama"])  # llama: heads that share keys and values
def test_value_weights_against_the_models_own_modules(family, tmp_path):
    model = attnviz.load(save_tiny(tmp_path, family))
    trace = attnviz.trace(model, "the cat sat on the mat")
    kind = trace.kinds[0]
    found = weights(model.module, model.architecture).layers(kind)[1]
    base = getattr(model.module, model.module.base_model_prefix, model.module)
    layers = base.encoder.layer if family == "bert" else base.layers
    dense = layers[1].attention.output.dense if family == "bert" else layers[1].self_attn.o_proj
    one = trace.call(kind, 1)
    d_head = one.value.shape[2]
    for head in range(one.heads):
        for key in range(one.value.shape[1]):
            alone = torch.zeros(dense.in_features)
            alone[head * d_head : (head + 1) * d_head] = torch.tensor(
                one.value[head // one.group, key].copy()
            )
            with torch.no_grad():
                length = (dense.weight @ alone).norm().item()
            assert carried_norms(one, found.attention_output)[head, key] == pytest.approx(length, rel=1e-4)
    lens = ValueWeighted(trace, output_projections(model))
    np.testing.assert_allclose(lens.weights(kind, 0).sum(-1), 1, atol=1e-5)
    with pytest.raises(SelectionError):
        ValueWeighted(trace, {}).weights(kind, 0)


def test_rollout_by_hand():
    swap = np.array([[[0, 1], [1, 0]]], np.float32)
    first = np.array([[[1, 0], [1, 0]], [[1, 0], [0, 1]]], np.float32)  # their mean: 1 0 / .5 .5
    found = rollout([swap, first])
    np.testing.assert_allclose(found[0], [[0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(found[1], [[0.5, 0.5], [0.5, 0.5]])
    alone = rollout([first])
    np.testing.assert_allclose(alone[0], [[1, 0], [0.25, 0.75]])
    with pytest.raises(ValueError, match="self-attention"):
        rollout([np.ones((1, 2, 3), np.float32)])


def test_rollout_is_the_sum_over_all_paths():
    """Brute force: every path of tokens through three layers, each step by attention or staying where one is."""
    rng = np.random.default_rng(1)
    layers = [rng.dirichlet(np.ones(3), size=(2, 3)).astype(np.float32) for _ in range(3)]
    steps = [0.5 * layer.mean(0) + 0.5 * np.eye(3) for layer in layers]
    expected = np.zeros((3, 3))
    for top in range(3):
        for middle in range(3):
            for low in range(3):
                for source in range(3):
                    expected[top, source] += (
                        steps[2][top, middle] * steps[1][middle, low] * steps[0][low, source]
                    )
    found = rollout(layers)
    np.testing.assert_allclose(found[2], expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)


def test_a_lens_is_drawn_as_a_trace_is(tmp_path):
    model = attnviz.load(save_tiny(tmp_path, "t5"))
    trace = attnviz.trace(model, "the cat sat on the mat", target="the dog ran")
    rolled = RolledOut(trace)
    assert [block.weights.shape[:2] for block in blocks(rolled)] == [(3, 1), (2, 1), (2, 1)]
    assert blocks(rolled)[1].causal
    view = attention_view(rolled, "encoder", 2, 3, hide_first=True)
    assert view.weights.shape == (len(trace.tokens) - 1,) * 2
    np.testing.assert_allclose(rolled.weights("cross", 1, 0), trace.weights("cross", 1).mean(0), atol=1e-6)
