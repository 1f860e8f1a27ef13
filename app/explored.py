"""What the model explorer looks at: a model at hand, a published or pasted config, or the learner's own
sizes."""

from __future__ import annotations

import json
import pprint
from dataclasses import dataclass
from math import isqrt
from typing import Any, Literal

import streamlit as st

from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.memory import cache_bytes, token_flops, weight_bytes
from attnviz.errors import ConfigError, ModelUnsupported
from attnviz.figures.costs import lengths
from attnviz.figures.quantities import amount, percent, size
from attnviz.models.architecture import Architecture
from attnviz.models.catalog import title_of
from attnviz.models.configs import published_config, read_config, sized_config
from attnviz.models.parameter_count import ParameterCount, Stack
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
            ("Layers", " + ".join(map(str, deep))),
            ("Heads", f"{heads}" if shared == heads else f"{heads} on {shared} keys"),
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
        groups = _groups(self.count)
        name, number = max(groups.items(), key=lambda item: item[1])
        shape = self.shape
        key = f"say_{name}" if f"say_{name}" in words.words else "say_rest"
        return words.say(
            key,
            title=self.title,
            share=percent(number / self.count.total),
            largest=name,
            width=f"{shape.d_model:,}",
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

    def memory(self, words: Lesson, length: int, dtype: str) -> tuple[str, str]:
        """How the cache comes about, and what it takes: an explanation and a derived sentence."""
        count, shape = self.count, self.shape
        weights, cache = weight_bytes(count.total, dtype), cache_bytes(count, length, dtype)
        if not cache:
            return "", words.say("memory_say_encoder", title=self.title, weights=size(weights), dtype=dtype)
        heads, shared = shape.decoder_heads, shape.decoder_key_value_heads
        times = f"{heads / shared:g}"
        which = "sharing_all" if shared == heads else "sharing_one" if shared == 1 else "sharing_some"
        lead = words.say("memory_lead", sharing=words.say(which, heads=heads, shared=shared, times=times))
        window = next((w for w in shape.windows if w), None)
        if window:
            lead += " " + words.say("window", window=f"{window:,}")
        if shape.kind == "encoder-decoder":
            lead += " " + words.say("both_stacks")
        said = words.say(
            "memory_say",
            length=f"{length:,}",
            cache=size(cache),
            share=percent(cache / weights),
            weights=size(weights),
        )
        return lead, said

    def work(self, words: Lesson, length: int) -> str:
        """What one token costs, and when attention overtakes the matrices."""
        work = token_flops(self.count, length)
        stack: Stack = "decoder" if "decoder" in work else "encoder"
        flops = work[stack]
        what = "the next token" if stack == "decoder" else "each token"
        said = words.say(
            "work_say",
            length=f"{length:,}",
            what=what,
            total=amount(flops.total),
            share=percent(flops.attention / max(flops.total, 1)),
        )
        lengths_here = lengths(self.count)
        over = [n for n in lengths_here if (f := token_flops(self.count, n)[stack]).attention > f.matrices]
        if not over:
            return f"{said} {words.say('work_never', length=f'{lengths_here[-1]:,}')}"
        one = token_flops(self.count, 1)[stack]
        return f"{said} {words.say('work_cross', length=f'{-(-one.matrices // one.attention):,}')}"

    def code(self, words: Lesson) -> str:
        """The lines that give this count in a notebook."""
        if self.source in ("config", "own"):
            described = pprint.pformat(json.loads(self.described), sort_dicts=False, width=88)
        else:
            described = f'"{self.described}"'
        return words.code.format(described=described)

    def suggestions(self) -> list[Try]:
        """States worth seeing, each with what is found there."""
        llama, small, large = (published_config(i) for i in ("meta-llama/Meta-Llama-3-8B", "gpt2", "gpt2-xl"))
        assert llama and small and large
        times = counted(large.id).total / counted(small.id).total
        other = next(i for i in _AT_HAND if title_of(i) != self.title)
        share = _groups(counted(other))["embeddings"] / counted(other).total
        shape, twice = self.shape, doubled(self.shape)
        growth = _layer(_counted_sizes(twice)) / _layer(_counted_sizes(own_sizes(shape)))
        return [
            Try(
                f"Open {title_of(other)}",
                f"{counted(other).total:,} numbers, {percent(share)} of them for tokens",
                {"source": "Model at hand", "model": other},
            ),
            Try(
                "Grow GPT-2 to its largest",
                f"48 layers for 12, width 1,600 for 768: {times:.1f} times the numbers",
                {"source": "Published", "published": large.name},
            ),
            Try(
                "Share keys and values",
                f"Llama 3 8B: 32 heads on 8 keys, {size(cache_bytes(counted(llama.id), 1))} a token",
                {"source": "Published", "published": llama.name},
            ),
            Try(
                f"Double the width of {self.title}",
                f"a layer grows {growth:.2f} times",
                {"source": "Own sizes", **twice},
            ),
        ]

    def questions(self) -> list[Question]:
        """Predictions about models and sizes that are not on screen."""
        asked = next(i for i in ("t5-small", "bert-base-uncased") if i != self.described)
        entry = published_config(asked)
        assert entry
        groups = _groups(counted(asked))
        names = {"embeddings": "Embeddings", "attention": "Attention", "feed_forward": "Feed-forward"}
        largest = max(names, key=lambda name: groups.get(name, 0))
        shares = ", ".join(
            f"{names[name].lower()} {percent(groups.get(name, 0) / counted(asked).total)}" for name in names
        )
        shape = self.shape
        before, after = (_counted_sizes(sizes) for sizes in (own_sizes(shape), doubled(shape)))
        growth = round(_layer(after) / _layer(before))
        xl = published_config("gpt2-xl")
        assert xl
        small, large = counted("gpt2"), counted(xl.id)
        return [
            Question(
                "largest",
                f"Where do most of the numbers of {entry.name} sit?",
                list(names.values()),
                names[largest],
                f"{shares[0].upper()}{shares[1:]}.",
                {"source": "Published", "published": entry.name},
            ),
            Question(
                "double",
                f"You double every width in {self.title}. How much larger is a layer?",
                ["2 times", "3 times", "4 times", "8 times"],
                f"{growth} times",
                f"A matrix is width × width: {_layer(before):,} becomes {_layer(after):,}.",
                {"source": "Own sizes", **doubled(shape)},
            ),
            Question(
                "cache",
                "GPT-2 XL has 4 times the layers of GPT-2 and about twice the width. "
                "How much more must it keep of each token?",
                ["2 times", "4 times", "8 times", "16 times"],
                f"{round(cache_bytes(large, 1) / cache_bytes(small, 1))} times",
                f"{size(cache_bytes(small, 1))} becomes {size(cache_bytes(large, 1))}: "
                "layers × width, without a square.",
                {"source": "Published", "published": xl.name},
            ),
        ]


_AT_HAND = ("HuggingFaceTB/SmolLM2-135M-Instruct", "sentence-transformers/all-MiniLM-L6-v2")

OWN_FAMILIES = {"GPT-2": "gpt2", "Llama": "llama", "BERT": "bert", "T5": "t5"}


def own_sizes(shape: Architecture) -> dict[str, Any]:
    """The values of the size controls that come nearest to this architecture."""
    kin = {"encoder": "BERT", "encoder-decoder": "T5", "decoder": "Llama" if shape.gated else "GPT-2"}
    heads = max(shape.encoder_heads, shape.decoder_heads)
    return {
        "family": kin[shape.kind],
        "layers": max(shape.encoder_layers, shape.decoder_layers),
        "heads": heads,
        "head_width": shape.d_head,
        "shared": max(shape.encoder_key_value_heads, shape.decoder_key_value_heads),
        "ff": shape.d_ff,
        "vocabulary": shape.vocabulary,
    }


def own_config(sizes: dict[str, Any]) -> dict[str, Any]:
    """The config that these controls describe."""
    return sized_config(
        OWN_FAMILIES[sizes["family"]],
        layers=sizes["layers"],
        heads=sizes["heads"],
        key_value_heads=sizes["shared"],
        d_head=sizes["head_width"],
        d_ff=sizes["ff"],
        vocabulary=sizes["vocabulary"],
    )


def divisors(number: int) -> list[int]:
    """Every number of key and value heads that this many query heads can share evenly."""
    low = [n for n in range(1, isqrt(number) + 1) if number % n == 0]
    return sorted({*low, *(number // n for n in low)})


def doubled(shape: Architecture) -> dict[str, Any]:
    """The same with every width twice as large."""
    sizes = own_sizes(shape)
    return {**sizes, **{name: 2 * sizes[name] for name in ("heads", "shared", "ff")}}


def _counted_sizes(sizes: dict[str, Any]) -> ParameterCount:
    return counted(json.dumps(own_config(sizes)), is_config=True)


def _layer(count: ParameterCount) -> int:
    return count.layers[-1].total


def _groups(count: ParameterCount) -> dict[str, int]:
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
