"""What the learner has chosen: the one place of state keys, URL parameters and their checks.

Every control has a key of its own that is also its name in the URL, so that a copied link opens the same view. A value
that the URL asks for and the model does not have falls back, and a note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st

from app import examples
from app.widgets.markup import html
from attnviz.models.catalog import catalog, entry, title_of

T = TypeVar("T")
Origin = Literal["bundled", "cached", "hub"]

MODEL, TEXT, TARGET, SECOND = "model", "text", "target", "second"
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

_PICKED, _PAGE, _FORGOTTEN = "_picked", "_page", "_forgotten"

LONGEST_LABEL = 20
"""Characters of a model's name that the list in the sidebar shows."""

LONGEST_TEXT_IN_URL = 1000
"""Browsers and proxies cut addresses of some thousand characters; a letter outside ASCII takes up to twelve."""


def note(sentence: str) -> None:
    """Say, here on the page, that something in the URL was not to be had."""
    html('<p class="av-note" role="status">{}</p>', sentence)


def model_id() -> str:
    """The chosen model's id."""
    return str(st.session_state.get(MODEL) or DEFAULT_MODEL)


def title() -> str:
    """What the chosen model is called on screen."""
    return title_of(model_id())


def text() -> str:
    """The learner's text, or an example that the model can read."""
    return str(st.session_state.get(TEXT, examples.first(model_id())))


def second() -> str:
    """The second text of a pair, on pages that read pairs; empty for none."""
    return str(st.session_state.get(SECOND, st.query_params.get(SECOND, ""))).strip()


def at_hand() -> tuple[str, str, str]:
    """What a page is drawn for: where it changes, all of the page does."""
    return model_id(), text(), second()


def choose(**values: Any) -> None:
    """Set controls from a callback, before they are drawn again."""
    for key, value in values.items():
        st.session_state[key] = value


def bundled_ids() -> list[str]:
    """The models that came with the app and work offline."""
    return [e.id for e in catalog() if e.bundled]


def model_options() -> list[str]:
    """Ids to choose from: bundled ones first, then those in the local hub cache, then the rest of the catalog; last
    what the learner has typed or the URL asks for."""
    bundled = bundled_ids()
    at_hand = [i for i in cached_ids() if i not in bundled]
    rest = [e.id for e in catalog() if e.id not in (*bundled, *at_hand)]
    offered = bundled + at_hand + (rest if offers_hub() else [])
    asked = st.session_state.get(MODEL)
    return offered + ([str(asked)] if asked and asked not in offered else [])


def origin(model: str) -> Origin:
    """Where a model comes from: with the app, from the hub's cache on this machine, or over the network."""
    known = entry(model)
    if known and known.bundled:
        return "bundled"
    return "cached" if model in cached_ids() else "hub"


def model_label(model: str) -> str:
    """How a model stands in the list: with its layers and heads, and an arrow where it is to be fetched first."""
    known = entry(model)
    name = (known.short if len(known.short) <= LONGEST_LABEL else known.title) if known else model
    return name if origin(model) != "hub" else f"↓ {name}"


def offers_hub() -> bool:
    """Whether models from the hub can be asked for on this server."""
    from attnviz.settings import settings

    return settings().hub_models != "none" and not settings().offline


def forget(*keys: str) -> None:
    """Let these controls begin again where they start, whatever was chosen; call it before they are checked and drawn.

    A value in the address that belongs to a control cannot be taken out by hand.
    """
    st.session_state[_FORGOTTEN] = st.session_state.get(_FORGOTTEN, frozenset()) | set(keys)


def _forgotten(key: str) -> bool:
    keys = st.session_state.get(_FORGOTTEN, frozenset())
    st.session_state[_FORGOTTEN] = keys - {key}
    return key in keys


def whole_number(key: str, count: int, what: str, start: int = 0) -> int:
    """The value of a layer, head or token control of ``count`` values, checked as :func:`number` does."""
    return int(number(key, 0, count - 1, what, min(start, count - 1)))


def number(key: str, low: float, high: float, what: str, start: float) -> float:
    """The value of a control between ``low`` and ``high``, whole where these are; falls back to ``start`` with a note.

    Call it before the control is drawn: it also mends what the URL asked for, in which anything can stand.
    """
    asked = st.session_state.get(key, st.query_params.get(key))
    if _forgotten(key):
        st.session_state[key] = asked = start
    if asked is None:
        return start
    kind = int if isinstance(low, int) and isinstance(high, int) else float
    try:
        value = kind(float(str(asked)))  # Streamlit cuts a fraction off as well
    except (ValueError, OverflowError):
        value = None
    if value is None or not low <= value <= high:
        note(
            f"{what[:1].upper()}{what[1:]} cannot be {str(asked)[:20]} here: it goes from {low} to {high}. You see {start}."
        )
        value = start
    if key in st.session_state or value != asked:
        st.session_state[key] = value
    return value


def picked(key: str, count: int, what: str, start: int, of: object) -> int:
    """A choice among ``count`` that is made in a picture and that no widget holds; checked as :func:`whole_number` does.

    It is kept in the address like any control. It belongs to ``of``, such as a model and a text: when that changes, the
    choice starts again, because the seventh word of another text is another word.
    """
    owner = f"_{key}_of"
    if st.session_state.get(owner, of) != of:
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)
    st.session_state[owner] = of
    value = whole_number(key, count, what, start)
    keep(key, value, start)
    return value


def keep(key: str, value: object, start: object) -> None:
    """Put a choice that no widget holds into the address, or take it out where it is what the page opens with."""
    if value == start:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = str(value).lower() if isinstance(value, bool) else str(value)
    st.session_state[_PICKED] = st.session_state.get(_PICKED, frozenset()) | {key}


def switch(key: str, what: str, *, start: bool = False) -> bool:
    """Whether a switch is on; as it starts, with a note, for what the address cannot mean."""
    asked = str(st.session_state.get(key, st.query_params.get(key, start))).lower()
    if asked not in ("true", "false"):
        note(
            f"{what[:1].upper()}{what[1:]} can be true or false, not “{asked[:20]}”; it is {'on' if start else 'off'}."
        )
        asked = str(start).lower()
    st.session_state[key] = asked == "true"
    return asked == "true"


def page() -> str:
    """The script of the page that is shown, without its ending."""
    return st.session_state.get(_PAGE) or "home"


def begin() -> None:
    """Write the chosen model into the address, and see that an example fits it.

    By hand, because Streamlit would write the label of the list, which differs from server to server.
    """
    if model_id() == DEFAULT_MODEL:
        st.query_params.pop(MODEL, None)
    else:
        st.query_params[MODEL] = model_id()
    if examples.is_for_others(text(), model_id()):
        st.session_state[TEXT] = examples.first(model_id())


def enter(page: str) -> None:
    """A page is opened: the model is the one that its address names, if it does, as after "Back".

    What was picked on the page before is taken out of the address; it comes back with that page.
    """
    before = st.session_state.get(_PAGE)
    if before != page:
        if MODEL in st.query_params:
            st.session_state[MODEL] = st.query_params[MODEL]
        if before is not None:
            for key in st.session_state.get(_PICKED, frozenset()):
                st.query_params.pop(key, None)
    st.session_state[_PAGE] = page


def one_of(
    key: str,
    options: Sequence[T],
    what: str,
    start: T | None = None,
    show: Callable[[T], str] = str,
) -> T:
    """The value of a control with these options, checked; falls back to ``start`` or the first, with a note.

    ``show`` is what an option is called on the page, and with that in an address that Streamlit has written.
    """
    fallback = options[0] if start is None or start not in options else start
    if _forgotten(key):
        st.session_state[key] = fallback
    asked = st.session_state.get(key, st.query_params.get(key))
    if asked is None:
        return fallback
    value = next((o for o in options if str(asked) in (str(o), show(o))), None)
    if value is None:
        value = fallback
        note(f"There is no {what} “{str(asked)[:40]}” here; you see {show(value)}.")
    st.session_state[key] = value
    return value


@st.cache_data(ttl=60, show_spinner=False)
def cached_ids() -> tuple[str, ...]:
    """Reading the hub's cache takes a while when it holds many models, and seldom changes."""
    from attnviz.models.hub import cached_ids

    return cached_ids()
