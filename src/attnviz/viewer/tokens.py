"""The text as the model reads it: one chip a token, its id below.

Drawn by ``tokens.js``; words alternate between two greys, special tokens are dashed, unknown ones outlined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from attnviz.viewer.text import table, well_formed

if TYPE_CHECKING:
    from attnviz.tracing.tokens import Tokens

Facts = Sequence[tuple[str, str]]


def chip_labels(tokens: Tokens) -> list[str]:
    """What stands on the chips: the labels, with what an unknown one stands for."""
    return [
        f"{label} {surface.strip()}".rstrip() if unknown else label
        for label, surface, unknown in zip(tokens.labels, tokens.surfaces, tokens.unknown, strict=True)
    ]


def payload(
    tokens: Tokens,
    facts: Sequence[Facts],
    token: int,
    *,
    title: str,
    hint: str = "",
    right_to_left: bool = False,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The picture's data, JSON values only: ``tokens`` with ``label``, ``id``, ``facts`` and ``look`` of each, ``token``
    (the chosen one), ``rtl``, and the common fields.

    ``facts`` are names and values for each token: said when it is pointed at, and a column each of the CSV. Raises
    ValueError where there are not as many as tokens.
    """
    labels = [well_formed(label) for label in chip_labels(tokens)]
    rows = [[(well_formed(name), well_formed(value)) for name, value in own] for own in facts]
    chips = [
        {
            "label": label,
            "id": f"{i:,}",
            "facts": " · ".join(f"{name} {value}" for name, value in own),
            "look": "special" if special else "unknown" if unknown else "odd" if word % 2 else "even",
        }
        for label, i, own, special, unknown, word in zip(
            labels, tokens.ids, rows, tokens.special, tokens.unknown, tokens.words, strict=True
        )
    ]
    names = [name for name, _ in rows[0]] if rows else []
    numbered = (
        [i, label, *(value for _, value in own)]
        for i, (label, own) in enumerate(zip(labels, rows, strict=True))
    )
    return {
        "tokens": chips,
        "token": token,
        "rtl": right_to_left,
        "title": well_formed(title),
        "hint": hint,
        "alt": f"{well_formed(title)}: {len(chips)} tokens. {' '.join(labels[:60])}",
        "csv": table([["token", "label", *names], *numbered]),
        "theme": theme,
    }


def chosen_token(value: object, count: int) -> int | None:
    """What the picture sent back as ``token``: a number below ``count``, or None for anything else."""
    return value if type(value) is int and 0 <= value < count else None
