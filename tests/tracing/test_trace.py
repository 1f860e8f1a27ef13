"""The record: validation, and numbers small enough to solve by hand."""

import numpy as np
import pytest

from attnviz.errors import SelectionError
from attnviz.tracing.trace import AttentionCall, Edits, Trace


def floats(values):
    return np.array(values, dtype=np.float32)


def call(**changes):
    """Two query heads that share one key/value head; two tokens, causal."""
    lowest = np.finfo(np.float32).min
    fields = {
        "kind": "decoder",
        "layer": 0,
        "query": floats([[[1, 0], [0, 1]], [[2, 0], [0, 2]]]),  # (head 2, query 2, d_head 2)
        "key": floats([[[1, 0], [0, 1]]]),  # (key/value head 1, key 2, d_head 2)
        "value": floats([[[4, 0, 0], [0, 8, 0]]]),  # (key/value head 1, key 2, d_value 3)
        "scaling": float(np.log(3)),
        "bias": floats([[[0, lowest], [0, 0]]]),
    }
    return AttentionCall(**{**fields, **changes})


class Words:
    """As much of Tokens as the record asks for: a length."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n


def trace(calls=None, **changes):
    fields = {
        "model_id": "hand/made",
        "tokens": Words(2),
        "calls": calls or (call(), call(layer=1)),
        "hidden_states": np.zeros((3, 2, 4), np.float32),
    }
    return Trace(**{**fields, **changes})


def test_weights_scores_and_outputs_by_hand():
    one = call()
    np.testing.assert_allclose(one.scores(0), [[np.log(3), -np.inf], [0, np.log(3)]], rtol=1e-6)
    np.testing.assert_allclose(one.weights(0), [[1, 0], [1 / 4, 3 / 4]], rtol=1e-6)
    np.testing.assert_allclose(one.weights(1), [[1, 0], [1 / 10, 9 / 10]], rtol=1e-6)
    np.testing.assert_allclose(one.outputs(0), [[4, 0, 0], [1, 6, 0]], rtol=1e-6)
    np.testing.assert_allclose(one.outputs(1), [[4, 0, 0], [0.4, 7.2, 0]], rtol=1e-6)
    np.testing.assert_array_equal(one.outputs()[1], one.outputs(1))
    assert (one.heads, one.group) == (2, 2)


def test_the_soft_cap_comes_before_the_mask():
    capped = call(softcap=1.0)
    np.testing.assert_allclose(capped.scores(0)[1], [0, np.tanh(np.log(3))], rtol=1e-6)
    assert capped.scores(0)[0, 1] == -np.inf


def test_a_head_switched_off_has_weights_and_no_output():
    off = call(ablated=(1,))
    np.testing.assert_array_equal(off.weights(), call().weights())
    assert not off.outputs(1).any()
    np.testing.assert_array_equal(off.outputs()[0], call().outputs(0))


def test_a_bias_for_each_head():
    biased = call(bias=floats([[[0, 0], [0, 0]], [[1, 0], [0, 0]]]))
    np.testing.assert_allclose(biased.scores(1)[0], [2 * np.log(3) + 1, 0], rtol=1e-6)
    np.testing.assert_allclose(biased.scores(0)[0], [np.log(3), 0], rtol=1e-6)
    np.testing.assert_array_equal(biased.scores()[1], biased.scores(1))


def test_nobody_can_write_to_the_record():
    record = trace()
    for array in (record.hidden_states, record.calls[0].query, record.calls[0].bias):
        with pytest.raises(ValueError):
            array[:] = 1
    with pytest.raises(AttributeError):
        record.logits = None
    weights = record.weights("decoder", 0)
    weights[:] = 7  # what is derived belongs to the caller
    assert record.weights("decoder", 0).max() <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": np.zeros((1, 3, 2))},
        {"key": np.zeros((1, 2, 5))},
        {"query": np.zeros((3, 2, 2)), "key": np.zeros((2, 2, 2)), "value": np.zeros((2, 2, 2))},
        {"query": np.zeros((2, 2))},
        {"bias": np.zeros((1, 2, 3))},
        {"bias": np.zeros((3, 2, 2))},
    ],
)
def test_a_call_whose_parts_do_not_fit_is_refused(wrong):
    with pytest.raises(ValueError, match=r"\("):  # the message shows the shapes
        call(**wrong)


def test_a_trace_whose_parts_do_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 x 2"):
        trace(tokens=Words(3))
    with pytest.raises(ValueError, match="not in order"):
        trace(calls=(call(layer=1), call(layer=0)))
    with pytest.raises(ValueError, match="axes"):
        trace(hidden_states=np.zeros((3, 4)))


def test_selection_out_of_range_names_what_there_is():
    record = trace()
    assert (record.kinds, record.layers("decoder"), record.heads("decoder")) == (("decoder",), 2, 2)
    for wrong in (
        ("decoder", 2, 0),
        ("decoder", -1, 0),
        ("decoder", 0, 2),
        ("decoder", 0, -1),
        ("cross", 0, 0),
    ):
        with pytest.raises(SelectionError) as error:
            record.weights(*wrong)
        assert error.value.way_out


def test_kinds_of_an_encoder_decoder_know_their_tokens():
    cross = call(kind="cross", query=np.zeros((2, 1, 2)), bias=None)
    record = trace(calls=(call(kind="encoder"), cross), target_tokens=Words(1))
    assert record.kinds == ("encoder", "cross")
    assert (len(record.query_tokens("cross")), len(record.key_tokens("cross"))) == (1, 2)
    np.testing.assert_allclose(record.weights("cross", 0), 0.5)


def test_nbytes_counts_shared_arrays_once():
    bias = floats([[[0, -1], [0, 0]]])
    record = trace(calls=(call(bias=bias), call(layer=1, bias=bias)))
    own = sum(a.nbytes for c in record.calls for a in (c.query, c.key, c.value))
    assert record.nbytes == own + bias.nbytes + record.hidden_states.nbytes


def test_edits_are_part_of_the_trace():
    assert trace().edits == Edits()
