"""What a server reads in its first seconds, in the order in which its first learner wants it.

PyTorch and Transformers take seconds of one core to import. Home needs neither: they begin when it has been drawn, or at
once when another page is asked for.
"""

from __future__ import annotations

import gc
import importlib
import logging
import threading
import time

FRAME = (
    "pandas",
    "app.navigation",
    "app.sentence",
    "app.recurrence",
    "app.widgets.course_map",
    "app.widgets.figure",
)
"""What the first page imports, slowest first: half of it while the browser still reads Streamlit's own script."""

UNASKED = 4.0
"""Seconds after which the models are loaded although nobody has come."""

FIRST_PAGE = 2.0
"""Seconds after the first model in which the first page is drawn, before the others are read."""

logger = logging.getLogger("attnviz.app")

_wanted = threading.Event()
_ready = threading.Event()


def begin() -> None:
    """Load the models now: a page needs them, or the first page stands."""
    _wanted.set()


def ready() -> bool:
    """Whether every bundled model is in memory."""
    return _ready.is_set()


def warm_up() -> None:
    """Import what the first page needs; then load the bundled models and draw from each once, so that nobody waits."""
    for module in FRAME:
        importlib.import_module(module)
    _wanted.wait(UNASKED)
    from attnviz.engine import import_models

    import_models()
    from app import cache, examples
    from app.translation import scores
    from attnviz.errors import UserError
    from attnviz.figures import theme  # noqa: F401 - Plotly takes half a second to import
    from attnviz.models.catalog import catalog

    for number, entry in enumerate(entry for entry in catalog() if entry.bundled):
        if number == 1:
            time.sleep(FIRST_PAGE)
        try:
            cache.trace(entry.id, examples.first(entry.id))
            scores.prepare(entry.id)
        except UserError as error:
            logger.error("%s", error)
    gc.collect()
    gc.freeze()  # models live as long as the server: collections need not look at them again
    _ready.set()
