"""The models that the page speaks of by name, and the texts that it asks them about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.analysis.alignment_pairs import Language, aligned_pairs
from attnviz.models.catalog import title_of

if TYPE_CHECKING:
    from attnviz.models.loading import LoadedModel

TRANSLATOR = "attnviz/translate-en-pt"
DIRECTIONS: dict[str, Language] = {TRANSLATOR: "en", "attnviz/translate-pt-en": "pt"}
LETTERS = "attnviz/spelling-to-sound"

WORDS_TO_SPELL = (
    *(
        "though",
        "through",
        "tough",
        "thought",
        "attention",
        "knight",
        "psychology",
        "rhythm",
        "colonel",
        "island",
    ),
    *("orchestra", "machine", "character", "phone", "gnome", "yacht", "queue", "ocean", "nation", "measure"),
    *("schedule", "language", "translate", "encoder"),
)


def shown_model(model: LoadedModel) -> str:
    """The model that the page shows: the chosen one where it reads one text and writes another."""
    return model.id if model.architecture.kind == "encoder-decoder" else TRANSLATOR


def sentences_of(model_id: str) -> tuple[str, ...]:
    """The page's sentence set for a model: marked sentences of its language, words to spell, or English sentences."""
    if model_id == LETTERS:
        return WORDS_TO_SPELL
    return tuple(pair.source for pair in aligned_pairs(DIRECTIONS.get(model_id, "en")))


def language_of(model_id: str) -> str:
    """The language that a bundled translator reads."""
    return title_of(model_id).partition(" to ")[0]


def other_direction(model_id: str) -> str:
    """The bundled translator that goes the other way."""
    return next(other for other in DIRECTIONS if other != model_id)
