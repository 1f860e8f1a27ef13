"""The parameters that analysis uses, against what the model's own modules compute with them."""

import numpy as np
import pytest
import torch
from transformers.activations import ACT2FN

from attnviz.models.architecture import FAMILIES
from attnviz.models.weights import LAYOUTS, find, weights
from attnviz.tracing.attention import Pass, forward_pass, register
from tests.tiny import tiny_model

IDS = torch.tensor([[5, 17, 6, 250, 41]])
TARGET = torch.tensor([[2, 8, 30]])


def observed(model_type):
    """The weights, the calls of a pass, and input and output of every module in it by path."""
    model = tiny_model(model_type)
    facts = register(model)
    seen = {}

    def watch(path):
        def keep(module, inputs, output):
            seen.setdefault(path, (inputs, output))

        return keep

    handles = [module.register_forward_hook(watch(path)) for path, module in model.named_modules()]
    inputs = {"input_ids": IDS} | ({"decoder_input_ids": TARGET} if facts.kind == "encoder-decoder" else {})
    with torch.no_grad(), forward_pass(Pass(facts, records=True)) as current:
        output = model(**inputs)
    for handle in handles:
        handle.remove()
    return model, facts, weights(model, facts), current.calls, seen, output


def path_of(model, module):
    return next(path for path, candidate in model.named_modules() if candidate is module)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_heads_through_the_output_projection_sum_to_the_attention_output(model_type):
    model, _, record, calls, seen, _ = observed(model_type)
    layout, base = LAYOUTS[model_type], getattr(model, model.base_model_prefix, model)
    for call in calls:
        if call.layer:
            continue
        stack = "encoder" if call.kind == "encoder" else "decoder"
        layer = record.layers(stack)[0]
        cross = call.kind == "cross"
        projection = layer.cross_output if cross else layer.attention_output
        bias = layer.cross_output_bias if cross else layer.attention_output_bias
        total = np.einsum("hqd,hdm->qm", call.outputs(), projection) + (0 if bias is None else bias)
        module = find(
            find(base, layout.layers.format(stack=stack))[0],
            layout.cross_output if cross else layout.attention_output,
        )
        expected = seen[path_of(model, module)][1][0]
        np.testing.assert_allclose(total, expected, atol=2e-5 * max(1, float(expected.abs().max())))


@pytest.mark.parametrize("model_type", FAMILIES)
def test_feed_forward_from_its_parts(model_type):
    model, facts, record, _, seen, _ = observed(model_type)
    layout, base = LAYOUTS[model_type], getattr(model, model.base_model_prefix, model)
    config = model.config
    names = ("dense_act_fn", "hidden_act", "hidden_activation", "activation_function", "activation")
    activation = ACT2FN[next(getattr(config, n) for n in names if getattr(config, n, None))]
    for stack, count in (("encoder", facts.encoder_layers), ("decoder", facts.decoder_layers)):
        if not count:
            continue
        assert len(record.layers(stack)) == count
        parts = record.layers(stack)[0]
        layer = find(base, layout.layers.format(stack=stack))[0]
        first = find(layer, layout.feed_forward_fused or layout.feed_forward_in)
        x = seen[path_of(model, first)][0][0].reshape(-1, facts.d_model).numpy()
        inner = x @ parts.feed_forward_in.T + (
            0 if parts.feed_forward_in_bias is None else parts.feed_forward_in_bias
        )
        assert (parts.feed_forward_gate is not None) == facts.gated
        if parts.feed_forward_gate is not None:
            gate = x @ parts.feed_forward_gate.T
            inner = activation(torch.tensor(gate)).numpy() * inner
        else:
            inner = activation(torch.tensor(inner)).numpy()
        outer = inner @ parts.feed_forward_out + (
            0 if parts.feed_forward_out_bias is None else parts.feed_forward_out_bias
        )
        expected = seen[path_of(model, find(layer, layout.feed_forward_out))][1].reshape(-1, facts.d_model)
        np.testing.assert_allclose(outer, expected, atol=2e-5 * max(1, float(expected.abs().max())))


@pytest.mark.parametrize("model_type", FAMILIES)
def test_norms_equal_the_modules_and_stand_where_the_architecture_says(model_type):
    model, facts, record, _, seen, _ = observed(model_type)
    layout, base = LAYOUTS[model_type], getattr(model, model.base_model_prefix, model)
    stack = "decoder" if facts.decoder_layers else "encoder"
    layer = find(base, layout.layers.format(stack=stack))[-1]
    parts = record.layers(stack)[-1]
    checked = 0
    for name in ("attention_norm", "feed_forward_norm", "attention_output_norm", "feed_forward_output_norm"):
        norm, module = getattr(parts, name), find(layer, getattr(layout, name))
        if norm is None:
            continue
        inputs, output = seen[path_of(model, module)]
        np.testing.assert_allclose(
            norm(inputs[0].numpy()), output, atol=1e-5 * max(1, float(output.abs().max()))
        )
        assert norm.kind == facts.norm
        checked += 1
    assert checked == {"before": 2, "after": 2, "both": 4, "output": 2}[facts.norm_placement]
    final = record.decoder_final_norm if stack == "decoder" else record.encoder_final_norm
    assert (final is None) == (facts.norm_placement == "after")


@pytest.mark.parametrize("model_type", [t for t, f in FAMILIES.items() if f.kind != "encoder"])
def test_the_unembedding_gives_the_logits(model_type):
    model, _, record, _, seen, output = observed(model_type)
    inputs, head_output = seen[path_of(model, model.get_output_embeddings())]
    logits = inputs[0][0].numpy() @ record.unembedding.T
    if model_type in ("bart", "mbart", "marian", "pegasus", "phi") and record.unembedding_bias is not None:
        logits = logits + record.unembedding_bias
        head_output = output.logits
    np.testing.assert_allclose(logits, head_output[0], atol=2e-5 * max(1, float(head_output.abs().max())))


def test_weights_are_views_that_nobody_can_write_to():
    model, _, record, *_ = observed("gpt2")
    assert np.shares_memory(record.embedding, model.transformer.wte.weight.detach().numpy())
    assert np.shares_memory(
        record.decoder[1].attention_output, model.transformer.h[1].attn.c_proj.weight.detach().numpy()
    )
    with pytest.raises(ValueError):
        record.embedding[0] = 1
