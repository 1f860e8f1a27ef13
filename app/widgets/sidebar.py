"""The sidebar: model, text, examples, and this chapter's pages."""

from __future__ import annotations

import streamlit as st

from app import course, selection


def show(current: course.Page) -> None:
    """Draw the sidebar. Model and text stay the same from page to page."""
    with st.sidebar:
        st.selectbox(
            "Model",
            selection.model_options(),
            key=selection.MODEL,
            bind="query-params",
            format_func=selection.model_label,
            accept_new_options=True,
            help="The models at the top are on this machine and work offline. Any other is fetched from the Hugging "
            "Face hub: choose it, or type its name, such as gpt2-medium.",
        )
        in_url = len(selection.text()) <= selection.LONGEST_TEXT_IN_URL
        st.text_area(
            "Your text",
            selection.DEFAULT_TEXT,
            key=selection.TEXT,
            height=100,
            bind="query-params" if in_url else None,
            persist_state="session",
        )
        with st.container(key="examples", gap=None):
            st.caption("Examples")
            for name, example in selection.EXAMPLES.items():
                st.button(
                    name,
                    key=f"row_example_{name}",
                    type="tertiary",
                    help=example,
                    on_click=selection.choose,
                    kwargs={selection.TEXT: example},
                )
        with st.container(key="chapter", gap=None):
            st.caption(current.chapter)
            for page in course.COURSE:
                if page.chapter == current.chapter and page.exists:
                    st.page_link(page.path, label=page.title)
