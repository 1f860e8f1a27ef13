"""Position encodings beside the models' own modules, and beside what can be solved by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.gpt_neox.modeling_gpt_neox import apply_rotary_pos_emb as turn_in_part
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding
from transformers.models.t5.modeling_t5 import T5Attention

import attnviz
from attnviz.analysis import positions as p
from attnviz.errors import SelectionError
from attnviz.models.architecture import architecture
from attnviz.models.positions import model_positions
from tests.tiny import save_tiny, tiny_model


def test_sinusoidal_by_hand():
    table = p.sinusoidal(3, 4)
    np.testing.assert_allclose(table[0], [0, 1, 0, 1])
    np.testing.assert_allclose(
        table[2], [math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)], rtol=1e-6
    )
    assert p.sinusoidal(3, 4, base=100)[1, 2] == pytest.approx(math.sin(0.1))


@pytest.mark.parametrize("width", [6, 7, 256, 511])
def test_sinusoidal_equals_marians_for_even_and_odd_widths(width):
    """Transformers' own table: the sines in the first half, the cosines in the second."""
    own = MarianSinusoidalPositionalEmbedding(64, width).create_weight().numpy()
    table = p.sinusoidal(64, width)
    np.testing.assert_allclose(np.concatenate([table[:, 0::2], table[:, 1::2]], axis=1), own, atol=1e-6)


@pytest.mark.parametrize(("model_type", "to_the_end"), [("marian", False), ("marian-ssru", True)])
def test_sines_then_cosines_equal_the_tables_of_models(model_type, to_the_end):
    model = tiny_model(model_type)
    module = model.get_encoder().embed_positions
    own = model_positions(model, architecture(model.config)).tables[0].table
    fresh = module.create_weight().numpy()  # tiny models are scaled, so the table is made anew
    assert own.shape == fresh.shape
    np.testing.assert_allclose(p.sines_then_cosines(64, 32, to_the_end=to_the_end), fresh, atol=1e-6)


def test_m2m_begins_after_its_padding():
    model = tiny_model("m2m_100")
    table = model_positions(model, architecture(model.config)).tables[0].table
    expected = p.sines_then_cosines(len(table) + 1, 32, to_the_end=True)[1:]
    np.testing.assert_allclose(table, expected, atol=1e-5)  # M2M-100 computes it in single precision


@given(st.integers(1, 40), st.integers(1, 33), st.floats(1.5, 1e6))
def test_sinusoidal_vectors_are_pairs_on_the_unit_circle(length, width, base):
    table = p.sinusoidal(length, width, base)
    assert table.shape == (length, width) and np.abs(table).max() <= 1
    pairs = table[:, : width - width % 2].reshape(length, -1, 2)
    np.testing.assert_allclose((pairs**2).sum(-1), 1, atol=1e-5)


@given(st.integers(0, 60), st.integers(2, 33), st.floats(2, 1e6))
def test_a_shift_is_one_rotation_whatever_the_position(shift, width, base):
    table = p.sinusoidal(80, width, base)
    even = width - width % 2
    np.testing.assert_allclose(p.shifted(table, shift, base)[: 80 - shift], table[shift:, :even], atol=2e-5)


def test_products_depend_on_distance_only_for_even_widths():
    products = p.products_by_distance(p.sinusoidal(40, 16))
    np.testing.assert_allclose(products.most, products.least, atol=1e-4)
    waves = np.cos(np.arange(40)[:, None] * p.speeds(16)).sum(1)
    np.testing.assert_allclose(products.mean, waves, atol=1e-3)
    odd = p.products_by_distance(p.sinusoidal(40, 5, base=10))
    assert (odd.most - odd.least)[5] > 0.01


def test_wavelengths():
    np.testing.assert_allclose(p.wavelengths(p.speeds(4)), [2 * math.pi, 200 * math.pi], rtol=1e-6)
    with pytest.raises(ValueError):
        p.speeds(0)
    with pytest.raises(ValueError):
        p.sines_then_cosines(4, 5)


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "phi", "gpt_neox"])
def test_rotary_equals_the_models_own_module(model_type):
    model = tiny_model(model_type)
    rotation = model_positions(model, architecture(model.config)).rotation(0)
    base_model = getattr(model, model.base_model_prefix)
    at = torch.arange(50)[None]
    vectors = torch.randn(1, 2, 50, rotation.d_head, generator=torch.Generator().manual_seed(1))
    cosine, sine = base_model.rotary_emb(vectors, at)
    pairs = len(rotation.speeds)
    angles = p.rotary_angles(rotation.speeds, np.arange(50))
    np.testing.assert_allclose(np.cos(angles), cosine[0, :, :pairs], atol=1e-5)
    np.testing.assert_allclose(np.sin(angles), sine[0, :, :pairs], atol=1e-5)
    assert rotation.speeds == pytest.approx(p.speeds(2 * pairs, rotation.base), rel=1e-5)
    turned = torch.cat(
        [
            (apply_rotary_pos_emb if 2 * pairs == rotation.d_head else turn_in_part)(
                vectors[..., : 2 * pairs], vectors[..., : 2 * pairs], cosine, sine
            )[0],
            vectors[..., 2 * pairs :],
        ],
        dim=-1,
    )
    np.testing.assert_allclose(
        p.rotated(vectors[0].numpy(), np.arange(50), rotation.speeds), turned[0], atol=1e-5
    )


@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(0, 500))
def test_a_rotary_score_depends_on_the_distance_only(query_at, key_at, both):
    generator = np.random.default_rng(0)
    pair = p.Unturned(*generator.normal(size=(2, 12)).astype(np.float32), scaling=0.25)
    turning = p.speeds(8)  # the last four dimensions do not turn
    here, there = pair.score(turning, query_at, key_at), pair.score(turning, query_at + both, key_at + both)
    np.testing.assert_allclose(here, there, atol=1e-5)
    vector = pair.query
    assert np.linalg.norm(p.rotated(vector, query_at, turning)) == pytest.approx(
        np.linalg.norm(vector), rel=1e-5
    )
    np.testing.assert_allclose(p.rotated(p.rotated(vector, both, turning), -both, turning), vector, atol=1e-5)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Tiny models as a user would load them."""
    made = {}

    def load(model_type):
        if model_type not in made:
            made[model_type] = attnviz.load(save_tiny(tmp_path_factory.mktemp(model_type), model_type))
        return made[model_type]

    return load


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "phi", "gemma3_text", "granite"])
def test_turned_back_vectors_give_the_score_of_the_trace_where_they_stood(tiny, model_type):
    model = tiny(model_type)
    trace = attnviz.trace(model, "the cat sat on the mat")
    known = model_positions(model.module, model.architecture)
    for layer, head, query, key in ((0, 0, 5, 3), (2, 3, 4, 4), (1, 1, 3, 2)):
        turning = known.rotation(layer).speeds
        pair = p.unturned(trace, "decoder", layer, head, query, key, turning)
        expected = trace.scores("decoder", layer, head)[query, key]
        assert float(pair.score(turning, query, key)) == pytest.approx(float(expected), abs=1e-4)
    with pytest.raises(SelectionError):
        p.unturned(trace, "decoder", 0, 99, 0, 0, turning)


@pytest.mark.parametrize(("buckets", "far"), [(32, 128), (32, 40), (8, 20), (8, 64), (64, 33), (64, 512)])
@pytest.mark.parametrize("two_sided", [True, False])
def test_buckets_equal_t5s_own(buckets, far, two_sided):
    distances = np.arange(-600, 600)
    own = T5Attention._relative_position_bucket(torch.tensor(distances), two_sided, buckets, far)
    found = p.relative_buckets(distances, buckets, far, two_sided=two_sided)
    np.testing.assert_array_equal(found, own.numpy())
    assert found.min() == 0 and found.max() < buckets


def test_a_largest_distance_within_the_single_ones_is_none():
    """Transformers divides by 0 there, and what comes out are no buckets."""
    own = T5Attention._relative_position_bucket(torch.tensor([-40]), False, 64, 32)
    assert own.item() < 0
    with pytest.raises(ValueError):
        p.relative_buckets(np.array([-40]), 64, 32, two_sided=False)


@pytest.mark.parametrize("model_type", ["t5", "umt5"])
def test_relative_bias_is_what_the_layer_adds_to_its_scores(tiny, model_type):
    """Both stacks: the recorded bias of a call is the learned one, where no mask lies over it."""
    model = tiny(model_type)
    trace = attnviz.trace(model, "the cat sat on the mat", target="the dog ran to the street")
    for bias in model_positions(model.module, model.architecture).biases:
        call = trace.call(bias.stack, bias.layers[-1])
        n = call.query.shape[1]
        for query in range(n):
            seen = query + 1 if bias.stack == "decoder" else n
            distances = np.arange(seen) - query
            found = p.relative_bias(bias.table, distances, bias.max_distance, two_sided=bias.two_sided)
            np.testing.assert_allclose(call.bias[:, query, :seen], found, atol=1e-6)


def test_alibi_by_hand():
    bias = p.alibi_bias(8, np.arange(-3, 1))
    np.testing.assert_allclose(bias[0], [-1.5, -1, -0.5, 0])
    np.testing.assert_allclose(bias[7], [-3 / 256, -2 / 256, -1 / 256, 0])


def test_cosine_similarities_and_components_by_hand():
    table = np.array([[1, 0], [2, 0], [0, 3], [0, 0]], np.float32)
    similar = p.cosine_similarities(table)
    np.testing.assert_allclose(similar[:3, :3], [[1, 1, 0], [1, 1, 0], [0, 0, 1]], atol=1e-6)
    assert not similar[3].any()
    line = np.outer(np.arange(5), [3, 4]).astype(np.float32)  # all on one line, 5 apart
    parts = p.first_components(line, 3)
    np.testing.assert_allclose(np.abs(parts.values[:, 0]), [10, 5, 0, 5, 10], atol=1e-4)
    np.testing.assert_allclose(parts.shares, [1, 0], atol=1e-6)
    assert p.first_components(np.ones((4, 2), np.float32)).shares.tolist() == [0, 0]
    lonely = np.array([[0, 9], [1, 0], [2, 0], [3, 0]], np.float32)
    np.testing.assert_array_equal(p.without_lonely_first(lonely), lonely[1:])
    np.testing.assert_array_equal(p.without_lonely_first(line), line)


TEXT = "the cat sat on the mat and the dog ran"


@pytest.mark.parametrize("model_type", ["bert", "roberta", "modernbert", "t5", "bart", "marian"])
def test_without_positions_an_encoder_only_permutes(tiny, model_type):
    """Every layer of the real forward pass, and the same comparison with positions as the counter-proof."""
    model = tiny(model_type)
    both = model.architecture.kind == "encoder-decoder"
    mixed = p.shuffled_text(TEXT, 1)
    moved = {}
    for positions in (False, True):
        edits = attnviz.Edits(positions=positions)
        runs = [
            attnviz.trace(model, text, target="the" if both else None, edits=edits) for text in (TEXT, mixed)
        ]
        states = [r.source_hidden_states if both else r.hidden_states for r in runs]
        order = p.same_tokens(runs[0].tokens, runs[1].tokens)
        moved[positions] = [p.changes(*layer, order).max() for layer in zip(*states, strict=True)]
    if model.architecture.windows and any(model.architecture.windows):
        assert moved[False][0] < 1e-5  # a window knows near from far without any position
    else:
        assert max(moved[False]) < 1e-4
    assert moved[True][-1] > 1e-3


@pytest.mark.parametrize("model_type", ["llama", "gpt2"])
def test_a_decoder_still_knows_order_by_its_mask(tiny, model_type):
    model = tiny(model_type)
    edits = attnviz.Edits(positions=False)
    before, after = (attnviz.trace(model, text, edits=edits) for text in (TEXT, p.shuffled_text(TEXT, 3)))
    order = p.same_tokens(before.tokens, after.tokens)
    masked = p.changes(before.hidden_states[1], after.hidden_states[1], order)
    assert masked.max() > 1e-2
    free = [p.outputs_without_mask(t, "decoder", 0) for t in (before, after)]
    assert p.changes(*free, order).max() < 1e-5


def test_outputs_without_mask_are_those_of_an_encoder(tiny):
    trace = attnviz.trace(tiny("bert"), TEXT)
    outputs = trace.head_outputs("encoder", 1).swapaxes(0, 1).reshape(len(trace.tokens), -1)
    np.testing.assert_allclose(p.outputs_without_mask(trace, "encoder", 1), outputs, atol=1e-6)


def test_words_in_another_order():
    assert p.single_blanks(" a  b\nc ") == "a b c"
    mixed = p.shuffled_text("one two three four", 5)
    assert mixed.split()[0] == "one" and sorted(mixed.split()) == ["four", "one", "three", "two"]
    assert mixed != "one two three four" and mixed == p.shuffled_text("one two three four", 5)
    assert p.shuffled_text("one one two", 0) == "one two one"
    for text in ("one", "one two", "one two two", ""):
        assert not p.can_be_shuffled(text)
        with pytest.raises(SelectionError):
            p.shuffled_text(text, 0)


def test_other_tokens_cannot_be_compared(tiny):
    one, other = (attnviz.trace(tiny("gpt2"), text).tokens for text in ("the cat sat", "the cat ran"))
    with pytest.raises(SelectionError):
        p.same_tokens(one, other)
