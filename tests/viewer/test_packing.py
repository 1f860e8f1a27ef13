"""The message to the browser: what goes in comes out, within the stated error."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import attnviz
from attnviz.viewer.packing import Block, blocks, pack, unpack
from tests.tiny import save_tiny


def attention(layers, heads, queries, keys, causal=False, seed=0, sharpness=3.0):
    scores = (
        np.random.default_rng(seed).normal(0, sharpness, (layers, heads, queries, keys)).astype(np.float32)
    )
    if causal:
        scores[..., np.triu(np.ones((queries, keys), bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def test_a_small_message_byte_by_byte():
    weights = np.array([[[[1, 0, 0], [0.25, 0.75, 0], [0.5, 0.25, 0.25]]]], np.float32)
    data = gzip.decompress(pack([Block("decoder", weights, first=4, exact=(0,))], {"model": "é"}))
    assert data[:4] == b"AVW2"
    (length,) = struct.unpack("<I", data[4:8])
    assert length % 4 == 0
    assert (
        data[8 : 8 + length].rstrip()
        == (
            '{"model":"é","blocks":[{"kind":"decoder","first":4,"layers":1,"heads":1,"queries":3,"keys":3,"causal":true,"exact":[0],"fine":true,"gaps":0}]}'
        ).encode()
    )
    # 255 steps are worth: nothing; 0.75, rounded down to 2 ** (-850/2048); 0.5, the largest of a row of which 0.25 are left
    worth = struct.pack("<3H", 65535, 850, 2048)
    sums = struct.pack("<3f", 0, 0.75, 0.5)
    exact = struct.pack("<3f", 1, 0.25, 0.5)
    levels = bytes([0, 0, 255, 0, 127, 127, 0, 0])
    finer = struct.pack("<6b", 0, 0, 0, 0, 127, 127) + bytes(2)  # of 127.5 steps
    assert data[8 + length :] == worth + bytes(2) + sums + exact + levels + finer + struct.pack("<I", 0)


@settings(max_examples=60, deadline=None)
@given(
    npst.arrays(
        np.float32,
        npst.array_shapes(min_dims=4, max_dims=4, max_side=6),
        elements=st.just(0.0) | st.floats(2**-30, 1, width=32),
    ),
    st.sampled_from(["encoder", "decoder", "cross"]),
    st.dictionaries(st.text(), st.text() | st.integers(-9, 9)),
)
def test_round_trip_within_a_five_hundred_and_tenth_of_the_largest_of_the_row(weights, kind, header):
    header.pop("blocks", None)
    for exact in [(), tuple(range(0, weights.shape[3], 2))]:
        check(weights, kind, header, exact)


def check(weights, kind, header, exact):
    back, (block,) = unpack(pack([Block(kind, weights, exact=exact)], header))
    assert back == header
    assert block.kind == kind
    largest = weights.max(-1, keepdims=True)
    errors = np.abs(block.weights - weights)
    assert (errors <= largest * (1 / 510 + 1e-5)).all()
    assert (errors[..., list(exact)] <= weights[..., list(exact)] / 5900).all()
    left = np.delete(weights, list(exact), -1)
    if exact and left.size:
        left_errors = np.delete(errors, list(exact), -1)
        assert (left_errors <= left.max(-1, keepdims=True) * (1 / 96 + 1e-5)).all()


@pytest.mark.parametrize(("queries", "keys"), [(24, 24), (12, 1200), (160, 160)])
def test_every_weight_is_read_as_the_whole_per_cent_that_it_is(queries, keys):
    """In a long text too, where one byte alone would say one in thirty wrong; halves are rounded as text rounds them."""
    weights = attention(2, 3, queries, keys, causal=queries == keys, seed=7)
    weights[0, 0, -1] = np.r_[0.125, 0.625, 0.25, np.zeros(keys - 3)]
    for exact in ((), (0, 5)):
        data = pack([Block("decoder", weights, exact=exact)])
        _, (block,) = unpack(data)
        said = [
            [f"{100 * share:.0f}" for share in part.ravel().tolist()] for part in (weights, block.weights)
        ]
        assert said[0] == said[1]
    assert (block.weights != weights).any()


def test_what_is_computed_from_a_short_text_is_right_to_a_whole_per_cent():
    weights = attention(2, 12, 20, 20)
    _, (block,) = unpack(pack([Block("encoder", weights, exact=(0,))]))
    np.testing.assert_allclose(block.weights, weights, atol=1 / 65_000)


def test_a_uniform_row_over_512_keys_survives():
    _, (block,) = unpack(pack([Block("encoder", np.full((1, 1, 1, 512), 1 / 512, np.float32))]))
    np.testing.assert_allclose(block.weights, 1 / 512, rtol=1 / 1500)


def test_causal_triangles_are_not_sent():
    causal, full = attention(2, 3, 64, 64, causal=True), attention(2, 3, 64, 64)
    sizes = [len(gzip.decompress(pack([Block("decoder", w)]))) for w in (causal, full)]
    assert sizes[0] < 0.55 * sizes[1]
    _, (block,) = unpack(pack([Block("decoder", causal)]))
    assert not block.weights[..., np.triu(np.ones((64, 64), bool), 1)].any()


def test_kinds_of_different_depth_and_length_travel_together():
    parts = [
        Block("encoder", attention(3, 4, 7, 7)),
        Block("decoder", attention(2, 2, 5, 5, causal=True), first=6),
        Block("cross", attention(2, 2, 5, 7)),
    ]
    _, back = unpack(pack(parts))
    for before, after in zip(parts, back, strict=True):
        assert (before.kind, before.first, before.causal) == (after.kind, after.first, after.causal)
        np.testing.assert_allclose(after.weights, before.weights, atol=1 / 510)


def test_one_token():
    _, (block,) = unpack(pack([Block("decoder", np.ones((2, 2, 1, 1), np.float32))]))
    assert block.weights.tolist() == [[[[1.0]], [[1.0]]]] * 2


def test_the_first_and_the_special_keys_of_a_trace_are_exact(tmp_path):
    trace = attnviz.trace(attnviz.load(save_tiny(tmp_path, "bert")), "the cat sat on the mat")
    (block,) = blocks(trace)
    resting = [0, *(i for i, special in enumerate(trace.tokens.special) if special and i)]
    assert block.exact == tuple(resting)
    _, (back,) = unpack(pack([block], {"of": "x"}))
    np.testing.assert_allclose(back.weights[..., resting], block.weights[..., resting], rtol=1 / 5900)
    (second,) = blocks(trace, range(1, 3))
    assert (second.first, len(second.weights)) == (1, 2)


@pytest.mark.parametrize(
    "wrong", [b"", b"plain", gzip.compress(b"AVW1....", mtime=0), gzip.compress(b"AVW2", mtime=0)]
)
def test_foreign_bytes(wrong):
    with pytest.raises(ValueError):
        unpack(wrong)


def test_wrong_shape():
    with pytest.raises(ValueError, match="layer, head, query, key"):
        Block("encoder", np.ones((3, 3), np.float32))


def test_size_of_a_real_sized_message_is_small():
    message = pack([Block("encoder", attention(6, 12, 128, 128))])
    assert len(message) < 700_000
