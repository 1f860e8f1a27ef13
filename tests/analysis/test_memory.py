import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from attnviz.analysis.memory import (
    BITS,
    cache_bytes,
    forward_flops,
    key_value_bytes,
    key_value_bytes_per_token,
    token_flops,
    training_flops,
    weight_bytes,
)
from attnviz.models.architecture import FAMILIES, architecture
from attnviz.models.parameters import count_parameters
from tests.tiny import SETTINGS, tiny_model

TWO_STACKS = [name for name in SETTINGS if FAMILIES[name].kind == "encoder-decoder"]


def test_weights_of_llama_2_7b():
    """Its published weight index (model.safetensors.index.json) gives 13,476,835,328 bytes in float16, of
    which 4,096
    are 32 copies of a table of 64 rotary frequencies that is no parameter."""
    assert weight_bytes(6_738_415_616, "float16") + 32 * 64 * 2 == 13_476_835_328


def test_weights_by_type():
    assert [weight_bytes(1000, dtype) for dtype in BITS] == [4000, 2000, 2000, 1000, 500]
    assert weight_bytes(3, "int4") == 2  # half a byte too many rather than too few
    assert weight_bytes(0, "float32") == 0


def test_cache_of_opt_13b():
    """Kwon et al. 2023 (vLLM), section 3: 2 × 5120 × 40 layers × 2 bytes = 800 KB a token, 1.6 GB for 2048
    tokens."""
    per_token = key_value_bytes_per_token(layers=40, key_value_heads=40, d_head=128, dtype="float16")
    assert per_token == 2 * 5120 * 40 * 2 == 800 * 1024
    assert key_value_bytes(2048, [None] * 40, 40, 128) == 2048 * per_token == pytest.approx(1.6e9, rel=0.05)


def test_cache_of_llama_2_7b():
    """NVIDIA, "Mastering LLM Techniques: Inference Optimization" (2023): 4096 tokens in 16 bits take about 2
    GB."""
    assert key_value_bytes(4096, [None] * 32, 32, 128) == 2 * 1024**3


def test_grouped_queries_divide_the_cache():
    """Llama 3 8B has 8 key and value heads for 32 query heads: a quarter of what it would take without."""
    assert key_value_bytes_per_token(32, 8, 128) * 4 == key_value_bytes_per_token(32, 32, 128)
    assert key_value_bytes_per_token(32, 8, 128) == 128 * 1024


def test_sliding_window_of_mistral_7b():
    """Jiang et al. 2023, section 2: at 32k tokens the window of 4096 reduces the cache by 8."""
    model = count_parameters("mistralai/Mistral-7B-v0.1").architecture
    assert model is not None and set(model.windows) == {4096}
    cut = key_value_bytes(32_768, model.windows, model.decoder_key_value_heads, model.d_head)
    assert cut * 8 == key_value_bytes(32_768, [None] * 32, model.decoder_key_value_heads, model.d_head)


def test_alternating_windows_of_gemma_2():
    """Gemma Team 2024, section 2: every other layer sees 4096 tokens, the others all 8192: 3/4 of a full
    cache."""
    model = count_parameters("google/gemma-2-2b").architecture
    assert model is not None and model.windows.count(4096) == model.windows.count(None) == 13
    cut = key_value_bytes(8192, model.windows, model.decoder_key_value_heads, model.d_head)
    assert cut * 4 == 3 * key_value_bytes(8192, [None] * 26, model.decoder_key_value_heads, model.d_head)


@given(st.integers(0, 10_000), st.lists(st.one_of(st.none(), st.integers(1, 5000)), min_size=1, max_size=9))
def test_cache_grows_until_the_windows_are_full(length, windows):
    now, after = (key_value_bytes(n, windows, 2, 4) for n in (length, length + 1))
    growing = sum(window is None or length < window for window in windows)
    assert after - now == growing * 2 * 2 * 4 * 2


def test_forward_pass_of_gpt_3():
    """Brown et al. 2020, table D.1: 174,600M parameters and 300B tokens take 3.14e23 operations, 6 a
    parameter."""
    assert training_flops(174_600_000_000, 300_000_000_000) == pytest.approx(3.14e23, rel=2e-3)
    assert forward_flops(174_600_000_000, [], 0, 0).total * 3 == training_flops(174_600_000_000, 1)


def test_attention_term_is_twice_the_published_average():
    """Kaplan et al. 2020, table 1: 2 · n_layer · n_ctx · d_attn, which is the average over a causal text; at its end
    twice that (up to the half step between n/2 and (n + 1)/2)."""
    layers, width, n = 12, 768, 1024
    mean = sum(forward_flops(0, [None] * layers, width, i + 1).attention for i in range(n)) / n
    assert mean == pytest.approx(2 * layers * n * width, rel=2e-3)
    assert forward_flops(0, [None] * layers, width, n).attention == 4 * layers * n * width


def test_windows_bound_the_attention_term():
    assert forward_flops(0, [3, None], 10, 100).attention == 4 * 10 * (3 + 100)
    assert forward_flops(0, [3], 10, 100, both_sides=True).attention == 4 * 10 * 7
    assert forward_flops(0, [3], 10, 2).attention == 4 * 10 * 2


@pytest.mark.parametrize("model_type", [name for name in SETTINGS if name not in TWO_STACKS])
def test_operations_equal_those_that_pytorch_counts(model_type):
    """Eager attention computes all n × n scores, windows or not, so each of n tokens costs as if it saw all
    n."""
    n = 11
    model = tiny_model(model_type, head=False, attn_implementation="eager")
    count, shape = count_parameters(model), architecture(model.config)
    kind = shape.kinds[0]
    flops = forward_flops(
        count.matrices[kind], [None] * shape.layers(kind), shape.heads(kind) * shape.d_head, n
    )
    assert set(shape.windows) != {None} or token_flops(count, n) == {kind: flops}
    pooler = sum(2 * part.count for part in count.parts if part.component == "pooler" and len(part.shape) > 1)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.arange(3, 3 + n)[None])
    # the angles of rotary positions are a matrix product too
    rotary = 2 * shape.d_head // 2 * n if shape.positions == "rotary" else 0
    surplus = counter.get_total_flops() - n * flops.total - pooler
    assert surplus in {0, rotary} or (0 < surplus <= 2 * rotary)


@pytest.mark.parametrize("model_type", TWO_STACKS)
def test_operations_of_both_stacks_equal_those_that_pytorch_counts(model_type):
    source, target = 11, 7
    model = tiny_model(model_type, attn_implementation="eager")
    count, shape = count_parameters(model), architecture(model.config)
    encoder = token_flops(count, source)["encoder"]
    attending = 0 if shape.recurrent else shape.decoder_layers  # a recurrence looks back at nothing
    decoder = forward_flops(
        count.matrices["decoder"], [None] * attending, shape.decoder_heads * shape.d_head, target
    )
    cross = forward_flops(0, [None] * shape.decoder_layers, shape.decoder_heads * shape.d_head, source)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.arange(3, 3 + source)[None], decoder_input_ids=torch.arange(3, 3 + target)[None])
    assert counter.get_total_flops() == source * encoder.total + target * (decoder.total + cross.total)
    both = token_flops(count, 9)["decoder"]
    layers = attending + shape.decoder_layers
    assert both.attention == 9 * 4 * layers * shape.decoder_heads * shape.d_head


def test_cache_of_counted_models():
    """An encoder keeps nothing; T5 keeps keys and values of what it has read and of what it has written."""
    assert cache_bytes(count_parameters("bert-base-uncased"), 512) == 0
    t5 = count_parameters("t5-small")
    assert cache_bytes(t5, 100) == 2 * key_value_bytes(100, [None] * 6, 8, 64)
    mistral = count_parameters("mistralai/Mistral-7B-v0.1")
    assert cache_bytes(mistral, 32_768) == key_value_bytes(4096, [None] * 32, 8, 128)
    assert (
        cache_bytes(count_parameters("HuggingFaceTB/SmolLM2-135M-Instruct"), 1, "float32")
        == 2 * 30 * 3 * 64 * 4
    )


def test_windows_bound_the_operations_of_counted_models():
    mistral = count_parameters("mistralai/Mistral-7B-v0.1")
    assert token_flops(mistral, 4096) == token_flops(mistral, 100_000)
    modern = count_parameters(tiny_model("modernbert"))
    assert modern.architecture is not None
    seen = [n if w is None else min(n, 2 * w + 1) for w in modern.architecture.windows for n in (50,)]
    assert token_flops(modern, 50)["encoder"].attention == 4 * 32 * sum(seen)


def test_a_recurrent_decoder_remembers_only_the_source():
    """It keeps keys and values of the source for cross-attention, and of what it has written one state."""
    fields = {**SETTINGS["marian"], "model_type": "marian-ssru", "vocab_size": 300, "pad_token_id": 0}
    count = count_parameters(fields)
    assert cache_bytes(count, 100) == key_value_bytes(100, [None] * 2, 4, 8)
    assert token_flops(count, 10)["decoder"].attention == 4 * 32 * 2 * 10
