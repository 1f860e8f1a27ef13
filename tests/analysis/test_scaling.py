from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.analysis.memory import cache_bytes, token_flops
from attnviz.analysis.scaling import (
    ModelSize,
    TrainingBudget,
    compute_optimal_tokens,
    fitted_law,
    growth,
    model_size,
    t_quantile,
)
from attnviz.errors import SelectionError
from attnviz.models.configs import published_configs, sized_config
from attnviz.models.parameters import count_parameters


@pytest.fixture(scope="module")
def sizes():
    """Every published config as a point."""
    return {
        entry.name: model_size(count_parameters(entry.id), entry.name, entry.family, entry.tokens)
        for entry in published_configs()
    }


PYTHIA = {
    "Pythia 70M": 18_915_328,
    "Pythia 160M": 85_056_000,
    "Pythia 410M": 302_311_424,
    "Pythia 1B": 805_736_448,
    "Pythia 1.4B": 1_208_602_624,
    "Pythia 2.8B": 2_517_652_480,
    "Pythia 6.9B": 6_444_163_072,
    "Pythia 12B": 11_327_027_200,
}
"""Biderman et al. 2023, table 1: parameters without the two token tables."""

GEMMA = {
    "Gemma 2B": 1_981_884_416,  # Gemma Team 2024 (arXiv 2403.08295), table 2
    "Gemma 7B": 7_751_248_896,
    "Gemma 2 2B": 2_024_517_888,  # Gemma Team 2024 (arXiv 2408.00118), table 2
    "Gemma 2 9B": 8_324_201_984,
    "Gemma 2 27B": 26_047_480_320,
}


@pytest.mark.parametrize("name", PYTHIA)
def test_rest_of_pythia(sizes, name):
    assert sizes[name].rest == PYTHIA[name]


@pytest.mark.parametrize("name", GEMMA)
def test_rest_of_gemma(sizes, name):
    assert sizes[name].rest == GEMMA[name]


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        *[("Qwen2.5 0.5B", 0.36), ("Qwen2.5 1.5B", 1.31), ("Qwen2.5 3B", 2.77), ("Qwen2.5 7B", 6.53)],
        *[("Qwen2.5 14B", 13.1), ("Qwen2.5 32B", 31.0), ("Qwen2.5 72B", 70.0)],
        *[("Qwen3 0.6B", 0.44), ("Qwen3 1.7B", 1.4), ("Qwen3 4B", 3.6), ("Qwen3 8B", 6.95)],
        *[("Qwen3 14B", 13.2), ("Qwen3 32B", 31.2)],
    ],
)
def test_rest_of_qwen(sizes, name, billions):
    """The model cards give it in billions, two or three digits, partly cut off rather than rounded."""
    assert sizes[name].rest / 1e9 == pytest.approx(billions, rel=0.013)


def test_embeddings_of_hand_counted_models(sizes):
    assert sizes["GPT-2"].embeddings == (50_257 + 1024) * 768
    assert sizes["BERT base"].embeddings == (30_522 + 512 + 2) * 768
    assert sizes["Llama 3 8B"].embeddings == 2 * 128_256 * 4096
    assert sizes["T5 small"].layers == 12 and sizes["T5 small"].embeddings == 32_128 * 512


def exact(width, layers):
    """A model that follows 12 · layers · width² exactly, with a token table besides."""
    rest = 12 * layers * width**2
    return ModelSize(f"{width}x{layers}", "exact", width, layers, 1, rest + 1000 * width, 1000 * width)


@given(
    st.lists(st.tuples(st.integers(8, 20_000), st.integers(1, 200)), min_size=4, max_size=12, unique=True),
)
def test_an_exact_law_is_found_again(shapes):
    logs = np.log(shapes)
    if np.linalg.matrix_rank(logs - logs.mean(axis=0), tol=0.05) < 2:
        return
    law = fitted_law([exact(*shape) for shape in shapes])
    assert law.width.value == pytest.approx(2, abs=1e-6)
    assert law.layers.value == pytest.approx(1, abs=1e-6)
    assert law.factor == pytest.approx(12, rel=1e-4)
    assert law.explained == pytest.approx(1)
    assert law.surprise(exact(100, 10)) == pytest.approx(1)


def test_intervals_hold_what_they_promise():
    """Of many samples with noise, about 95 % of the intervals contain the true exponent."""
    noise = np.random.default_rng(7)
    hits = 0
    for _ in range(300):
        found = []
        for _ in range(8):
            width, layers = int(noise.integers(100, 5000)), int(noise.integers(4, 90))
            rest = int(12 * layers * width**2 * np.exp(noise.normal(0, 0.2)))
            found.append(ModelSize("m", "f", width, layers, 1, rest, 0))
        law = fitted_law(found)
        hits += law.width.low <= 2 <= law.width.high
    assert 0.91 < hits / 300 < 0.985


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (5, 2.5706), (30, 2.0423), (1000, 1.9623)]
)
def test_quantiles_of_student(freedom, quantile):
    """Any printed table of Student's t, column 0.975."""
    assert t_quantile(freedom) == pytest.approx(quantile, abs=2e-4)


def test_published_models_follow_width_squared_times_depth(sizes):
    law = fitted_law([size for size in sizes.values() if size.family != "T5"])
    assert law.width.low < 2 < law.width.high + 0.1 and 1.8 < law.width.value < 2.2
    assert 0.8 < law.layers.value < 1.2
    assert law.explained > 0.98


def test_t5_grew_by_its_heads_and_neurons_instead(sizes):
    """T5 large, 3B and 11B have one width and one depth, so no law of these can tell them apart."""
    law = fitted_law([size for size in sizes.values() if size.family == "T5"])
    assert law.surprise(sizes["T5 11B"]) > 2 > 1 > law.surprise(sizes["T5 large"])
    assert law.explained < 0.9


@pytest.mark.parametrize(
    "shapes", [[(8, 1), (16, 2), (32, 4)], [(64, 2)] * 5, [(8, 1), (16, 2), (32, 4), (64, 8)]]
)
def test_too_few_or_too_alike(shapes):
    with pytest.raises(SelectionError):
        fitted_law([exact(*shape) for shape in shapes])


@pytest.mark.parametrize("family", ["gpt2", "llama", "bert"])
def test_doubling_width_quadruples_a_layer(family):
    def rest(layers, heads, d_ff):
        fields = sized_config(
            family, layers=layers, heads=heads, key_value_heads=heads, d_head=64, d_ff=d_ff, vocabulary=500
        )
        return model_size(count_parameters(fields), "own", "own").rest

    before, wide, deep = rest(6, 8, 2048), rest(6, 16, 4096), rest(12, 8, 2048)
    assert growth(before, wide) == pytest.approx(2, abs=0.01)
    assert growth(before, deep) == pytest.approx(1, abs=0.06)
    assert growth(3, 12, 4) == 1 and growth(1, 8) == log2(8)


HOFFMANN = [
    # Hoffmann et al. 2022, table 3: parameters, FLOPs, tokens
    (400e6, 1.92e19, 8.0e9),
    (1e9, 1.21e20, 20.2e9),
    (10e9, 1.23e22, 205.1e9),
    (67e9, 5.76e23, 1.5e12),
    (175e9, 3.85e24, 3.7e12),
    (1e12, 1.27e26, 21.2e12),
]


@pytest.mark.parametrize(("parameters", "flops", "tokens"), HOFFMANN)
def test_compute_optimal_training(parameters, flops, tokens):
    assert compute_optimal_tokens(int(parameters)) == pytest.approx(tokens, rel=0.13)
    assert TrainingBudget(int(parameters), int(tokens)).flops == pytest.approx(flops, rel=0.06)


def test_chinchilla_is_its_own_optimum():
    """70 billion parameters on 1.4 trillion tokens (Hoffmann et al. 2022), the compute of Gopher's 280 on 300 billion."""
    chinchilla = TrainingBudget(70 * 10**9, 1_400 * 10**9)
    assert chinchilla.tokens_per_parameter == 20
    assert chinchilla.optimal.parameters == chinchilla.parameters
    gopher = TrainingBudget(280 * 10**9, 300 * 10**9)
    assert gopher.optimal.parameters == pytest.approx(65e9, rel=0.01) and gopher.tokens_per_parameter < 2


def test_compute_of_llama_3_405b(sizes):
    """Llama Team 2024, section 3.2: 3.8e25 FLOPs on 15.6 trillion tokens."""
    size = sizes["Llama 3.1 405B"]
    assert size.tokens is not None
    assert TrainingBudget(size.parameters, size.tokens).flops == pytest.approx(3.8e25, rel=0.01)


@given(st.integers(1, 10**13), st.integers(1, 10**14))
def test_the_optimum_costs_the_same(parameters, tokens):
    budget = TrainingBudget(parameters, tokens)
    if budget.flops > 10**12:
        assert budget.optimal.flops == pytest.approx(budget.flops, rel=1e-4)
        assert budget.optimal.optimal.parameters == pytest.approx(budget.optimal.parameters, rel=1e-4)


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="no size"):
        ModelSize("m", "f", 0, 1, 1, 10, 1)
    with pytest.raises(ValueError, match="parameters"):
        TrainingBudget(0, 5)
    with pytest.raises(ValueError, match="freedom"):
        t_quantile(0)
    with pytest.raises(ValueError, match="grows"):
        growth(0, 1)


def test_cache_of_published_models():
    """Grouped queries and windows, from the models' own papers and cards."""
    # Llama Team 2024, section 3.2: 8 key/value heads for all sizes; 126 layers of heads 128 wide
    assert cache_bytes(count_parameters("meta-llama/Llama-3.1-405B"), 1, "bfloat16") == 2 * 126 * 8 * 128 * 2
    # Ainslie et al. 2023: one shared head (multi-query, Gemma 2B) makes the cache as much smaller as there were heads
    assert cache_bytes(count_parameters("google/gemma-2b"), 1000, "float16") == 1000 * 2 * 18 * 256 * 2
    # Gemma Team 2025, section 2.2: five local layers of 512 or 1024 for each global one
    gemma = count_parameters("google/gemma-3-1b-pt")
    full, local = 4, 22
    assert cache_bytes(gemma, 32_768, "float16") == 2 * 256 * 2 * (full * 32_768 + local * 512)


def test_operations_of_gpt_2_against_kaplan():
    """Kaplan et al. 2020, table 1: 2 N + 2 n_layer n_ctx d_attn for each token on average, N = 12 n_layer d²."""
    work = token_flops(count_parameters("gpt2-xl"), 1024)["decoder"]
    n, head = 12 * 48 * 1600**2, 50_257 * 1600
    assert work.matrices == 2 * (n + head)
    assert work.attention == 2 * (2 * 48 * 1024 * 1600)
