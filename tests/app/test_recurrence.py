import math

import pytest

from app import recurrence
from app.lessons import lesson
from attnviz.analysis.recurrence import gradient_norms, layer_costs

WORDS = lesson("home")


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (0.63, "63 % of the gradient is left"),
        (0.1, "10 % of the gradient is left"),
        (0.05, "1 part in 20 of the gradient is left"),
        (1 / 1266, "1 part in 1,266 of the gradient is left"),
        (1 / 3.2e6, "1 part in 3.20 million of the gradient is left"),
        (1.0, "100 % of the gradient is left"),
        (2.3, "the gradient is 2.3 times as large"),
        (5866.0, "the gradient is 5,866 times as large"),
        (1e20, "the gradient is 10 to the power of 20 times as large"),
        (0.0, "nothing of the gradient is left that a computer's number could hold"),
        (math.inf, "the gradient is larger than a computer's number can hold"),
    ],
)
def test_what_is_left_in_words(left, said):
    assert recurrence.what_is_left(left) == said


@pytest.mark.parametrize(
    ("n", "d", "said"),
    [
        (
            16,
            512,
            "16 tokens the recurrent layer takes 16 steps in a row, self-attention one, with 32 times fewer",
        ),
        (2048, 512, "self-attention one. But it needs 4 times more operations: n is greater"),
        (500, 512, "with about as many operations: n is close to d"),
        (512, 512, "with as many operations: n equals d"),
    ],
)
def test_attention_beside_recurrence(n, d, said):
    assert said in recurrence.cost_sentence(layer_costs(n, d, 4, 4), n, d, WORDS)


@pytest.mark.parametrize(("radius", "verdict"), [(0.8, "vanishes"), (1.0, "survives"), (1.3, "explodes")])
def test_the_verdict_on_a_gradient(radius, verdict):
    left = float(gradient_norms(radius, 100)[-1])
    assert f"it {verdict}" in recurrence.gradient_sentence(left, 100, WORDS)


def test_questions_are_not_answered_on_screen_and_have_the_right_answer():
    for n, d in (recurrence.LONGER, recurrence.SHORTER, (16, 512)):
        cost, gradient = recurrence.questions(n, d, WORDS)
        assert (cost.values["n"], cost.values["d"]) != (n, d)
        cheaper = "Self-attention" if cost.values["n"] < cost.values["d"] else "The recurrent layer"
        assert cost.answer == cheaper
        # 0.95 to the power of 100 is 0.0059
        assert gradient.answer == "about 1 part in 100"
        assert gradient.at == "section_gradient"
