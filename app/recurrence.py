"""What Home says and asks about the cost of a layer and about gradients: computed where it is said."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.recurrence import LayerCost, gradient_norms, layer_costs
from attnviz.figures.quantities import amount

LONGER, SHORTER = (2048, 512), (256, 1024)
"""Tokens and width where attention is the dearer layer, and where it is the cheaper one."""


def cost_sentence(rows: Sequence[LayerCost], n: int, d: int, words: Lesson) -> str:
    """Attention beside recurrence, with how many times more or fewer operations it needs, and why."""
    attention, recurrent = rows[:2]
    times = max(attention.operations, recurrent.operations) / min(attention.operations, recurrent.operations)
    which = "same" if n == d else "near" if times < 1.05 else "fewer" if n < d else "more"
    return words.say(
        f"costs_{which}", n=f"{n:,}", d=f"{d:,}", steps=f"{recurrent.sequential:,}", times=_times(times)
    )


def gradient_sentence(left: float, steps: int, words: Lesson) -> str:
    """What is left of a gradient of 1 after so many steps, in words."""
    verdict = words.say("vanishes" if left < 0.01 else "explodes" if left > 100 else "survives")
    return words.say("gradient_say", n=steps, left=what_is_left(left), verdict=verdict)


def what_is_left(left: float) -> str:
    """A factor in words: "63 % of the gradient is left", "the gradient is 2.3 times as large"."""
    if left == 0:
        return "nothing of the gradient is left that a computer's number could hold"
    if math.isinf(left):
        return "the gradient is larger than a computer's number can hold"
    if left >= 1.005:
        return f"the gradient is {_times(left)} times as large"
    share = f"{100 * left:.0f} %" if left >= 0.1 else f"1 part in {_times(1 / left)}"
    return f"{share} of the gradient is left"


def suggestions(words: Lesson) -> list[Try]:
    """Costs and gradients worth seeing."""
    n, d = LONGER
    attention, recurrent = layer_costs(n, d, kernel=4, neighbourhood=4)[:2]
    times = _times(attention.operations / recurrent.operations)
    grown = what_is_left(float(gradient_norms(1.1, 100)[-1]))
    return [
        Try(
            words.say("try_long"),
            words.say("try_long_detail", n=n, d=d, times=times),
            {"n": n, "d": d},
            "section_costs",
        ),
        Try(
            words.say("try_explode"),
            words.say("try_explode_detail", radius=1.1, steps=100, left=grown),
            {"radius": 1.1, "steps": 100},
            "section_gradient",
        ),
    ]


def questions(n: int, d: int, words: Lesson) -> list[Question]:
    """Predict a cost and a gradient that are not on screen."""
    return [
        _cost_question(*(SHORTER if (n, d) == LONGER else LONGER), words),
        _gradient_question(0.95, 100, words),
    ]


def _cost_question(n: int, d: int, words: Lesson) -> Question:
    attention, recurrent = layer_costs(n, d, kernel=4, neighbourhood=4)[:2]
    names = ("Self-attention", "The recurrent layer", "Both need the same")
    answer = names[
        (attention.operations > recurrent.operations) + 2 * (attention.operations == recurrent.operations)
    ]
    reason = words.say(
        "ask_cost_reason", attention=amount(attention.operations), recurrent=amount(recurrent.operations)
    )
    return Question(
        "cost", words.say("ask_cost", n=n, d=d), names, answer, reason, {"n": n, "d": d}, "section_costs"
    )


def _gradient_question(radius: float, steps: int, words: Lesson) -> Question:
    left = float(gradient_norms(radius, steps)[-1])
    bins = {
        "about a half": 0.5,
        "about a tenth": 0.1,
        "about 1 part in 100": 0.01,
        "about 1 part in 10,000": 1e-4,
    }
    answer = min(bins, key=lambda name: abs(math.log(bins[name] / left)))
    return Question(
        "gradient",
        words.say("ask_gradient", radius=radius, steps=steps),
        list(bins),
        answer,
        words.say("ask_gradient_reason", steps=steps, left=what_is_left(left)),
        {"radius": radius, "steps": steps},
        "section_gradient",
    )


def _times(factor: float) -> str:
    """A factor to two digits, in words from a million on: "4", "2.3", "1,266", "3.2 million"."""
    if factor >= 1e15:
        return f"10 to the power of {math.log10(factor):.0f}"
    if factor >= 1e6:
        return amount(factor)
    return f"{factor:,.0f}" if factor >= 10 or factor == round(factor) else f"{factor:.1f}"
