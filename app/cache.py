"""What all sessions share: one engine, and results that are the same for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from attnviz.engine import Engine

if TYPE_CHECKING:
    from attnviz.engine import Progress
    from attnviz.models.loading import LoadedModel
    from attnviz.tracing.tokens import Tokens
    from attnviz.tracing.trace import Edits, Trace


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The one engine of this server."""
    return Engine()


def model(model_id: str, progress: Progress | None = None) -> LoadedModel:
    """The model; the engine keeps it for everybody."""
    return engine().model(model_id, progress)


def trace(
    model_id: str, text: str | tuple[str, str], target: str | None = None, edits: Edits | None = None
) -> Trace:
    """The trace; the engine keeps it for everybody."""
    return engine().trace(model_id, text, target, edits)


def write(model_id: str, text: str, edits: tuple[Edits, ...]) -> tuple[Tokens, ...]:
    """What the model writes of the text under each of the edits; the engine keeps it for everybody."""
    return engine().write(model_id, text, edits)
