"""A model that is explored: what it is called and described by, its exact count, and what is said of it."""

from __future__ import annotations

import json
import pprint
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from app.lessons import Lesson
from attnviz.errors import ConfigError, ModelUnsupported
from attnviz.figures.quantities import percent
from attnviz.models import loading
from attnviz.models.architecture import Architecture
from attnviz.models.configs import grown_config, published_config, read_config
from attnviz.models.parameter_count import ParameterCount
from attnviz.models.parameters import count_parameters

Source = Literal["model", "published", "config", "own"]

_PLACES = {
    "before": "before each",
    "after": "after each",
    "both": "before and after",
    "output": "on each output",
}


@st.cache_resource(max_entries=300, show_spinner=False)
def counted(described: str, is_config: bool = False) -> ParameterCount:
    """The count for a model id, or for the text of a config; frozen, so all learners share it.

    Whatever is wrong with a config is a :class:`ConfigError`: the learner mends it where it was pasted.
    """
    if not is_config:
        return count_parameters(described)
    try:
        return count_parameters(read_config(described))
    except ModelUnsupported as error:
        raise ConfigError(error.message, "Paste the config of another model.") from error


@dataclass(frozen=True)
class Explored:
    """A model that is described well enough to be counted. ``described`` is its id, or its config as JSON."""

    source: Source
    title: str
    described: str

    @property
    def count(self) -> ParameterCount:
        """The exact count."""
        return counted(self.described, self.source in ("config", "own"))

    @property
    def shape(self) -> Architecture:
        """The architecture, which every counted config has."""
        shape = self.count.architecture
        assert shape is not None
        return shape

    @property
    def has_weights(self) -> bool:
        """Whether it is a trained model and not a config alone."""
        return self.source == "model"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The row of facts above the picture."""
        shape = self.shape
        deep = [n for n in (shape.encoder_layers, shape.decoder_layers) if n]
        heads = max(shape.encoder_heads, shape.decoder_heads)
        shared = max(shape.encoder_key_value_heads, shape.decoder_key_value_heads)
        head = "tied" if self.count.tied_head else "own" if "head" in self.count.by_component else "none"
        return [
            ("Type", f"{shape.kind.capitalize()}, {shape.name}"),
            ("Class", ", ".join(shape.classes) or self.count.modules.class_name),
            ("Layers", " + ".join(map(str, deep))),
            (
                "Heads",
                f"{heads}"
                if shared == heads
                else f"{heads} share {shared} {'key' if shared == 1 else 'keys'}",
            ),
            ("Width", f"{shape.d_model:,}"),
            ("Feed-forward", f"{shape.d_ff:,}{' gated' if shape.gated else ''}"),
            ("Vocabulary", f"{shape.vocabulary:,}"),
            ("Positions", _positions(shape)),
            ("Activation", shape.activation),
            ("Norm", _PLACES[shape.norm_placement]),
            ("Output", head),
        ]

    def lead(self, words: Lesson) -> str:
        """The sentence below the title."""
        return words.say("lead", title=self.title, total=f"{self.count.total:,}")

    def largest(self, words: Lesson) -> str:
        """Where most of the numbers sit, in a sentence."""
        groups = grouped(self.count)
        name, number = max(groups.items(), key=lambda item: item[1])
        shape = self.shape
        key = f"say_{name}" if f"say_{name}" in words.words else "say_rest"
        table = max((part for part in self.count.parts if part.at_the_input), key=lambda part: part.count)
        if name == "embeddings" and table.count < number:
            key = "say_embeddings_mostly"
        return words.say(
            key,
            title=self.title,
            share=percent(number / self.count.total),
            table=percent(table.count / self.count.total),
            largest=name,
            width=f"{(table.shape[-1] if name == 'embeddings' else shape.d_model):,}",
            d_ff=f"{shape.d_ff:,}",
            vocabulary=f"{shape.vocabulary:,}",
            layers=shape.encoder_layers + shape.decoder_layers,
        )

    def remarks(self, words: Lesson) -> str:
        """What is tied and what training changes."""
        count = self.count
        said = []
        if count.tied_head:
            said.append(words.say("tied", number=f"{count.tied_head:,}"))
        fixed = count.total - count.trainable
        said.append(
            words.say("trainable_some", trainable=f"{count.trainable:,}", fixed=f"{fixed:,}")
            if fixed
            else words.say("trainable_all")
        )
        entry = published_config(self.described) if self.source == "published" else None
        if entry:
            said.append(words.say("published", date=entry.date, source=entry.source))
        return " ".join(said)

    def grown(self, width: int = 1, depth: int = 1) -> Explored | None:
        """The same with every width, or all layers, so many times as large; None where that is too large to be built."""
        fields = _grown(self.described, self.source in ("config", "own"), width, depth)
        return Explored("config", "Your config", fields) if fields else None

    def code(self, words: Lesson) -> str:
        """The lines that give this count in a notebook."""
        if self.source in ("config", "own"):
            described = pprint.pformat(json.loads(self.described), sort_dicts=False, width=88)
        else:
            described = f'"{self.described}"'
        return words.code.format(described=described)


@st.cache_resource(max_entries=300, show_spinner=False)
def _grown(described: str, is_config: bool, width: int, depth: int) -> str:
    """The config of a grown model as JSON, empty where it cannot be built."""
    entry = None if is_config else published_config(described)
    config = (
        read_config(described)
        if is_config
        else read_config(entry.config)
        if entry
        else loading.config_of(described)
    )
    fields = json.dumps(grown_config(config, width, depth), indent=1)
    try:
        counted(fields, is_config=True)
    except ConfigError:
        return ""
    return fields


def grouped(count: ParameterCount) -> dict[str, int]:
    """Numbers at the input, in attention, in the feed-forward networks, and the rest by component."""
    groups: dict[str, int] = {}
    for part in count.parts:
        kind = "embeddings" if part.at_the_input else part.component.partition(".")[0]
        kind = {"cross": "attention", "positions": "attention"}.get(kind, kind)
        groups[kind] = groups.get(kind, 0) + part.count
    return groups


def _positions(shape: Architecture) -> str:
    if shape.positions == "relative bias":
        return "by distance"
    limit = f"{shape.max_positions:,}" if shape.max_positions else "any"
    return limit if shape.positions == "learned" else f"{limit}, {shape.positions}"
