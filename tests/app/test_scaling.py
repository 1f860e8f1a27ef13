"""The scaling page: published models, the learner's own among them, and what it says of both."""

import contextlib
import io
import json
import re

import pytest

from app.explored import Explored
from app.lessons import lesson
from app.scaled import published, questions, sentences
from app.scaled.own import Scaled
from attnviz.analysis.scaling import ModelSize
from attnviz.models.configs import published_configs
from tests.app.conftest import charts, errors, markup, notes

SCRIPT = "scaling"
WORDS = lesson(SCRIPT)
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def seen(app):
    """All HTML of the page as one text."""
    return "\n".join(markup(app))


def test_it_opens_with_charts_laws_and_sources(open_page):
    app = open_page(SCRIPT)
    assert not errors(app) and not notes(app)
    page = seen(app)
    assert "66 published models of 10 families" in page and "MiniLM with 22.7 million" in page
    assert {
        "scaling_width",
        "scaling_layers",
        "scaling_heads",
        "scaling_shape",
        "layer",
        "share",
        "training",
    } <= set(charts(app))
    assert all(entry.source.removeprefix("https://") in page for entry in published_configs())
    assert (
        "Farthest from this law is T5 11B" in page
        and "Without T5, they grow with the width to the power 1.99" in page
    )


def test_a_family_changes_what_is_said(open_page):
    app = open_page(SCRIPT, among="Pythia")
    assert (
        "of Pythia, the parameters of the layers grow with the width to the power 2.00 (95 %: 2.00"
        in seen(app)
    )
    app.selectbox(key="among").set_value("T5").run()
    assert "T5 large and T5 11B are both 1,024 wide and 48 layers deep" in seen(app)
    app.selectbox(key="among").set_value("Mistral").run()
    assert "There are 3 models of Mistral here" in seen(app) and not errors(app)
    app.selectbox(key="among").set_value("Gemma").run()
    assert not errors(app)
    assert "with the depth to a power that they do not settle (95 %: −1.48 to 2.57)" in seen(app)
    assert "Farthest from" not in seen(app)


def test_nonsense_in_the_address_falls_back(open_page):
    app = open_page(
        SCRIPT, among="<script>", tokens_read="-3", length="x", source="?", family="0", layers="10**9"
    )
    assert not errors(app) and notes(app)
    assert "<script>" not in seen(app)


def test_a_published_and_an_own_model(open_page):
    app = open_page(SCRIPT, source="Published", published="Llama 3.1 405B")
    page = seen(app)
    assert not errors(app)
    assert "Llama 3.1 405B with 406 billion" in page and "share 16 keys" not in page
    assert "128 query heads share 8 keys and values" in page
    app = open_page(SCRIPT, source="Own sizes", family="Llama", layers="24")
    assert not errors(app) and "Twice the width of Your model makes its layers" in seen(app)


GOOD = {"model_type": "gpt2", "n_embd": 64, "n_head": 4, "n_layer": 2, "vocab_size": 100, "n_positions": 32}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ('{"model_type": "mamba"}', "Mamba"),
        (json.dumps({**GOOD, "n_head": 0}), "number of heads"),
        (json.dumps({**GOOD, "n_head": 5}), "cannot be divided among 5 heads"),
        (json.dumps({**GOOD, "n_layer": 10**9}), "number of layers"),
    ],
)
def test_a_bad_config_is_one_sentence_and_the_charts_stay(open_page, text, words):
    app = open_page(SCRIPT, source="Pasted")
    app.text_area(key="config").set_value(text).run()
    (error,) = errors(app)
    assert words in error and "Something went wrong" not in error
    assert len(charts(app)) == 6  # those of the published models
    app.text_area(key="config").set_value(json.dumps(GOOD)).run()
    assert not errors(app) and "Your config with 109 thousand" in seen(app)


def test_tokens_change_the_compute(open_page):
    app = open_page(SCRIPT, source="Published", published="Pythia 12B")
    assert "on 300 billion tokens takes 2.1" in seen(app)  # what it was trained on
    app.select_slider(key="tokens_read").set_value(10**12).run()
    page = seen(app)
    assert not errors(app)
    # 6 · 11,846,072,320 · 10¹²
    assert "on 1 trillion tokens takes 7.1\u00a0×\u00a010²²" in page


def test_the_address_of_a_number_of_tokens_can_be_opened_again(open_page):
    """Streamlit writes it as the page does."""
    app = open_page(SCRIPT, tokens_read="800 million")
    assert not errors(app) and not notes(app)
    assert app.select_slider(key="tokens_read").value == 800_000_000


def test_training_is_told_as_the_model_is_built(open_page):
    page = seen(open_page(SCRIPT, source="Published", published="T5 small"))
    assert "operations in its matrices: each token goes through one of the two stacks" in page
    assert "measured on decoders, and T5 small is an encoder-decoder" in page
    page = seen(open_page(SCRIPT, source="Published", published="GPT-2"))
    assert "two stacks" not in page and "measured on decoders" not in page


def test_try_this_leads_to_what_it_says(open_page):
    for number in range(4):
        app = open_page(SCRIPT)
        button = app.button(key=f"row_try_{number}")
        measured = re.findall(r"\d[\d.]*", button.label.split("gray")[1].replace("\\", ""))[0]
        button.click().run()
        assert not errors(app), button.label
        # the last one doubles the width: its number is the growth that got there
        assert ("Your config with" if number == 3 else measured) in seen(app), button.label


def test_answers_are_computed():
    depth, share, compute = questions.questions()
    assert depth.answer == "1.5 times" and "1.5 times 16" in depth.reason
    assert share.answer == "Gemma 3 1B"
    assert compute.answer == "about 3.2 times both" and "3.16 billion" in compute.reason


def test_sentences_follow_the_data(monkeypatch):
    """On other models they come out different."""
    before = sentences.law_said(WORDS, None), sentences.share_said(WORDS, None)
    grown = tuple(
        ModelSize(
            f"M{i}", "F" if i % 2 else "G", 100 * 2**i, 2 + i * i, 2, 1000 * 8**i + 5 * 16**i, 5 * 16**i
        )
        for i in range(1, 9)
    )
    monkeypatch.setattr(published, "sizes", lambda: grown)
    published.law.clear()
    published.without_odd_one.clear()
    after = sentences.law_said(WORDS, None), sentences.share_said(WORDS, None)
    assert "8 models" in after[0] and "embeddings go from" in after[1]
    assert not set(before) & set(after)
    published.law.clear()
    published.without_odd_one.clear()


@pytest.mark.parametrize(
    "model",
    [Explored("model", "MiniLM", MINILM), Explored("config", "Yours", json.dumps(GOOD))],
    ids=lambda m: m.title,
)
def test_the_code_gives_the_numbers_of_the_page(model):
    own, printed = Scaled(model), io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(own.code(WORDS), {})
    lines = printed.getvalue().splitlines()
    assert lines[0] == "all, width: 1.71 (1.52 to 1.90)"
    assert f"{own.size.parameters:,} parameters" in lines[-2]


def test_power_of_ten():
    assert sentences.power_of_ten(3.84e25) == "3.8\u00a0×\u00a010²⁵"
