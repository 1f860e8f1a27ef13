"""What the browser draws itself: one picture a module, packed in Python, drawn in plain JavaScript on one
shared core.

A picture is a pure function of its payload (a dict of JSON values from the picture's own ``payload``) and of
what the reader has chosen in it. The same JavaScript draws it in the app, in a notebook and in a saved file:
modules are joined as text, without a bundler.

In the app, ``st.components.v2.component(name, js=script(name), css=style())`` mounts one; ``data=`` is the
payload. Pictures answer with triggers (``setTriggerValue``), which fire each time, also for the same value
twice; the head of each JavaScript file names them. What comes back is checked by ``chosen_word`` and
``chosen_part``.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.viewer.text import well_formed

if TYPE_CHECKING:
    from attnviz.viewer.plain import head_view, model_view

__all__ = ["PICTURES", "feed", "head_view", "model_view", "module", "script", "standalone", "style"]

PICTURES = (
    "sentence",
    "parameters",
    "block",
    "explorer",
    "ribbons",
    "flow",
    "attention",
    "learning",
    "stacks",
    "tokens",
)
"""Every picture: a module ``<name>.py`` that packs, and ``<name>.js`` that draws."""

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def script(picture: str) -> str:
    """The JavaScript of a picture as one ES module, whose default export is what Streamlit mounts.

    ``picture`` is one of ``PICTURES``; ValueError for another.
    """
    return f"{_program(picture)}\nexport default attnviz();\n"


def feed() -> str:
    """The JavaScript of what takes in messages of attention weights (``packing``), as one ES module.

    Mounted beside the picture ``attention``, whose payload names its messages by the ``of`` of their header.
    """
    return f"{_joined('feed')}\nexport default feed;\n"


def module(name: str) -> str:
    """One module of the pictures as plain functions, to stand before other JavaScript: ``module("fonts")`` gives
    ``embedFonts(svg)``, which a saved drawing of any kind needs."""
    return _EXPORT.sub("", _IMPORT.sub("", (_HERE / f"{name}.js").read_text("utf-8"))).strip()


@cache
def style() -> str:
    """The CSS that all pictures share."""
    return (_HERE / "core.css").read_text("utf-8")


def standalone(picture: str, payload: Mapping[str, Any], title: str) -> str:
    """A whole page that shows a picture, works from disk and asks no network for anything.

    The payload lies in it as data: no character of it can end the element or start another. Raises ValueError
    for an unknown picture, or for a payload that is not JSON (NaN is not).
    """
    parts = {
        "title": html.escape(well_formed(title)),
        "style": style(),
        "payload": _inert(dict(payload)),
        "script": _program(picture),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _page())


@cache
def _program(picture: str) -> str:
    """A function ``attnviz`` around all modules of a picture: it returns the mount, and can be read back as
    text, so that a reader can save the picture as a page without asking the server."""
    if picture not in PICTURES:
        raise ValueError(f"no picture {picture!r}; there are {', '.join(PICTURES)}")
    body = _joined(picture)
    ending = f"return mounting({picture}, {{ page: {_inert(_page())}, program: attnviz.toString() }});"
    return f'function attnviz() {{\n"use strict";\n{body}\n{ending}\n}}'


def _joined(name: str) -> str:
    """A module and all that it imports, as plain functions."""
    modules: dict[str, str] = {}
    _collect(name, modules)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)).strip() for text in modules.values())


def _collect(name: str, modules: dict[str, str]) -> None:
    """Add a module after all that it imports, each once."""
    if name in modules:
        return
    text = (_HERE / f"{name}.js").read_text("utf-8")
    for needed in _IMPORT.findall(text):
        _collect(needed, modules)
    modules[name] = text


@cache
def _page() -> str:
    return (_HERE / "page.html").read_text("utf-8")


def _inert(value: Any) -> str:
    """JSON in ASCII alone, in which nothing can be taken for markup or for the end of a line."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def __getattr__(name: str) -> Any:
    if name not in ("head_view", "model_view"):
        raise AttributeError(f"module 'attnviz.viewer' has no attribute {name!r}")
    return getattr(import_module("attnviz.viewer.plain"), name)
