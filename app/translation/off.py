"""What is written with heads switched off: chosen ones, each alone, all of them."""

from __future__ import annotations

from typing import Any, cast

from app import cache
from app.translation.record import Translated
from app.translation.sentences import sentences_of
from attnviz.analysis.writing import WordChanges, all_heads_off, single_heads, word_changes
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import NO_EDITS, Edits

MOST_AT_ONCE = 32
"""Heads of which each can be switched off without asking first; more take a minute."""


def one_by_one(shown: Translated) -> tuple[Tokens, ...]:
    """What the model writes as it is, with each head off, and last with all of them off."""
    edits = (*single_heads(shown.layers, shown.heads), all_heads_off(shown.layers, shown.heads))
    return cache.write(shown.model_id, shown.text, edits)


def changes(shown: Translated) -> list[tuple[str, WordChanges]]:
    """The heads that this text needs, each with what is written without it."""
    plain, *others, _ = one_by_one(shown)
    return [
        (name, word_changes(shown.said(plain), shown.said(other)))
        for name, other in zip(shown.names, others, strict=True)
        if other.ids != plain.ids
    ]


def without(shown: Translated, names: list[str]) -> tuple[str, WordChanges]:
    """What is written as it is, and what without these heads."""
    off = tuple(("cross", *divmod(shown.names.index(name), shown.heads)) for name in names)
    plain, other = cache.write(shown.model_id, shown.text, (NO_EDITS, Edits(ablate_heads=cast(Any, off))))
    return shown.said(plain), word_changes(shown.said(plain), shown.said(other))


def blind(shown: Translated) -> tuple[str, WordChanges]:
    """What is written as it is, and what with cross-attention wholly off."""
    plain, *_, blind = one_by_one(shown)
    return shown.said(plain), word_changes(shown.said(plain), shown.said(blind))


def blind_alike(shown: Translated) -> str | None:
    """Another text of the page of which the same is written without cross-attention."""
    off = all_heads_off(shown.layers, shown.heads)
    other = next(text for text in sentences_of(shown.model_id) if text != shown.text)
    (written,) = cache.write(shown.model_id, other, (off,))
    return other if written.ids == one_by_one(shown)[-1].ids else None
