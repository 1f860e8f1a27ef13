"""Moves the controls of a page as a learner's hand would, whatever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TESTING_KEY

TYPED = {"config": '{"model_type": "gpt2", "n_embd": 64, "n_head": 4, "n_layer": 2, "vocab_size": 100}'}
"""What is typed into a field of this key; into any other, one plain word."""

LEFT = frozenset({"model", "_other_model"})
"""The model is chosen by whoever moves; another model's name would be looked for on the hub."""

_CHOICES = ("select_slider", "selectbox", "button_group", "radio")
_ENDS = ("slider", "number_input")
_SWITCHES = ("toggle", "checkbox")
_FIELDS = ("text_input", "text_area")


def move(app: AppTest, moved: set[str], step: int, typed: Mapping[str, str]) -> int:
    """Move every control that was not moved yet, and run the page once; returns how many there were.

    A row of buttons that choose one of several goes on to another with each ``step``, so that all that they uncover is
    seen. ``moved`` takes the keys of the controls. ``typed`` is what goes into fields of these keys.
    """
    fresh = 0
    for kind in (*_CHOICES, *_ENDS, *_SWITCHES, *_FIELDS):
        for control in app.get(kind):
            key = control.key or control.label
            again = kind == "button_group" and not key.startswith("answer_") and step < len(control.options)
            if key in LEFT or (key in moved and not again) or control.disabled:
                continue
            fresh += key not in moved
            moved.add(key)
            _change(control, kind, {**TYPED, **typed}.get(key, "cat"))
    app.run()
    return fresh


def press_all(app: AppTest) -> int:
    """Press every suggestion, every way to what a question is about, and every step on, and run the page once."""
    wanted = ("row_", "open_", "next_", "step_")
    pressed = [b for b in app.button if (b.key or "").startswith(wanted) and not b.disabled]
    for button in pressed:
        button.click()
    app.run()
    return len(pressed)


def _change(control: Any, kind: str, words: str) -> None:
    if kind in _CHOICES:
        _choose(control)
    elif kind == "slider":
        low, high = control.min, control.max
        ranged = isinstance(control.value, list | tuple)
        control.set_value((low, high) if ranged else low if control.value == high else high)
    elif kind == "number_input":
        control.set_value(control.min if control.value == control.max else control.max)
    elif kind in _SWITCHES:
        control.set_value(not control.value)
    else:
        control.set_value(words)


def _choose(control: Any) -> None:
    """Another option than the present one, by its name on screen: the test knows no more of it than the learner."""
    formats = control.root.session_state[TESTING_KEY]
    formatted = formats[control.id]
    options = list(control.options)
    if len(options) < 2:
        return
    several = control.type == "button_group" and not control._is_single_select
    value = control.value[:1] if several else [control.value]
    now = options.index(formatted(value[0])) if value and value[0] is not None else -1
    name = (
        options[(now + 1) % len(options)]
        if control.type == "button_group"
        else options[0 if now == len(options) - 1 else -1]
    )
    formats[control.id] = lambda value: value if value in options else formatted(value)
    control.set_value([name] if several else name)
