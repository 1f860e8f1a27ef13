"""Watch it learn: the word at every moment, and what is said of it."""

import json

import numpy as np
import pytest

from app import learning
from app.lessons import lesson
from attnviz.models import bundled
from tests.app.conftest import errors, markup, notes

SCRIPT = "learning"
WORDS = lesson(SCRIPT)

pytestmark = pytest.mark.skipif(not bundled.youth(), reason="no weights are shipped yet: make train-spelling")


@pytest.fixture(scope="module")
def knight():
    return learning.course("Knight")


def test_moments_are_those_that_are_kept(knight):
    assert knight.steps[:-1] == tuple(bundled.youth())
    assert knight.steps[-1] == knight.log[-1].step
    assert knight.moments[0].letters == tuple("knight")
    assert knight.moments[0].sounds == ("N", "AY1", "T")


def test_it_has_learnt(knight):
    assert knight.moments[-1].written == knight.expected == "N AY1 T"
    assert knight.moments[0].written != "N AY1 T"
    assert knight.moments[-1].diagonality.max() > knight.moments[0].diagonality.max() + 0.2
    assert knight.moments[-1].entropy.min() < knight.moments[0].entropy.min()
    assert (
        np.log2(7) + 1e-5 >= knight.moments[0].entropy.max() > 2
    )  # nearly even over six letters and the end


def test_sentences_carry_their_numbers(knight):
    last = len(knight.moments) - 1
    said = knight.said(last, knight.nearest, WORDS)
    assert f"{knight.moments[-1].diagonality.max():.2f}" in said
    assert f"{knight.moments[0].diagonality.flat[knight.nearest]:.2f}" in said
    assert said != knight.said(last, 0 if knight.nearest else 1, WORDS)
    assert "N AY1 T" in knight.summary(WORDS)


def test_a_word_that_is_in_no_list_is_not_called_right(knight):
    payload = knight.payload(0, 0, WORDS)
    assert payload["mark"] == "right" and payload["note"].startswith("Rows are the sounds of the right")
    unknown = learning.course("xyzzy")
    payload = unknown.payload(0, 0, WORDS)
    assert payload["mark"] == "as when trained" and payload["written"][-1]["right"]
    assert payload["note"].startswith("Rows are the sounds that the trained model writes, right or wrong")
    early = next(q for q in unknown.questions(WORDS) if q.key == "early")
    assert f"when trained it writes {unknown.expected}" in early.reason and "right" not in early.reason


def test_numbers_are_written_as_elsewhere(knight):
    payload = knight.payload(0, 0, WORDS)
    assert "71 % right at the end" in payload["note"]
    said = [sentence for row in payload["said"] for sentence in row]
    assert any("−0." in sentence for sentence in said) and not any("-0." in sentence for sentence in said)


def test_padding_is_called_so():
    shown = [one for word in learning.DICTIONARY for one in learning.course(word).moments]
    assert not any("<pad>" in one.written for one in shown)
    assert any(one.written.startswith("nothing but padding, ") for one in shown)


def test_curves_say_of_what_they_are(knight):
    curves = {curve["name"]: curve for curve in knight.payload(0, 0, WORDS)["curves"]}
    edits = curves["Edits per sound, drawn up to 1"]
    assert max(edits["values"]) > 1 == edits["most"] and not edits["percent"]
    assert curves["Loss"]["most"] is None and curves["Words right"]["percent"]


def test_an_untrained_model_is_counted_not_copied(knight):
    assert all(len(one.written) <= 62 for one in knight.moments)
    assert "K × 64" in [one.written for one in knight.moments]


def test_questions_are_answered_by_the_moments(knight):
    for question in knight.questions(WORDS):
        assert question.answer in question.choices
    early = next(q for q in knight.questions(WORDS) if q.key == "early")
    assert early.answer == knight.moments[early.values["moment"]].written


def test_the_page_opens_with_a_word_and_takes_another(open_page):
    app = open_page(SCRIPT)
    assert not errors(app)
    assert app.text_input(key=learning.WORD).value == "knight"
    app.text_input(key=learning.WORD).set_value("Naïve").run()
    assert not errors(app)
    assert any("accents" in body for body in notes(app))
    app.text_input(key=learning.WORD).set_value("猫").run()
    assert any("猫" in body for body in errors(app))
    app.text_input(key=learning.WORD).set_value("one two three four").run()
    assert any("at most 3" in body for body in errors(app))


def test_a_link_opens_moment_and_head(open_page):
    app = open_page(SCRIPT, spelling="box", moment="2", head="5")
    assert app.text_input(key=learning.WORD).value == "box"
    (mounted,) = [e for e in app.get("bidi_component") if e.proto.component_name == "attnviz_learning"]
    assert json.loads(mounted.proto.json)["chosen"] == {"moment": 2, "head": 5}
    assert any("B AA1 K S" in body for body in markup(app))


@pytest.mark.parametrize(
    "value", [None, 3, {"moment": 99, "head": 0}, {"moment": True, "head": 0}, {"head": 1}]
)
def test_what_the_browser_sends_is_checked(knight, value):
    assert learning.place(value, knight) is None
    assert learning.place({"moment": 1, "head": 2}, knight) == (1, 2)
