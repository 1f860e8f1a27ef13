"""ALiBi: nothing learned and nothing added to the vectors; each head takes a slope times the distance from its scores."""

from __future__ import annotations

import numpy as np

from app.lessons import Lesson
from app.positions.here import ALIBI, SHUFFLE, Here, Taught, said, slider, stage
from app.widgets import figure, formula, table
from app.widgets import lesson as blocks
from app.widgets.lesson import Question, Try
from app.widgets.markup import html
from attnviz.analysis.positions import alibi_bias
from attnviz.figures import position_scores
from attnviz.tracing.alibi import alibi_slopes

LARGEST_MATRIX = 24


def show(here: Here, words: Lesson) -> Taught:
    """Slopes and bias, for as many heads as the model at hand has or any other number."""
    own = here.trace.heads(here.kind)
    with stage() as (margin, main):
        with margin:
            heads = slider(words.say("heads"), "pos_heads", 1, 64, own)
            head = slider(words.say("head"), "pos_alibi_head", 0, max(heads - 1, 0), 0)
            reach = slider(words.say("reach"), "pos_reach", 8, 512, 64)
            formula.show(words.words["alibi_formula"])
        distances = np.arange(-reach, 1)
        biases, slopes = alibi_bias(heads, distances), alibi_slopes(heads)
        observed = words.say(
            "alibi_say",
            head=head,
            slope=f"{slopes[head]:.4g}",
            half=_distance(np.log(2) / slopes[head]),
            reach=reach,
            left=_left(float(np.exp(biases[head, 0]))),
        )
        with main:
            figure.show(
                position_scores.bias_curves(
                    distances, biases, [f"head {i}" for i in range(heads)], figure.mode(), head
                ),
                "positions",
                observed,
                {"distance": distances, **{f"head_{i}": row for i, row in enumerate(biases)}},
            )
            said(observed)
            html("<p class='av-source'>{}</p>", words.say("alibi_source", scheme=here.scheme(words)))
    with blocks.section("pos_slopes", words.say("slopes"), words.say("slopes_remark")):
        table.show(
            {
                "Head": [str(i) for i in range(heads)],
                "Slope": [f"{slope:.4f}" for slope in slopes],
                "Weight halves after": [_distance(np.log(2) / slope) for slope in slopes],
            },
            words.say("slopes"),
            marked=str(head),
        )
    with blocks.section(
        "pos_matrix", words.say("bias_matrix"), words.say("bias_matrix_remark", count=LARGEST_MATRIX)
    ):
        labels = here.tokens.unique_labels[:LARGEST_MATRIX]
        count = len(labels)
        away = np.arange(count) - np.arange(count)[:, None]  # (query, key): key - query
        matrix = alibi_bias(heads, away.ravel())[head].reshape(count, count)
        matrix[away > 0] = np.nan  # a decoder hides what comes after; there ALiBi was made
        figure.show(
            position_scores.bias_matrix(matrix, labels, figure.mode()),
            "position_bias_matrix",
            words.say("bias_matrix_alt", head=head, count=count),
            lambda: {
                "query": np.repeat(labels, count),
                "key": np.tile(labels, count),
                "value": matrix.ravel(),
            },
        )
    code = words.say("alibi_code", heads=heads, head=head, reach=reach)
    return Taught(_suggestions(own, words), _questions(heads, words), code)


def _distance(positions: float) -> str:
    return f"{positions:,.1f} positions" if positions < 100 else f"{positions:,.0f} positions"


def _left(share: float) -> str:
    """What is left of a weight, in words."""
    if share >= 0.001:
        return f"{100 * share:.3g} %"
    return f"1 part in {1 / share:,.0f}" if share > 1e-9 else "next to nothing"


def _suggestions(own: int, words: Lesson) -> list[Try]:
    slopes = alibi_slopes(own)
    steep, flat = max(slopes), min(slopes)  # not the first and the last, where heads are no power of two
    return [
        Try(
            words.say("try_steep"),
            words.say("try_slope_detail", slope=f"{steep:.3g}", half=_distance(np.log(2) / steep)),
            {"pos_heads": own, "pos_alibi_head": slopes.index(steep)},
        ),
        Try(
            words.say("try_flat"),
            words.say("try_slope_detail", slope=f"{flat:.3g}", half=_distance(np.log(2) / flat)),
            {"pos_heads": own, "pos_alibi_head": slopes.index(flat)},
        ),
        Try(words.say("try_shuffle"), words.say("try_shuffle_detail"), {"scheme": SHUFFLE}),
    ]


def _questions(heads: int, words: Lesson) -> list[Question]:
    slopes = alibi_slopes(8)
    ratio = slopes[0] / slopes[1]
    farthest = float(np.exp(-slopes[0] * 10))
    choices = [0.5, 0.1, farthest, 0.0001]
    shown = {f"{100 * c:.2g} %": c for c in choices}
    return [
        Question(
            "slopes",
            words.say("ask_slopes"),
            ["by 1 less", "to half", "to a tenth"],
            {1.0: "by 1 less", 2.0: "to half", 10.0: "to a tenth"}[round(ratio, 6)],
            words.say("because_slopes", listed=", ".join(f"{s:.3g}" for s in slopes[:4])),
            {"pos_heads": 8},
            "section_pos_slopes",
        ),
        Question(
            "left",
            words.say("ask_left", slope=f"{slopes[0]:g}"),
            list(shown),
            next(name for name, c in shown.items() if c == farthest),
            words.say("because_left", power=f"{slopes[0] * 10:g}", left=f"{100 * farthest:.2g}"),
            {"scheme": ALIBI, "pos_heads": 8, "pos_alibi_head": 0},
        ),
    ]
