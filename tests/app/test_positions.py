"""The page on positions on the real bundled models."""

import re

import numpy as np
import pytest
import torch
from transformers.models.t5.modeling_t5 import T5Attention

import attnviz
from app.positions.buckets import Rule
from attnviz.analysis import positions as analysis
from attnviz.figures.quantities import signed
from attnviz.models.bundled import MINILM, SMOLLM2, SPELLING, TRANSLATE_EN_PT
from attnviz.models.positions import model_positions
from tests.app.conftest import (
    SENTENCE,
    array,
    chart,
    charts,
    errors,
    markup,
    notes,
    observations,
    plain,
    run_code,
    said,
)

SCRIPT = "positions"
VIEWS = ("Sinusoidal", "Learned", "Rotary", "T5 bias", "ALiBi", "Shuffle the words")


@pytest.fixture(scope="module")
def models():
    return {i: attnviz.load(i) for i in (MINILM, SMOLLM2, SPELLING, TRANSLATE_EN_PT)}


@pytest.mark.parametrize(
    ("model", "view"), [(MINILM, "Learned"), (SMOLLM2, "Rotary"), (TRANSLATE_EN_PT, "Sinusoidal")]
)
def test_the_view_that_fits_the_model_opens_first(open_page, model, view):
    app = open_page(SCRIPT, model=model)
    assert app.session_state["scheme"] == view
    assert not errors(app) and not notes(app)


def test_another_model_opens_with_its_own_view(open_page):
    app = open_page(SCRIPT)
    app.selectbox(key="model").set_value(SMOLLM2).run()
    assert app.session_state["scheme"] == "Rotary"
    assert not errors(app) and not notes(app)


@pytest.mark.parametrize("model", [MINILM, SMOLLM2, SPELLING, TRANSLATE_EN_PT])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_with_every_model_and_its_code_runs(open_page, model, view):
    app = open_page(SCRIPT, model=model, scheme=view)
    assert not errors(app) and not notes(app)
    if len(app.code):
        assert run_code(app).strip()
    elif model == SPELLING and view == "Shuffle the words":
        app.button(key="go_other_text").click().run()
        assert run_code(app).strip() and not errors(app)
    else:
        assert view == "Learned" and model != MINILM
        assert any("no learned table" in body for body in markup(app))
        assert any(b.label == "Use MiniLM" for b in app.button)


def test_the_learned_table_is_the_models_own(open_page, models):
    app = open_page(SCRIPT, pos_rows="40")
    own = models[MINILM].module.get_parameter("embeddings.position_embeddings.weight").numpy()[:40]
    np.testing.assert_array_equal(array(chart(app)["data"][0]["z"]), own)
    similar = np.diagonal(np.corrcoef(own) * 0 + own @ own.T, 1)
    norms = np.linalg.norm(own, axis=1)
    mean = (similar / norms[:-1] / norms[1:]).mean()
    told = (
        f"Neighbours are more alike than positions 32 apart: their cosine similarity is {mean:.2f} on average"
    )
    assert told in said(app)
    assert run_code(app).startswith("(40, 384)")


@pytest.mark.parametrize("number", [0, 1])
def test_page_code_and_suggestion_give_the_same_components(open_page, number):
    app = open_page(SCRIPT)
    button = next(b for b in app.button if b.key == f"row_try_{number}")
    promised = re.search(r"(\d+) % of their", button.label.replace("\\", ""))[1]
    button.click().run()
    assert f"hold {promised} % of all differences" in said(app)
    printed = [float(n) for n in re.findall(r"0\.\d+", run_code(app))[-3:]]
    assert sum(printed) == pytest.approx(int(promised) / 100, abs=0.02)  # three rounded ones


def test_sinusoidal_of_an_odd_width_and_the_translators_own_table(open_page, models):
    app = open_page(SCRIPT, model=TRANSLATE_EN_PT, pos_width="7", pos_length="9")
    np.testing.assert_allclose(array(chart(app)["data"][0]["z"]), analysis.sinusoidal(9, 7), atol=1e-7)
    own = models[TRANSLATE_EN_PT].module.get_encoder().embed_positions.weight.numpy()
    away = np.abs(analysis.sines_then_cosines(*own.shape, to_the_end=True) - own).max()
    assert away < 1e-6
    assert any("end at exactly 1 / base" in body and "256" in body for body in markup(app))


def test_the_smallest_table_is_told_in_whole_sentences(open_page):
    app = open_page(SCRIPT, scheme="Sinusoidal", pos_length="8", pos_width="4")
    assert not errors(app) and not notes(app)
    assert "first pair of dimensions comes round every 6.3 positions, its last every 628. Within 8" in said(
        app
    )
    assert "with one 7 positions away" in said(app)
    app = open_page(SCRIPT, pos_rows="4")
    assert not errors(app) and not notes(app)
    assert "than positions 3 apart" in said(app)


def test_what_was_typed_as_dimensions(open_page):
    from app.positions.sinusoidal import dimensions

    assert dimensions("3, 3; 700 x 12 -1", 64) == [3, 12, 1]
    assert dimensions("nothing", 64) == []
    app = open_page(SCRIPT, scheme="Sinusoidal", pos_dims="900")
    assert not errors(app) and any("No dimension of this table" in n for n in notes(app))


def test_a_rotary_score_is_the_models_and_stays_when_both_move(open_page, models):
    app = open_page(SCRIPT, model=SMOLLM2, layer="3", head="2", pos_query="it", pos_key="animal")
    trace = attnviz.trace(models[SMOLLM2], SENTENCE)
    labels = trace.tokens.unique_labels
    score = float(trace.scores("decoder", 3, 2)[labels.index("it"), labels.index("animal")])
    assert f"The score of ‘it’ and ‘animal’ is {score:.3f}".replace("-", "−") in said(app)
    first, second = map(float, run_code(app).split())
    assert first == pytest.approx(score, abs=1e-3) and second == pytest.approx(first, abs=1e-3)


def test_pairs_that_never_get_round_are_counted_from_the_models_speeds(open_page, models):
    app = open_page(SCRIPT, model=SMOLLM2)
    model = models[SMOLLM2]
    waves = 2 * np.pi / model_positions(model.module, model.architecture).rotation(0).speeds
    assert f"{(waves > 8192).sum()} of 32 never get round within the 8,192 positions" in said(app)


def test_the_dot_has_the_score_that_the_sentence_says_whichever_comes_first(open_page):
    for query, key in (("animal", "tired"), ("tired", "animal")):
        app = open_page(SCRIPT, scheme="Rotary", pos_query=query, pos_key=key)
        dot = charts(app)["position_distance"]["data"][-1]
        assert f"The score of ‘{query}’ and ‘{key}’ is {signed(array(dot['y'])[0], 3)}" in said(app)
        assert (array(dot["x"])[0] > 0) == (query == "tired")


@pytest.mark.parametrize(("layer", "head", "base"), [("0", "0", "100000"), ("5", "3", "100")])
def test_the_rotary_question_is_about_what_it_opens(open_page, layer, head, base):
    app = open_page(SCRIPT, model=SMOLLM2, layer=layer, head=head, pos_rope_base=base)
    group = next(g for g in app.get("button_group") if g.key.startswith("answer_both"))
    group.set_value(["it stays the same"]).run()
    reveal = next(plain(body) for body in markup(app) if "av-reveal" in body and "<b>" in body)
    score = re.search(r"It was (\S+) and", reveal)[1]
    assert reveal.startswith("Right.")
    app.button(key="open_both").click().run()
    assert f"The score of ‘.’ and ‘The’ is {score}." in said(app)


def test_a_base_that_is_not_the_models_is_said_to_be_another(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, pos_rope_base="100", pos_at="500")
    assert said(app).startswith("With base 100 in place of 100,000, SmolLM2 would turn 32 pairs")
    assert "the last by 331°." in said(app)
    far = next(b for b in app.button if b.key == "row_try_2")
    promised = re.search(r"the first hand has (turned by .*)$", far.label.replace("\\", "").rstrip("]"))[1]
    far.click().run()
    assert said(app).startswith("SmolLM2 turns 32 pairs") and f"the first has {promised}." in said(app)


def test_a_model_without_a_limit_is_credited_with_none(open_page):
    app = open_page(SCRIPT, model=SPELLING, scheme="Rotary")
    assert "never get round within 512 positions." in said(app) and "can read" not in said(app)
    assert not charts(app)["position_wavelengths"]["layout"].get("shapes")


def test_shuffled_words_permute_without_positions_in_the_real_encoder(open_page, models):
    app = open_page(SCRIPT, scheme="Shuffle the words", layer="5", pos_order="4")
    mixed = analysis.shuffled_text(SENTENCE, 4)
    moved = {}
    for positions in (True, False):
        edits = attnviz.Edits(positions=positions)
        one, other = (attnviz.trace(models[MINILM], text, edits=edits) for text in (SENTENCE, mixed))
        order = analysis.same_tokens(one.tokens, other.tokens)
        moved[positions] = analysis.changes(one.hidden_states[6], other.hidden_states[6], order)
    bars = chart(app)["data"]
    np.testing.assert_allclose(array(bars[0]["y"]), 100 * moved[True], rtol=1e-3)
    assert array(bars[1]["y"]).max() < 1e-3 and moved[False].max() < 1e-5
    assert f"move by {100 * moved[True].mean():.0f} % of their length" in said(app)
    assert len(bars) == 2


def test_a_decoder_says_that_its_mask_lets_order_in(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, scheme="Shuffle the words")
    assert "by the mask" in said(app)
    bars = chart(app)["data"]
    assert array(bars[1]["y"]).max() > 1 and array(bars[2]["y"]).max() < 1e-3


def test_a_text_that_cannot_be_shuffled_is_one_sentence(open_page):
    app = open_page(SCRIPT, scheme="Shuffle the words", text="hello there")
    assert any("two different ones after its first" in body for body in markup(app)) and not errors(app)
    app.button(key="go_other_text").click().run()
    assert "move by" in said(app) and not errors(app)


def test_of_a_long_text_in_another_order_the_beginning_is_shown(open_page):
    text = " ".join(["the cat sat on the mat and the dog ran"] * 10)
    mixed = analysis.shuffled_text(text, 1).split()
    app = open_page(SCRIPT, scheme="Shuffle the words", text=text)
    assert any(f"{' '.join(mixed[:32])} … and 68 more" in body for body in markup(app))


def test_the_bias_in_the_text_names_its_tokens(open_page):
    app = open_page(SCRIPT, scheme="ALiBi")
    matrix = charts(app)["position_bias_matrix"]
    assert {"animal", "tired"} <= set(matrix["layout"]["xaxis"]["ticktext"])
    assert matrix["data"][0]["hovertext"][3][2] == "didn to animal"


@pytest.mark.parametrize("view", VIEWS)
def test_questions_are_answered_by_the_data_and_suggestions_open(open_page, view):
    app = open_page(SCRIPT, scheme=view)
    reveals = 0
    for group in app.get("button_group"):
        if group.key.startswith("answer_"):
            group.set_value([group.options[0]])
            reveals += 1
    app.run()
    assert not errors(app) and reveals >= 1
    assert sum("av-reveal" in body and "<b>" in body for body in markup(app)) == reveals
    for number in range(len([b for b in app.button if (b.key or "").startswith("row_try_")])):
        again = open_page(SCRIPT, scheme=view)
        next(b for b in again.button if b.key == f"row_try_{number}").click().run()
        assert not errors(again) and not notes(again)


def test_the_steepest_alibi_head_is_not_the_first_for_twelve_heads(open_page):
    app = open_page(SCRIPT, scheme="ALiBi")
    label = next(b.label for b in app.button if b.key == "row_try_0").replace("\\", "")
    assert "slope 0.707" in label
    next(b for b in app.button if b.key == "row_try_0").click().run()
    assert said(app).startswith("Head 8 takes 0.7071")


@pytest.mark.parametrize("model_type", ["t5", "umt5", "bart", "gemma3_text", "m2m_100", "smollm3"])
def test_other_families_open_with_their_own_view(open_page, made, model_type):
    model = made(f"made/{model_type}")
    app = open_page(SCRIPT, model=model.id, text="the cat sat on the mat")
    assert not errors(app) and not notes(app)
    fitting = {"relative bias": "T5 bias", "learned": "Learned", "rotary": "Rotary"}
    assert app.session_state["scheme"] == fitting.get(model.architecture.positions, "Sinusoidal")


def test_a_t5_shows_its_learned_biases(open_page, made):
    model = made("made/t5")
    app = open_page(SCRIPT, model=model.id, text="the cat sat", head="2", pos_reach="16", pos_stack="decoder")
    bias = model_positions(model.module, model.architecture).biases[1]
    assert bias.stack == "decoder"
    distances = np.arange(-16, 1)
    expected = analysis.relative_bias(bias.table, distances, bias.max_distance, two_sided=False)
    drawn = chart(app)["data"]
    np.testing.assert_allclose(array(drawn[-1]["y"]), expected[2], atol=1e-6)  # the chosen head lies on top


def transformers_buckets(distances, rule):
    """T5's own function."""
    return T5Attention._relative_position_bucket(
        torch.tensor(distances), rule.two_sided, rule.buckets, rule.farthest
    ).numpy()


@pytest.mark.parametrize(
    "rule", [Rule(32, 128, True), Rule(32, 64, False), Rule(64, 64, False), Rule(8, 512, True)]
)
def test_what_is_said_of_buckets_is_what_t5s_own_function_does(rule):
    far = 4 * rule.farthest
    back = transformers_buckets(-np.arange(far), rule)
    counts = np.bincount(back)
    assert rule.sizes() == {
        "own": (counts == 1).sum(),
        "widest": counts[:-1].max(),
        "last": np.argmax(back == back.max()),
    }
    for bucket in set(back):
        inside = np.flatnonzero(back == bucket)
        numbers = [int(n) for n in re.findall(r"\d+", rule.keys(bucket))]
        if bucket == back.max():
            assert numbers == [inside[0]] and "or more tokens before" in rule.keys(bucket)
        else:
            ends = sorted({inside[0], inside[-1]})
            assert numbers == ([] if ends in ([0], [1]) else ends), rule.keys(bucket)
    assert rule.keys(0) == "the token itself" and rule.keys(1) == "the key just before"
    if rule.two_sided:
        assert rule.keys(int(transformers_buckets([1], rule)[0])) == "the key just after"


def test_buckets_of_any_size_that_the_sliders_allow(open_page):
    app = open_page(SCRIPT, scheme="T5 bias", pos_two_sided="false", pos_buckets="64", pos_farthest="64")
    assert not errors(app) and not notes(app)
    assert not app.toggle(key="pos_two_sided").value and max(array(chart(app)["data"][0]["x"])) == 0
    drawn = array(chart(app)["data"][0]["y"])
    np.testing.assert_array_equal(
        drawn, transformers_buckets(np.arange(-160, 1), Rule(64, 64, two_sided=False))
    )
    app = open_page(SCRIPT, scheme="T5 bias", pos_two_sided="perhaps")
    assert not errors(app) and app.toggle(key="pos_two_sided").value
    assert ["Both directions can be true or false" in note for note in notes(app)] == [True]


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_what_is_told_of_a_head_is_its_table_whatever_the_reach(open_page, models, stack):
    asked = {"model": SPELLING, "head": "1", "pos_stack": stack}
    near, far = (open_page(SCRIPT, **asked, pos_reach=reach) for reach in ("8", "512"))
    assert observations(near)[0] == observations(far)[0]
    model = models[SPELLING]
    (bias,) = (b for b in model_positions(model.module, model.architecture).biases if b.stack == stack)
    distances = np.arange(-200, 201 if bias.two_sided else 1)
    rule = Rule(len(bias.table), bias.max_distance, bias.two_sided)
    added = bias.table[transformers_buckets(distances, rule), 1]
    assert f": {signed(added.max())}. It adds least" in said(near) and f": {signed(added.min())}." in said(
        near
    )
    printed = run_code(near).split()
    expected = analysis.relative_bias(
        bias.table, np.arange(-8, 9 if bias.two_sided else 1), bias.max_distance, two_sided=bias.two_sided
    )[1]
    np.testing.assert_allclose([float(n.strip("[]")) for n in printed if n.strip("[]")], expected, atol=0.005)
    label = next(b.label for b in near.button if (b.key or "") == "row_try_1").replace("\\", "")
    assert f"from {rule.sizes()['last']} positions back on" in label


def test_the_head_that_tells_near_from_far_most(open_page, models):
    app = open_page(SCRIPT, model=SPELLING)
    group = next(g for g in app.get("button_group") if g.key.startswith("answer_steepest"))
    bias = model_positions(models[SPELLING].module, models[SPELLING].architecture).biases[0]
    steepest = int(np.abs(bias.table[0] - bias.table[15]).argmax())  # 16 buckets for each direction
    group.set_value([f"head {steepest}"]).run()
    reveal = next(body for body in markup(app) if "av-reveal" in body and "<b>" in body)
    assert "Right." in reveal
    assert f"{signed(bias.table[0, steepest])} to the score of the token itself" in reveal


def test_what_is_moved_stays_in_the_address(open_page):
    app = open_page(SCRIPT)
    app.slider(key="pos_rows").set_value(200).run()
    app.slider(key="pos_rows").set_value(77).run()
    assert app.slider(key="pos_rows").value == 77
    assert app.query_params["pos_rows"] in ("77", ["77"])


@pytest.mark.parametrize(
    ("view", "model_type", "measured"),
    [
        ("Learned", "bert", {0, 1, 2}),
        ("Rotary", "llama", {3}),
        ("T5 bias", "t5", {0}),
        ("Shuffle the words", "bert", {0}),
    ],
)
def test_random_models_are_told_with_their_own_numbers(open_page, made, view, model_type, measured):
    """Two of one shape with other weights: the sentences that rest on these come out different, the others do not."""
    one, other = (
        open_page(SCRIPT, model=f"{owner}/{model_type}", text="the cat sat on the mat", scheme=view)
        for owner in ("made", "made2")
    )
    assert not errors(one) and not errors(other)
    told = zip(observations(one), observations(other), strict=True)
    assert {i for i, (here, there) in enumerate(told) if here != there} == measured
    if view == "Learned":
        assert "Neighbours are no more alike than positions 32 apart" in said(one)
