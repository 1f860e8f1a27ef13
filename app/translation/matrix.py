"""The map of one head as a matrix, in words, and as a table."""

from __future__ import annotations

import numpy as np

from app.lessons import Lesson
from app.translation.record import Translated
from attnviz.analysis.attention_view import AttentionView


def looks(shown: Translated, layer: int, head: int, step: str) -> list[tuple[str | None, float]]:
    """Where the step's word looks, strongest first; special tokens by their name."""
    alignment = shown.alignment(layer, head)
    word = shown.word_of(alignment, step)
    found: list[tuple[str | None, float]] = [
        *zip(alignment.source_labels, alignment.weights[word].tolist(), strict=True),
        (_rest_label(shown), float(alignment.elsewhere[word])),
    ]
    strongest = sorted(found, key=lambda pair: -pair[1])[:3]
    return [(label, weight) for label, weight in strongest if weight >= 0.03] or [strongest[0]]


def chosen_in(shown: Translated, words: Lesson, layer: int, head: int, step: str) -> str:
    """Of which rows of the trace the step's row in the map is."""
    rows = [f"‘{token}’" for token in shown.rows_of(shown.alignment(layer, head), step)]
    listed = " and ".join(filter(None, (", ".join(rows[:-1]), rows[-1])))
    return words.say("row" if len(rows) == 1 else "row_mean", before=listed)


def described(shown: Translated, words: Lesson, layer: int, head: int, step: str) -> str:
    """The matrix in words."""
    said = ", ".join(
        f"{round(100 * weight)} percent at {label}" for label, weight in looks(shown, layer, head, step)
    )
    return words.say("matrix_alt", layer=layer, head=head, query=shown.word_label(step), said=said)


def view(shown: Translated, layer: int, head: int) -> AttentionView:
    """The map as a matrix, special tokens in a last column."""
    alignment = shown.alignment(layer, head)
    specials = tuple(i for i, special in enumerate(shown.trace.key_tokens("cross").special) if special)
    ending = (specials,) if specials else ()
    columns = [alignment.weights, *([alignment.elsewhere[:, None]] if specials else [])]
    return AttentionView(
        np.concatenate(columns, axis=1),
        alignment.target_labels,
        (*alignment.source_labels, *([_rest_label(shown)] if specials else [])),
        alignment.targets,
        (*alignment.sources, *ending),
        np.zeros(len(alignment.targets), np.float32),
    )


def table(view: AttentionView) -> dict[str, list[object]]:
    """The matrix as columns: the written words, then a column for each that was read."""
    weights = zip(view.key_labels, view.weights.T.tolist(), strict=True)
    return {"written": list(view.query_labels), **dict(weights)}


def _rest_label(shown: Translated) -> str:
    read = shown.trace.key_tokens("cross")
    return next(
        (label for label, special in zip(read.labels, read.special, strict=True) if special), "the rest"
    )
