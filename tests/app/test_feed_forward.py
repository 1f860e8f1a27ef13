"""The page on feed-forward networks on the real bundled models."""

import re

import numpy as np
import pytest

import attnviz
from attnviz.analysis import feed_forward as analysis
from attnviz.models.bundled import MINILM, SMOLLM2, TRANSLATE_EN_PT
from attnviz.models.weights import weights
from attnviz.tracing.feed_forward import feed_forward
from tests.app.conftest import (
    SENTENCE,
    array,
    chart,
    errors,
    markup,
    notes,
    observations,
    plain,
    run_code,
    said,
)

SCRIPT = "feed_forward"


@pytest.fixture(scope="module")
def known():
    """Record, parameters and tokens of each model, made without the app."""
    found = {}
    for model_id in (MINILM, SMOLLM2, TRANSLATE_EN_PT):
        model = attnviz.load(model_id)
        trace = attnviz.trace(model, SENTENCE)
        found[model_id] = feed_forward(model, trace), weights(model.module, model.architecture), model
    return found


@pytest.mark.parametrize(
    ("model", "factor", "matrices"), [(MINILM, "4", 2), (SMOLLM2, "2.67", 3), (TRANSLATE_EN_PT, "6", 2)]
)
def test_widths_and_share_are_the_models(open_page, known, model, factor, matrices):
    app = open_page(SCRIPT, model=model)
    assert not errors(app) and not notes(app)
    module = known[model][2].module
    ours = {
        id(p): p.numel()
        for name, p in module.named_parameters()
        if re.search(r"\.(mlp|intermediate|fc1|fc2)\.|layer\.\d+\.output\.dense", name)
    }
    share = sum(ours.values()) / sum(p.numel() for p in module.parameters())
    assert f"{100 * share:.1f} % of all parameters" in said(app)
    assert f"{factor} times as many" in said(app)
    planes = [s for s in chart(app, 0)["layout"]["shapes"] if s["type"] == "path"]
    assert len(planes) == matrices + (2 if matrices == 3 else 1)  # and from the expansion to the activation


@pytest.mark.parametrize("model", [MINILM, SMOLLM2])
def test_neurons_are_those_of_the_record(open_page, known, model):
    record, parameters, _ = known[model]
    stack = record.stacks[0]
    token = record.tokens.unique_labels.index("street")
    app = open_page(SCRIPT, model=model, layer="3", ff_token="street", ff_neuron="77")
    fired = analysis.strongest(
        record.layer(stack, 3)[token], parameters.layers(stack)[3].feed_forward_out, 12
    )
    np.testing.assert_allclose(array(chart(app, 1)["data"][0]["x"]), [f.activation for f in fired], rtol=1e-5)
    assert chart(app, 1)["layout"]["xaxis"]["title"]["text"] == "activation, the longest vector on top"
    row = np.abs(record.layer(stack, 3)[token])
    others = int((np.delete(row, fired[0].neuron) > row[fired[0].neuron] / 2).sum())
    assert f"fire more than half as hard: {others:,} of 1,535" in said(app)
    assert f"At ‘street’ in layer 3, neuron {fired[0].neuron} adds most" in said(app)
    np.testing.assert_allclose(array(chart(app, 3)["data"][0]["x"]), record.layer(stack, 3)[:, 77], atol=1e-6)
    printed = run_code(app)
    assert printed.startswith(f"{fired[0].neuron} {round(fired[0].activation, 3)}")
    found = analysis.sparsity(record.activations[stack])
    np.testing.assert_allclose(array(chart(app, 4)["data"][1]["y"]), 100 * found.half / 1536, rtol=1e-4)


def test_promoted_words_are_read_from_the_models_unembedding(open_page, known):
    _, parameters, model = known[SMOLLM2]
    app = open_page(SCRIPT, model=SMOLLM2, layer="20", ff_neuron="5")
    vector = parameters.decoder[20].feed_forward_out[5] * parameters.decoder_final_norm.weight
    logits = model.module.lm_head.weight.numpy() @ vector
    (rows,) = [body for body in markup(app) if "Promotes" in body]
    assert f"{logits.max():.3f}" in rows and f"{logits.min():.3f}".replace("-", "−") in rows
    word = model.tokenizer.decode([int(logits.argmax())]).strip()
    assert word in rows


def test_a_model_without_unembedding_says_so_and_another_opens(open_page):
    app = open_page(SCRIPT)
    assert any("predicts no next word" in body for body in markup(app))
    assert not any("Promotes" in body for body in markup(app))
    next(b for b in app.button if b.key == "go_other_model").click().run()
    assert not errors(app) and any("Promotes" in body for body in markup(app))


def test_the_translators_two_stacks(open_page, known):
    record = known[TRANSLATE_EN_PT][0]
    app = open_page(SCRIPT, model=TRANSLATE_EN_PT)
    zero = (record.activations["encoder"] == 0).mean((1, 2))
    layer = int(re.findall(r"In layer (\d+), [\d.]+ % of the activations are exactly zero", said(app))[0])
    assert f"{100 * zero[layer]:.1f} % of the activations are exactly zero" in said(app)
    half = float(analysis.sparsity(record.activations["encoder"]).half[layer])
    assert f"{half:.1f} of 1,536 neurons ({100 * half / 1536:.1f} %)" in said(app) or half > 999
    assert any("What those of the decoder write can be." in body for body in markup(app))
    assert not any("can show it" in body for body in markup(app))
    next(b for b in app.button if b.key == "go_decoder").click().run()
    assert not errors(app) and any("Promotes" in body for body in markup(app))
    assert app.slider(key="layer").max == 1


def test_the_neuron_that_lets_the_first_token_explode(open_page, known):
    """Found by measuring: layer 11, neuron 1229, at the first token of any text."""
    record, parameters, _ = known[SMOLLM2]
    peak = analysis.peak(record, parameters, "decoder")
    app = open_page(SCRIPT, model=SMOLLM2)
    label = next(b.label for b in app.button if b.key == "row_try_0").replace("\\", "")
    assert f"layer {peak.layer}, neuron {peak.neuron} at ‘The’" in label
    next(b for b in app.button if b.key == "row_try_0").click().run()
    assert not errors(app) and not notes(app)
    assert f"neuron {peak.neuron} adds most" in said(app)


def test_functions_follow_their_sliders(open_page):
    app = open_page(SCRIPT, ff_x="-2", ff_up="0.5")
    assert "ReLU gives 0.000, GELU −0.046 and SiLU −0.238" in said(app) and "−0.119" in said(app)
    app.slider(key="ff_x").set_value(1.0).run()
    assert "For an input of 1, ReLU gives 1.000, GELU 0.841 and SiLU 0.731" in said(app)


def test_nonsense_in_the_address_falls_back_and_says_so(open_page):
    app = open_page(
        SCRIPT, layer="99", ff_token="zzz", ff_neuron="-5", ff_x="1e9", ff_up="nan", ff_stack="both"
    )
    assert not errors(app) and len(notes(app)) == 6


@pytest.mark.parametrize("model", [MINILM, SMOLLM2, TRANSLATE_EN_PT])
def test_questions_are_answered_by_the_data_and_suggestions_open(open_page, model):
    app = open_page(SCRIPT, model=model)
    groups = [g for g in app.get("button_group") if g.key.startswith("answer_")]
    assert len(groups) == 3
    for group in groups:
        group.set_value([group.options[0]])
    app.run()
    assert not errors(app)
    assert sum("av-reveal" in body and "<b>" in body for body in markup(app)) == 3
    for key in ("open_function", "open_token"):
        next(b for b in app.button if b.key == key).click().run()
        assert not errors(app) and not notes(app)
    for number in range(4):
        next(b for b in app.button if b.key == f"row_try_{number}").click().run()
        assert not errors(app) and not notes(app)


def test_one_token_and_another_text(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, text="a")
    assert not errors(app)
    app.selectbox(key="ff_token").set_value("a").run()
    app.text_area(key="text").set_value("Mary thought he needed rest.").run()
    assert not errors(app) and not notes(app)


def test_random_models_are_told_with_their_own_numbers(open_page, made):
    """Two of one shape with other weights: what follows from the shape is alike, what was measured is not."""
    one, other = (
        open_page(SCRIPT, model=f"{owner}/llama", text="the cat sat on the mat")
        for owner in ("made", "made2")
    )
    assert not errors(one) and not errors(other)
    (widths, *told, functions), (same, *told_there, same_functions) = observations(one), observations(other)
    assert widths.partition(" turns ")[2] == same.partition(" turns ")[2] and functions == same_functions
    assert len(told) == 3  # in the text, of a neuron, of a layer
    for here, there in zip(told, told_there, strict=True):
        assert here != there
    model = made("made/llama")
    record = feed_forward(model, attnviz.trace(model, "the cat sat on the mat"))
    peak = analysis.peak(record, weights(model.module, model.architecture), "decoder")
    tries, elsewhere = ([b.label for b in app.button if b.key == "row_try_0"] for app in (one, other))
    assert f"layer {peak.layer}, neuron {peak.neuron}" in tries[0].replace("\\", "") and tries != elsewhere
    asked = [[plain(b) for b in markup(app) if "av-question" in b] for app in (one, other)]
    assert asked[0] != asked[1]
