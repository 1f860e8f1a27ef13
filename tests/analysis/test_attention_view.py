"""What is drawn of a head: merging, hiding, averaging."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attnviz.analysis.attention_view import (
    AttentionView,
    attention_view,
    merged,
    row_weights,
    strongest_keys,
    without_keys,
)
from attnviz.errors import SelectionError
from tests.analysis.records import made_tokens, made_trace

SPECIAL = ("[CLS]", "[SEP]")
TOKENS = made_tokens("[CLS] la -bel cat [SEP]", SPECIAL)
HEAD = np.array(
    [
        [0.6, 0.1, 0.1, 0.1, 0.1],
        [0.2, 0.1, 0.3, 0.2, 0.2],
        [0.4, 0.3, 0.1, 0.0, 0.2],
        [0.5, 0.1, 0.1, 0.1, 0.2],
        [1.0, 0.0, 0.0, 0.0, 0.0],
    ]
)
TRACE = made_trace([[HEAD, HEAD[::-1]]], TOKENS)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_as_it_is():
    view = attention_view(TRACE, "encoder", 0, 0)
    close(view.weights, HEAD)
    assert view.query_labels == view.key_labels == ("[CLS]", "la", "-bel", "cat", "[SEP]")
    assert view.queries == ((0,), (1,), (2,), (3,), (4,))
    assert not view.renormalised
    close(view.masked_share, 0)
    assert not view.weights.flags.writeable


def test_the_mean_over_the_heads_of_a_layer():
    close(attention_view(TRACE, "encoder", 0).weights, (HEAD + HEAD[::-1]) / 2)


def test_special_tokens_hidden_and_the_rest_shared_out():
    view = attention_view(TRACE, "encoder", 0, 0, hide_special=True)
    assert view.key_labels == ("la", "-bel", "cat")
    close(view.masked_share, [0.4, 0.6, 0.7])
    close(view.weights, [[1 / 6, 3 / 6, 2 / 6], [3 / 4, 1 / 4, 0], [1 / 3, 1 / 3, 1 / 3]])
    assert view.renormalised
    assert (view.row_of(0), view.row_of(2), view.column_of(3)) == (None, 1, 2)


def test_the_first_token_hidden():
    view = attention_view(TRACE, "encoder", 0, 0, hide_first=True)
    assert view.key_labels == ("la", "-bel", "cat", "[SEP]")
    close(view.masked_share, [0.2, 0.4, 0.5, 1.0])
    close(view.weights[-1], 0)  # [SEP] gave all to [CLS]: nothing to share out, and no NaN


def test_word_pieces_merged_to_a_word_the_sum_from_a_word_the_mean():
    view = attention_view(TRACE, "encoder", 0, 0, merge_words=True)
    assert view.query_labels == ("[CLS]", "label", "cat", "[SEP]")
    assert view.queries == ((0,), (1, 2), (3,), (4,))
    close(view.weights[1], [0.3, 0.4, 0.1, 0.2])
    close(view.weights[2], [0.5, 0.2, 0.1, 0.2])
    close(view.weights.sum(axis=1), 1)
    assert view.row_of(2) == 1


def test_merged_first_then_hidden():
    view = attention_view(TRACE, "encoder", 0, 0, merge_words=True, hide_special=True)
    assert view.key_labels == ("label", "cat")
    close(view.masked_share, [0.5, 0.7])
    close(view.weights, [[0.8, 0.2], [2 / 3, 1 / 3]])


def test_a_threshold_leaves_weights_out_and_shares_nothing():
    view = attention_view(TRACE, "encoder", 0, 0, threshold=0.25)
    close(view.weights[1], [0, 0, 0.3, 0, 0])


def test_when_nothing_is_left_it_says_so():
    only_special = made_trace([[np.eye(2)]], made_tokens("[CLS] [SEP]", SPECIAL))
    with pytest.raises(SelectionError, match="hidden"):
        attention_view(only_special, "encoder", 0, 0, hide_special=True)
    one = made_trace([[np.eye(1)]], made_tokens("cat"))
    close(attention_view(one, "encoder", 0, 0).weights, [[1]])
    with pytest.raises(SelectionError):
        attention_view(one, "encoder", 0, 0, hide_first=True)


def test_a_head_that_is_not_there():
    for layer, head in ((1, 0), (0, 2), (-1, 0)):
        with pytest.raises(SelectionError):
            attention_view(TRACE, "encoder", layer, head)


def test_what_a_row_looks_at_most():
    view = attention_view(TRACE, "encoder", 0, 0)
    assert [column for column, _ in strongest_keys(view, 2)] == [0, 1, 4]
    assert [column for column, _ in strongest_keys(view, 2, least=0.35)] == [0]
    assert [column for column, _ in strongest_keys(view, 1, at_most=1)] == [2]
    assert strongest_keys(attention_view(TRACE, "encoder", 0, 0, hide_first=True), 3) == []


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="columns"):
        AttentionView(HEAD, TOKENS.labels, TOKENS.labels[1:], ((0,),) * 5, ((0,),) * 4, np.zeros(5))


rows_that_sum_to_one = arrays(np.float64, (5, 5), elements=st.floats(0.01, 1)).map(
    lambda a: a / a.sum(axis=1, keepdims=True)
)


@given(weights=rows_that_sum_to_one, hidden=st.sets(st.integers(0, 4), max_size=4))
def test_rows_sum_to_one_whatever_is_hidden(weights, hidden):
    kept = np.array([i not in hidden for i in range(5)])
    shown, share = without_keys(weights, kept)
    close(shown.sum(axis=1), 1)
    close(share, weights[:, ~kept].sum(axis=1))
    close(shown * (1 - share)[:, None], weights[:, kept])


@given(weights=rows_that_sum_to_one, order=st.permutations(range(4)))
def test_merging_commutes_with_the_order_of_groups(weights, order):
    groups = ((0,), (1, 2), (3,), (4,))
    straight = merged(weights, groups, groups)
    turned = tuple(groups[i] for i in order)
    close(straight.sum(axis=1), 1)
    close(merged(weights, turned, turned), straight[np.ix_(order, order)])


@given(weights=rows_that_sum_to_one)
def test_groups_of_one_change_nothing(weights):
    alone = tuple((i,) for i in range(5))
    close(merged(weights, alone, alone), weights)


def test_one_row_of_every_head_is_the_row_of_the_whole():
    raw = np.random.default_rng(3).exponential(size=(2, 3, 5, 5))
    trace = made_trace(raw / raw.sum(axis=-1, keepdims=True), TOKENS, kind="decoder", causal=True)
    for token in range(5):
        rows = row_weights(trace, "decoder", token)
        assert rows.shape == (2, 3, 5)
        for layer in range(2):
            np.testing.assert_array_equal(rows[layer], trace.weights("decoder", layer)[:, token])


def test_groups_can_leave_tokens_out_and_come_in_any_order():
    weights = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    np.testing.assert_array_equal(
        merged(weights, ((3,), (0, 2)), ((1, 3),)), [[[13 + 15], [(1 + 3 + 9 + 11) / 2]]]
    )
