"""What attention reads, against hooks on the model's own matrices, and against sums over the decoder layer."""

import threading

import numpy as np
import pytest

import attnviz
from attnviz.models.weights import weights
from attnviz.tracing.inputs import attention_input, cross_queries
from tests.tiny import save_tiny

TEXT = "the cat sat on the mat"
_READERS = (  # the matrix that makes queries, or all three, in each family
    *("self.query", "self_attn.q_proj", "attention.q_lin", "SelfAttention.q", "attn.c_attn", "attn.Wqkv"),
    *("attention.query_key_value", "self_attn.qkv_proj", "attention.query"),
)


@pytest.mark.parametrize("model_type", ["bert", "gemma2", "gpt2", "modernbert", "olmo2", "t5"])
def test_x_is_what_the_matrices_of_the_model_read(model_type, tmp_path):
    model = attnviz.load(save_tiny(tmp_path, model_type))
    seen = []
    hooks = [
        module.register_forward_pre_hook(
            lambda _, inputs, path=path: seen.append((path, inputs[0].numpy().copy()))
        )
        for path, module in model.module.named_modules()
        if path.endswith(_READERS)
    ]
    target = "the dog" if model.architecture.kind == "encoder-decoder" else None
    trace = attnviz.trace(model, TEXT, target=target)
    for hook in hooks:
        hook.remove()
    for kind in trace.kinds:
        if kind == "cross":
            continue
        read = [
            x for path, x in seen if model.architecture.kind != "encoder-decoder" or kind in path.split(".")
        ]
        assert len(read) == trace.layers(kind)
        for layer, expected in enumerate(read):
            x, same = attention_input(model, trace, kind, layer)
            assert x is same
            found = expected.reshape(x.shape)
            np.testing.assert_allclose(x, found, atol=1e-5 * max(1, float(np.abs(found).max())))


@pytest.mark.parametrize("model_type", ["bart", "t5", "mbart"])
def test_queries_of_cross_attention_come_from_the_middle_of_the_layer(model_type, tmp_path):
    """The stream, what the heads of self-attention add to it, and the norm where the family puts it."""
    model = attnviz.load(save_tiny(tmp_path, model_type))
    trace = attnviz.trace(model, TEXT, target="the dog ran")
    for layer in range(trace.layers("cross")):
        parts = weights(model.module, model.architecture).decoder[layer]
        added = np.einsum("hqd,hdm->qm", trace.head_outputs("decoder", layer), parts.attention_output)
        middle = trace.hidden_states[layer] + added
        if parts.attention_output_bias is not None:
            middle = middle + parts.attention_output_bias
        norm = parts.attention_norm if model.architecture.norm_placement == "after" else parts.cross_norm
        asking, answering = attention_input(model, trace, "cross", layer)
        np.testing.assert_allclose(asking, norm(middle), atol=2e-5)
        np.testing.assert_array_equal(answering, trace.source_hidden_states[-1])


def test_two_at_once_do_not_read_each_other(tmp_path):
    model = attnviz.load(save_tiny(tmp_path, "t5"))
    traces = [attnviz.trace(model, text, target=text) for text in ("the cat", "the dog ran to the street")]
    alone = [cross_queries(model, trace) for trace in traces]
    together = [None, None]

    def run(i):
        for _ in range(5):
            together[i] = cross_queries(model, traces[i])
            assert len(together[i]) == 2

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
