"""A model learning: one matrix of cross-attention at several moments of its training, all heads small, and the curves.

Drawn by ``learning.js``. All moments are sent at once, one byte a weight, so that a step of the slider asks nobody.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from attnviz.analysis.learning import Measured, Moment
from attnviz.viewer.text import table, well_formed


def payload(
    moments: Sequence[Moment],
    log: Sequence[Measured],
    *,
    title: str,
    expected: str,
    said: Sequence[Sequence[str]],
    chosen: tuple[int, int],
    palette: Mapping[str, Sequence[str]],
    mark: str = "right",
    note: str = "",
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The picture's data, JSON values only.

    All ``moments`` show the same letters and sounds. ``expected`` is the pronunciation that counts as right, ``mark`` what
    is said where the model writes it, ``said`` a sentence for each moment and head, ``chosen`` the moment and the head
    (counted through the layers) that are shown.

    Fields: ``letters``, ``sounds``, ``steps``, ``written`` [{text, right}], ``mark``, ``weights`` (base64 of bytes, 255 for
    a weight of 1: moment, layer, head, sound, letter), ``layers``, ``heads``, ``curves`` [{name, steps, values, percent,
    most}], ``diagonality`` and ``entropy`` (moment, head), ``said``, ``chosen`` {moment, head}, ``palette``, ``note``,
    ``hint``, ``alt``, ``csv``, ``title``, ``theme``. Raises ValueError for moments that do not fit together.
    """
    first = moments[0]
    if any(
        (one.letters, one.sounds, one.weights.shape) != (first.letters, first.sounds, first.weights.shape)
        for one in moments
    ):
        raise ValueError("all moments must show the same letters, sounds and heads")
    layers, heads = first.weights.shape[:2]
    if len(said) != len(moments) or any(len(row) != layers * heads for row in said):
        raise ValueError(
            f"a sentence is needed for each of {len(moments)} moments and {layers * heads} heads"
        )
    if chosen_place({"moment": chosen[0], "head": chosen[1]}, len(moments), layers * heads) is None:
        raise ValueError(f"there is no moment and head {chosen}")
    stacked = np.stack([one.weights for one in moments])  # (moment, layer, head, sound, letter)
    return {
        "title": well_formed(title),
        "letters": list(first.letters),
        "sounds": list(first.sounds),
        "steps": [one.step for one in moments],
        "written": [{"text": one.written, "right": one.written == expected} for one in moments],
        "mark": mark,
        "weights": b64encode(np.round(255 * stacked).astype(np.uint8).tobytes()).decode(),
        "layers": layers,
        "heads": heads,
        "curves": [
            _curve("Loss", log, "loss"),
            _curve("Words right", log, "word_accuracy", percent=True),
            _curve("Edits per sound, drawn up to 1", log, "phoneme_errors", most=1),
        ],
        "diagonality": [one.diagonality.ravel().round(4).tolist() for one in moments],
        "entropy": [one.entropy.ravel().round(4).tolist() for one in moments],
        "said": [list(row) for row in said],
        "chosen": {"moment": chosen[0], "head": chosen[1]},
        "palette": {mode: list(stops) for mode, stops in palette.items()},
        "hint": "",
        "note": note,
        "alt": "Cross-attention from sounds to letters at several moments of the training, every head, and how loss, "
        "words right, edits per sound, nearness to the diagonal and entropy changed.",
        "csv": _table(moments, log),
        "theme": theme,
    }


def chosen_place(value: object, moments: int, heads: int) -> tuple[int, int] | None:
    """What the picture sent back as ``chosen``: moment and head, or None for anything that is not there."""
    if not isinstance(value, Mapping):
        return None
    place = (value.get("moment"), value.get("head"))
    within = all(type(v) is int and 0 <= v < n for v, n in zip(place, (moments, heads), strict=True))
    return (int(place[0]), int(place[1])) if within else None  # type: ignore[arg-type]


def _curve(
    name: str, log: Sequence[Measured], field: str, percent: bool = False, most: float | None = None
) -> dict[str, Any]:
    """A column of the log. Values above ``most`` are drawn there: an untrained model writes on and on."""
    known = [(row.step, getattr(row, field)) for row in log if np.isfinite(getattr(row, field))]
    return {
        "name": name,
        "steps": [step for step, _ in known],
        "values": [round(float(value), 4) for _, value in known],
        "percent": percent,
        "most": most,
    }


def _table(moments: Sequence[Moment], log: Sequence[Measured]) -> str:
    measured = {row.step: row for row in log}
    heads = [f"L{i}H{j}" for i, j in np.ndindex(moments[0].weights.shape[:2])]
    names = ["step", "writes", "loss", "words right", "edits per sound"]
    rows = [
        [
            one.step,
            one.written,
            *_numbers(measured.get(one.step)),
            *one.diagonality.ravel().round(4).tolist(),
            *one.entropy.ravel().round(4).tolist(),
        ]
        for one in moments
    ]
    head = [*names, *(f"{h} diagonality" for h in heads), *(f"{h} entropy (bits)" for h in heads)]
    return table([head, *rows])


def _numbers(row: Measured | None) -> list[float | str]:
    if row is None:
        return ["", "", ""]
    loss: float | str = row.loss if np.isfinite(row.loss) else ""
    return [loss, row.word_accuracy, row.phoneme_errors]
