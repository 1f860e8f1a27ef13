"""The heatmap page on the real bundled models."""

import base64
import contextlib
import io
import json
import re

import numpy as np
import pytest

import attnviz
from app import cache
from app.heatmaps import Heads, Hidden
from app.lessons import lesson
from attnviz.analysis.attention_view import attention_view
from attnviz.errors import SelectionError
from tests.app.conftest import errors, markup, notes

SCRIPT = "attention_heatmaps"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
SENTENCE = "The animal didn't cross the street because it was too tired."


def sentence(app):
    """The derived sentence, as text."""
    (body,) = [e for e in markup(app) if "av-looks" in e]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body.partition("</p>")[0])).strip()


def specs(app):
    """The heatmap and the picture of all heads, as the browser gets them."""
    charts = [chart.proto.spec for chart in app.get("plotly_chart")]
    (heatmap,) = [spec for spec in charts if '"heatmap"' in spec.partition('"layout"')[0]]
    (heads,) = [spec for spec in charts if spec != heatmap]
    return heatmap, heads


def matrix(app):
    """The weights that the heatmap draws."""
    z = json.loads(specs(app)[0])["data"][0]["z"]
    return np.frombuffer(base64.b64decode(z["bdata"]), "<f4").reshape([int(n) for n in z["shape"].split(",")])


def row_labels(app):
    axis = json.loads(specs(app)[0])["layout"]["yaxis"]
    return [re.sub(r"<[^>]+>", "", label) for label in axis["ticktext"]]


@pytest.fixture(scope="module")
def traces():
    return {i: attnviz.trace(attnviz.load(i), SENTENCE) for i in (MINILM, SMOLLM2)}


def test_it_opens_with_the_pronoun_and_its_noun(open_page, traces):
    app = open_page(SCRIPT)
    assert sentence(app) == "it looks 68 % at animal, 10 % at [CLS] and 6 % at itself. Layer 3, head 1"
    np.testing.assert_array_equal(matrix(app), traces[MINILM].weights("encoder", 3, 1))
    assert not errors(app) and not notes(app)


def test_a_decoder_opens_with_a_look_that_is_not_its_sink(open_page, traces):
    app = open_page(SCRIPT, model=SMOLLM2)
    said = sentence(app)
    assert re.match(r"it looks 7\d % at animal", said), said
    layer, head = map(int, re.findall(r"Layer (\d+), head (\d+)", said)[0])
    np.testing.assert_array_equal(matrix(app), traces[SMOLLM2].weights("decoder", layer, head))


def test_a_deep_link(open_page, traces):
    app = open_page(SCRIPT, layer="0", head="2", query="cross", special="true")
    expected = attention_view(traces[MINILM], "encoder", 0, 2, hide_special=True)
    np.testing.assert_array_equal(matrix(app), expected.weights)
    assert sentence(app).startswith("cross looks 100 % at t")
    assert "[CLS]" not in row_labels(app)


def test_moving_layer_and_head_and_query(open_page, traces):
    app = open_page(SCRIPT)
    app.slider(key="layer").set_value(5).run()
    app.slider(key="head").set_value(11).run()
    app.selectbox(key="query").set_value("the²").run()
    weights = traces[MINILM].weights("encoder", 5, 11)
    np.testing.assert_array_equal(matrix(app), weights)
    said = sentence(app)
    assert said.startswith("the² looks") and said.endswith("Layer 5, head 11")
    tokens = traces[MINILM].tokens
    best = weights[tokens.unique_labels.index("the²")]
    assert f"{100 * best.max():.0f} % at {tokens.unique_labels[int(best.argmax())]}" in said


def test_hidden_tokens_are_shared_out_and_it_says_so(open_page, traces):
    app = open_page(SCRIPT)
    app.toggle(key="special").set_value(True).run()
    np.testing.assert_allclose(matrix(app).sum(axis=1), 1, atol=1e-5)
    hidden = traces[MINILM].weights("encoder", 3, 1)[10, [0, -1]].sum()
    (remark,) = [e for e in markup(app) if "scaled to 100 %" in e]
    assert f"{100 * hidden:.0f} % of this row lies on hidden tokens" in remark


def test_a_hidden_query_says_so(open_page):
    app = open_page(SCRIPT, query="[CLS]", special="true")
    assert not errors(app)
    assert "gives all its weight to tokens that are hidden" in sentence(app) or "is hidden" in sentence(app)


def test_word_pieces_merged(open_page):
    app = open_page(SCRIPT, merge="true")
    assert "didn't" in row_labels(app)
    np.testing.assert_allclose(matrix(app).sum(axis=1), 1, atol=1e-5)


def test_the_mean_of_a_layer(open_page, traces):
    app = open_page(SCRIPT, mean="true", layer="2")
    np.testing.assert_allclose(matrix(app), traces[MINILM].weights("encoder", 2).mean(axis=0), atol=1e-7)
    assert sentence(app).endswith("Layer 2, mean of its 12 heads")


def test_weights_below_a_threshold_are_left_out(open_page):
    app = open_page(SCRIPT, least="20")
    shown = matrix(app)
    assert ((shown == 0) | (shown >= 0.2)).all() and (shown > 0).any()
    assert any("Weights below 20 % are left out" in e for e in markup(app))


def test_nonsense_in_the_address_falls_back_and_says_so(open_page):
    app = open_page(SCRIPT, layer="99", head="x", query="zzz", kind="cross", least="-3", special="maybe")
    assert not errors(app)
    assert len(notes(app)) == 4
    assert sentence(app).endswith("Layer 3, head 1")


def test_another_text_keeps_the_head_and_makes_no_excuses(open_page):
    app = open_page(SCRIPT)
    app.slider(key="head").set_value(7).run()
    app.text_area(key="text").set_value("Mary thought he needed rest.").run()
    assert not errors(app) and not notes(app)
    assert sentence(app).endswith("head 7")


def test_another_model_opens_with_its_own_head(open_page):
    app = open_page(SCRIPT)
    app.slider(key="head").set_value(11).run()
    app.selectbox(key="model").set_value(SMOLLM2).run()
    assert not errors(app) and not notes(app)
    assert app.slider(key="head").max == 8 and app.slider(key="layer").max == 29
    assert sentence(app).startswith("it looks 7")


def test_switches_that_would_change_nothing_are_not_there(open_page):
    app = open_page(SCRIPT, model=SMOLLM2)
    assert {t.key for t in app.toggle} == {"first", "merge", "mean"}
    app = open_page(SCRIPT)
    assert {t.key for t in app.toggle} == {"special", "merge", "mean"}


def test_suggestions_are_measured_and_open_what_they_say(open_page, traces):
    app = open_page(SCRIPT)
    tries = [b for b in app.button if b.key.startswith("row_try_")]
    assert len(tries) == 4
    label = tries[1].label.replace("\\", "")
    assert "Look one token back" in label and "layer 0, head 2: 100 % to the token before" in label
    tries[1].click().run()
    np.testing.assert_array_equal(matrix(app), traces[MINILM].weights("encoder", 0, 2))


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
    assert sentence(app).endswith(f"Layer {layer}, head {head}")


@pytest.mark.parametrize("options", [{}, {"special": "true", "merge": "true"}, {"mean": "true"}])
def test_the_code_gives_the_numbers_on_the_page(open_page, options):
    app = open_page(SCRIPT, **options)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(app.code[0].value, "the code", "exec"), {})
    shown = re.findall(r"(\d+) % at", sentence(app))
    for line, percent in zip(printed.getvalue().splitlines(), shown, strict=True):
        assert round(100 * float(line.rpartition(" ")[2])) == int(percent)


def test_a_text_that_is_too_long_is_cut_on_request(open_page):
    app = open_page(SCRIPT)
    app.text_area(key="text").set_value("the animal was tired. " * 200).run()
    assert any("reads at most 512" in e for e in errors(app))
    next(b for b in app.button if b.label.startswith("Read the first 512")).click().run()
    assert not errors(app)
    assert matrix(app).shape[0] > 480


def test_all_heads_travel_as_one_picture(open_page):
    for model, heads in ((MINILM, 72), (SMOLLM2, 270)):
        app = open_page(SCRIPT, model=model)
        heatmap, spec = specs(app)
        loaded = json.loads(spec)
        assert len(loaded["data"]) == 1 and len(loaded["data"][0]["text"]) == heads
        assert len(spec) < 150_000
        assert len(heatmap) < 25_000


def test_picking_a_thumbnail_chooses_its_head(traces, monkeypatch):
    chosen = {}
    monkeypatch.setattr("app.heatmaps.selection.choose", lambda **values: chosen.update(values))
    heads = Heads(MINILM, SENTENCE, traces[MINILM], "encoder")
    heads.open(3 * 12 + 1)
    assert (chosen["layer"], chosen["head"]) == (3, 1)
    chosen.clear()
    heads.open(72)
    heads.open(-1)
    assert not chosen


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
        query, looks = heads.looks(view, token)
        assert query == heads.tokens.unique_labels[token]
        assert kind != "cross" or all(key is not None for key, _ in looks)
        assert heads.suggestions(words)
        for question in heads.questions(words, layer, head, token):
            assert question.answer in question.choices
        assert heads.thumbnails(Hidden()).shape[:2] == (heads.layers, heads.heads)


def test_everything_hidden_is_one_sentence(traces):
    one = attnviz.trace(attnviz.load(SMOLLM2), "the")
    with pytest.raises(SelectionError):
        Heads(SMOLLM2, "the", one, "decoder").view(0, 0, Hidden(first=True))
