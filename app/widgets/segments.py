"""A few choices beside each other, one of them chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from app import selection

T = TypeVar("T")


def choose(
    label: str,
    options: Sequence[T],
    key: str,
    what: str,
    start: T | None = None,
    show: Callable[[T], str] = str,
) -> T:
    """The chosen option, checked and in the address; nothing is drawn where there is only one.

    ``what`` names it in the note about an address that asks for something else; ``label`` is read out, not shown.
    """
    at_hand = selection.one_of(key, options, what, start, show)
    if len(options) == 1:
        return at_hand
    first = options[0] if start is None else start
    answer = st.segmented_control(
        label,
        options,
        default=first,
        key=key,
        bind="query-params",
        format_func=show,
        required=True,
        label_visibility="collapsed",
        width="content",
    )
    return first if answer is None else answer
