"""The heatmap page on the real bundled models: what the viewer is given, and what comes back from it."""

import contextlib
import io
import json
import re

import numpy as np
import pytest

import attnviz
from app import cache
from app.heads import Heads, Hidden
from app.heatmaps import questions
from app.heatmaps.sentences import looks
from app.lessons import lesson
from app.widgets import attention
from attnviz.analysis.quadrants import quadrants
from attnviz.errors import SelectionError
from attnviz.models.bundled import TRANSLATE_EN_PT
from attnviz.viewer.attention import PATTERN_WORDS
from attnviz.viewer.packing import unpack
from tests.app.conftest import errors, markup, notes, plain

SCRIPT = "attention_heatmaps"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
SENTENCE = "The animal didn't cross the street because it was too tired."


def given(app):
    """What the viewer is told, without the weights."""
    (component,) = [e for e in app.get("bidi_component") if e.proto.component_name == "attnviz_attention"]
    return json.loads(component.proto.json)


def messages(app):
    """Header and blocks of each message of weights."""
    return [
        unpack(e.proto.bytes) for e in app.get("bidi_component") if e.proto.component_name == "attnviz_feed"
    ]


def chosen(app):
    choice = given(app)["choice"]
    return choice["layer"], choice["head"]


def sentence(app):
    """The derived sentence, and what is said of the row that it is about."""
    said = given(app)["said"]
    assert said["choice"] == given(app)["choice"]
    return "".join(text for text, _ in said["parts"])


@pytest.fixture(scope="module")
def traces():
    return {i: attnviz.trace(attnviz.load(i), SENTENCE) for i in (MINILM, SMOLLM2)}


def test_it_opens_with_the_pronoun_and_its_noun(open_page, traces):
    app = open_page(SCRIPT)
    assert sentence(app) == "it looks 68 % at animal, 10 % at [CLS] and 6 % at itself."
    assert chosen(app) == (3, 1)
    ((header, (block,)),) = messages(app)
    assert header["of"] == given(app)["of"]
    for layer in range(6):
        weights = traces[MINILM].weights("encoder", layer)
        assert np.abs(block.weights[layer] - weights).max() <= weights.max() / 510 + 1e-5
    assert not errors(app) and not notes(app)


def test_a_decoder_opens_with_a_look_that_is_not_its_sink(open_page, traces):
    app = open_page(SCRIPT, model=SMOLLM2)
    assert re.match(r"it looks 7\d % at animal", sentence(app)), sentence(app)
    row = traces[SMOLLM2].weights("decoder", *chosen(app))[given(app)["choice"]["token"]]
    assert f"{100 * row.max():.0f} %" in sentence(app)
    ((_, (block,)),) = messages(app)
    assert block.causal and block.weights.shape[:2] == (30, 9)


def test_a_deep_link(open_page):
    app = open_page(
        SCRIPT, layer="0", head="2", query="cross", special="true", least="20", scale="row", view="lines"
    )
    choice = given(app)["choice"]
    assert chosen(app) == (0, 2)
    assert choice["special"] and (choice["least"], choice["scale"], choice["view"]) == (20, "row", "lines")
    assert sentence(app).startswith("cross looks 100 % at t")
    assert any("Weights below 20 % are left out" in remark for remark in given(app)["said"]["remarks"])


def test_what_the_viewer_chooses_is_checked_and_kept(open_page, traces, monkeypatch):
    kept = {}
    monkeypatch.setattr("app.widgets.attention.selection.choose", lambda **values: kept.update(values))
    take = attention._take(traces[MINILM], "left_")
    good = {**given(open_page(SCRIPT))["choice"], "layer": 5, "heads": [2, 4], "token": 3, "merge": True}
    take(good)
    assert (kept["left_layer"], kept["left_query"], kept["left_heads"], kept["left_merge"]) == (
        5,
        "didn",
        "2,4",
        True,
    )
    kept.clear()
    for wrong in (
        {"layer": 6},
        {"token": -1},
        {"heads": [12]},
        {"kind": "cross"},
        {"mean": 1},
        {"layer": "5"},
    ):
        take({**good, **wrong})
    for wrong in (
        None,
        [],
        "x",
        {},
        {**good, "scale": "<script>"},
        {**good, "mass": 10},
        {**good, "view": None},
    ):
        take(wrong)
    assert not kept


def test_what_was_chosen_is_in_the_address_and_what_opens_anyway_is_not(open_page):
    app = open_page(SCRIPT, layer="5", head="1", heads="1,4", mean="false")
    assert app.query_params["layer"] == "5"
    assert app.query_params["heads"] == "1,4"
    assert not {"head", "query", "mean", "special", "scale"} & set(app.query_params)


def test_hidden_tokens_are_shared_out_and_it_says_so(open_page, traces):
    app = open_page(SCRIPT, special="true")
    hidden = traces[MINILM].weights("encoder", 3, 1)[10, [0, -1]].sum()
    (remark,) = given(app)["said"]["remarks"]
    assert f"{100 * hidden:.0f} % of this row lies on hidden tokens" in remark
    assert "[CLS]" not in sentence(app)


def test_a_hidden_query_says_so(open_page):
    app = open_page(SCRIPT, query="[CLS]", special="true")
    assert not errors(app)
    assert sentence(app) == "[CLS] is hidden."


def test_everything_hidden_is_said_and_nothing_breaks(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, text="the", first="true")
    assert not errors(app)
    assert sentence(app) == "Every token of this text is hidden."


def test_word_pieces_merged(open_page):
    app = open_page(SCRIPT, merge="true", query="didn")
    assert sentence(app).startswith("didn't looks ")


def test_the_mean_of_a_layer_and_of_some_heads(open_page, traces):
    of_layer = traces[MINILM].weights("encoder", 2)
    for options, heads in (({"mean": "true"}, range(12)), ({"heads": "0,5,7"}, [0, 5, 7])):
        app = open_page(SCRIPT, layer="2", **options)
        row = of_layer[list(heads)].mean(axis=0)[10]
        assert f"{100 * row.max():.0f} %" in sentence(app)


def test_lenses_show_what_they_measure(open_page, traces):
    app = open_page(SCRIPT, model=SMOLLM2, lens="value", layer="23", head="4")
    assert given(app)["said"]["parts"][1][0].startswith(" is brought ")
    ((header, (block,)),) = messages(app)
    assert header["of"].endswith("|value")
    lens = Heads(SMOLLM2, SENTENCE, traces[SMOLLM2], "decoder").seen("value")
    np.testing.assert_allclose(block.weights[23, 4], lens.weights("decoder", 23, 4), atol=1 / 400)
    app = open_page(SCRIPT, lens="rollout")
    assert given(app)["kinds"][0]["heads"] == 1 and " traces back " in sentence(app)
    assert chosen(app) == (3, 1)


def test_why_weight_is_not_explanation_in_numbers_of_the_row(open_page, traces):
    app = open_page(SCRIPT)
    carried, rolled = (e for e in markup(app) if "Kobayashi 2020" in e or "Zuidema 2020" in e)
    heads = Heads(MINILM, SENTENCE, traces[MINILM], "encoder")
    weights = traces[MINILM].weights("encoder", 3, 1)[10]
    shares = heads.seen("value").weights("encoder", 3, 1)[10]
    key = int(np.abs(shares - weights).argmax())
    assert f"{100 * weights[key]:.0f} %" in carried and f"{100 * shares[key]:.0f} %" in carried
    row = heads.seen("rollout").weights("encoder", 3, 0)[10]
    assert f"{100 * row[weights.argmax()]:.0f} % of it comes from ‘animal’" in rolled


def test_weight_and_explanation_speak_of_the_row_as_it_is_shown(open_page):
    """What is hidden is not the example; merged words are named as merged; another lens is not called a weight."""
    text = "The unbelievable tokenization surprised everybody."
    app = open_page(SCRIPT, special="true", merge="true", text=text, query="everybody", layer="4", head="5")
    carried, rolled = (plain(e) for e in markup(app) if "Kobayashi 2020" in e or "Zuidema 2020" in e)
    assert "[CLS]" not in carried + rolled and "[SEP]" not in carried + rolled
    assert "##" not in carried + rolled
    ((share, key),) = re.findall(r"gives (\d+) % to ‘(.+?)’", rolled)
    assert f"{share} % at {key}".replace("everybody", "itself") in sentence(app)
    app = open_page(SCRIPT, lens="rollout")
    assert any("By its weights ‘it’ gives 68 % to ‘animal’" in e for e in markup(app))
    app = open_page(SCRIPT, query="[CLS]", special="true")
    assert not errors(app) and not any("Kobayashi 2020" in e for e in markup(app))


def test_where_a_head_sends_most_is_where_most_of_its_weight_goes(traces, monkeypatch):
    """Of every question that could be asked, the answer has the largest share; [CLS] is not two answers."""
    words = lesson(SCRIPT)
    for text in (SENTENCE, "Hi", "The keys to the cabinet are on the table.", "the the the the"):
        heads = Heads(MINILM, text, attnviz.trace(attnviz.load(MINILM), text), "encoder")
        asked = 0
        told = set()
        while question := questions._what_it_does(heads, words, told):
            layer, head = question.values["layer"], question.values["head"]
            told.add((layer, head))
            asked += 1
            assert "the first token" not in question.choices
            shares = {
                PATTERN_WORDS[p]: float(heads.patterns.share[p][layer, head]) for p in heads.patterns.patterns
            }
            assert shares[question.answer] == max(shares[choice] for choice in question.choices) >= 0.5
        assert asked


def test_it_is_said_what_a_row_of_cross_attention_is(open_page):
    for kind, said in (("cross", True), ("encoder", False)):
        app = open_page(SCRIPT, model=TRANSLATE_EN_PT, kind=kind)
        assert any("A row is a token that the decoder reads" in body for body in markup(app)) == said


def test_nonsense_in_the_address_falls_back_and_says_so(open_page):
    app = open_page(
        SCRIPT,
        layer="99",
        head="x",
        query="zzz",
        kind="cross",
        least="-3",
        special="maybe",
        heads="a,99",
        scale="?",
    )
    assert not errors(app)
    assert len(notes(app)) == 8
    assert any("Heads go from 0 to 11" in note for note in notes(app))
    assert chosen(app) == (3, 1) and given(app)["choice"]["heads"] == []


def test_another_text_keeps_the_head_and_makes_no_excuses(open_page):
    app = open_page(SCRIPT, head="7")
    app.text_area(key="text").set_value("Mary thought he needed rest.").run()
    assert not errors(app) and not notes(app)
    assert chosen(app)[1] == 7


def test_another_model_opens_with_its_own_head(open_page):
    app = open_page(SCRIPT, head="11")
    app.selectbox(key="model").set_value(SMOLLM2).run()
    assert not errors(app) and not notes(app)
    assert given(app)["kinds"][0]["layers"] == 30
    assert sentence(app).startswith("it looks 7")


def test_suggestions_are_measured_and_open_what_they_say(open_page, traces):
    app = open_page(SCRIPT)
    tries = [b for b in app.button if b.key.startswith("row_try_")]
    assert len(tries) == 4
    label = tries[1].label.replace("\\", "")
    assert "Look one token back" in label and "layer 0, head 2: 100 % to the token before" in label
    tries[1].click().run()
    assert chosen(app) == (0, 2)


def test_questions_are_about_heads_that_nothing_shows(open_page, traces):
    app = open_page(SCRIPT)
    question = next(e for e in markup(app) if "av-question" in e)
    layer, head = map(int, re.findall(r"layer (\d+), head (\d+)", question)[0])
    told = [b.label.replace("\\", "") for b in app.button if b.key.startswith("row_try_")]
    assert (layer, head) != (3, 1)
    assert not any(f"layer {layer}, head {head}:" in label for label in told)
    row = traces[MINILM].weights("encoder", layer, head)[10]
    answer = traces[MINILM].tokens.unique_labels[int(row.argmax())]
    pills = app.button_group[0] if len(app.get("button_group")) else app.pills[0]
    assert answer in [o.replace("\\", "") for o in pills.options]
    pills.set_value([answer]).run()
    reveal = next(e for e in markup(app) if "av-reveal" in e)
    assert "Right." in reveal and f"{100 * row.max():.0f} % of its weight to ‘{answer}’" in reveal
    next(b for b in app.button if b.key == "open_looks").click().run()
    assert chosen(app) == (layer, head)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"special": "true", "merge": "true"},
        {"mean": "true"},
        {"lens": "value"},
        {"lens": "rollout", "heads": "1,2"},
    ],
)
def test_the_code_gives_the_numbers_on_the_page(open_page, options):
    app = open_page(SCRIPT, **options)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(app.code[0].value, "the code", "exec"), {})
    shown = re.findall(r"(\d+) % (?:at|by|to)", sentence(app))
    for line, percent in zip(printed.getvalue().splitlines(), shown, strict=True):
        assert round(100 * float(line.rpartition(" ")[2])) == int(percent)


def test_a_long_text_is_sent_layer_by_layer(open_page, traces):
    app = open_page(SCRIPT, model=SMOLLM2, layer="7")
    app.text_area(key="text").set_value("the animal was tired. " * 90).run()
    assert not errors(app) and given(app)["partial"]
    sent = messages(app)
    (small,) = [blocks for header, blocks in sent if header.get("small")]
    assert small[0].weights.shape == (30, 9, 32, 32)
    (part,) = [blocks for header, blocks in sent if not header.get("small")]
    assert (part[0].first, len(part[0].weights)) == (6, 3)
    wanted = {"of": "x", "parts": [("decoder", 2)]}
    for value in (
        {"kind": "decoder", "layer": 29},
        {"kind": "decoder", "layer": 30},
        {"kind": "cross"},
        None,
        "x",
    ):
        attention._need(wanted, traces[SMOLLM2], value)
    assert wanted["parts"] == [("decoder", 2), ("decoder", 9)]


def test_a_text_that_is_too_long_is_cut_on_request(open_page):
    app = open_page(SCRIPT)
    app.text_area(key="text").set_value("the animal was tired. " * 200).run()
    assert any("reads at most 512" in e for e in errors(app))
    next(b for b in app.button if b.label.startswith("Read the first 512")).click().run()
    assert not errors(app)
    assert len(given(app)["axes"][0]["labels"]) > 480


def test_heads_of_an_encoder_decoder(tmp_path_factory, monkeypatch):
    """Cross-attention: rows are the target's tokens, columns the source's; "itself" has no meaning."""
    from tests.tiny import save_tiny

    model = attnviz.load(save_tiny(tmp_path_factory.mktemp("t5"), "t5"))
    trace = attnviz.trace(model, "the cat sat on the mat", target="the dog ran")
    monkeypatch.setattr(cache, "trace", lambda *_: trace)
    words = lesson(SCRIPT)
    for kind in ("encoder", "decoder", "cross"):
        heads = Heads(f"made/{kind}", "the cat sat on the mat", trace, kind)
        layer, head, token = heads.opening
        view = heads.view(layer, head, Hidden())
        query, found = looks(heads, view, token)
        assert query == heads.tokens.unique_labels[token]
        assert kind != "cross" or all(key is not None for key, _ in found)
        assert questions.suggestions(heads, words)
        for question in questions.questions(heads, words, layer, head, token):
            assert question.answer in question.choices
        assert len(heads.names()) == heads.layers


def test_everything_hidden_is_one_error(traces):
    one = attnviz.trace(attnviz.load(SMOLLM2), "the")
    with pytest.raises(SelectionError):
        Heads(SMOLLM2, "the", one, "decoder").view(0, 0, Hidden(first=True))


def test_a_second_text_makes_a_pair(open_page):
    app = open_page(SCRIPT, text="The cat sat.", second="It was tired.", layer="3", head="1")
    assert not errors(app)
    trace = attnviz.trace(attnviz.load(MINILM), ("The cat sat.", "It was tired."))
    there, back = quadrants(trace, "encoder", 3, 1)[[0, 1], [1, 0]]
    (said,) = [body for body in markup(app) if "first text gives" in body]
    assert f"{round(100 * there)}" in said and f"{round(100 * back)}" in said
    assert given(app)["kinds"][0]["segments"][0].count(1) == 5
    app.text_input(key="second").set_value("").run()
    assert not any("first text gives" in body for body in markup(app))


def test_a_decoder_reads_one_text(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, second="It was tired.")
    assert not errors(app)
    assert not [box for box in app.text_input if box.key == "second"]
