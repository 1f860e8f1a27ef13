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


def test_an_untrained_model_is_counted_not_copied(knight):
    assert len(knight.moments[0].written) <= 62
    assert "×" in knight.moments[0].written


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
