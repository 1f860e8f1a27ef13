"""What the page suggests, asks, and gives as code."""

from __future__ import annotations

import numpy as np

from app import selection
from app.lessons import Lesson
from app.translation import off, scores
from app.translation.crossing import crossing_sentence
from app.translation.record import Translated
from app.widgets.lesson import Question, Try
from attnviz.figures.quantities import whole_percent


def code(shown: Translated, words: Lesson, layer: int, head: int) -> str:
    """The lines that give this map in a notebook."""
    return words.code.format(
        model=shown.model_id,
        text=shown.text,
        target="" if shown.target is None else f", target={shown.target!r}",
        layer=layer,
        head=head,
        options="" if shown.merged else ", merge_words=False",
    )


def suggestions(shown: Translated, words: Lesson, layer: int, head: int) -> list[Try]:
    """Sentences and heads worth opening, each with what was measured there."""
    here, best, worst = (layer, head), shown.scores.best, shown.scores.worst
    found = [
        _try_crossing(shown, words),
        _try_head(shown, words, "try_best", best) if best != here else None,
        _try_head(shown, words, "try_worst", worst) if worst not in (best, here) else None,
        _try_doubt(shown, words),
    ]
    return [one for one in found if one]


def _try_crossing(shown: Translated, words: Lesson) -> Try | None:
    crossed = crossing_sentence(shown.model_id, avoid=shown.text)
    if crossed is None:
        return None
    detail = words.say("try_crossing_detail", text=crossed.text, first=crossed.first, second=crossed.second)
    return Try(words.say("try_crossing"), detail, {selection.TEXT: crossed.text, "own": ""})


def _try_head(shown: Translated, words: Lesson, action: str, at: tuple[int, int]) -> Try:
    name = scores.name(*at)
    return Try(words.say(action), f"{name}: {shown.scores.meaning(words, *at)}", {"cross": name})


def _try_doubt(shown: Translated, words: Lesson) -> Try | None:
    if not shown.steps:  # the model wrote nothing
        return None
    chances = np.exp(shown.log_probabilities[: len(shown.steps)])
    lowest = int(chances.argmin())
    if chances[lowest] >= 0.9:
        return None
    step, share = shown.steps[lowest], whole_percent(float(chances[lowest]))
    return Try(words.say("try_doubt"), words.say("try_doubt_detail", word=step, share=share), {"step": step})


def questions(shown: Translated, words: Lesson) -> list[Question]:
    """Where word order crosses in a sentence that is not on screen, and how many heads this one needs."""
    return [q for q in (_crossing(shown, words), _needed(shown, words)) if q is not None]


def _crossing(shown: Translated, words: Lesson) -> Question | None:
    crossed = crossing_sentence(shown.model_id, avoid=shown.text, number=1 + len(shown.text))
    if crossed is None:
        return None
    return Question(
        "crossing",
        words.say("ask_crossing", text=crossed.text),
        crossed.choices,
        f"{crossed.first} and {crossed.second}",
        words.say(
            "because_crossing",
            written=crossed.written,
            first=crossed.first,
            second=crossed.second,
            of_first=crossed.of_first,
            of_second=crossed.of_second,
            head=crossed.head,
        ),
        {selection.TEXT: crossed.text, "cross": crossed.head, "own": ""},
    )


def _needed(shown: Translated, words: Lesson) -> Question | None:
    count = len(shown.names)
    if not 4 <= count <= off.MOST_AT_ONCE:
        return None
    changed = [name for name, _ in off.changes(shown)]
    names = f": {', '.join(changed)}" if changed else ""
    ranges = _ranges(count)
    answer = next(text for low, high, text in ranges if low <= len(changed) <= high)
    return Question(
        "needed",
        words.say("ask_needed", heads=count),
        [text for _, _, text in ranges],
        answer,
        words.say("because_needed", changed=len(changed), heads=count, names=names),
        {},
    )


def _ranges(count: int) -> list[tuple[int, int, str]]:
    """Four answers to "how many of ``count``": none, up to a quarter, up to a half, more."""
    quarter, half = count // 4, count // 2
    return [
        (0, 0, "None"),
        (1, quarter, f"1 to {quarter}"),
        (quarter + 1, half, f"{quarter + 1} to {half}"),
        (half + 1, count, f"More than {half}"),
    ]
