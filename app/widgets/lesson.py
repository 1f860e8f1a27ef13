"""The lesson blocks below a figure: try this, check yourself, the code."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import selection
from app.widgets.markup import html

_SHOWN = "_shown"
_SCROLL = """
const seen = new WeakMap();
export default function ({ data, parentElement }) {
  if (!data.press || seen.get(parentElement) === data.press) return;
  seen.set(parentElement, data.press);
  const part = document.querySelector(data.at ? `.st-key-${data.at}` : ".av-head");
  if (!part) return;
  const { top, bottom } = part.getBoundingClientRect();
  if (top >= 60 && (bottom <= innerHeight || top < innerHeight / 3)) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  part.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
}
"""


@dataclass(frozen=True)
class Try:
    """A state worth seeing: what to do, what was measured there, and the controls that show it.

    ``at`` is the key of the part of the page where it is seen, the top of the page if empty.
    """

    action: str
    detail: str
    values: dict[str, Any]
    at: str = ""


@dataclass(frozen=True)
class Question:
    """A prediction. ``answer`` is one of ``choices``; ``reason`` says what the data show; ``values`` open the place,
    which is seen in the part ``at``."""

    key: str
    question: str
    choices: Sequence[str]
    answer: str
    reason: str
    values: dict[str, Any] = field(default_factory=dict)
    at: str = ""

    def __post_init__(self) -> None:
        if self.answer not in self.choices:
            raise ValueError(f"the answer {self.answer!r} is none of {list(self.choices)}")


@contextmanager
def section(key: str, name: str, remark: str = "") -> Iterator[None]:
    """A block with its name in the left margin and its content in the right column."""
    with st.container(key=f"section_{key}"):
        with st.container(key=f"margin_{key}"):
            html("<h2 class='av-section'>{}</h2><p class='av-remark'>{}</p>", name, remark)
        with st.container(key=f"content_{key}"):
            yield


def try_this(suggestions: Sequence[Try]) -> None:
    """Full-width quiet rows; each sets the page to a state worth seeing."""
    if not suggestions:
        return
    with section("try", "Try this"):
        _bring_into_view("try")
        for number, suggestion in enumerate(suggestions):
            st.button(
                f"**{_plain(suggestion.action)}**\u2003:gray[{_plain(suggestion.detail)}]",
                key=f"row_try_{number}",
                icon=":material/arrow_forward:",
                type="tertiary",
                width="stretch",
                on_click=_open,
                args=(suggestion.values, suggestion.at),
            )


def check_yourself(questions: Sequence[Question], remark: str = "Answer first, then look.") -> None:
    """Predict, then reveal: the reason is shown only after an answer, in a space kept free for it."""
    if not questions:
        return
    with section("check", "Check yourself", remark):
        _bring_into_view("check")
        for question in questions:
            _ask(question)


def the_code(code: str, remark: str = "Runs in a notebook.") -> None:
    """The lines of Python that give this page's result."""
    with section("code", "The code", remark):
        st.code(code.strip(), language="python")


def _ask(question: Question) -> None:
    html("<p class='av-question'>{}</p>", question.question)
    # the key changes with the question, so that an answer never stands beside another text's question
    identity = f"{question.key}_{abs(hash((question.question, tuple(question.choices)))):x}"
    given = st.pills(
        question.question,
        list(question.choices),
        key=f"answer_{identity}",
        label_visibility="collapsed",
        format_func=_plain,
    )
    with st.container(key=f"reveal_{question.key}"):
        if given is None:
            html("<p class='av-reveal'>&nbsp;</p>")
            return
        verdict = "Right." if given == question.answer else "Not this time."
        html("<p class='av-reveal' role='status'><b>{}</b> {}</p>", verdict, question.reason)
    if question.values:
        st.button(
            "Open this head" if "head" in question.values else "Show it",
            key=f"open_{question.key}",
            on_click=_open,
            args=(question.values, question.at),
        )


def _open(values: dict[str, Any], at: str) -> None:
    """Set the controls, and show the part where they are seen: it may be far above the button."""
    selection.choose(**values)
    st.session_state[_SHOWN] = (at, uuid.uuid4().hex)


def _bring_into_view(place: str) -> None:
    at, press = st.session_state.pop(_SHOWN, ("", ""))
    mount = st.components.v2.component("bring_into_view", js=_SCROLL)
    mount(key=f"bring_into_view_{place}", data={"at": at, "press": press})


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return "".join("\\" + c if c in "\\`*_{}[]()#+-.!|~$:<>" else c for c in text)
