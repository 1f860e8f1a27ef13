"""The words of each page, apart from the code: one YAML file a page and language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

LANGUAGE = "en"


class Lesson(BaseModel):
    """What a page says. ``words`` are its further sentences by name; some have {gaps} for what was measured.
    ``terms`` are the words of the glossary that it introduces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    lead: str
    code: str = ""
    terms: tuple[str, ...] = ()
    words: dict[str, str] = {}

    def say(self, name: str, **measured: object) -> str:
        """The sentence of this name with its gaps filled."""
        return self.words[name].format(**measured)


@cache
def lesson(page: str, language: str = LANGUAGE) -> Lesson:
    """The words of a page; raises FileNotFoundError where nobody has written them in this language."""
    path = Path(__file__).parent / language / f"{page}.yaml"
    return Lesson(**yaml.safe_load(path.read_text("utf-8")))


@cache
def glossary(language: str = LANGUAGE) -> dict[str, str]:
    """What each technical word of the course means, one plain sentence each."""
    read: dict[str, str] = yaml.safe_load(
        (Path(__file__).parent / language / "glossary.yaml").read_text("utf-8")
    )
    return read
