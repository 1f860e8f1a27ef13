"""The page of all heads, on the real bundled models."""

import json
import string

import numpy as np
import pytest

import attnviz
from app.heads import Heads
from app.lessons import lesson
from app.many_heads import all_heads, one_layer, questions
from app.many_heads.layer import Layer
from attnviz.analysis.head_patterns import head_patterns
from attnviz.models.bundled import MINILM, SMOLLM2, TRANSLATE_EN_PT
from tests.analysis.records import even, made_tokens, made_trace
from tests.app.conftest import SENTENCE, charts, errors, markup, notes, observations, plain, run_code

SCRIPT = "multi_head"


@pytest.fixture(scope="module")
def patterns():
    return head_patterns(attnviz.trace(attnviz.load(MINILM), SENTENCE), "encoder")


def test_a_head_that_looks_one_token_back_is_said_to(open_page, patterns):
    app = open_page(SCRIPT, layer="0", head="2", metric="previous")
    assert not errors(app) and not notes(app)
    share = float(patterns.share["previous"][0, 2])
    assert (
        f"Head 2 of layer 0 gives {100 * share:.0f} % of its weight to the token before"
        in observations(app)[0]
    )
    assert "(mean over 15 of 16 tokens). Chance for this length and mask is 6 %" in observations(app)[0]
    drawn = charts(app)
    assert len(drawn["layer_heads"]["data"][0]["text"]) == 12


def test_the_table_has_every_head_with_its_numbers(open_page, patterns):
    app = open_page(SCRIPT, every="true")
    table = app.dataframe[0].value
    assert len(table) == 72
    for metric, column in (("entropy", "Entropy"), ("distance", "Distance")):
        np.testing.assert_allclose(table[column].to_numpy(), patterns.metric(metric).ravel(), rtol=1e-5)
    for metric in ("itself", "previous", "next", "first", "special", "same token"):
        np.testing.assert_allclose(table[f"To {metric}"], 100 * patterns.share[metric].ravel(), rtol=1e-5)
    np.testing.assert_allclose(table["Score"], patterns.metric("strongest").ravel(), rtol=1e-4)
    app = open_page(SCRIPT, layer="4")
    assert len(app.dataframe[0].value) == 12 and "Layer" not in app.dataframe[0].value


def test_a_decoder_has_no_next_token_and_shares_keys(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, layer="5", head="4")
    assert not errors(app) and not notes(app)
    assert "To next" not in app.dataframe[0].value
    (shared,) = [plain(body) for body in markup(app) if "key-value cache" in body and "av-text" in body]
    assert "9 heads share 3 sets" in shared and "head 4 reads set 1 together with head 3 and head 5" in shared
    assert "384 numbers a layer in the key-value cache instead of 1,152" in shared


def test_cross_attention_has_neither_distance_nor_neighbours(open_page):
    app = open_page(SCRIPT, model=TRANSLATE_EN_PT, kind="cross")
    assert not errors(app) and not notes(app)
    columns = set(app.dataframe[0].value)
    assert "Distance" not in columns and not columns & {"To itself", "To previous", "To next"}
    assert {"Entropy", "To first", "To special"} <= columns


def test_what_few_tokens_can_show_is_no_pattern_of_a_head(open_page):
    """Two target tokens of 13 are spelled as a source token; "the" stands twice among 16 tokens."""
    app = open_page(SCRIPT, model=TRANSLATE_EN_PT, kind="cross")
    assert set(app.dataframe[0].value["Strongest pattern"]) <= {"The first token", "Special tokens"}
    assert not any("same token" in b.label for b in app.button if b.key.startswith("row_try_"))
    app = open_page(SCRIPT)
    labels = [b.label.replace("\\", "") for b in app.button if b.key.startswith("row_try_")]
    (same,) = [label for label in labels if "same token" in label]
    assert "over 2 of 16 tokens" in same
    assert "The same token" not in set(app.dataframe[0].value["Strongest pattern"])


def test_a_special_first_token_is_not_two_answers(open_page):
    """[CLS] is the first token and a special one: of a head that rests on it, both would be true."""
    for text in (SENTENCE, "The keys to the cabinet are on the table.", "I love you.", "the the the the"):
        heads = Heads(MINILM, text, attnviz.trace(attnviz.load(MINILM), text), "encoder")
        for layer in range(6):
            for question in questions.questions(Layer(heads, layer, 0), lesson(SCRIPT)):
                assert question.answer in question.choices
                assert question.key != "does" or "The first token" not in question.choices


def test_the_measure_in_the_address_is_the_one_on_the_page(open_page):
    """Streamlit writes the label; a page opened from that address colours by the same measure."""
    app = open_page(SCRIPT, metric="Share to the token before")
    assert not errors(app) and not notes(app)
    assert app.selectbox(key="metric").value == "previous"


def test_what_heads_add_to_the_stream(open_page):
    app = open_page(SCRIPT, layer="1", head="0")
    trace = attnviz.trace(attnviz.load(MINILM), SENTENCE)
    matrix = attnviz.load(MINILM).module.encoder.layer[1].attention.output.dense.weight.detach().numpy()
    added = [trace.head_outputs("encoder", 1, h) @ matrix[:, 32 * h : 32 * h + 32].T for h in range(12)]
    lengths = [float(np.linalg.norm(one, axis=1).mean()) for one in added]
    most, least = int(np.argmax(lengths)), int(np.argmin(lengths))
    assert f"Head {most} adds most to it: {lengths[most]:.2f} long" in observations(app)[1]
    assert f"head {least} least with {lengths[least]:.2f}" in observations(app)[1]
    assert any("384 × 384" in body for body in markup(app) if "av-facts" in body)


def test_suggestions_open_the_best_head_and_questions_know_their_answer(open_page, patterns):
    app = open_page(SCRIPT)
    labels = [b.label.replace("\\", "") for b in app.button if b.key.startswith("row_try_")]
    layer, head = patterns.best("previous")
    assert f"layer {layer}, head {head}: 100 %, chance 6 %" in labels[0]
    next(b for b in app.button if b.key == "row_try_0").click().run()
    assert observations(app)[0].startswith(f"Head {head} of layer {layer} gives 100 %")
    assert app.selectbox(key="metric").value == "previous"
    pills = (app.button_group if len(app.get("button_group")) else app.pills)[-1]
    pills.set_value(["384"]).run()
    assert any("Right." in body and "12 heads × 32 numbers = 384" in body for body in markup(app))


def test_picking_a_head_in_the_map_and_in_the_layer(patterns, monkeypatch):
    chosen = {}
    monkeypatch.setattr("app.selection.choose", lambda **values: chosen.update(values))
    heads = Heads(MINILM, SENTENCE, attnviz.trace(attnviz.load(MINILM), SENTENCE), "encoder")
    all_heads.choose(heads)(4 * 12 + 7)
    assert (chosen["layer"], chosen["head"]) == (4, 7)
    one_layer.choose(Layer(heads, 2, 0))(11)
    assert (chosen["layer"], chosen["head"]) == (2, 11)
    chosen.clear()
    one_layer.choose(Layer(heads, 2, 0))(12)
    assert not chosen


def test_sentences_follow_from_the_data():
    """Even attention has no pattern; a head made to look one back has one. The words differ."""
    words = lesson(SCRIPT)
    tokens = made_tokens(" ".join(string.ascii_lowercase[:6]))
    back = np.eye(6, k=-1)
    back[0, 0] = 1
    trace = made_trace([[even(6), back]], tokens)
    heads = Heads("made", "a b", trace, "encoder")
    heads.__dict__["patterns"] = head_patterns(trace, "encoder")
    assert "none of the patterns" in one_layer.said(Layer(heads, 0, 0), words)
    assert "100 % of its weight to the token before" in one_layer.said(Layer(heads, 0, 1), words)
    assert "as evenly as over 6.0 tokens" in one_layer.said(Layer(heads, 0, 0), words)


def test_the_code_prints_a_line_a_head(open_page):
    app = open_page(SCRIPT, layer="0")
    lines = run_code(app).splitlines()
    assert len(lines) == 12 and lines[2].startswith("2 1.00 to previous, chance 0.06")


def test_one_token_has_no_pattern_and_no_fault(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, text="the")
    assert not errors(app)
    assert "too short" in observations(app)[0]
    assert "head_map" not in charts(app) and not [s for s in app.selectbox if s.key == "metric"]


def test_nonsense_falls_back(open_page):
    app = open_page(SCRIPT, layer="77", head="x", metric="beauty")
    assert not errors(app) and len(notes(app)) == 3


def test_of_a_long_text_the_first_tokens_are_drawn_and_it_says_so(open_page):
    app = open_page(SCRIPT, text="one two three four five six seven " * 12)
    assert not errors(app)
    drawn = charts(app)
    notes_of = drawn["together"]["layout"]["annotations"]
    assert "86 × 384, the first 64 tokens drawn" in notes_of[0]["text"]
    assert len(json.dumps(drawn)) < 900_000
