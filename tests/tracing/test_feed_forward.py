"""The neurons' record beside the models' own feed-forward networks."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import attnviz
from attnviz.engine import Engine
from attnviz.errors import ModelUnsupported, SelectionError
from attnviz.models.architecture import FAMILIES
from attnviz.models.weights import LAYOUTS, find, weights
from attnviz.tracing import feed_forward as module
from attnviz.tracing.feed_forward import feed_forward

TEXT = "the cat sat on the other side"


def networks(model, stack):
    """The layers of a stack as the layout finds them, and their second matrices."""
    layout = LAYOUTS[model.architecture.model_type]
    base = getattr(model.module, model.module.base_model_prefix, model.module)
    return [find(layer, layout.feed_forward_out) for layer in find(base, layout.layers.format(stack=stack))]


@pytest.mark.parametrize("model_type", FAMILIES)
def test_activations_times_the_second_matrix_are_what_the_network_puts_out(load, model_type):
    """Caught independently: the outputs of the second matrices in a plain call, beside weights and record."""
    model = load(model_type)
    facts = model.architecture
    both = facts.kind == "encoder-decoder"
    trace = attnviz.trace(model, TEXT, target="the dog ran" if both else None)
    record = feed_forward(model, trace)
    assert record.stacks == (("encoder", "decoder") if both else (facts.kind,))
    outputs = {stack: [] for stack in record.stacks}
    handles = [
        matrix.register_forward_hook(
            lambda _, __, output, stack=stack: outputs[stack].append(output.detach())
        )
        for stack in record.stacks
        for matrix in dict.fromkeys(networks(model, stack))
    ]
    inputs = {"input_ids": torch.tensor([trace.tokens.ids])}
    if both:
        inputs["decoder_input_ids"] = torch.tensor([trace.target_tokens.ids])
    with torch.no_grad():
        model.module(**inputs)
    for handle in handles:
        handle.remove()
    found = weights(model.module, facts)
    for stack in record.stacks:
        layers = facts.encoder_layers if stack == "encoder" else facts.decoder_layers
        width = len(found.layers(stack)[0].feed_forward_out)
        assert record.activations[stack].shape == (layers, len(record.read_by(stack)), width)
        for layer, output in enumerate(outputs[stack]):
            own = found.layers(stack)[layer]
            written = record.layer(stack, layer) @ own.feed_forward_out
            if own.feed_forward_out_bias is not None:
                written = written + own.feed_forward_out_bias
            np.testing.assert_allclose(written, output.reshape(written.shape), rtol=1e-4, atol=1e-4)
    assert record.nbytes == sum(a.size * 4 for a in record.activations.values())


@pytest.mark.parametrize(
    ("model_type", "act"),
    [("llama", torch.nn.functional.silu), ("gpt2", None), ("bert", torch.nn.functional.gelu)],
)
def test_activations_are_the_activation_function_of_the_first_matrix(load, model_type, act):
    """From the record's own hidden states: the first network reads what attention left, through its norm."""
    model = load(model_type)
    act = act or (lambda x: torch.nn.functional.gelu(x, approximate="tanh"))
    trace = attnviz.trace(model, TEXT)
    record = feed_forward(model, trace)
    found = weights(model.module, model.architecture)
    stack, kind = record.stacks[0], trace.kinds[0]
    own = found.layers(stack)[0]
    heads = np.einsum("hqv,hvd->qd", trace.head_outputs(kind, 0), own.attention_output)
    stream = (
        trace.hidden_states[0]
        + heads
        + (0 if own.attention_output_bias is None else own.attention_output_bias)
    )
    read = own.attention_norm(stream) if model_type == "bert" else own.feed_forward_norm(stream)
    inner = read @ own.feed_forward_in.T + (
        0 if own.feed_forward_in_bias is None else own.feed_forward_in_bias
    )
    if own.feed_forward_gate is None:
        expected = act(torch.tensor(inner)).numpy()
    else:
        expected = act(torch.tensor(read @ own.feed_forward_gate.T)).numpy() * inner
    np.testing.assert_allclose(record.layer(stack, 0), expected, rtol=1e-3, atol=1e-4)


def test_a_pair_of_texts_and_edits_are_followed(load):
    pair = attnviz.trace(load("bert"), ("the cat", "the dog"))
    assert feed_forward(load("bert"), pair).layer("encoder", 0).shape[0] == len(pair.tokens)
    model = load("gpt2")
    plain = attnviz.trace(model, TEXT)
    edited = attnviz.trace(model, TEXT, edits=attnviz.Edits(ablate_heads=(("decoder", 1, 0),)))
    one, other = (feed_forward(model, t).activations["decoder"] for t in (plain, edited))
    np.testing.assert_array_equal(one[0], other[0])
    assert np.abs(one[1] - other[1]).max() > 1e-4


def test_an_ordinary_pass_beside_a_recorded_one_leaves_nothing(load):
    model = load("llama")
    trace = attnviz.trace(model, TEXT)
    expected = feed_forward(model, trace).activations["decoder"]
    with ThreadPoolExecutor(4) as pool:
        records = [pool.submit(feed_forward, model, trace) for _ in range(3)]
        others = [pool.submit(attnviz.trace, model, "the dog") for _ in range(3)]
    for one in records:
        np.testing.assert_array_equal(one.result().activations["decoder"], expected)
    assert all(len(one.result().tokens) for one in others)
    assert module._CAUGHT.get() is None
    assert all(len(matrix._forward_pre_hooks) == 1 for matrix in networks(model, "decoder"))


def test_the_record_is_frozen_and_checked(load):
    record = feed_forward(load("t5"), attnviz.trace(load("t5"), TEXT, target="the dog"))
    with pytest.raises(ValueError):
        record.activations["encoder"][0, 0, 0] = 1
    with pytest.raises(TypeError):
        record.activations["encoder"] = None
    for stack, layer in (("encoder", 3), ("decoder", -1)):
        with pytest.raises(SelectionError):
            record.layer(stack, layer)
    alone = feed_forward(load("gpt2"), attnviz.trace(load("gpt2"), "the"))
    with pytest.raises(SelectionError):
        alone.layer("encoder", 0)
    with pytest.raises(ValueError):
        type(record)("x", record.tokens, None, {"encoder": np.zeros((1, 99, 2), np.float32)})


def test_layers_that_do_not_report_are_an_error(load, monkeypatch):
    model = load("qwen2", seed=9)  # one that no hook listens to yet
    trace = attnviz.trace(model, TEXT)
    monkeypatch.setattr(module, "_catch", lambda *_: None)
    with pytest.raises(ModelUnsupported):
        feed_forward(model, trace)


def test_the_engine_keeps_one_record_a_text_within_its_bytes():
    engine = Engine()
    record = engine.feed_forward("sentence-transformers/all-MiniLM-L6-v2", "Hello there.")
    assert engine.has_feed_forward("sentence-transformers/all-MiniLM-L6-v2", "Hello there.")
    assert not engine.has_feed_forward("sentence-transformers/all-MiniLM-L6-v2", "Another.")
    assert engine.feed_forward("sentence-transformers/all-MiniLM-L6-v2", "Hello there.") is record
    engine.close()
