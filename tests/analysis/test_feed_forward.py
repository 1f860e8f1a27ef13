"""Neurons counted and read by hand, and beside torch and a real model's logits."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import attnviz
from attnviz.analysis import feed_forward as f
from attnviz.models.weights import weights
from attnviz.tracing.feed_forward import feed_forward
from attnviz.tracing.neurons import Neurons
from tests.tiny import save_tiny


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=20))
def test_activations_equal_torchs(values):
    x = np.array(values)
    for name, own in (
        ("ReLU", torch.nn.functional.relu),
        ("GELU", torch.nn.functional.gelu),
        ("SiLU", torch.nn.functional.silu),
    ):
        np.testing.assert_allclose(f.ACTIVATIONS[name](x), own(torch.tensor(x)).numpy(), rtol=1e-5, atol=1e-7)
    expected = torch.nn.functional.silu(torch.tensor(x)).numpy() * (x + 1)
    np.testing.assert_allclose(f.gated(x, x + 1), expected, rtol=1e-4, atol=1e-5)


def test_strongest_is_ranked_by_what_is_added():
    out = np.array([[3, 4], [0, 0.1], [1, 0]], np.float32)  # lengths 5, 0.1, 1
    fired = f.strongest(np.array([-1, 30, 4], np.float32), out, count=2)
    assert [(n.neuron, n.activation) for n in fired] == [(0, -1), (2, 4)]
    assert [n.added for n in fired] == pytest.approx([5, 4])
    layer = np.array([[0, 0, 9], [-1, 0, 0]], np.float32)
    assert f.busiest(layer, out) == (2, 0, 1)


def test_sparsity_by_hand():
    activations = np.array([[[4, 0, 0, 0], [1, 1, 1, 1]], [[-1, -3, 2, 0], [0, 0, 0, 0]]], np.float32)
    found = f.sparsity(activations)
    np.testing.assert_allclose(found.positive, [5 / 8, 1 / 8])
    np.testing.assert_allclose(found.zero, [3 / 8, 5 / 8])
    np.testing.assert_allclose(found.half, [(1 + 2) / 2, (1 + 0) / 2])


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 30), st.integers(0, 9))
def test_half_of_the_sum_never_needs_more_than_half_of_the_neurons(layers, tokens, neurons, seed):
    activations = np.random.default_rng(seed).normal(size=(layers, tokens, neurons)).astype(np.float32)
    found = f.sparsity(activations)
    assert (found.half >= 1).all() and (found.half <= (neurons + 1) // 2).all()
    assert ((found.positive >= 0) & (found.positive <= 1)).all()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Tiny models as a user would load them."""
    made = {}

    def load(model_type):
        if model_type not in made:
            made[model_type] = attnviz.load(save_tiny(tmp_path_factory.mktemp(model_type), model_type))
        return made[model_type]

    return load


def test_the_peak_is_the_largest_of_all(tiny):
    model = tiny("gpt2")
    trace = attnviz.trace(model, "the cat sat")
    record, found = feed_forward(model, trace), weights(model.module, model.architecture)
    best = f.peak(record, found, "decoder")
    everything = np.stack(
        [
            np.abs(a) * np.linalg.norm(w.feed_forward_out, axis=1)
            for a, w in zip(record.activations["decoder"], found.decoder, strict=True)
        ]
    )
    assert everything[best.layer, best.token, best.neuron] == pytest.approx(everything.max(), rel=1e-5)
    assert best.added == pytest.approx(float(everything.max()), rel=1e-5)
    assert best.activation == pytest.approx(
        float(record.layer("decoder", best.layer)[best.token, best.neuron])
    )


@pytest.mark.parametrize("model_type", ["llama", "gpt2", "gemma2", "opt"])
def test_what_is_promoted_is_the_change_of_the_models_own_logits(tiny, model_type):
    """A nudge along a neuron's vector in the last layer moves the real logits by its promotion, up to the norm's size.

    The final norm divides by the size of the stream, which a small nudge hardly changes across it: logits and promotion
    are compared by their correlation over the vocabulary, with what the nudge does along the stream taken out.
    """
    model = tiny(model_type)
    trace = attnviz.trace(model, "the cat sat on the mat")
    found = weights(model.module, model.architecture)
    layer, neuron = model.architecture.decoder_layers - 1, 5
    vector = f.direction(found, "decoder", layer, neuron)
    promoted = f.promotes(found, "decoder", layer, neuron, count=3)
    logits = found.unembedding @ vector
    assert [i for i, _ in promoted.up] == np.argsort(-logits)[:3].tolist()
    assert [i for i, _ in promoted.down] == np.argsort(logits)[:3].tolist()
    assert promoted.up[0][1] == pytest.approx(float(logits.max()), rel=1e-5)
    assert promoted.down[0][1] == pytest.approx(float(logits.min()), rel=1e-5)
    own = found.decoder[layer]
    raw = own.feed_forward_out[neuron].copy()
    if own.feed_forward_output_norm is not None:
        raw = raw * own.feed_forward_output_norm.weight
    norm = found.decoder_final_norm
    stream = np.random.default_rng(0).normal(size=len(raw)).astype(np.float32) * 10
    across = raw - stream * (raw @ stream) / (stream @ stream)
    if norm.kind == "LayerNorm":
        centred = stream - stream.mean()
        across = raw - centred * (raw @ centred) / (centred @ centred)
    moved = found.unembedding @ (norm(stream + 1e-2 * across) - norm(stream - 1e-2 * across))
    expected = found.unembedding @ ((across - across.mean() * (norm.kind == "LayerNorm")) * norm.weight)
    assert np.corrcoef(moved, expected)[0, 1] > 0.999
    assert trace.logits.shape[1] == len(logits)


def test_encoders_promote_nothing(tiny):
    for model_type in ("bert", "t5"):
        found = weights(tiny(model_type).module, tiny(model_type).architecture)
        assert f.promotes(found, "encoder", 0, 0) is None


def test_records_need_tokens_of_their_length(tiny):
    tokens = attnviz.trace(tiny("gpt2"), "the cat").tokens
    with pytest.raises(ValueError):
        Neurons("x", tokens, None, {"decoder": np.zeros((1, 99, 4), np.float32)})
