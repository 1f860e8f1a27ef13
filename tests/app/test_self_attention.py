"""The page of one head step by step, on the real bundled models."""

import contextlib
import io
import json
import re

import numpy as np
import pytest

import attnviz
from app.head_steps.numbers import share
from app.heads import Heads
from attnviz.models.bundled import MINILM, SMOLLM2, SPELLING, TRANSLATE_EN_PT
from attnviz.tracing.inputs import attention_input
from tests.app.conftest import SENTENCE, charts, errors, markup, notes, observations, plain, run_code

SCRIPT = "self_attention"


def press(app, key):
    next(button for button in app.button if button.key == key).click().run()


@pytest.fixture(scope="module")
def trace():
    return attnviz.trace(attnviz.load(MINILM), SENTENCE)


def test_all_steps_of_an_encoder_by_pressing_on(open_page, trace):
    """Each sentence against sums made here from what the trace recorded."""
    app = open_page(SCRIPT)
    x, _ = attention_input(attnviz.load(MINILM), trace, "encoder", 3)
    call = trace.call("encoder", 3)
    row = trace.tokens.unique_labels.index("it")
    key = trace.tokens.unique_labels.index("animal")
    q, k, v = call.query[1, row], call.key[1, key], call.value[1, key]
    weights = trace.weights("encoder", 3, 1)[row]
    output = weights @ call.value[1]
    expected = [
        [f"384 numbers between {x[row].min():.2f}".replace("-", "−"), f"and {x[row].max():.2f}"],
        ["a query of 32", f"length is {np.linalg.norm(q):.2f}"],
        ["a key of 32 numbers for each of the 16 tokens", f"length {np.linalg.norm(k):.2f}"],
        ["a value of 32 numbers", f"length {np.linalg.norm(v):.2f}"],
        [f"add up to {q @ k:.2f}, the largest of the 16"],
        [f"{q @ k:.2f} divided by √32 (5.66) is {q @ k / np.sqrt(32):.2f}", "Nothing is masked here"],
        [f"‘animal’ gets {100 * weights[key]:.0f} % of ‘it’"],
        [
            f"{100 * weights[key]:.0f} % of the value of ‘animal’",
            f"32 numbers of length {np.linalg.norm(output):.2f}",
        ],
    ]
    for number, parts in enumerate(expected):
        assert not errors(app) and not notes(app)
        assert any(f"Step {number + 1} of 8" in body for body in markup(app))
        for part in parts:
            assert part in observations(app)[0], (number, observations(app)[0])
        if number < 7:
            press(app, "step_next")
    assert next(b for b in app.button if b.key == "step_next").disabled
    press(app, "step_back")
    assert any("Step 7 of 8" in body for body in markup(app))
    assert app.query_params["step"] == "6"


def test_a_decoder_masks_turns_and_shares(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, step="5", layer="3", head="4", query="street")
    assert "6 of 13 keys are masked for ‘street’" in observations(app)[0]
    app = open_page(SCRIPT, model=SMOLLM2, step="2", layer="3", head="4", query="street")
    assert (
        "Heads 3 to 5 share these keys" in observations(app)[0]
        and "stores 3 sets instead of 9" in observations(app)[0]
    )
    app = open_page(SCRIPT, model=SMOLLM2, step="1")
    assert "rotary positions" in observations(app)[0]


def test_cross_attention_asks_from_the_target_and_reads_the_source(open_page):
    app = open_page(SCRIPT, model=TRANSLATE_EN_PT, kind="cross", step="4")
    assert not errors(app) and not notes(app)
    model = attnviz.load(TRANSLATE_EN_PT)
    trace = attnviz.trace(model, SENTENCE)
    queries, keys = len(trace.target_tokens), len(trace.tokens)
    flow = next(body for body in markup(app) if "Step 5 of 8" in body)
    assert flow
    assert app.selectbox(key="query").options == list(trace.target_tokens.unique_labels)
    assert f"of the {keys}" in observations(app)[0]
    question = [plain(b) for b in markup(app) if "av-question" in b][-1]
    assert "How many dot products" in question
    pills = app.button_group[-1] if len(app.get("button_group")) else app.pills[-1]
    assert f"{queries * keys:,}" in [o.replace("\\", "") for o in pills.options]


def test_the_table_is_the_row_of_the_query(open_page, trace):
    app = open_page(SCRIPT, layer="0", head="2", query="cross")
    (body,) = [b for b in markup(app) if "av-plain" in b]
    rows = re.findall(r"<tr[^>]*><th scope='row'>(.*?)</th>(.*?)</tr>", body)
    assert [name for name, _ in rows][:3] == ["[CLS]", "the", "animal"]
    row = trace.tokens.unique_labels.index("cross")
    for (_, cells), product, weight in zip(
        rows,
        (trace.scores("encoder", 0, 2) * np.sqrt(32))[row],
        trace.weights("encoder", 0, 2)[row],
        strict=True,
    ):
        numbers = [
            float(n.replace("−", "-").replace("%", "").replace(",", "").replace("<", "").replace("&lt;", ""))
            for n in re.findall(r">([^<]+)</td>", cells)
        ]
        assert numbers[0] == pytest.approx(float(product), abs=0.06)
        assert numbers[2] == pytest.approx(100 * float(weight), abs=0.6)


def test_a_long_text_has_its_strongest_keys_in_the_table(open_page):
    app = open_page(SCRIPT, text="one two three four five six seven " * 6)
    (body,) = [b for b in markup(app) if "av-plain" in b]
    assert body.count("<tr") == 1 + 12 + 1 and "other 32" in body


def test_from_scratch_is_a_dozen_lines_with_the_same_numbers(open_page):
    app = open_page(SCRIPT, tokens="6", d_k="16", seed="7", causal="true")
    code = app.code[0].value
    assert len([line for line in code.splitlines() if line]) <= 13
    made = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "from scratch", "exec"), made)
    from attnviz.analysis.attention_steps import toy_attention

    toy = toy_attention(6, 5, 16, 7, causal=True)
    np.testing.assert_allclose(made["weights"], toy.weights, atol=1e-6)
    np.testing.assert_allclose(made["output"], toy.output, atol=1e-5)
    from app.head_steps.toy import Toy

    saved = Toy(6, 5, 16, 7, True).data()
    kept = [v for name, v in zip(saved["matrix"], saved["value"], strict=True) if name == "weights"]
    np.testing.assert_allclose(kept, toy.weights.ravel())
    sentence = observations(app)[1]
    largest = np.exp(made["q"] @ made["k"].T)
    largest = np.where(np.tri(6, dtype=bool), largest, 0)
    unscaled = (largest / largest.sum(axis=1, keepdims=True)).max()
    assert f"it would be {100 * unscaled:.0f} %" in sentence


def test_suggestions_and_questions_open_what_they_say(open_page):
    app = open_page(SCRIPT)
    tries = {b.key: b.label.replace("\\", "") for b in app.button if b.key.startswith("row_try_")}
    assert "68 %" in tries["row_try_0"]
    press(app, "row_try_1")
    assert any("Step 6 of 8" in body for body in markup(app))
    press(app, "row_try_3")
    assert app.slider(key="d_k").value == 16
    pills = (app.button_group if len(app.get("button_group")) else app.pills)[1]
    pills.set_value(["More sharply"]).run()
    assert any(
        "Right." in body and "100 % instead of 68 %" in body for body in markup(app) if "av-reveal" in body
    )


def test_the_code_prints_the_row(open_page, trace):
    app = open_page(SCRIPT)
    lines = run_code(app, 1).splitlines()
    assert len(lines) == 16
    weights = trace.weights("encoder", 3, 1)[trace.tokens.unique_labels.index("it")]
    for line, weight in zip(lines, weights, strict=True):
        assert float(line.split()[-1].rstrip("%")) == pytest.approx(100 * float(weight), abs=0.06)


def test_a_step_beyond_the_last_says_so(open_page):
    app = open_page(SCRIPT, step="9", tokens="x", d_k="-3", causal="maybe")
    assert not errors(app)
    assert len(notes(app)) == 4
    assert any("The value of d_k cannot be -3 here" in note for note in notes(app))
    assert not app.toggle(key="causal").value


def test_a_share_says_nothing_only_of_what_is_nothing():
    assert [share(part) for part in (0, 0.0001, 0.0644, 0.68)] == ["0 %", "<0.1 %", "6.4 %", "68 %"]


def test_a_single_token_is_told_without_others(open_page):
    """Nothing is the largest of one, and no scaling changes a weight of 100 %."""
    for step, words in (
        (4, "the only sum in its row"),
        (6, "100 % of ‘the’."),
        (7, "is the output of ‘the’"),
    ):
        app = open_page(SCRIPT, model=SMOLLM2, text="the", step=str(step))
        assert not errors(app)
        assert words in observations(app)[0]
        assert "others" not in observations(app)[0] and "The 1 weights" not in observations(app)[0]
    assert not any("scaling does" in b.label for b in app.button if b.key.startswith("row_try_"))


def test_a_word_by_itself_opens_with_a_look_from_token_to_token(open_page):
    """The letters of one word are searched, where there are no two words between which to look."""
    trace = attnviz.trace(attnviz.load(SPELLING), "knight")
    for kind in ("encoder", "decoder"):
        layer, head, token = Heads(SPELLING, "knight", trace, kind).opening
        row = trace.weights(kind, layer, head)[token]
        assert row[: token - 1].max() > 0.5 and row.argmax() < token - 1
    app = open_page(SCRIPT, model=SPELLING, text="knight", kind="decoder")
    assert not errors(app)
    assert not any("scaling does" in b.label for b in app.button if b.key.startswith("row_try_"))


def test_it_is_said_what_a_row_of_cross_attention_is(open_page):
    for kind, said in (("cross", True), ("encoder", False)):
        app = open_page(SCRIPT, model=TRANSLATE_EN_PT, kind=kind)
        assert any("A row is a token that the decoder reads" in body for body in markup(app)) == said


def test_what_is_sent_for_a_step_is_small(open_page):
    app = open_page(SCRIPT, model=SMOLLM2)
    sent = charts(app)
    assert list(sent) == ["attention_step", "toy"]
    assert sent["attention_step"]["data"][0]["type"] == "heatmap"
    assert len(json.dumps(sent["attention_step"])) < 150_000 and len(json.dumps(sent["toy"])) < 40_000


def test_a_random_t5_is_told_with_its_own_numbers(tmp_path, monkeypatch):
    """Every step of every kind: a bias for distance, no scaling, a mask in the decoder; other numbers, other words."""
    from app import cache
    from app.head_steps import formulas, pictures, questions, sentences
    from app.head_steps.walk import STEPS, Walk
    from app.heads import Heads
    from app.lessons import lesson
    from tests.tiny import save_tiny

    model = attnviz.load(save_tiny(tmp_path, "t5"))
    trace = attnviz.trace(model, "the cat sat on the mat", target="the dog ran")
    monkeypatch.setattr(cache, "model", lambda *_: model)
    monkeypatch.setattr(cache, "trace", lambda *_: trace)
    words = lesson(SCRIPT)
    for kind in ("encoder", "decoder", "cross"):
        heads = Heads(f"made/{kind}", "the cat sat on the mat", trace, kind)
        one, other = Walk(heads, 0, 0, 2), Walk(heads, 1, 3, 2)
        for step in range(STEPS):
            assert sentences.said(one, words, step) != sentences.said(other, words, step)
            assert pictures.picture(one, words, step, "light").data and formulas.formula(one, step)
            assert len(pictures.data(one, step)["value"])
            # a subscript of more than a letter needs braces, or the formula is not typeset at all
            assert not re.search(r"[_^]\\[A-Z]", formulas.formula(one, step))
        weights = trace.weights(kind, 0, 0)[2]
        assert f"{100 * weights.max():.0f} %" in sentences.said(one, words, 6)
        assert "does not scale" in sentences.said(one, words, 5)
        bias = trace.call(kind, 0).bias
        assert ("For the distance" in sentences.said(one, words, 5)) == (kind != "cross")
        if kind == "encoder":
            assert f"{bias[0, 2, weights.argmax()]:.2f}".replace("-", "−") in sentences.said(one, words, 5)
        assert ("are masked" in sentences.said(one, words, 5)) == (kind == "decoder")
        for question in questions.questions(one, words):
            assert question.answer in question.choices
        flow = pictures.flow(one, words, 3)
        assert [box["shape"] for box in flow["boxes"]][-1] == f"{len(trace.query_tokens(kind))} × 6"


def test_formulas_name_the_matrices_and_the_biases_of_the_model(open_page):
    app = open_page(SCRIPT, step="1")
    assert re.search(r"W_\{.*Q\}.* \+ b_\{", app.latex[0].value)
    app = open_page(SCRIPT, model=SMOLLM2, step="1")
    assert "+ b" not in app.latex[0].value
