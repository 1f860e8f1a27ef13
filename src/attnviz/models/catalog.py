"""What can be chosen by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from attnviz.models import bundled
from attnviz.models.architecture import ModelKind

_OWN = "attnviz/"


@dataclass(frozen=True)
class CatalogEntry:
    """A model that a learner can choose. ``bytes`` and ``parameters`` are None where nobody has checked them.

    ``also`` are other names under which the hub knows the same model, ``source`` is where one is published that is
    not on the hub.
    """

    id: str
    title: str
    kind: ModelKind
    layers: int
    heads: int
    licence: str
    about: str
    parameters: int | None = None
    bytes: int | None = None
    also: tuple[str, ...] = ()
    source: str = ""
    bundled: bool = False

    @property
    def short(self) -> str:
        """For a narrow list: "MiniLM  6 × 12", layers by heads."""
        return f"{self.title}  {self.layers} × {self.heads}"

    @property
    def source_url(self) -> str | None:
        """Where the model is published; None for one that is published with AttnViz alone."""
        if self.source:
            return self.source
        return None if self.id.startswith(_OWN) else f"https://huggingface.co/{self.id}"


@cache
def catalog() -> tuple[CatalogEntry, ...]:
    """All models known by name, bundled ones first. Own models are listed where their weights are there."""
    rows = yaml.safe_load(files("attnviz.models").joinpath("catalog.yaml").read_text("utf-8"))
    entries = (
        CatalogEntry(**{**row, "also": tuple(row.get("also", ()))}, bundled=bundled.is_bundled(row["id"]))
        for row in rows
    )
    return tuple(e for e in entries if e.bundled or not e.id.startswith(_OWN))


def entry(model_id: str) -> CatalogEntry | None:
    """The entry of a model, by its id, another of its names or the last part of its id ("gpt2"), or None."""
    return next((e for e in catalog() if model_id in (e.id, e.id.rpartition("/")[2], *e.also)), None)


def names_of(model_id: str) -> tuple[str, ...]:
    """All names under which the hub knows a model, its id first."""
    known = entry(model_id)
    return (known.id, *known.also) if known else (model_id,)


def title_of(model_id: str) -> str:
    """What a model is called on screen."""
    known = entry(model_id)
    if known:
        return known.title
    younger, _, step = model_id.rpartition("-step-")
    grown = entry(younger)
    return f"{grown.title} at step {step}" if grown else model_id.rpartition("/")[2]
