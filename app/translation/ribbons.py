"""What the picture of the two texts draws."""

from __future__ import annotations

from typing import Any

from app.lessons import Lesson
from app.translation.record import Translated
from attnviz.analysis.writing import small_maps
from attnviz.figures.palette import SEQUENTIAL
from attnviz.figures.weight_colours import place
from attnviz.models.catalog import title_of
from attnviz.viewer import ribbons


def payload(shown: Translated, words: Lesson, layer: int, head: int, step: str) -> dict[str, Any]:
    """The ribbons of one head, with the word of this step lit, and every head small."""
    alignment = shown.alignment(layer, head)
    maps = place(small_maps(shown.maps))
    return ribbons.payload(
        alignment.source_labels,
        alignment.target_labels,
        alignment.weights,
        word=shown.word_of(alignment, step),
        heads=[
            ribbons.Head(name, shown.scores.percent(i, h), shown.scores.meaning(words, i, h), maps[i, h])
            for name, (i, h) in _every_head(shown)
        ],
        across=shown.heads,
        head=layer * shown.heads + head,
        palette=SEQUENTIAL,
        caption=shown.scores.caption(words, shown.model_id),
        note=words.say("measured", title=title_of(shown.model_id), layer=layer, head=head),
    )


def _every_head(shown: Translated) -> list[tuple[str, tuple[int, int]]]:
    return [(name, divmod(number, shown.heads)) for number, name in enumerate(shown.names)]
