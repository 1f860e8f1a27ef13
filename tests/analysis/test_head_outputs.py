"""The heads' outputs through the output projection, against the model's own layer and by hand."""

import numpy as np
import pytest
import torch

import attnviz
from attnviz.analysis.head_outputs import head_outputs
from attnviz.models.weights import weights


@pytest.mark.parametrize(
    ("model_id", "kind", "stack", "path"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", "encoder", "encoder", "layer.2.attention.output.dense"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "decoder", "decoder", "layers.2.self_attn.o_proj"),
        ("attnviz/translate-en-pt", "cross", "decoder", "decoder.layers.1.encoder_attn.out_proj"),
    ],
)
def test_side_by_side_is_what_the_projection_reads_and_projected_what_it_writes(model_id, kind, stack, path):
    model = attnviz.load(model_id)
    layer = int(path.partition(".encoder_attn")[0].rpartition(".")[2]) if kind == "cross" else 2
    seen = []
    module = next(m for name, m in model.module.named_modules() if name.endswith(path))
    text = "The keys to the cabinet."
    target = "As chaves." if kind == "cross" else None
    hook = module.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    with torch.no_grad():
        trace = attnviz.trace(model, text, target=target)
    hook.remove()
    read, written = (t[0].numpy() for t in seen[-1])
    parts = weights(model.module, model.architecture).layers(stack)[layer]
    matrix = parts.cross_output if kind == "cross" else parts.attention_output
    bias = parts.cross_output_bias if kind == "cross" else parts.attention_output_bias
    found = head_outputs(trace, kind, layer, matrix, bias)
    np.testing.assert_allclose(found.side_by_side, read.reshape(found.side_by_side.shape), atol=1e-5)
    np.testing.assert_allclose(found.projected, written, atol=2e-5 * max(1, float(np.abs(written).max())))
    assert found.lengths.shape == (trace.heads(kind), len(trace.query_tokens(kind)))
    first = trace.head_outputs(kind, layer, 0) @ matrix[0]
    np.testing.assert_allclose(found.lengths[0], np.linalg.norm(first, axis=1), rtol=1e-4)


def test_the_heads_stand_in_their_order():
    model = attnviz.load("sentence-transformers/all-MiniLM-L6-v2")
    trace = attnviz.trace(model, "one two")
    ones = np.zeros((12, 32, 384), np.float32)
    ones[5, 0, 7] = 2  # only the first number of head 5 reaches number 7 of the stream, twice as large
    found = head_outputs(trace, "encoder", 1, ones, np.full(384, 0.5, np.float32))
    expected = np.full_like(found.projected, 0.5)
    expected[:, 7] += 2 * trace.head_outputs("encoder", 1, 5)[:, 0]
    np.testing.assert_allclose(found.projected, expected, rtol=1e-6)
    np.testing.assert_array_equal(found.side_by_side[:, 5 * 32], trace.head_outputs("encoder", 1, 5)[:, 0])
    assert int(found.mean_lengths.argmax()) == 5
