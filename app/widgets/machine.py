"""What is on this machine: the models that need no network, and where numbers are computed."""

from __future__ import annotations

from app import selection
from app.lessons import Lesson
from app.widgets import lesson, table
from app.widgets.markup import html
from attnviz.models.catalog import catalog, title_of


def show(words: Lesson) -> None:
    """A table of the models at hand."""
    at_hand = [e for e in catalog() if e.bundled]
    with lesson.section("machine", words.say("machine"), words.say("machine_remark")):
        table.show(
            ("Model", "What it is", "Layers × heads", "Parameters", "Licence"),
            [
                (e.title, e.about, f"{e.layers} × {e.heads}", f"{e.parameters:,}" if e.parameters else "", e.licence)
                for e in at_hand
            ],
            key="machine",
            numbers=(2, 3),
        )
        cached = [i for i in selection.cached_ids() if i not in {e.id for e in at_hand}]
        if cached:
            html("<p class='av-source'>{}</p>", words.say("machine_cached", models=", ".join(map(title_of, cached))))
