"""``attnviz.trace`` on tiny models of every family, saved to folders and loaded as a user would."""

import numpy as np
import pytest
import torch

import attnviz
from attnviz.errors import SelectionError, TextError, TooManyTokens
from attnviz.models.architecture import FAMILIES
from attnviz.settings import settings

TEXT = "the cat sat on the other side"


@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_family_gives_a_complete_record(load, model_type):
    model = load(model_type)
    facts = model.architecture
    trace = attnviz.trace(model, TEXT)
    assert trace.kinds == facts.kinds
    assert (
        "".join(
            s for s, special in zip(trace.tokens.surfaces, trace.tokens.special, strict=True) if not special
        )
        == TEXT
    )
    states = trace.source_hidden_states if facts.kind == "encoder-decoder" else trace.hidden_states
    assert states.shape == (
        (facts.encoder_layers or facts.decoder_layers) + 1,
        len(trace.tokens),
        facts.d_model,
    )
    for kind in trace.kinds:
        assert trace.layers(kind) == facts.layers(kind)
        weights = trace.weights(kind, facts.layers(kind) - 1)
        assert weights.shape == (
            facts.heads(kind),
            len(trace.query_tokens(kind)),
            len(trace.key_tokens(kind)),
        )
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    rows = len(trace.target_tokens) if trace.target_tokens else len(trace.tokens)
    assert trace.logits.shape[0] == rows


@pytest.mark.parametrize("model_type", ["gpt2", "bert", "t5", "bart"])
def test_logits_and_hidden_states_equal_a_plain_call(load, model_type):
    model = load(model_type)
    both = model.architecture.kind == "encoder-decoder"
    trace = attnviz.trace(model, TEXT, target="the dog" if both else None)
    inputs = {"input_ids": torch.tensor([trace.tokens.ids])}
    if both:
        inputs["decoder_input_ids"] = torch.tensor([trace.target_tokens.ids])
    with torch.no_grad():
        plain = model.module(**inputs, output_hidden_states=True)
    np.testing.assert_allclose(trace.logits, plain.logits[0], atol=1e-6)
    states = plain.decoder_hidden_states if both else plain.hidden_states
    np.testing.assert_allclose(trace.hidden_states, torch.cat(states), atol=1e-6)


@pytest.mark.parametrize("model_type", ["t5", "bart", "marian"])
def test_a_target_is_read_or_written(load, model_type):
    model = load(model_type)
    start = model.module.generation_config.decoder_start_token_id
    given = attnviz.trace(model, TEXT, target="the dog ran")
    assert given.target_tokens.ids[0] == start
    assert "".join(given.target_tokens.surfaces[1:]) == "the dog ran"
    written = attnviz.trace(model, TEXT)
    again = attnviz.trace(model, TEXT)
    assert written.target_tokens.ids == again.target_tokens.ids
    assert 1 <= len(written.target_tokens) <= settings().max_new_tokens + 1
    # greedy: each row's largest logit is the token that the decoder reads next
    np.testing.assert_array_equal(written.logits[:-1].argmax(-1), written.target_tokens.ids[1:])


def test_edits_reach_the_pass_and_the_target_that_is_written(load):
    model = load("gpt2")
    plain = attnviz.trace(model, TEXT)
    edited = attnviz.trace(model, TEXT, edits=attnviz.Edits(ablate_heads=(("decoder", 0, 1),)))
    assert edited.edits.ablate_heads == (("decoder", 0, 1),)
    assert np.abs(edited.logits - plain.logits).max() > 1e-3
    np.testing.assert_array_equal(edited.weights("decoder", 0), plain.weights("decoder", 0))
    assert not edited.head_outputs("decoder", 0, 1).any()


@pytest.mark.parametrize("head", [("decoder", 3, 0), ("decoder", 0, 4), ("encoder", 0, 0)])
def test_a_head_that_is_not_there_cannot_be_switched_off(load, head):
    with pytest.raises(SelectionError):
        attnviz.trace(load("gpt2"), TEXT, edits=attnviz.Edits(ablate_heads=(head,)))


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_nothing_to_read(load, text):
    with pytest.raises(TextError):
        attnviz.trace(load("gpt2"), text)


def test_too_much_to_read_names_limit_and_count(load):
    model = load("opt")  # reads at most 64
    with pytest.raises(TooManyTokens) as error:
        attnviz.trace(model, " ".join(["the cat"] * 65))
    assert (error.value.count, error.value.limit) == (130, 64)
    assert "130" in str(error.value) and "64" in str(error.value)


def test_one_token(load):
    trace = attnviz.trace(load("gpt2"), "the")
    assert trace.weights("decoder", 0).tolist() == [[[1.0]]] * 4


def test_a_pair_of_texts_for_an_encoder(load):
    trace = attnviz.trace(load("bert"), ("the cat", "the dog"))
    assert set(trace.tokens.segments) == {0, 1}
    alone = attnviz.trace(load("bert"), "the cat")
    assert len(trace.tokens) > len(alone.tokens)


def test_a_decoder_takes_no_target_and_no_pair(load):
    for arguments in ((TEXT, "the dog"), (("the cat", "the dog"), None)):
        with pytest.raises(TextError):
            attnviz.trace(load("gpt2"), *arguments)
