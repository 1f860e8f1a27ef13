"""Home: what is said of the learner's sentence is in the model, and another model says otherwise."""

import re

import numpy as np
import pytest

import attnviz
from app.sentence import sentence
from attnviz.analysis.attention_view import merged
from attnviz.analysis.reading import spaced_words
from tests.app.conftest import SENTENCE, errors, markup

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"


def shares(text):
    """The shares in a sentence, in whole per cent."""
    return [int(number) for number in re.findall(r"(\d+)\s%", text)]


@pytest.mark.parametrize("model", [MINILM, SMOLLM2])
def test_what_is_said_of_the_words_is_in_the_model(model):
    here, trace = sentence(model, SENTENCE), attnviz.trace(attnviz.load(model), SENTENCE)
    words = spaced_words(trace.query_tokens(here.kind))
    assert len(here.words) == len(words) == 11 and here.heads == trace.layers(here.kind) * trace.heads(
        here.kind
    )
    every = np.stack(
        [merged(trace.weights(here.kind, n), words, words) for n in range(trace.layers(here.kind))]
    )
    for word, look in enumerate(here.looks):
        if look.key is None:
            continue
        strongest = every[:, :, word, : word - 1].max()  # of all heads, to a word that is not the one before
        assert look.weights[look.key] == pytest.approx(strongest, abs=1e-5)
    said = here.suggestions(here.start)
    assert len(said) >= 2
    for suggestion in said:
        look = here.looks[suggestion.values["word"]]
        assert shares(suggestion.detail) == [round(100 * float(look.weights[look.key]))]
    (asked,) = here.questions(here.start)
    look = here.looks[asked.values["word"]]
    assert asked.answer in asked.choices and here.words[look.key].strip(".,") in asked.answer
    assert f"layer {look.layer}, head {look.head}" in asked.question
    before = here.words[asked.values["word"] - 1]  # it was left out of the search
    assert "two or more back" in asked.question and not any(
        choice.startswith(before) for choice in asked.choices
    )


@pytest.mark.parametrize("model", [MINILM, "attnviz/spelling-to-sound"])
def test_a_text_too_short_to_look_back_offers_a_longer_one(open_page, model):
    app = open_page("home", model=model, text="owl")
    app.button(key="go_longer").click().run()
    assert not errors(app) and sentence(model, app.text_area(key="text").value).longer is None
    assert "go_longer" not in [button.key for button in app.button]


def test_the_race_can_be_held_and_one_word_runs_none(open_page):
    assert any("av-pause" in body and "av-race" in body for body in markup(open_page("home")))
    assert not any("av-race" in body for body in markup(open_page("home", text="owl")))


def test_a_random_model_says_other_things(made):
    trained, random, other = (sentence(model, SENTENCE) for model in (MINILM, "made/bert", "made2/bert"))
    details = [[s.detail for s in one.suggestions(one.start)] for one in (trained, random, other)]
    assert details[0] != details[1] != details[2] != details[0]
    assert [look.key for look in trained.looks] != [look.key for look in random.looks]
