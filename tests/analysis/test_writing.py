"""What a decoder wrote: against the model's own loss, a recurrence computed step by step, and texts checked by eye."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import attnviz
from attnviz.analysis.alignment import WordAlignment
from attnviz.analysis.writing import (
    HeadChanges,
    aligned_maps,
    all_heads_off,
    by_word,
    clearest_crossing,
    clearness,
    crossings,
    earlier_shares,
    ends,
    likeliest,
    log_probabilities,
    memory_shares,
    probability_of,
    single_heads,
    small_maps,
    word_changes,
)
from attnviz.errors import SelectionError
from attnviz.models.translator import SimpleRecurrence
from attnviz.tracing.attention import Pass, forward_pass
from tests.analysis.records import even, made_tokens, made_trace
from tests.tiny import save_tiny

TEXT, OWN = "the cat sat on the other side", "the dog ran to the street"


@pytest.fixture(scope="module", params=["t5", "bart", "marian-ssru"])
def model(request, tmp_path_factory):
    """Relative positions, learned positions, and a recurrence in place of self-attention."""
    return attnviz.load(save_tiny(tmp_path_factory.mktemp(request.param), request.param))


def test_log_probabilities_are_the_models_own_loss(model):
    trace = attnviz.trace(model, TEXT, target=OWN)
    end = model.tokenizer.eos_token_id
    found = log_probabilities(trace, end)
    ids = torch.tensor([[*trace.target_tokens.ids[1:], end]])
    with torch.inference_mode():
        loss = model.module(input_ids=torch.tensor([trace.tokens.ids]), labels=ids).loss
    assert found.shape == (ids.shape[1],)
    assert -found.mean() == pytest.approx(float(loss), rel=1e-5)
    np.testing.assert_array_equal(log_probabilities(trace), found[:-1])


def test_the_likeliest_are_those_of_the_softmax(model):
    trace = attnviz.trace(model, TEXT)
    for row in (0, len(trace.target_tokens) - 1):
        shares = torch.softmax(torch.from_numpy(trace.logits[row].copy()).double(), 0)
        best = torch.topk(shares, 5)
        found = likeliest(trace, row)
        assert [i for i, _ in found] == best.indices.tolist()
        np.testing.assert_allclose([p for _, p in found], best.values, rtol=1e-6)
        assert probability_of(trace, row, found[2][0]) == pytest.approx(found[2][1])
    assert len(likeliest(trace, 0, at_most=1000)) == trace.logits.shape[1]
    with pytest.raises(SelectionError, match="no target token"):
        likeliest(trace, len(trace.target_tokens))


def test_a_greedy_text_that_was_cut_does_not_end(model):
    trace = attnviz.trace(model, TEXT)
    last = int(trace.logits[-1].argmax())
    assert ends(trace, last) and not ends(trace, last + 1)


def test_a_model_without_a_decoder_wrote_nothing():
    with pytest.raises(SelectionError, match="writes no text"):
        likeliest(made_trace([[even(2)]], made_tokens("a b")), 0)


def test_memory_by_hand():
    gates = np.array([[[0.5, 0.0], [0.5, 1.0]]], np.float32)  # one layer, two tokens, two channels
    shares = memory_shares(gates)
    # channel 0: half of the first token, then a quarter of it and half of the second; channel 1: all of the first, kept
    np.testing.assert_allclose(shares[0], [[0.75, 0], [0.625, 0.25]])


@given(arrays(np.float32, (2, 5, 3), elements=st.floats(0, 1, width=32)))
def test_memory_shares_and_what_is_left_of_nothing_are_all(gates):
    shares = memory_shares(gates)
    empty = np.cumprod(gates, axis=1).mean(axis=-1)
    np.testing.assert_allclose(shares.sum(axis=-1), 1 - empty, atol=1e-5)
    assert (shares >= 0).all() and not np.triu(shares[0], 1).any()


def test_memory_shares_are_those_of_the_recurrence_itself():
    """Each token brings a vector of its own into the state; what comes out says how much of it is there."""
    torch.manual_seed(0)
    tokens = 6
    cell = SimpleRecurrence(8, layer=0).eval()
    hidden = torch.randn(1, tokens, 8)
    gates = torch.sigmoid(cell.forget_gate(hidden))[0].detach().numpy()
    states = np.zeros((tokens, tokens))
    for s in range(tokens):

        class OnlyOne(torch.nn.Module):
            def forward(self, x, s=s):
                mask = torch.zeros_like(x)
                mask[:, s] = 1
                return mask

        cell.candidate = OnlyOne()
        with torch.inference_mode():
            states[:, s] = cell(hidden)[0][0].mean(-1).numpy()
    np.testing.assert_allclose(memory_shares(gates[None])[0], states, atol=1e-6)


def test_what_a_decoder_has_at_hand(model):
    trace = attnviz.trace(model, TEXT, target=OWN)
    shares = earlier_shares(trace, 3)
    if trace.gates is None:
        expected = np.stack([trace.weights("decoder", i).mean(axis=0)[3, :4] for i in range(2)])
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    else:
        expected = memory_shares(trace.gates)[:, 3, :4]
    np.testing.assert_allclose(shares, expected, atol=1e-6)


def test_gates_recorded_are_those_of_the_pass(model):
    if model.architecture.recurrent:
        trace = attnviz.trace(model, TEXT, target=OWN)
        current = Pass(model.architecture, records=True)
        with torch.inference_mode(), forward_pass(current):
            model.module(
                input_ids=torch.tensor([trace.tokens.ids]),
                decoder_input_ids=torch.tensor([trace.target_tokens.ids]),
            )
        np.testing.assert_array_equal(np.stack(current.gates), trace.gates)


def test_crossings_by_hand():
    assert crossings(frozenset({(0, 0), (1, 1)})) == ()
    assert crossings(frozenset({(0, 1), (1, 0), (2, 2)})) == (((0, 1), (1, 0)),)
    assert crossings(frozenset({(0, 0), (1, 0)})) == ()
    assert len(crossings(frozenset({(0, 2), (1, 1), (2, 0)}))) == 3


def test_the_clearest_crossing_by_hand():
    def alignment(weights, words):
        groups = tuple((i,) for i in range(len(words)))
        rows = np.array(weights, np.float32)
        return WordAlignment(
            rows, 1 - rows.sum(axis=1), ("x",) * len(rows), words, groups[: len(rows)], groups
        )

    turned = [[0.1, 0.6, 0.0], [0.5, 0.1, 0.0], [0.0, 0.0, 0.9]]
    assert clearest_crossing(alignment(turned, ("old", "table", "now"))) == ((0, 1), (1, 0))
    assert clearest_crossing(alignment(turned, ("old", ".", "now"))) is None  # a sign is no word
    assert clearest_crossing(alignment(np.eye(3), ("old", "table", "now"))) is None
    two = [[0, 0.6, 0, 0], [0.5, 0, 0, 0], [0, 0, 0, 0.9], [0, 0, 0.8, 0]]
    assert clearest_crossing(alignment(two, ("a", "b", "c", "d"))) == ((2, 3), (3, 2))


@given(st.permutations(range(6)))
def test_crossings_are_the_inversions_of_an_order(order):
    links = frozenset(enumerate(order))
    expected = sum(order[a] > order[b] for a in range(6) for b in range(a + 1, 6))
    assert len(crossings(links)) == expected


@pytest.mark.parametrize(
    ("old", "new", "changed", "count"),
    [
        ("a b c", "a b c", (), 0),
        ("a b c", "a x c", (1,), 1),
        ("a b c", "a c", (), 1),
        ("a c", "a b c", (1,), 1),
        ("an old table", "an table old", (1,), 1),
        ("", "a", (0,), 1),
        ("a", "", (), 1),
        ("a a a", "a a", (), 1),
    ],
)
def test_changed_words(old, new, changed, count):
    found = word_changes(old, new)
    assert found.words == tuple(new.split())
    assert tuple(i for i, other in enumerate(found.changed) if other) == changed
    assert found.count == count


def test_counts_of_changed_texts():
    plain, other = made_tokens("a b"), made_tokens("a c")
    other = dataclasses.replace(other, ids=(0, 5))
    counted = HeadChanges.none(1, 2).with_text([plain, plain, other]).with_text([plain, other, other])
    assert counted.texts == 2 and counted.changed.tolist() == [[1, 2]]
    assert counted.most_needed == (0, 1) and counted.shares.tolist() == [[0.5, 1.0]]
    with pytest.raises(ValueError, match="2 results for 2 heads"):
        counted.with_text([plain, other])


def test_edits_of_single_heads():
    edits = single_heads(2, 3)
    assert len(edits) == 7 and edits[0] == attnviz.Edits()
    assert [e.ablate_heads for e in edits[1:]] == [(("cross", i, h),) for i in range(2) for h in range(3)]
    assert set(all_heads_off(2, 3).ablate_heads) == {e.ablate_heads[0] for e in edits[1:]}


def test_clearness():
    assert clearness(np.eye(4, dtype=np.float32)) == 1
    assert clearness(np.full((4, 4), 0.25, np.float32)) == pytest.approx(0.0625)
    one_column = np.zeros((4, 4), np.float32)
    one_column[:, 2] = 1
    assert clearness(one_column) == 0.25
    assert clearness(np.zeros((0, 3), np.float32)) == 0


def test_units_are_words_but_for_a_single_word():
    def trace(source, target):
        read, written = made_tokens(source, ("</s>",)), made_tokens(target, ("<pad>",))
        return made_trace(
            [[np.full((len(written), len(read)), 1 / len(read))]], read, kind="cross", target=written
        )

    assert by_word(trace("the cat </s>", "<pad> o gato"))
    assert by_word(trace("cat </s>", "<pad> gato"))
    assert not by_word(trace("c -a -t </s>", "<pad> K AE T"))
    assert not by_word(trace("the cat </s>", "<pad> ga -to"))


def test_small_maps_keep_the_largest():
    maps = np.zeros((1, 70, 3), np.float32)
    maps[0, 41, 2] = 0.9
    small = small_maps(maps)
    assert small.shape == (1, 32, 3) and small.max() == np.float32(0.9) and (small > 0).sum() == 1
    np.testing.assert_array_equal(small_maps(maps[:, :32]), maps[:, :32])


def test_every_head_between_words(model):
    trace = attnviz.trace(model, TEXT, target=OWN)
    maps = aligned_maps(trace)
    assert maps.shape == (2, 4, len(OWN.split()), len(TEXT.split()))
    assert maps.min() >= 0 and maps.sum(axis=-1).max() <= 1 + 1e-5
