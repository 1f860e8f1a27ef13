"""The tokens page on the real bundled models."""

import contextlib
import html
import io
import json
import re

import pytest

import attnviz
from app.lessons import lesson
from app.tokenized import left_out, side_by_side, suggestions, tokenized
from attnviz.analysis.tokenization import token_count
from attnviz.models.catalog import catalog
from attnviz.models.spelling import spells
from tests.app.conftest import errors, markup

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
WORDS = lesson("tokens")


def strip(app):
    """The tokens that the strip draws."""
    (component,) = [e for e in app.get("bidi_component") if "attnviz_tokens" in e.proto.component_name]
    return json.loads(component.proto.json)


def facts(app):
    """The facts of the chosen token, by name."""
    (body,) = [e for e in markup(app) if "av-facts" in e]
    return {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", body)
    }


def test_tokens_ids_and_looks(open_page):
    drawn = strip(open_page("tokens", text="Mrs Dursley slept 🙂"))["tokens"]
    assert [t["label"] for t in drawn] == ["[CLS]", "mrs", "du", "-rs", "-ley", "slept", "[UNK] 🙂", "[SEP]"]
    assert [t["id"] for t in drawn][:3] == ["101", "3,680", "4,241"]
    assert [t["look"] for t in drawn] == [
        "special",
        "even",
        "odd",
        "odd",
        "odd",
        "even",
        "unknown",
        "special",
    ]


def test_the_facts_of_a_token(open_page):
    shown = facts(open_page("tokens", token="2", text="Mrs Dursley slept"))
    tokens = attnviz.Engine().tokens(MINILM, "Mrs Dursley slept")
    assert f"{tokens.ids[2]:,}" in shown.values()
    assert "du" in shown.values() and "64 75" in shown.values()
    assert any(re.fullmatch(r"[\d,]+ of 29,523", value) for value in shown.values())


@pytest.mark.parametrize("model", [MINILM, SMOLLM2])
def test_every_token_has_its_facts_also_the_special_and_the_unknown(open_page, model):
    text = "a\n 🙂 你 Dursley"
    count = len(attnviz.Engine().tokens(model, text))
    for token in range(count):
        app = open_page("tokens", model=model, text=text, token=str(token))
        assert not errors(app)
        assert strip(app)["token"] == token
        assert all(facts(app).values())


def test_every_tokenizer_reads_the_same_text():
    text = "Mrs Dursley didn't believe in unbelievable owls."
    columns = side_by_side(text, MINILM)
    assert len(columns["Model"]) >= sum(e.bundled and not spells(e.id) for e in catalog())
    for title, model in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2)):
        row = columns["Model"].index(title)
        count = token_count(attnviz.Engine().tokens(model, text))
        assert columns["Tokens"][row] == str(count.tokens)
        assert columns["Tokens per word"][row] == f"{count.tokens / 7:.2f}"
        assert columns["Bytes per token"][row] == f"{len(text) / count.tokens:.2f}"


def test_an_unknown_token_is_told_with_what_it_stands_for(open_page):
    app = open_page("tokens", text="猫", token="1")
    shown = facts(app)
    assert shown["Bytes"].startswith("lost") and shown["Place"] == "in place of “猫”"
    assert "No word of your text is split here. Unknown: 猫." in "\n".join(markup(app))


@pytest.mark.parametrize("text", [" ", "cat " * 9_000])
def test_a_text_that_cannot_be_read_is_told_once(open_page, text):
    assert len(errors(open_page("tokens", text=text))) == 1


def test_how_words_split():
    words, pieces = tokenized(MINILM, "Mrs Dursley slept").splits()
    assert dict(zip(words, pieces, strict=True)) == {"Dursley": "du -rs -ley"}


def test_signs_are_not_told_as_words():
    assert tokenized(SMOLLM2, "🙂").said(WORDS) == (
        "SmolLM2 reads your text, which has signs and no words, as 2 tokens, and adds none of its own."
    )
    assert tokenized(SMOLLM2, "🙂 you").said(WORDS).endswith("splits none.")


def test_who_cannot_read_the_text_is_named(open_page):
    assert left_out("It is 🙂", MINILM) == ["Spelling to sound"]
    assert "Cannot read this text: Spelling to sound." in "\n".join(
        markup(open_page("tokens", text="It is 🙂"))
    )


def test_every_model_has_something_to_try_and_a_short_question():
    for known in catalog():
        if known.bundled:
            assert len(suggestions(known.id, WORDS)) >= 2
            for asked in tokenized(known.id, "box").questions(WORDS):
                assert asked.answer in asked.choices and len(asked.choices) == 5


def test_spaces_are_promised_only_where_there_are_some():
    kept = {model: suggestions(model, WORDS)[1].detail for model in (MINILM, SMOLLM2)}
    assert "; no token for spaces" in kept[MINILM] and "; no token" not in kept[SMOLLM2]


def test_the_code_gives_the_tokens_on_the_page(open_page):
    app = open_page("tokens")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(app.code[0].value, "the code", "exec"), {})
    expected = [(t["id"].replace(",", ""), t["label"]) for t in strip(app)["tokens"]]
    assert [tuple(line.split(" ", 1)) for line in printed.getvalue().splitlines()] == expected


def test_what_can_be_tried_says_what_was_measured(open_page):
    app = open_page("tokens", model=SMOLLM2)
    tries = [b for b in app.button if b.key.startswith("row_try_")]
    assert len(tries) >= 3
    for suggestion in tries:
        suggestion.click().run()
        assert not errors(app)
        said = re.search(r"([\d,]+) tokens?", suggestion.label.replace("\\", ""))
        ordinary = [t for t in strip(app)["tokens"] if t["look"] != "special"]
        assert int(said[1].replace(",", "")) == len(ordinary)


def test_the_question_is_about_a_word_that_is_not_on_screen(open_page):
    app = open_page("tokens")
    question = next(e for e in markup(app) if "av-question" in e)
    word = re.search(r"“(.+?)”", html.unescape(question))[1]
    assert word not in app.text_area(key="text").value
    count = sum(not s for s in attnviz.Engine().tokens(MINILM, word).special)
    pills = app.get("button_group")[0]
    pills.set_value([str(count)]).run()
    assert any("Right." in e for e in markup(app) if "av-reveal" in e)
