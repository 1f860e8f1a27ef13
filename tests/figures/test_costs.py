import pytest

from attnviz.analysis.memory import cache_bytes, token_flops
from attnviz.figures.costs import LONGEST, cost_table, flops_curve, lengths, memory_curve, memory_table
from attnviz.models.architecture import FAMILIES
from attnviz.models.parameters import count_parameters
from tests.tiny import SETTINGS, tiny_model

SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_lengths_end_where_the_positions_end():
    assert lengths(count_parameters("bert-base-uncased")) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert lengths(count_parameters("t5-small"))[-1] == LONGEST  # relative positions have no end
    assert lengths(count_parameters(SMOLLM2))[-1] == 8192


def test_memory_of_smollm2_in_words():
    table = memory_table(count_parameters(SMOLLM2), 4096)
    assert table["Data type"] == ["float32", "bfloat16", "float16", "int8", "int4"]
    assert table["Weights"] == ["538 MB", "269 MB", "269 MB", "135 MB", "67.3 MB"]
    assert table["Cache for a token"][1] == "23.0 kB"  # 2 × 30 × 3 × 64 × 2 bytes
    assert table["Cache for 4,096"][1] == "94.4 MB"
    assert table["Together"][1] == "363 MB"


def test_an_encoder_has_no_cache():
    assert set(memory_table(count_parameters("bert-base-uncased"), 512)) == {"Data type", "Weights"}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_curves_are_the_numbers(mode):
    count = count_parameters(SMOLLM2)
    weights, cache, mark = memory_curve(count, 1024, "bfloat16", mode).data
    assert set(weights.y) == {269_030_016}
    assert list(cache.y) == [cache_bytes(count, n, "bfloat16") for n in lengths(count)]
    assert (mark.x[0], mark.y[0]) == (1024, 1024 * 23_040)
    matrices, attention, mark = flops_curve(count, "decoder", 1024, mode).data
    assert set(matrices.y) == {2 * 134_479_872}
    assert attention.y[0] == 4 * 30 * 576
    assert mark.y[0] == token_flops(count, 1024)["decoder"].attention


@pytest.mark.parametrize("model_type", SETTINGS)
def test_every_family_has_curves_and_a_table(model_type):
    count = count_parameters(tiny_model(model_type))
    stack = "encoder" if FAMILIES[model_type].kind == "encoder" else "decoder"
    figure = flops_curve(count, stack, lengths(count)[-1], "light")
    assert len(figure.layout.annotations) == 2
    if cache_bytes(count, 1):
        assert memory_curve(count, 1, "int4", "dark").data
    table = cost_table(count, "float32")
    assert table["length"] == lengths(count)
    assert {len(column) for column in table.values()} == {len(lengths(count))}


def test_both_ends_are_labelled_apart():
    """Labels at the end of lines that meet are put above and below."""
    figure = flops_curve(count_parameters(SMOLLM2), "decoder", 1, "light")
    assert {a.yanchor for a in figure.layout.annotations} == {"top", "bottom"}
