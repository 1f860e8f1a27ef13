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
            {
                "Model": [e.title for e in at_hand],
                "What it is": [e.about for e in at_hand],
                "Layers × heads": [f"{e.layers} × {e.heads}" for e in at_hand],
                "Parameters": [f"{e.parameters:,}" if e.parameters else "" for e in at_hand],
                "Licence": [e.licence for e in at_hand],
            },
            caption=words.say("machine"),
        )
        cached = [i for i in selection.cached_ids() if i not in {e.id for e in at_hand}]
        if cached:
            html(
                "<p class='av-source'>{}</p>",
                words.say("machine_cached", models=", ".join(map(title_of, cached))),
            )
