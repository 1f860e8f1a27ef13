"""What every view of the positions page starts from, and the controls that several of them have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app import selection
from app.widgets import figure, segments, waiting
from app.widgets.lesson import Question, Try
from app.widgets.markup import html
from attnviz.models.catalog import catalog, title_of

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.delta_generator import DeltaGenerator

    from app.lessons import Lesson
    from attnviz.models.architecture import Architecture
    from attnviz.models.loading import LoadedModel
    from attnviz.models.positions import ModelPositions
    from attnviz.tracing.neurons import Stack
    from attnviz.tracing.tokens import Tokens
    from attnviz.tracing.trace import AttentionKind, Floats, Trace

SINUSOIDAL, LEARNED, ROTARY, RELATIVE, ALIBI, SHUFFLE = VIEWS = (
    "Sinusoidal",
    "Learned",
    "Rotary",
    "T5 bias",
    "ALiBi",
    "Shuffle the words",
)
_FITTING = {"sinusoidal": SINUSOIDAL, "learned": LEARNED, "rotary": ROTARY, "relative bias": RELATIVE}
_WITH = {
    LEARNED: ("sentence-transformers/all-MiniLM-L6-v2",),
    ROTARY: ("HuggingFaceTB/SmolLM2-135M-Instruct",),
    RELATIVE: ("attnviz/spelling-to-sound", "t5-small", "google-t5/t5-small"),
}
"""Models that show a scheme, the bundled ones first."""

OF_THE_MODEL = ("layer", "head", "pos_rows", "pos_rope_base", "pos_stack", "pos_heads")
OF_THE_TEXT = ("pos_query", "pos_key")


@dataclass(frozen=True)
class Taught:
    """What stands below a view: states worth seeing, questions, and the code of this view."""

    suggestions: Sequence[Try]
    questions: Sequence[Question]
    code: str


@dataclass(frozen=True, eq=False)
class Here:
    """The model and the text at hand."""

    model: LoadedModel
    text: str
    trace: Trace
    known: ModelPositions

    @property
    def facts(self) -> Architecture:
        """The shape of the model."""
        return self.model.architecture

    @property
    def title(self) -> str:
        """What the model is called."""
        return self.model.title

    @property
    def kind(self) -> AttentionKind:
        """The self-attention that is looked at: an encoder-decoder's encoder reads the learner's text."""
        return "decoder" if self.facts.kind == "decoder" else "encoder"

    @property
    def tokens(self) -> Tokens:
        """The learner's tokens."""
        return self.trace.tokens

    @property
    def fitting(self) -> str:
        """The view of the scheme that this model has."""
        return _FITTING[self.facts.positions]

    def scheme(self, words: Lesson) -> str:
        """How this model tells positions apart, in a sentence."""
        key = f"scheme_{self.facts.positions.replace(' ', '_')}"
        limit = f"{self.facts.max_positions:,}" if self.facts.max_positions else "any number of"
        return words.say(key, title=self.title, limit=limit)


def here() -> Here:
    """Open the model, read the text, and forget choices that belong to another model or text."""
    from attnviz.models.positions import model_positions

    model = waiting.model(selection.model_id())
    text = selection.text()
    trace = waiting.trace(model.id, text, height=420)
    found = Here(model, text, trace, model_positions(model.module, model.architecture))
    _forget((model.id, text, found.fitting))
    return found


def _forget(now: tuple[str, str, str]) -> None:
    """Another model opens with its own view, unless one was chosen that no model has by itself."""
    before = st.session_state.get("_positions", now)
    st.session_state["_positions"] = now
    gone = (OF_THE_MODEL + OF_THE_TEXT) if before[0] != now[0] else OF_THE_TEXT if before != now else ()
    if before[0] != now[0] and st.session_state.get("scheme") == before[2]:
        gone = (*gone, "scheme")
    for key in gone:
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


@contextmanager
def stage() -> Iterator[tuple[DeltaGenerator, DeltaGenerator]]:
    """The place of the first figure: controls in the margin, the figure and its sentence right of them."""
    with st.container(key="pos"):
        yield st.container(key="pos_margin"), st.container(key="pos_main")


def hero(fig: go.Figure, alt: str, data: Any) -> None:
    """The first figure, as high as the window leaves room for."""
    with st.container(key="pos_fills"):
        figure.show(fig, "positions", alt, data, fills=True)


def slider(label: str, key: str, low: int, high: int, start: int, step: int = 1) -> int:
    """A checked slider of whole numbers; one that could not move is left out.

    Its default is always ``start``: the default of a control leaves the address.
    """
    start = min(max(start, low), high)
    selection.number(key, low, high, label.lower(), start)
    if low == high:
        return low
    return int(st.slider(label, low, high, start, step, key=key, bind="query-params"))


def choice(label: str, key: str, options: Sequence[Any], start: Any, show: Any = str) -> Any:
    """A checked slider over a few values."""
    selection.one_of(key, options, label.lower(), start=start)
    return st.select_slider(label, options, start, key=key, bind="query-params", format_func=show)


def stack(stacks: Sequence[Stack], words: Lesson) -> Stack:
    """Which stack's positions; asked only where the model has two."""
    return segments.choose(words.say("stack"), stacks, "pos_stack", "stack", show=str.capitalize)


def picked_token(label: str, key: str, tokens: Tokens, start: int) -> int:
    """A checked list of the text's tokens; returns the place of the chosen one."""
    names = tokens.unique_labels
    selection.one_of(key, names, "token", start=names[start])
    return names.index(st.selectbox(label, names, start, key=key, bind="query-params"))


def said(sentence: str) -> None:
    """An observation."""
    html("<p class='av-say'>{}</p>", sentence)


def offer(view: str, sentence: str) -> None:
    """Say that this model cannot show a view; a button opens one that can, where there is one."""
    html("<p class='av-text'>{}</p>", sentence)
    at_hand = [entry.id for entry in catalog() if entry.bundled or selection.offers_hub()]
    other = next((i for i in _WITH.get(view, ()) if i in at_hand), None)
    if other:
        st.button(
            f"Use {title_of(other)}",
            key="go_other_model",
            on_click=selection.choose,
            kwargs={"model": other, "scheme": view},
        )


def table_columns(table: Floats, row: str, column: str) -> dict[str, Any]:
    """A matrix as three columns for saving."""
    rows, columns = table.shape
    return {
        row: np.repeat(np.arange(rows), columns),
        column: np.tile(np.arange(columns), rows),
        "value": table.ravel(),
    }


def spread(count: int, shown: int = 8) -> list[int]:
    """Up to ``shown`` numbers from 0 to count - 1, evenly spread, both ends among them."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, shown))})


def scientific(value: float) -> str:
    """A tiny error in words: "0" or "3 · 10⁻⁷"."""
    if value == 0:
        return "0"
    power = int(np.floor(np.log10(value)))
    digits = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value / 10**power:.0f} · 10{digits}" if power < -3 else f"{value:.2g}"
