"""Questions refuse what nobody could answer."""

import pytest

from attnviz.analysis.questions import Question


@pytest.mark.parametrize(
    ("choices", "answer"), [(["a", "b"], "c"), (["a", "a"], "a"), (["a"], "a")], ids=["none", "alike", "one"]
)
def test_a_question_that_cannot_be_answered_is_an_error(choices, answer):
    with pytest.raises(ValueError, match=r"answer|choose"):
        Question("k", "Which?", choices, answer, "Because.")


def test_a_question_that_can():
    assert Question("k", "Which?", ["a", "b"], "b", "Because.").answer in ("a", "b")
