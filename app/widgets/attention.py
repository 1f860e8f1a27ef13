"""The attention viewer on a page: every layer and head in the browser at once, and what is chosen there back in Python.

On any page::

    choice = attention.chosen(trace, opening=(layer, head, token), of=(model_id, text))
    attention.show(trace, choice, key="viewer", of=(model_id, text), title=title)

``chosen`` reads session and address, checks every value, and writes the address; ``show`` mounts the viewer and takes what
the reader chooses in it. Both belong inside one ``fragment``: a choice then reruns only that. The weights travel apart from
the viewer, so that a rerun sends what has changed and never the weights again.

A page with two viewers names their controls apart (``prefix="left_"``) and gives both the same ``link``: what is chosen in
one is then chosen in the other, in its own depth and length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import streamlit as st

from app import selection
from app.widgets import picture
from attnviz import viewer
from attnviz.analysis.attention_view import Weighted
from attnviz.tracing.trace import AttentionKind, Trace
from attnviz.viewer.attention import (
    LAYERS_A_MESSAGE,
    Choice,
    Lens,
    Scale,
    View,
    choice_of,
    is_long,
    message,
    needed_layer,
    payload,
    small_message,
)

Of = tuple[str, ...]
"""What the weights are of: model, text, and whatever else a cache must tell apart."""


def chosen(
    trace: Trace, opening: tuple[int, int, int], of: Of, kind: AttentionKind | None = None, prefix: str = ""
) -> Choice:
    """What is chosen, from session or address, checked; ``opening`` is (layer, head, token) where nothing is.

    The controls are ``layer``, ``head``, ``heads``, ``query``, ``mean``, ``first``, ``special``, ``merge``, ``least``,
    ``mass``, ``scale``, ``view`` and ``lens``, and ``kind`` where the page does not give it.
    """
    kinds = trace.kinds
    asked = selection.one_of(f"{prefix}kind", kinds, "kind of attention") if kind is None else kind
    names = trace.query_tokens(asked).unique_labels
    start = Choice(asked, *opening)
    _follow(of, asked, start, names, prefix)
    found: dict[str, Any] = {
        "layer": selection.whole_number(f"{prefix}layer", trace.layers(asked), "layer", start.layer),
        "head": selection.whole_number(f"{prefix}head", trace.heads(asked), "head", start.head),
        "query": selection.one_of(f"{prefix}query", names, "token", start=names[start.token]),
        "heads": _heads(f"{prefix}heads", trace.heads(asked)),
        "least": int(selection.number(f"{prefix}least", 0, 50, "the least weight", 0)),
        "mass": int(selection.number(f"{prefix}mass", 50, 100, "the share of lines", 100)),
        "scale": selection.one_of(f"{prefix}scale", get_args(Scale), "scale of colours"),
        "view": selection.one_of(f"{prefix}view", get_args(View), "view"),
        "lens": selection.one_of(f"{prefix}lens", get_args(Lens), "lens"),
        **{name: selection.switch(f"{prefix}{name}", name) for name in _SWITCHES},
    }
    starts = {
        "kind": kinds[0],
        "layer": start.layer,
        "head": start.head,
        "query": names[start.token],
        "mass": 100,
    }
    for name, value in {"kind": asked, **found}.items():
        kept = ",".join(map(str, value)) if name == "heads" else value
        selection.keep(f"{prefix}{name}", kept, starts.get(name, _DEFAULTS.get(name, "")))
    token = names.index(found.pop("query"))
    return Choice(asked, token=token, **found)


def show(
    trace: Trace,
    choice: Choice,
    key: str,
    of: Of,
    *,
    title: str,
    names: Mapping[AttentionKind, Sequence[Sequence[str]]] | None = None,
    said: Mapping[str, Any] | None = None,
    seen: Weighted | None = None,
    lenses: Sequence[Lens] = (),
    link: str = "",
    prefix: str = "",
) -> None:
    """Mount the viewer. ``names``, ``said``, ``lenses`` and ``link`` are those of :func:`attnviz.viewer.attention.payload`;
    ``seen`` is the trace through the chosen lens (``attnviz.analysis.lenses``), the trace itself without one.

    What comes from the browser is checked before it is believed.
    """
    drawn = seen or trace
    of = (*of, choice.lens)
    name = "|".join(of)
    wanted = st.session_state.setdefault(f"_{key}_layers", {})
    if is_long(drawn):
        wanted = wanted if wanted.get("of") == name else {"of": name, "parts": []}
        st.session_state[f"_{key}_layers"] = wanted
        _want(wanted, choice.kind, choice.layer)
    picture.show(
        "attention",
        payload(drawn, choice, title=title, of=name, names=names, said=said, lenses=lenses, link=link),
        key=key,
        answers={
            "choice": _take(trace, prefix),
            "need": lambda value: _need(wanted, trace, value),
        },
    )
    with st.container(
        key=f"feed_{key}"
    ):  # after the viewer, which would lose the focus if it were pushed down
        if not is_long(drawn):
            _feed(f"{key}_all", _message(of, drawn, None, None))
            return
        _feed(f"{key}_small", _small(of, drawn))
        for kind, part in wanted["parts"]:
            layers = range(part * LAYERS_A_MESSAGE, (part + 1) * LAYERS_A_MESSAGE)
            _feed(f"{key}_{kind}_{part}", _message(of, drawn, (kind,), layers))


def _follow(of: Of, kind: AttentionKind, start: Choice, names: Sequence[str], prefix: str) -> None:
    """When model, text or kind has changed since the last run, open what is worth seeing there.

    Otherwise a token of the old text would be asked for in the new one, and answered with an excuse.
    """
    now, owner = (of, kind), f"_{prefix}attention_of"
    before = st.session_state.get(owner)
    st.session_state[owner] = now
    if before is None or before == now:
        return
    values: dict[str, Any] = {}
    if (before[0][0], before[1]) != (of[0], kind):
        values = {"layer": start.layer, "head": start.head, "heads": ""}
    if str(st.session_state.get(f"{prefix}query")) not in names:
        values["query"] = names[start.token]
    selection.choose(**{f"{prefix}{name}": value for name, value in values.items()})


_SWITCHES = ("mean", "first", "special", "merge")
_DEFAULTS: dict[str, Any] = {
    "least": 0,
    **dict.fromkeys(_SWITCHES, False),
    "scale": "",
    "view": "matrix",
    "lens": "weights",
}


def _take(trace: Trace, prefix: str) -> Callable[[object], None]:
    """Take a choice of the viewer into the session."""

    def take(value: object) -> None:
        choice = choice_of(value, trace)
        if choice is None:
            return
        values = {
            **{"kind": choice.kind, "layer": choice.layer, "head": choice.head},
            "query": trace.query_tokens(choice.kind).unique_labels[choice.token],
            "heads": ",".join(map(str, choice.heads)),
            **{
                name: getattr(choice, name) for name in (*_SWITCHES, "least", "mass", "scale", "view", "lens")
            },
        }
        selection.choose(**{f"{prefix}{name}": value for name, value in values.items()})

    return take


def _heads(key: str, count: int) -> tuple[int, ...]:
    """Heads that are drawn together, "1,4" in the address; what is no head is left out, with a note."""
    asked = str(st.session_state.get(key, st.query_params.get(key, "")))
    named = [one for one in asked.split(",") if one]
    known = [int(one) for one in named if one.isdecimal() and int(one) < count]
    if len(known) < len(named):
        selection.note(f"Heads go from 0 to {count - 1} here; of “{asked[:20]}” the others are left out.")
    numbers = sorted(set(known))
    heads = tuple(numbers) if len(numbers) > 1 else ()
    st.session_state[key] = ",".join(map(str, heads))
    return heads


def _want(wanted: dict[str, Any], kind: AttentionKind, layer: int) -> None:
    part = (kind, layer // LAYERS_A_MESSAGE)
    if part not in wanted["parts"]:
        wanted["parts"].append(part)


def _need(wanted: dict[str, Any], trace: Trace, value: object) -> None:
    needed = needed_layer(value, trace)
    if needed is not None and "parts" in wanted:
        _want(wanted, *needed)


def _feed(key: str, data: bytes) -> None:
    """Give the browser a message; one that it has already is not sent again."""
    st.components.v2.component("attnviz_feed", js=viewer.feed())(key=key, data=data)


@st.cache_resource(max_entries=60, show_spinner=False)
def _message(
    of: Of, _trace: Weighted, kinds: tuple[AttentionKind, ...] | None, layers: range | None
) -> bytes:
    return message(_trace, layers, "|".join(of), kinds)


@st.cache_resource(max_entries=20, show_spinner=False)
def _small(of: Of, _trace: Weighted) -> bytes:
    return small_message(_trace, "|".join(of))
