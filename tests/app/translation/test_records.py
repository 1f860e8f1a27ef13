"""What the cross-attention page says of a text: on the real translators, and on other encoder-decoders."""

import base64
import re

import numpy as np
import pytest

import attnviz
from app import cache
from app.head_count import HeadCount
from app.lessons import lesson
from app.translation import errors, matrix, off, ribbons, step
from app.translation.lesson import code, questions, suggestions
from app.translation.record import Translated, translated
from app.translation.remarks import remark
from app.translation.sentences import LETTERS, TRANSLATOR
from app.widgets.heads_off import head_table
from attnviz.analysis.alignment import word_alignment
from attnviz.analysis.writing import single_heads
from attnviz.engine import Engine
from attnviz.models.catalog import catalog
from attnviz.tracing.forward import write
from tests.tiny import save_tiny

BACK = "attnviz/translate-pt-en"
TABLE = "She bought an old wooden table at the market."
HOUSE = "The red house is small."
WORDS = lesson("cross_attention")
DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"

spelling = pytest.mark.skipif(LETTERS not in [e.id for e in catalog() if e.bundled], reason="not trained yet")


@pytest.fixture(scope="module")
def english():
    return cache.engine().model(TRANSLATOR)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Le chat noir dort sur la chaise.", "7 of 7 words came through unchanged. This model reads English"),
        (TABLE.upper(), "In capitals your text falls into 20 tokens, in small letters into 10"),
        ("the animal was tired and " * 40, "stopped after 64 tokens"),
        ("🙂 猫 ok", "Tokens that this model does not know: 2 of 6."),
        ("<b>{x}</b>", "Tokens that this model does not know"),
        (".", ""),
        (TABLE, ""),
    ],
)
def test_what_is_to_be_known_of_a_text(text, expected):
    said = remark(translated(TRANSLATOR, text), WORDS)
    assert expected in said and bool(expected) == bool(said)


@spelling
@pytest.mark.parametrize("text", ["good morning class", "two big cats", "a b", "though"])
def test_letters_and_sounds_stay_apart_however_many_words_they_spell(text):
    shown = translated(LETTERS, text)
    assert "".join(label.rstrip(DIGITS) for label in shown.best_alignment.source_labels) == text.replace(
        " ", "␣"
    )
    assert shown.best_alignment.target_labels == shown.written.unique_labels[1:]
    assert remark(shown, WORDS) == "" and "merge_words=False" in code(shown, WORDS, 0, 0)


def test_the_rows_of_a_word_of_several_pieces_are_all_named():
    shown = translated(TRANSLATOR, "The animal didn't cross the street because it was too tired.")
    alignment = shown.alignment(1, 0)
    assert shown.steps[3:5] == ("cruz", "-ou") and shown.word_label("-ou") == "cruzou"
    said = matrix.chosen_in(shown, WORDS, 1, 0, "-ou")
    assert said.endswith("this is the mean of the rows of ‘não’ and ‘cruz’.")
    word = shown.word_of(alignment, "-ou")
    rows = [shown.row_of(token) for token in ("cruz", "-ou")]
    columns = alignment.sources[alignment.source_labels.index("cross")]
    weights = shown.trace.weights("cross", 1, 0)[np.ix_(rows, columns)].sum(axis=1)
    assert weights.mean() == pytest.approx(
        alignment.weights[word, alignment.source_labels.index("cross")], abs=1e-6
    )
    assert matrix.chosen_in(shown, WORDS, 1, 0, "animal").endswith("this is the row of ‘O’.")


def test_without_cross_attention_every_sentence_is_the_same():
    one, other = translated(TRANSLATOR, TABLE), translated(TRANSLATOR, HOUSE)
    assert off.one_by_one(one)[-1].ids == off.one_by_one(other)[-1].ids != off.one_by_one(one)[0].ids
    assert off.blind_alike(one) is not None


def test_the_count_of_heads(english):
    texts = (TABLE, HOUSE)
    count = HeadCount(cache.engine(), TRANSLATOR, texts)
    count.run()
    assert count.done and not count.failed and count.changes.texts == 2
    expected = np.zeros((2, 8), int)
    for text in texts:
        first, *rest = write(english, text, single_heads(2, 8))
        expected += np.array([other.ids != first.ids for other in rest]).reshape(2, 8)
    np.testing.assert_array_equal(count.changes.changed, expected)
    shown = translated(TRANSLATOR, TABLE)
    rows = head_table(shown.names, shown.scores, count.changes)
    assert rows["Head"][8] == "L1H0" and re.fullmatch(r"9\d % \(19\d of 206\)", rows["Aligned right"][8])
    assert rows["Texts changed"][5] == f"{expected[0, 5]} of 2"


def test_a_count_beside_a_page_lets_the_page_be_first(monkeypatch, english):
    slept = []
    monkeypatch.setattr("app.head_count.time.sleep", slept.append)
    HeadCount(cache.engine(), TRANSLATOR, (TABLE, HOUSE)).run(pause=3)
    assert slept[0] == 3 and len(slept) == 2 and 0 < slept[1] != 3


def test_a_count_on_a_server_that_ends_gives_up_quietly(english):
    engine = Engine()
    engine.model = lambda model_id: english
    engine.close()
    count = HeadCount(engine, TRANSLATOR, (TABLE,))
    count.run()
    assert count.done and count.failed


@pytest.mark.parametrize("model_id", [TRANSLATOR, BACK])
def test_errors_are_made_and_their_words_are_there(model_id):
    found = errors.known_errors(model_id, WORDS)
    assert len(found) == len(errors.errors_of(model_id)) >= 4
    for error, attempt in zip(errors.errors_of(model_id), found, strict=True):
        shown = translated(model_id, error.text)
        assert error.wrong in shown.best_alignment.target_labels
        assert re.search(rf"‘{error.wrong}’ had \d+ %", attempt.detail)
        assert attempt.values["step"] in shown.steps


def test_the_question_of_crossing_is_about_another_sentence_and_right():
    shown = translated(TRANSLATOR, TABLE)
    crossing, needed = questions(shown, WORDS)
    suggested = suggestions(shown, WORDS, 1, 0)[0].values["text"]
    asked = crossing.values["text"]
    assert asked not in (TABLE, suggested)
    words = word_alignment(cache.trace(TRANSLATOR, asked), *shown.scores.best)
    first, second = (words.source_labels.index(w) for w in crossing.answer.split(" and "))
    of = {source: target for target, source in words.links}
    assert second == first + 1 and of[second] < of[first]
    names = [name for name, _ in off.changes(shown)]
    assert needed.reason == f"{len(names)} of 16: {', '.join(names)}."


@pytest.fixture(scope="module", params=["t5", "bart", "marian"])
def tiny(request, tmp_path_factory):
    """An encoder-decoder with self-attention in its decoder."""
    return attnviz.load(save_tiny(tmp_path_factory.mktemp(request.param), request.param))


def test_any_encoder_decoder(tiny, monkeypatch):
    engine = cache.engine()
    monkeypatch.setattr(engine, "model", lambda _: tiny)
    monkeypatch.setattr(engine, "tokenizer", lambda _: tiny.tokenizer)
    name = f"tiny/{tiny.architecture.model_type}"
    text, target = "the cat sat on the mat", "the dog ran to the street"
    shown = Translated(name, text, target, attnviz.trace(tiny, text, target))
    layer, head = shown.scores.best
    assert not shown.scores.marked and 0 <= shown.scores.shares.min() <= shown.scores.shares.max() <= 1
    for token in shown.steps:
        payload = ribbons.payload(shown, WORDS, layer, head, token)
        assert len(payload["heads"]) == 8 and payload["cells"] == [6, 6]
        assert len(base64.b64decode(payload["heads"][0]["places"])) == 36
        labels, shares = step.earlier(shown, token)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
        assert len(labels) == shares.shape[1] and shares.shape[0] == 2
        assert matrix.looks(shown, layer, head, token) and step.next_tokens(shown, token)
    np.testing.assert_allclose(matrix.view(shown, layer, head).weights.sum(axis=1), 1, atol=1e-5)
    assert suggestions(shown, WORDS, layer, head) and "word_alignment" in code(shown, WORDS, layer, head)
    assert [q.key for q in questions(shown, WORDS)] == ["needed"]
    plain, other = off.without(shown, ["L0H1", "L1H2"])
    assert plain == off.one_by_one(shown)[0].text.strip() and len(other.words) == len(other.changed)
    assert remark(shown, WORDS) == ""
    assert errors.known_errors(name, WORDS) == []
