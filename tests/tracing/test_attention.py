"""The registered attention function against Transformers' own eager one, and against arithmetic by hand."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from attnviz.errors import ModelUnsupported, SelectionError
from attnviz.models.architecture import FAMILIES, architecture, family
from attnviz.tracing.alibi import alibi_slopes
from attnviz.tracing.attention import Pass, attention, forward_pass, register
from attnviz.tracing.trace import Edits
from tests.tiny import tiny_model

IDS = torch.tensor([[5, 17, 6, 6, 250, 41, 9]])
TARGET = torch.tensor([[2, 8, 30, 8]])


def run(model, edits=None, **options):
    """One recorded pass; returns the model's output and the calls."""
    inputs = {"input_ids": IDS}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = TARGET
    with (
        torch.inference_mode(),
        forward_pass(Pass(architecture(model.config), edits or Edits(), records=True)) as p,
    ):
        output = model(**inputs, output_hidden_states=True, **options)
    return output, p.calls


def main_output(output):
    return output.logits if "logits" in output else output.last_hidden_state


@pytest.mark.parametrize("model_type", FAMILIES)
def test_equals_the_built_in_eager_attention(model_type):
    ours = tiny_model(model_type)
    eager = copy.deepcopy(ours)
    eager.set_attn_implementation("eager")
    facts = register(ours)
    expected, _ = run(eager, output_attentions=True)
    output, calls = run(ours)
    np.testing.assert_allclose(output.logits, expected.logits, atol=1e-6)
    if facts.kind == "encoder-decoder":
        reference = {
            "encoder": expected.encoder_attentions,
            "decoder": expected.decoder_attentions,
            "cross": expected.cross_attentions,
        }
        if facts.recurrent:
            assert not reference.pop("decoder")
    else:
        reference = {facts.kind: expected.attentions}
    assert set(reference) == set(facts.kinds)
    for kind, layers in reference.items():
        own = [call for call in calls if call.kind == kind]
        assert [call.layer for call in own] == list(range(len(layers))) == list(range(facts.layers(kind)))
        for call, layer in zip(own, layers, strict=True):
            assert call.heads == facts.heads(kind)
            assert call.key.shape[0] == facts.key_value_heads(kind)
            assert call.query.shape[2] == facts.d_head
            np.testing.assert_allclose(call.weights(), layer[0], atol=1e-6)
            np.testing.assert_allclose(call.weights(1), layer[0, 1], atol=1e-6)
            np.testing.assert_allclose(call.weights().sum(-1), 1, atol=1e-6)
            if kind == "decoder":
                assert not np.triu(call.weights(), 1).any()


@pytest.mark.parametrize("model_type", FAMILIES)
def test_no_pass_no_record_and_still_the_same_numbers(model_type):
    ours = tiny_model(model_type)
    eager = copy.deepcopy(ours)
    eager.set_attn_implementation("eager")
    register(ours)
    inputs = {"input_ids": IDS} | ({"decoder_input_ids": TARGET} if ours.config.is_encoder_decoder else {})
    with torch.inference_mode():
        assert torch.equal(ours(**inputs).logits, eager(**inputs).logits)


def projections(model, kind, layer):
    """The output projection of a layer's attention, by the names of its family."""
    base = getattr(model, model.base_model_prefix, model)
    return {
        "gpt2": lambda: base.h[layer].attn.c_proj,
        "bert": lambda: base.encoder.layer[layer].attention.output.dense,
        "llama": lambda: base.layers[layer].self_attn.o_proj,
        "t5": lambda: (
            base.decoder.block[layer].layer[1].EncDecAttention.o
            if kind == "cross"
            else getattr(base, kind).block[layer].layer[0].SelfAttention.o
        ),
    }[model.config.model_type]()


@pytest.mark.parametrize(
    ("model_type", "kind", "layer", "head"),
    [("gpt2", "decoder", 1, 2), ("bert", "encoder", 2, 0), ("llama", "decoder", 0, 3), ("t5", "cross", 1, 3)],
)
def test_ablation_is_zeroing_the_input_of_the_output_projection(model_type, kind, layer, head):
    model = tiny_model(model_type)
    facts = register(model)
    edited, calls = run(model, Edits(ablate_heads=((kind, layer, head),)))
    width = facts.d_head

    def zero(module, inputs):
        (x,) = inputs
        x = x.clone()
        x[..., head * width : (head + 1) * width] = 0
        return (x,)

    handle = projections(model, kind, layer).register_forward_pre_hook(zero)
    hooked, _ = run(model)
    handle.remove()
    plain, _ = run(model)
    assert torch.equal(edited.logits, hooked.logits)
    assert not torch.allclose(edited.logits, plain.logits, atol=1e-4)
    call = next(c for c in calls if (c.kind, c.layer) == (kind, layer))
    assert not call.outputs(head).any()
    assert call.outputs((head + 1) % call.heads).any()


def test_ablating_every_head_of_a_generating_decoder_changes_what_it_writes_at_each_step():
    model = tiny_model("gpt2")
    facts = register(model)
    edits = Edits(ablate_heads=tuple(("decoder", layer, head) for layer in range(3) for head in range(4)))
    with torch.inference_mode(), forward_pass(Pass(facts, edits)):
        cached = model.generate(IDS, max_new_tokens=6, do_sample=False, pad_token_id=0)
    ids = IDS
    for _ in range(6):
        with torch.inference_mode(), forward_pass(Pass(facts, edits)):
            ids = torch.cat([ids, model(ids, use_cache=False).logits[:, -1:].argmax(-1)], dim=1)
            if ids[0, -1] == 2:
                break
    assert torch.equal(cached, ids)


@pytest.mark.parametrize("model_type", ["gpt2", "qwen2", "t5"])
def test_threads_with_different_edits_on_one_model_do_not_meet(model_type):
    model = tiny_model(model_type)
    facts = register(model)
    kind = facts.kinds[-1]
    variants = [
        Edits(),
        Edits(ablate_heads=((kind, 1, 0),)),
        Edits(window=2),
        Edits(scaling=0.1),
        Edits(positions=False),
    ]
    expected = [main_output(run(model, edits)[0]).clone() for edits in variants]
    assert len({round(float(e.sum()), 4) for e in expected}) == len(variants)
    with ThreadPoolExecutor(6) as pool:
        jobs = [(i % len(variants), pool.submit(run, model, variants[i % len(variants)])) for i in range(60)]
        for which, job in jobs:
            output, calls = job.result()
            assert torch.equal(main_output(output), expected[which])
            assert len(calls) == sum(facts.layers(k) for k in facts.kinds)
            states = output.hidden_states if "hidden_states" in output else output.decoder_hidden_states
            assert len(states) == facts.decoder_layers + 1


def without_windows(model_type):
    return not any(architecture(tiny_model(model_type).config).windows)


@pytest.mark.parametrize("model_type", [t for t in FAMILIES if without_windows(t)])
def test_without_positions_a_shuffled_text_gives_shuffled_outputs(model_type):
    """Encoders permute exactly. A decoder's deeper layers see order through the causal mask (Haviv et al. 2022), so it
    has one layer here and its last token, which sees all others, must not change. Of an encoder-decoder the source is
    shuffled and no row of the target may change.
    """
    layers = {"n_layer" if model_type == "gpt2" else "num_hidden_layers": 1}
    model = tiny_model(model_type, **(layers if FAMILIES[model_type].kind == "decoder" else {}))
    facts = register(model)
    order = torch.tensor([3, 0, 2, 1, 5, 4, 6])

    def logits(ids, edits):
        target = {"decoder_input_ids": TARGET} if facts.kind == "encoder-decoder" else {}
        with torch.inference_mode(), forward_pass(Pass(facts, edits)):
            rows = model(input_ids=ids, **target).logits[0]
        return rows[-1:] if facts.kind == "decoder" else rows

    def change(edits):
        plain, shuffled = logits(IDS, edits), logits(IDS[:, order], edits)
        difference = (plain[order] if facts.kind == "encoder" else plain) - shuffled
        return float(difference.abs().max() / plain.abs().max())

    assert change(Edits(positions=False)) < 1e-5  # rounding: sums run in another order
    assert change(Edits()) > 2e-4


def test_attention_by_hand():
    query = torch.tensor([[[[1.0, 0.0], [0.0, 2.0]]]])  # (batch, head, query, d_head)
    key = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    value = torch.tensor([[[[10.0, 0.0], [0.0, 10.0]]]])
    output, weights = attention(torch.nn.Module(), query, key, value, None, scaling=float(np.log(3)))
    np.testing.assert_allclose(weights[0, 0], [[3 / 4, 1 / 4], [1 / 10, 9 / 10]], rtol=1e-6)
    np.testing.assert_allclose(output[0, :, 0], [[7.5, 2.5], [1, 9]], rtol=1e-6)


def test_edits_act_on_scores_as_they_say():
    model = tiny_model("gpt2")
    register(model)
    plain = run(model)[1][1]
    scaled = run(model, Edits(scaling=0.05))[1][0]
    first = run(model)[1][0]
    seen = np.isfinite(first.scores())
    np.testing.assert_allclose(
        scaled.scores()[seen], first.scores()[seen] * 0.05 / first.scaling, rtol=1e-4, atol=1e-6
    )
    windowed = run(model, Edits(window=2))[1][1].weights()
    distance = np.abs(np.subtract.outer(np.arange(7), np.arange(7)))
    assert not windowed[:, distance >= 2].any()
    biased = run(model, Edits(local_bias=0.5))[1][0]
    np.testing.assert_allclose(
        biased.scores()[seen], (first.scores() - 0.5 * distance)[seen], rtol=1e-4, atol=1e-5
    )
    alibi = run(model, Edits(alibi=True))[1][0]
    slopes = np.array([1 / 4, 1 / 16, 1 / 64, 1 / 256])[:, None, None]
    np.testing.assert_allclose(
        alibi.scores()[seen], (first.scores() - slopes * distance)[seen], rtol=1e-4, atol=1e-5
    )
    assert plain.bias is not None


def test_alibi_slopes_of_the_paper():
    assert alibi_slopes(8) == [2.0**-i for i in range(1, 9)]
    np.testing.assert_allclose(alibi_slopes(16)[:2], [2**-0.5, 2**-1])
    np.testing.assert_allclose(alibi_slopes(12)[8:], [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5])
    assert alibi_slopes(1) == [2**-8]


def test_edits_are_checked_and_normalised():
    assert Edits(ablate_heads=(("decoder", 1, 2), ("decoder", 0, 1), ("decoder", 1, 2))).ablate_heads == (
        ("decoder", 0, 1),
        ("decoder", 1, 2),
    )
    assert hash(Edits(window=3)) == hash(Edits(window=3))
    with pytest.raises(SelectionError):
        Edits(ablate_heads=(("decoder", -1, 0),))
    with pytest.raises(SelectionError):
        Edits(window=0)
    with pytest.raises(SelectionError):
        Edits(ablate_heads=(("sideways", 1, 0),))  # type: ignore[arg-type]


@pytest.mark.parametrize("model_type", ["bloom", "mamba", "deberta-v2", "gpt_neo", "falcon", "xlnet"])
def test_a_family_that_cannot_be_traced_says_so_by_name(model_type):
    with pytest.raises(ModelUnsupported) as error:
        family(model_type)
    assert (
        error.value.message.lower()
        .replace("-", "")
        .startswith(model_type.replace("-", "").replace("_", "")[:5])
    )
    assert error.value.way_out
