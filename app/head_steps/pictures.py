"""Each step as a picture, as columns, and as a box of the diagram of all steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from app.head_steps.walk import Walk
from app.heads import Hidden
from attnviz.figures.quantities import shape
from attnviz.viewer.flow import Box, payload

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from app.lessons import Lesson
    from attnviz.figures.palette import Mode
    from attnviz.tracing.trace import Floats


def picture(walk: Walk, words: Lesson, step: int, mode: Mode) -> go.Figure:
    """The step as a picture."""
    from attnviz.figures.attention_steps import Panel, score_matrix, strips, weight_matrix, weighted_sum

    s, own, keys = walk.steps, walk.heads.tokens.unique_labels, walk.keys
    if step == 0:
        crossing = walk.heads.kind == "cross"
        panels = [
            Panel(
                s.asking,
                own,
                "query",
                "stream",
                words.say("box_0_asking" if crossing else "box_0"),
                walk.token,
            )
        ]
        if crossing:
            panels.append(Panel(s.answering, keys, "key", "stream", words.say("box_0_answering")))
        return strips(panels, mode)
    if step == 1:
        return strips([Panel(s.query, own, "query", "query", "Q", walk.token)], mode)
    if step == 2:
        return strips([Panel(s.key, keys, "key", "key", "K")], mode)
    if step == 3:
        return strips([Panel(s.value, keys, "key", "value", "V")], mode)
    if step in (4, 5):
        values = s.products if step == 4 else s.scores
        title = words.say(f"name_{step}").capitalize()
        return score_matrix(values, own, keys, mode, lit=walk.token, best=walk.best, title=title)
    if step == 6:
        view = walk.heads.view(walk.layer, walk.head, Hidden())
        return weight_matrix(view, walk.token, mode)
    return weighted_sum(s, walk.token, own, keys, mode)


def data(walk: Walk, step: int) -> dict[str, Iterable[object]]:
    """The numbers of a step as columns: query or key, number, value."""
    s, own, keys = walk.steps, walk.heads.tokens.unique_labels, walk.keys
    values: Floats
    rows, values = {
        0: (own, s.asking),
        1: (own, s.query),
        2: (keys, s.key),
        3: (keys, s.value),
        4: (own, s.products),
        5: (own, s.scores),
        6: (own, s.weights),
        7: (keys, s.carried(walk.token)),
    }[step]
    columns: Iterable[object] = keys if step in (4, 5, 6) else range(values.shape[1])
    listed = list(columns)
    return {
        "query" if rows is own else "key": np.repeat(rows, len(listed)),
        "key" if step in (4, 5, 6) else "number": np.tile(np.array(listed), len(rows)),
        "value": values.ravel(),
    }


def flow(walk: Walk, words: Lesson, step: int) -> dict[str, Any]:
    """The diagram of all steps with this one marked."""
    s = walk.steps
    sizes = ("asking", "query", "key", "value", "products", "scores", "weights", "output")
    shapes = {name: shape(getattr(s, name).shape) for name in (*sizes, "answering")}
    if walk.heads.kind == "cross":
        boxes = [
            Box(0, words.say("box_0_asking"), shapes["asking"], "stream", 0, 0, 0),
            Box(0, words.say("box_0_answering"), shapes["answering"], "stream", 0, 1, 2),
        ]
    else:
        boxes = [Box(0, words.say("box_0"), shapes["asking"], "stream", 0, 0, 2)]
    answers = len(boxes) - 1
    first = len(boxes)
    boxes += [
        Box(1, "Q", shapes["query"], "query", 1, 0, 0, ((0, 0),)),
        Box(2, "K", shapes["key"], "key", 1, 1, 1, ((answers, 1),)),
        Box(3, "V", shapes["value"], "value", 1, 2, 2, ((answers, 2),)),
        Box(4, words.say("box_4"), shapes["products"], "ink", 2, 0, 1, ((first, 0), (first + 1, 1))),
        Box(5, words.say("box_5"), shapes["scores"], "ink", 3, 0, 1, ((first + 3, 0.5),)),
        Box(6, words.say("box_6"), shapes["weights"], "ink", 4, 0, 1, ((first + 4, 0.5),)),
        Box(7, words.say("box_7"), shapes["output"], "value", 5, 0, 2, ((first + 5, 0.5), (first + 2, 2))),
    ]
    title = f"{words.title}: layer {walk.layer}, head {walk.head}"
    return payload(boxes, step, title=title, alt=words.say("flow_alt"))
