"""The student translators: the real ones against their own engine, and tiny ones made from a Marian file."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from transformers import AutoConfig, AutoModelForSeq2SeqLM

import attnviz
from attnviz.errors import ModelFileError, ModelUnsupported, SelectionError
from attnviz.models.bundled import TRANSLATE_EN_PT, TRANSLATE_PT_EN
from attnviz.models.marian import read
from attnviz.models.translator import (
    MarianSsruConfig,
    MarianSsruModel,
    SimpleRecurrence,
    SinusoidalPositionalEmbedding,
    from_marian,
)
from attnviz.tracing.attention import Pass, forward_pass
from attnviz.tracing.forward import write
from tests.models.test_marian import floats, quantised, settings_item, written

RECORD = yaml.safe_load(Path(__file__).with_name("translations.yaml").read_text("utf-8"))
DIRECTIONS = {"en-pt": TRANSLATE_EN_PT, "pt-en": TRANSLATE_PT_EN}
TABLE = "She bought an old wooden table at the market."


@pytest.fixture(scope="module")
def translators():
    return {direction: attnviz.load(model_id) for direction, model_id in DIRECTIONS.items()}


@pytest.fixture(scope="module")
def english(translators):
    return translators["en-pt"]


def translations(model, sentences):
    batch = model.tokenizer(sentences, return_tensors="pt", padding=True)
    with torch.inference_mode():
        ids = model.module.generate(**batch, num_beams=1, do_sample=False, max_new_tokens=64)
    return [model.tokenizer.decode(row, skip_special_tokens=True) for row in ids]


def forced(module, trace, **options):
    source, target = torch.tensor([trace.tokens.ids]), torch.tensor([trace.target_tokens.ids])
    with torch.inference_mode():
        return module(input_ids=source, decoder_input_ids=target, use_cache=False, **options)


def test_the_record_is_what_it_says():
    for pairs in RECORD.values():
        assert len({pair["source"] for pair in pairs}) == 100
        assert all(pair.get("model") != pair["engine"] for pair in pairs)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_translations_are_those_of_the_models_own_engine(translators, direction):
    """The engine calculates with 8-bit numbers and a short list of words; we with full ones and all words."""
    pairs = RECORD[direction]
    found = []
    for start in range(0, 100, 20):
        found += translations(translators[direction], [p["source"] for p in pairs[start : start + 20]])
    others = [
        (pair["source"], pair["engine"], ours)
        for pair, ours in zip(pairs, found, strict=True)
        if ours != pair["engine"]
    ]
    assert len(others) <= 5, others


def test_a_padded_batch_equals_its_rows(english):
    sentences = [pair["source"] for pair in RECORD["en-pt"][:8]]
    assert len({len(english.tokenizer(s).input_ids) for s in sentences}) > 3
    assert translations(english, sentences) == [translations(english, [s])[0] for s in sentences]
    batch = english.tokenizer(sentences, return_tensors="pt", padding=True)
    target = torch.tensor([[32000, 5, 17, 99]]).expand(len(sentences), -1)
    with torch.inference_mode():
        together = english.module(**batch, decoder_input_ids=target).logits
        for row, sentence in enumerate(sentences):
            alone = english.module(
                **english.tokenizer(sentence, return_tensors="pt"), decoder_input_ids=target[:1]
            ).logits[0]
            torch.testing.assert_close(together[row], alone, atol=1e-3, rtol=0)


def test_a_target_is_padded_after_its_end(english):
    """What follows a text in a batch of targets reaches nothing before it."""
    trace = attnviz.trace(english, TABLE)
    source, target = (
        torch.tensor([trace.tokens.ids]),
        torch.tensor([[*trace.target_tokens.ids, 32000, 32000]]),
    )
    with torch.inference_mode():
        padded = english.module(input_ids=source, decoder_input_ids=target).logits[0]
    np.testing.assert_allclose(padded[: len(trace.logits)], trace.logits, atol=1e-3)


def test_steps_with_a_cache_equal_one_pass(english):
    trace = attnviz.trace(english, TABLE)
    logits = forced(english.module, trace).logits[0]
    target = torch.tensor([trace.target_tokens.ids])
    for lengths in ([1] * target.size(1), [3, 1, target.size(1) - 4]):
        cache, steps = None, []
        with torch.inference_mode():
            encoded = english.module.get_encoder()(torch.tensor([trace.tokens.ids]))
            for part in target.split(lengths, dim=1):
                output = english.module(
                    encoder_outputs=encoded, decoder_input_ids=part, past_key_values=cache, use_cache=True
                )
                cache = output.past_key_values
                steps.append(output.logits[0])
        assert cache.get_seq_length() == target.size(1)
        torch.testing.assert_close(torch.cat(steps), logits, atol=1e-3, rtol=0)


@pytest.mark.parametrize("beams", [1, 3])
def test_with_and_without_a_cache_the_same_is_written(english, beams):
    """With beams the cache is put into another order at each step."""
    for pair in RECORD["en-pt"][3:6]:
        ids = english.tokenizer(pair["source"], return_tensors="pt")
        with torch.inference_mode():
            found = [
                english.module.generate(**ids, num_beams=beams, do_sample=False, use_cache=cached)[0].tolist()
                for cached in (True, False)
            ]
        assert found[0] == found[1]


def test_what_it_shows(english):
    """Cross-attention head L1H0 looks from each word about to be written at its source: "wooden table" crosses."""
    trace = attnviz.trace(english, TABLE)
    assert (
        "".join(trace.target_tokens.surfaces[1:]).strip()
        == "Ela comprou uma velha mesa de madeira no mercado."
    )
    assert trace.kinds == english.architecture.kinds == ("encoder", "cross")
    assert (trace.layers("encoder"), trace.heads("encoder")) == (6, 8)
    assert (trace.layers("cross"), trace.heads("cross")) == (2, 8)
    weights = trace.weights("cross", 1, 0)

    def looked_at(word):
        row = weights[trace.target_tokens.labels.index(word) - 1]
        return trace.tokens.labels[row.argmax()], row.max()

    for word, source in (
        ("mesa", "table"),
        ("madeira", "wooden"),
        ("comprou", "bought"),
        ("mercado", "market"),
    ):
        assert looked_at(word)[0] == source and looked_at(word)[1] > 0.8, (word, looked_at(word))


def test_weights_are_those_of_the_built_in_attention_and_rows_sum_to_one(english):
    trace = attnviz.trace(english, TABLE)
    output = forced(english.module, trace, output_attentions=True)
    assert not output.decoder_attentions
    for kind, layers in (("encoder", output.encoder_attentions), ("cross", output.cross_attentions)):
        assert len(layers) == trace.layers(kind)
        for layer, weights in enumerate(layers):
            # scores reach 30 here: float32 sums in another order differ by their last digit
            np.testing.assert_allclose(trace.weights(kind, layer), weights[0], atol=1e-5)
            np.testing.assert_allclose(trace.weights(kind, layer).sum(-1), 1, atol=1e-6)


def test_there_is_no_self_attention_in_the_decoder_and_why(english):
    trace = attnviz.trace(english, TABLE)
    for ask in (
        lambda: trace.weights("decoder", 0),
        lambda: english.architecture.heads("decoder"),
        lambda: attnviz.trace(english, TABLE, edits=attnviz.Edits(ablate_heads=(("decoder", 0, 0),))),
    ):
        with pytest.raises(
            SelectionError, match="no decoder attention: a recurrence stands where self-attention"
        ):
            ask()


@pytest.mark.parametrize(("kind", "layer", "head"), [("cross", 1, 0), ("cross", 0, 5), ("encoder", 3, 7)])
def test_switching_a_head_off_is_zeroing_the_input_of_the_projection(english, kind, layer, head):
    target = "Ela comprou uma velha mesa de madeira no mercado."
    plain = attnviz.trace(english, TABLE, target=target)
    edits = attnviz.Edits(ablate_heads=((kind, layer, head),))
    edited = attnviz.trace(english, TABLE, target=target, edits=edits)

    def zero(module, inputs):
        changed = inputs[0].clone()
        changed[..., 32 * head : 32 * (head + 1)] = 0
        return (changed,)

    if kind == "cross":
        projection = english.module.model.decoder.layers[layer].encoder_attn.out_proj
    else:
        projection = english.module.model.encoder.layers[layer].self_attn.out_proj
    handle = projection.register_forward_pre_hook(zero)
    try:
        hooked = forced(english.module, plain)
    finally:
        handle.remove()
    np.testing.assert_array_equal(edited.logits, hooked.logits[0])
    assert np.abs(edited.logits - plain.logits).max() > 1e-2
    assert not edited.head_outputs(kind, layer, head).any()


def test_many_heads_are_switched_off_in_one_batch(english):
    one_each = [
        attnviz.Edits(ablate_heads=(("cross", layer, head),)) for layer in range(2) for head in range(8)
    ]
    found = write(english, TABLE, [attnviz.Edits(), *one_each])
    assert found[0] == attnviz.trace(english, TABLE).target_tokens
    assert len({tokens.ids for tokens in found}) > 3
    for edits, tokens in list(zip(one_each, found[1:], strict=True))[::5]:
        assert tokens == attnviz.trace(english, TABLE, edits=edits).target_tokens


def test_gates_are_recorded_as_the_recurrence_uses_them(english):
    trace = attnviz.trace(english, TABLE)
    assert trace.gates.shape == (2, len(trace.target_tokens), 256)
    assert trace.gates.min() >= 0 and trace.gates.max() <= 1
    for layer in range(2):
        gate = english.module.model.decoder.layers[layer].recurrence.forget_gate
        entering = torch.tensor(trace.hidden_states[layer])
        np.testing.assert_allclose(trace.gates[layer], torch.sigmoid(gate(entering)), atol=1e-5)
    with pytest.raises(ValueError, match="read-only"):
        trace.gates[0, 0, 0] = 1
    assert trace.nbytes > attnviz.trace(english, "No.", target="Não.").nbytes


def test_the_recurrence_against_its_formula():
    torch.manual_seed(0)
    recurrence = SimpleRecurrence(4, 0).requires_grad_(False)
    x = torch.randn(2, 5, 4)
    out, weights = recurrence(x)
    assert weights is None
    w_f, b_f = recurrence.forget_gate.weight.double().numpy(), recurrence.forget_gate.bias.double().numpy()
    w = recurrence.candidate.weight.double().numpy()
    for row in range(2):
        state = np.zeros(4)
        for t in range(5):
            read_now = x[row, t].double().numpy()
            forget = 1 / (1 + np.exp(-(w_f @ read_now + b_f)))
            state = forget * state + (1 - forget) * (w @ read_now)
            np.testing.assert_allclose(out[row, t], np.maximum(state, 0), atol=1e-6)


def test_gates_of_a_pass_that_is_not_recorded_are_not_kept():
    recurrence = SimpleRecurrence(4, 0)
    current = Pass(attnviz.architecture(tiny().config))
    with torch.no_grad(), forward_pass(current):
        recurrence(torch.zeros(1, 2, 4))
    assert current.gates == []


def test_positions():
    """sin and cos of position / 10000^(i / (d/2 - 1)): Marian's own formula, worked out for d = 6."""
    table = SinusoidalPositionalEmbedding(4, 6).create_weight()
    for position in range(4):
        angles = [position, position / 100, position / 10_000]
        expected = [*map(math.sin, angles), *map(math.cos, angles)]
        np.testing.assert_allclose(table[position], expected, atol=1e-6)


def test_the_start_reads_as_zeros_and_is_never_written(english):
    pad = english.tokenizer.pad_token_id
    assert pad == english.module.config.decoder_start_token_id == 32000
    assert not english.module.get_input_embeddings().weight[pad].any()
    trace = attnviz.trace(english, TABLE)
    assert (trace.logits[:, pad] < -1e8).all() and np.abs(np.delete(trace.logits, pad, axis=1)).max() < 1e3


def test_saved_and_opened_again(english, tmp_path):
    english.module.save_pretrained(tmp_path / "copy")
    english.tokenizer.save_pretrained(tmp_path / "copy")
    assert isinstance(AutoConfig.from_pretrained(tmp_path / "copy"), MarianSsruConfig)
    module = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "copy")
    assert isinstance(module, MarianSsruModel) and module.config.model_type == "marian-ssru"
    trace, again = attnviz.trace(english, TABLE), attnviz.trace(attnviz.load(tmp_path / "copy"), TABLE)
    assert again.target_tokens == trace.target_tokens
    np.testing.assert_array_equal(again.logits, trace.logits)
    np.testing.assert_array_equal(again.gates, trace.gates)


@pytest.mark.parametrize(
    "text",
    [
        ".",
        "ELA COMPROU UMA MESA",
        "Die Katze schläft auf dem Sofa.",
        "🙂 🇵🇹 👩🏽‍🚀",
        "<b>bold</b> & <script>alert(1)</script>",
        "one </s> two <pad> three <unk>",
        "a\n\nb\tc",
        "ação\u0301 ﬁm \u00a0 x",
        "word " * 200,
    ],
)
def test_any_text_is_translated_and_traced(translators, text):
    for model in translators.values():
        trace = attnviz.trace(model, text)
        assert np.isfinite(trace.logits).all() and trace.gates.shape[1] == len(trace.target_tokens)
        own = attnviz.trace(model, text, target="🙂 Łódź zzzqx 漢字.")
        assert own.weights("cross", 1, 0).shape == (len(own.target_tokens), len(own.tokens))


# ---- a tiny model, from a Marian file made here ----

SIZES = {"d": 8, "ffn": 12, "vocabulary": 20}
SETTINGS = """\
type: transformer
transformer-decoder-autoreg: rnn
dec-cell: ssru
transformer-heads: 2
transformer-preprocess: ""
transformer-postprocess: dan
transformer-ffn-activation: relu
transformer-ffn-depth: 2
transformer-train-position-embeddings: false
tied-embeddings-all: true
"""


def tiny_items():
    """Items of a whole file: an encoder of 2 layers and a decoder of 1."""
    rng = np.random.default_rng(3)
    d, ffn, vocabulary = SIZES["d"], SIZES["ffn"], SIZES["vocabulary"]

    def matrix(name, *shape):
        return quantised(name, shape, rng.integers(-127, 128, math.prod(shape)), 60.0)

    def vector(name, size):
        return floats(name, rng.normal(size=(1, size)))

    items = [matrix("Wemb", vocabulary, d), vector("decoder_ff_logit_out_b", vocabulary)]
    for stack, layers, parts in (("encoder", 2, ("self",)), ("decoder", 1, ("context",))):
        for layer in (f"{stack}_l{i + 1}" for i in range(layers)):
            for part in parts:
                items += [matrix(f"{layer}_{part}_W{x}", d, d) for x in "qkvo"]
                items += [vector(f"{layer}_{part}_b{x}", d) for x in "qkvo"]
                items += [vector(f"{layer}_{part}_Wo_ln_{x}", d) for x in ("scale", "bias")]
            items += [matrix(f"{layer}_ffn_W1", d, ffn), matrix(f"{layer}_ffn_W2", ffn, d)]
            items += [vector(f"{layer}_ffn_b1", ffn), vector(f"{layer}_ffn_b2", d)]
            items += [vector(f"{layer}_ffn_ffn_ln_{x}", d) for x in ("scale", "bias")]
    items += [
        matrix("decoder_l1_rnn_W", d, d),
        matrix("decoder_l1_rnn_Wf", d, d),
        vector("decoder_l1_rnn_bf", d),
    ]
    items += [vector(f"decoder_l1_rnn_ffn_ln_{x}", d) for x in ("scale", "bias")]
    return [*items, floats("none_QuantMultA", [[8.0]], spare=252)]


def tiny_file(items=None, settings=SETTINGS):
    return read(written(*(tiny_items() if items is None else items), settings_item(settings)))


def tiny():
    return from_marian(tiny_file())


def test_sizes_are_those_of_the_arrays():
    facts = attnviz.architecture(tiny().config)
    assert (facts.encoder_layers, facts.decoder_layers, facts.encoder_heads, facts.d_model) == (2, 1, 2, 8)
    assert (facts.d_ff, facts.vocabulary, facts.activation, facts.norm_placement) == (12, 21, "ReLU", "after")


def test_every_matrix_is_turned_and_every_name_finds_its_place():
    model, arrays = tiny(), tiny_file().arrays
    state = model.state_dict()
    for theirs, ours in (
        ("encoder_l2_self_Wq", "model.encoder.layers.1.self_attn.q_proj.weight"),
        ("encoder_l1_ffn_W1", "model.encoder.layers.0.fc1.weight"),
        ("decoder_l1_context_Wo", "model.decoder.layers.0.encoder_attn.out_proj.weight"),
        ("decoder_l1_rnn_Wf", "model.decoder.layers.0.recurrence.forget_gate.weight"),
        ("decoder_l1_rnn_W", "model.decoder.layers.0.recurrence.candidate.weight"),
    ):
        np.testing.assert_array_equal(state[ours], arrays[theirs].T)
    for theirs, ours in (
        ("encoder_l1_self_bk", "model.encoder.layers.0.self_attn.k_proj.bias"),
        ("decoder_l1_rnn_ffn_ln_scale", "model.decoder.layers.0.self_attn_layer_norm.weight"),
        ("decoder_l1_context_Wo_ln_bias", "model.decoder.layers.0.encoder_attn_layer_norm.bias"),
        ("encoder_l2_ffn_ffn_ln_scale", "model.encoder.layers.1.final_layer_norm.weight"),
    ):
        np.testing.assert_array_equal(state[ours], arrays[theirs][0])
    np.testing.assert_array_equal(state["model.shared.weight"][:-1], arrays["Wemb"])
    np.testing.assert_array_equal(state["final_logits_bias"][0, :-1], arrays["decoder_ff_logit_out_b"][0])
    norms = [module for module in model.modules() if isinstance(module, torch.nn.LayerNorm)]
    assert len(norms) == 7 and {norm.eps for norm in norms} == {1e-6}


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda items: items[1:], ModelFileError, "how large it is"),
        (lambda items: items[:1] + items[2:], ModelFileError, "final_logits_bias is missing"),
        (lambda items: items[:-2], ModelFileError, r"self_attn_layer_norm.bias is missing"),
        (lambda items: [*items, floats("decoder_l2_rnn_bf", [[1.0]])], ModelFileError, "is missing"),
        (lambda items: [*items, floats("decoder_pos", [[1.0]])], ModelUnsupported, "not known here: decoder_pos"),
        (
            lambda items: [floats("decoder_l1_rnn_bf", [[1.0, 2.0]]) if "rnn_bf" in i[0] else i for i in items],
            ModelFileError,
            r"forget_gate.bias is \(2,\) instead of \(8,\)",
        ),
    ],
)  # fmt: skip
def test_arrays_that_make_no_whole(change, error, said):
    with pytest.raises(error, match=said):
        from_marian(tiny_file(change(tiny_items())))


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("dec-cell", "gru", ModelUnsupported),
        ("transformer-decoder-autoreg", "self-attention", ModelUnsupported),
        ("transformer-postprocess", "da", ModelUnsupported),
        ("transformer-heads", "3", ModelFileError),
        ("transformer-heads", "0", ModelFileError),
        ("transformer-heads", "many", ModelFileError),
    ],
)
def test_models_that_are_built_in_another_way(setting, value, error):
    lines = [
        f"{setting}: {value}" if line.startswith(f"{setting}:") else line for line in SETTINGS.splitlines()
    ]
    with pytest.raises(error):
        from_marian(tiny_file(settings="\n".join(lines)))
    without = "\n".join(line for line in SETTINGS.splitlines() if not line.startswith(f"{setting}:"))
    with pytest.raises(error):
        from_marian(tiny_file(settings=without))


def test_a_tiny_model_writes():
    model = tiny()
    with torch.inference_mode():
        ids = model.generate(torch.tensor([[4, 7, 9, 0]]), max_new_tokens=6, do_sample=False, num_beams=1)
    assert ids[0, 0] == 20 and (ids[0, 1:] < 20).all()
