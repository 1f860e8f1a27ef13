"""The lesson blocks below a figure: try this, check yourself, the code."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import selection
from app.lessons import glossary, lesson
from app.widgets.markup import filled, html
from app.widgets.notebook import notebook
from attnviz.analysis.questions import Question

__all__ = ["Question", "Try", "check_yourself", "section", "the_code", "the_words", "try_this"]

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


@contextmanager
def section(key: str, name: str, remark: str = "") -> Iterator[None]:
    """A block with its name in the left margin and its content in the right column."""
    with st.container(key=f"section_{key}"):
        with st.container(key=f"margin_{key}"):
            html("<h2 class='av-section'>{}</h2><p class='av-remark'>{}</p>", name, remark)
        with st.container(key=f"content_{key}"):
            yield


def try_this(suggestions: Sequence[Try], key: str = "try", name: str = "Try this", remark: str = "") -> None:
    """Full-width quiet rows; each sets the page to a state worth seeing. ``key`` begins with "try"."""
    if not suggestions:
        return
    with section(key, name, remark):
        _bring_into_view(key)
        for number, suggestion in enumerate(suggestions):
            st.button(
                f"**{_plain(suggestion.action)}**\u2003:gray[{_plain(suggestion.detail)}]",
                key=f"row_{key}_{number}",
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
    """The lines of Python that give this page's result, to copy or to take along as a notebook."""
    words = lesson(selection.page())
    with section("code", "The code", remark):
        st.code(code.strip(), language="python")
        st.download_button(
            "Open as notebook",
            lambda: notebook(words.title, words.lead, code),
            f"attnviz_{selection.page()}.ipynb",
            "application/x-ipynb+json",
            on_click="ignore",
            key="notebook",
            type="tertiary",
            icon=":material/download:",
        )


def the_words() -> None:
    """The technical words that this page introduces, and a way to those of all pages."""
    here = lesson(selection.page()).terms
    meaning = glossary()
    with section("words", "The words", "What they mean on every page."):
        if here:
            _definitions({term: meaning[term] for term in here})
        with st.expander(f"All {len(meaning)} words of the course", key="all_words"):
            _definitions(dict(sorted(meaning.items(), key=lambda item: item[0].casefold())))


def _definitions(meaning: Mapping[str, str]) -> None:
    rows = "".join(filled("<dt>{}</dt><dd>{}</dd>", term, said) for term, said in meaning.items())
    st.html(f"<dl class='av-words'>{rows}</dl>")


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


def _open(values: Mapping[str, Any], at: str) -> None:
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
