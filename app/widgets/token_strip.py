"""The text as the model reads it, drawn in the browser; a press chooses a token."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import selection
from app.widgets import picture
from attnviz.tracing.tokens import Tokens
from attnviz.viewer.tokens import Facts, chosen_token, payload


def show(tokens: Tokens, chosen: int, facts: Sequence[Facts], rtl: bool, title: str, hint: str) -> None:
    """Draw the tokens. ``facts`` is what each says when it is pointed at, and what is saved of it."""

    def choose(value: object) -> None:
        token = chosen_token(value, len(tokens))
        if token is not None:
            selection.choose(token=token)

    drawn = payload(tokens, facts, chosen, title=title, hint=hint, right_to_left=rtl)
    with st.container(key="token_strip"):
        picture.show("tokens", drawn, key="strip", answers={"token": choose})
