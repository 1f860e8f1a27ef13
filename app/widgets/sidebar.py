"""The sidebar: model, text, examples, and this chapter's pages."""

from __future__ import annotations

import streamlit as st

from app import course, examples, selection
from app.widgets.markup import html

_OTHER = "_other_model"
_ORIGINS: dict[selection.Origin, str] = {
    "bundled": "Works offline",
    "cached": "On this machine",
    "hub": "From the hub",
}


def show(current: course.Page) -> None:
    """Draw the sidebar. Model and text stay the same from page to page."""
    selection.begin()
    with st.sidebar:
        _model()
        _text()
        with st.container(key="examples", gap=None):
            html("<p class='av-label'>Examples</p>")
            for name, example in examples.examples(selection.model_id()).items():
                st.button(
                    name,
                    key=f"row_example_{name}",
                    type="tertiary",
                    help=example,
                    on_click=selection.choose,
                    kwargs={selection.TEXT: example},
                )
        with st.container(key="chapter", gap=None):
            html("<p class='av-label'>{}</p>", current.chapter)
            for page in course.COURSE:
                if page.chapter == current.chapter and page.exists:
                    st.page_link(page.path, label=page.title)


def _model() -> None:
    """The picker; below it where the chosen model comes from, and a place for any other model's name."""
    with st.container(key="model_picker", gap=None):
        st.selectbox(
            "Model",
            selection.model_options(),
            key=selection.MODEL,
            format_func=selection.model_label,
            accept_new_options=True,
            help="Layers × heads stand beside each name. The models at the top came with AttnViz and work offline; an "
            "arrow ↓ marks those that are fetched from the Hugging Face hub when you choose them.",
        )
        with st.container(key="model_line", horizontal=True, horizontal_alignment="distribute", gap=None):
            html("<p class='av-label'>{}</p>", _ORIGINS[selection.origin(selection.model_id())])
            if selection.offers_hub():
                with st.popover("Other…", type="tertiary", key="other_model"):
                    st.text_input(
                        "Another model id…",
                        key=_OTHER,
                        placeholder="gpt2-medium",
                        on_change=_take_other,
                        help="The name that a model has on the Hugging Face hub. Press Enter.",
                    )


def _take_other() -> None:
    wanted = str(st.session_state.get(_OTHER, "")).strip()
    if wanted:
        selection.choose(**{selection.MODEL: wanted, _OTHER: ""})


def _text() -> None:
    short = len(selection.text()) <= selection.LONGEST_TEXT_IN_URL
    st.text_area(
        "Your text",
        examples.first(selection.model_id()),
        key=selection.TEXT,
        height=116,
        bind="query-params" if short else None,
        persist_state="session",
    )
    if not short:
        st.caption(
            f"Your text is longer than {selection.LONGEST_TEXT_IN_URL:,} characters, "
            "so a link to this view does not carry it."
        )
