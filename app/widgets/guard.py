"""Errors on a page: one clear sentence and a way out, never a traceback."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import streamlit as st

from app import examples, selection
from app.widgets import waiting
from app.widgets.markup import html
from attnviz.errors import ConfigError, ModelError, TooManyTokens, UserError
from attnviz.models.catalog import title_of

F = TypeVar("F", bound=Callable[..., Any])
logger = logging.getLogger("attnviz.app")


@contextmanager
def guarded() -> Iterator[None]:
    """Show what goes wrong inside as one sentence; what is drawn already stays."""
    try:
        yield
    except UserError as error:
        show_error(error)
    except Exception:
        reference = uuid.uuid4().hex[:8]
        logger.exception("page failed, reference %s", reference)
        show_error(
            UserError(
                "Something went wrong on this page.",
                f"Reload it, or choose another text or model. The server's log has the cause under {reference}.",
            )
        )


def fragment(function: F) -> F:
    """``st.fragment`` whose errors are shown as sentences: a fragment runs outside the guard of its page.

    Where something in it has chosen another model or text, the whole page is drawn again.
    """

    def part(drawn_for: tuple[str, str, str], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if selection.at_hand() != drawn_for:
            st.rerun()
        waiting.begin()
        with guarded():
            function(*arguments, **options)

    part.__qualname__ = function.__qualname__  # Streamlit tells fragments apart by it
    drawn = st.fragment(part)

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        drawn(selection.at_hand(), arguments, options)

    return run  # type: ignore[return-value]


def show_error(error: UserError) -> None:
    """The fact in red, the way out plainly, and buttons for it where there are some."""
    place = uuid.uuid4().hex[:8]  # a page can have several, each in a part of its own
    with st.container(key=f"error_{place}"):
        html('<p class="av-error" role="alert"><b>{}</b> {}</p>', error.message, error.way_out)
        with st.container(horizontal=True, gap="small"):
            for number, (name, label, action) in enumerate(_ways_out(error)):
                look: Literal["primary", "secondary"] = "secondary" if number else "primary"
                st.button(label, key=f"go_{name}_{place}", type=look, on_click=action)


def _ways_out(error: UserError) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """What one press can do about it: a name, the button's words, and the act."""
    if isinstance(error, ConfigError):
        yield "source", "Show the model at hand", functools.partial(selection.choose, source="Model at hand")
        return
    if isinstance(error, TooManyTokens):
        yield "cut", f"Read the first {error.limit:,}", functools.partial(_cut, error.limit)
    others = [model for model in selection.bundled_ids() if model != selection.model_id()]
    if isinstance(error, ModelError) and others:
        for model in others:
            name = model.rpartition("/")[2]
            yield f"model_{name}", f"Use {title_of(model)}", functools.partial(selection.choose, model=model)
    elif selection.text() != (example := examples.first(selection.model_id())):
        yield "text", "Use the first example", functools.partial(selection.choose, text=example)


def _cut(limit: int) -> None:
    from app import cache
    from attnviz.tracing.tokens import shortened

    tokenizer = cache.model(selection.model_id()).tokenizer
    selection.choose(text=shortened(tokenizer, selection.text(), limit))
