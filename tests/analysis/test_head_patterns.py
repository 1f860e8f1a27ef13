"""The numbers of a head beside chance, on matrices whose numbers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attnviz.analysis.head_patterns import PATTERNS, entropy, head_patterns, layer_patterns
from attnviz.errors import SelectionError
from tests.analysis.records import even, made_tokens, made_trace

SPECIAL = ("[CLS]", "[SEP]")
TOKENS = made_tokens("[CLS] the cat the [SEP]", SPECIAL)


def close(actual, expected, atol=1e-5):
    np.testing.assert_allclose(actual, expected, atol=atol)


def encoder(*heads):
    return head_patterns(made_trace([heads], TOKENS), "encoder")


def decoder(*heads):
    return head_patterns(made_trace([heads], TOKENS, kind="decoder", causal=True), "decoder")


def test_chance_of_an_encoder_is_one_key_of_five():
    found = encoder(even(5))
    for name, chance in {
        "itself": 1,
        "previous": 1,
        "next": 1,
        "first": 1,
        "special": 2,
        "same token": 1,
    }.items():
        close(found.chance[name], chance / 5)
        close(found.share[name], chance / 5)
        close(found.score(name), 0)
    close(found.entropy, np.log2(5))
    close(found.entropy_chance, np.log2(5))


def test_a_decoder_is_counted_as_its_mask_allows():
    found = decoder(even(5, causal=True))
    # rows 1 to 4 have a choice, of 2, 3, 4 and 5 keys
    close(found.chance["itself"], (1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    close(found.chance["previous"], (1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    close(found.chance["first"], (1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    close(found.chance["same token"], 1 / 4)  # only the second "the" sees the first
    assert {name: int(found.counted[name][0]) for name in PATTERNS} == {
        **{"itself": 4, "previous": 4, "next": 0, "first": 4},
        **{"special": 4, "same token": 1},
    }
    assert np.isnan(found.chance["next"]).all()
    assert "next" not in found.patterns
    close(found.entropy_chance, np.log2([2, 3, 4, 5]).mean())
    close(found.distance_chance, (0.5 + 1 + 1.5 + 2) / 4)
    for name in found.patterns:
        close(found.score(name), 0)


def test_a_previous_token_head_of_a_decoder_is_perfect_although_its_first_token_has_none():
    weights = np.eye(5, k=-1)
    weights[0, 0] = 1
    found = decoder(even(5, causal=True), weights)
    strongest = found.strongest(0, 1)
    assert strongest.pattern == "previous"
    close([strongest.share, strongest.score], 1)
    close(strongest.chance, 0.320833)
    close(found.distance[0, 1], 1)
    close(found.entropy[0, 1], 0)
    assert found.best("previous") == (0, 1)
    assert found.most_even() == (0, 0)


@pytest.mark.parametrize(
    ("pattern", "weights"),
    [
        ("itself", np.eye(5)),
        ("next", np.eye(5, k=1) + np.diag([0, 0, 0, 0, 1])),
        ("previous", np.eye(5, k=-1) + np.diag([1, 0, 0, 0, 0])),
        ("first", np.eye(5)[[0] * 5]),
        ("special", np.eye(5)[[4] * 5]),
    ],
)
def test_each_pattern_is_found_in_a_head_that_does_nothing_else(pattern, weights):
    found = encoder(weights)
    assert found.strongest(0, 0).pattern == pattern
    close(found.share[pattern], 1)
    close(found.score(pattern), 1)


def test_a_pattern_that_few_tokens_can_show_is_not_the_strongest():
    """Two of five tokens have a twin: a head that does nothing else there is not known by it. Of four of five it is."""
    weights = np.eye(5)[[4, 3, 0, 1, 4]]
    found = encoder(weights)
    close(found.share["same token"], 1)
    assert not found.common("same token").any() and found.common("special").all()
    assert found.strongest(0, 0).pattern != "same token"
    close(found.metric("strongest"), found.strongest(0, 0).score)
    assert found.strongest(0, 0).score < 1
    tokens = made_tokens("the cat the cat [SEP]", SPECIAL)
    found = head_patterns(made_trace([[np.eye(5)[[2, 3, 0, 1, 4]]]], tokens), "encoder")
    assert (found.strongest(0, 0).pattern, found.strongest(0, 0).counted) == ("same token", 4)
    close(found.metric("strongest"), 1)


def test_half_on_the_previous_token():
    found = encoder(0.5 * np.eye(5, k=-1) + 0.5 * even(5))
    close(found.share["previous"], 0.5 + 0.5 / 5)
    close(found.score("previous"), 0.5)


def test_less_than_chance_is_negative():
    weights = np.where(np.eye(5, dtype=bool), 0, 1 / 4)
    close(encoder(weights).score("itself"), (0 - 0.2) / 0.8)


def test_one_token_has_no_choice_and_no_pattern():
    found = head_patterns(
        made_trace([[np.eye(1)]], made_tokens("cat"), kind="decoder", causal=True), "decoder"
    )
    assert found.patterns == ()
    assert found.strongest(0, 0) is None
    with pytest.raises(SelectionError):
        found.best("previous")


def test_without_special_or_repeated_tokens_there_is_no_such_pattern():
    found = head_patterns(made_trace([[even(3)]], made_tokens("a b c")), "encoder")
    assert found.patterns == ("itself", "previous", "next", "first")


def test_cross_attention_has_no_neighbours():
    source, target = made_tokens("the cat </s>", ("</s>",)), made_tokens("<s> cat", ("<s>",))
    weights = np.full((1, 2, 3), 1 / 3)
    found = layer_patterns(weights, np.ones((2, 3), dtype=bool), target, source, crossing=True)
    assert {"first", "special"} <= set(found.patterns)
    assert not {"itself", "previous", "next", "same token"} & set(found.patterns)
    assert np.isnan(found.distance).all()
    close(found.share["first"], 1 / 3)


def test_every_layer_and_head_has_its_place():
    previous = np.eye(5, k=-1) + np.diag([1, 0, 0, 0, 0])
    found = head_patterns(made_trace([[even(5), even(5)], [even(5), previous]], TOKENS), "encoder")
    assert all(found.share[name].shape == (2, 2) and found.chance[name].shape == (2,) for name in PATTERNS)
    assert found.best("previous") == (1, 1)


def test_entropy_in_bits():
    close(entropy(np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4])), [0, 1, 2])


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="do not fit"):
        layer_patterns(np.zeros((1, 2, 2)), np.ones((2, 2), dtype=bool), TOKENS, TOKENS)


@given(
    weights=arrays(np.float64, (1, 5, 5), elements=st.floats(0.01, 1)).map(
        lambda a: a / a.sum(axis=2, keepdims=True)
    )
)
def test_shares_lie_between_0_and_1_and_entropy_below_that_of_even_attention(weights):
    found = layer_patterns(weights, np.ones((5, 5), dtype=bool), TOKENS, TOKENS)
    for name in PATTERNS:
        assert 0 <= found.share[name].item() <= 1 + 1e-6
        assert found.score(name).item() <= 1 + 1e-6
    assert 0 <= found.entropy.item() <= found.entropy_chance.item() + 1e-5
    # a mean over the rows by the definition, without a mask
    close(found.share["previous"].item(), np.mean([weights[0, i, i - 1] for i in range(1, 5)]))
    close(
        found.distance.item(),
        np.mean([sum(weights[0, i, j] * abs(i - j) for j in range(5)) for i in range(5)]),
    )


def test_what_the_bundled_models_are_known_for():
    """Measured once by hand: previous-token heads, MiniLM L0H2 and SmolLM2 L16H0."""
    import attnviz

    sentence = "The animal didn't cross the street because it was too tired."
    found = head_patterns(
        attnviz.trace(attnviz.load("sentence-transformers/all-MiniLM-L6-v2"), sentence), "encoder"
    )
    assert found.best("previous") == (0, 2)
    assert found.strongest(0, 2).share > 0.99
    model = attnviz.load("HuggingFaceTB/SmolLM2-135M-Instruct")
    found = head_patterns(
        attnviz.trace(model, "Fact: the capital of France is Paris. Fact: the capital of Italy is"), "decoder"
    )
    assert found.strongest(16, 0).pattern == "previous"
    assert 0.7 < found.share["previous"][16, 0] < 0.85
    assert np.isnan(found.share["next"]).all()


def test_metrics_are_the_numbers_under_one_name():
    weights = np.eye(5, k=-1)
    weights[0, 0] = 1
    found = decoder(even(5, causal=True), weights)
    assert "next" not in found.metrics and {"strongest", "entropy", "previous"} <= set(found.metrics)
    close(found.metric("strongest")[0], [0, 1])
    np.testing.assert_array_equal(found.metric("previous"), found.share["previous"])
    close(found.metric_chance("previous"), found.chance["previous"])
    close(found.metric_chance("strongest"), 0)
    for head in (0, 1):
        close(found.metric("strongest")[0, head], found.strongest(0, head).score)


def test_cross_attention_has_no_distance_among_its_metrics():
    trace = made_trace([[even(5)]], TOKENS, kind="cross", target=TOKENS)
    assert not {"distance", "itself", "previous", "next"} & set(head_patterns(trace, "cross").metrics)
