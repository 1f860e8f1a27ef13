"""The record of a count: every parameter once, by component, by layer, as a tree, and written out as
arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal

from attnviz.models.architecture import Architecture

Stack = Literal["", "encoder", "decoder"]

COMPONENTS: dict[str, str] = {
    "embeddings": "Embeddings",
    "positions": "Positions",
    "attention.query": "Query",
    "attention.key": "Key",
    "attention.value": "Value",
    "attention.output": "Output",
    "cross.query": "Cross query",
    "cross.key": "Cross key",
    "cross.value": "Cross value",
    "cross.output": "Cross output",
    "recurrence": "Recurrence",
    "feed_forward.gate": "Feed-forward gate",
    "feed_forward.in": "Feed-forward in",
    "feed_forward.out": "Feed-forward out",
    "norm": "Norms",
    "pooler": "Pooler",
    "head": "Head",
    "other": "Other",
}
"""Every component, in the order in which a model uses them, with its name on screen."""


@dataclass(frozen=True)
class Part:
    """A parameter tensor, or the share of a fused one that belongs to one component.

    ``shape`` is the share's. ``layer`` counts from 0 within ``stack``, None for what stands outside the
    layers. ``table`` says that rows are looked up by number (token, position) and never multiplied as a
    matrix. ``share`` is (which, of how many) among the components of a fused tensor.
    """

    name: str
    component: str
    shape: tuple[int, ...]
    stack: Stack = ""
    layer: int | None = None
    table: bool = False
    trainable: bool = True
    share: tuple[int, int] = (0, 1)

    @property
    def count(self) -> int:
        """Number of parameters, at least 0."""
        return prod(self.shape)

    @property
    def at_the_input(self) -> bool:
        """Whether it is part of how tokens enter the model: tables, positions, their norm."""
        return self.layer is None and (
            self.component in ("embeddings", "positions")
            or (self.component == "norm" and "embed" in self.name)
        )


@dataclass(frozen=True)
class LayerCount:
    """The parameters of one layer. ``uses`` is above 1 where several layers share them (ALBERT)."""

    stack: Stack
    index: int
    uses: int
    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """Number of parameters of this layer."""
        return sum(part.count for part in self.parts)

    @cached_property
    def by_component(self) -> dict[str, int]:
        """Component to number of parameters; sums to ``total``."""
        return _by_component(self.parts)


@dataclass(frozen=True)
class ModuleNode:
    """A module of the model with what it holds.

    ``count`` includes its children and counts what is tied once, at its first place. ``shapes`` are those of
    its own tensors, by name; ``tied_to`` names the tensor it shares. ``last`` closes a run of equal
    neighbours ("1" to "5"), of which only this first one is kept: ``count`` is then each one's.
    """

    name: str
    class_name: str
    count: int
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    children: tuple[ModuleNode, ...] = ()
    last: str = ""
    tied_to: str = ""

    @property
    def repeats(self) -> int:
        """How many equal modules this node stands for, at least 1."""
        return int(self.last) - int(self.name) + 1 if self.last else 1

    def walk(self, depth: int = 0) -> Iterator[tuple[int, ModuleNode]]:
        """This node and all below it with their depth, in the order of the model."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True)
class ArithmeticLine:
    """One line of the sum: ``formula`` with the model's own numbers, whose value is ``count``."""

    component: str
    title: str
    formula: str
    count: int


@dataclass(frozen=True)
class ParameterCount:
    """An exact count. ``parts`` holds every parameter of the model once; all else follows from it.

    ``architecture`` is None for a module that is no transformer of a supported family.
    """

    parts: tuple[Part, ...]
    modules: ModuleNode
    architecture: Architecture | None = None

    def __post_init__(self) -> None:
        total = sum(part.count for part in self.parts)
        if self.modules.count != total:
            raise ValueError(f"the tree holds {self.modules.count:,} parameters, the parts {total:,}")
        unknown = {part.component for part in self.parts} - set(COMPONENTS)
        if unknown:
            raise ValueError(f"unknown components {sorted(unknown)}")

    @cached_property
    def total(self) -> int:
        """Number of parameters, tied ones once: equal to ``sum(p.numel() for p in model.parameters())``."""
        return sum(part.count for part in self.parts)

    @cached_property
    def trainable(self) -> int:
        """Those that training changes; fixed position tables are not among them. At most ``total``."""
        return sum(part.count for part in self.parts if part.trainable)

    @cached_property
    def by_component(self) -> dict[str, int]:
        """Component (a key of ``COMPONENTS``) to number of parameters; sums to ``total``."""
        return _by_component(self.parts)

    @cached_property
    def layers(self) -> tuple[LayerCount, ...]:
        """Every layer, the encoder's first."""
        found: dict[tuple[Stack, int], list[Part]] = {}
        for part in self.parts:
            if part.layer is not None:
                found.setdefault((part.stack, part.layer), []).append(part)
        stored = Counter(stack for stack, _ in found)
        built = self.architecture
        used = {"encoder": built.encoder_layers, "decoder": built.decoder_layers} if built else {}
        return tuple(
            LayerCount(stack, index, max(1, used.get(stack, 0) // stored[stack]), tuple(parts))
            for (stack, index), parts in sorted(
                found.items(), key=lambda item: (item[0][0] != "encoder", item[0][1])
            )
        )

    @cached_property
    def arithmetic(self) -> tuple[ArithmeticLine, ...]:
        """The sum written out, one line for the input and one a component; the counts sum to ``total``."""
        lines = []
        entering = [part for part in self.parts if part.at_the_input]
        if entering:
            lines.append(_line("embeddings", entering))
        for component in COMPONENTS:
            parts = [part for part in self.parts if part.component == component and not part.at_the_input]
            if parts:
                lines.append(_line(component, parts))
        return tuple(lines)

    @cached_property
    def matrices(self) -> dict[str, int]:
        """Parameters that each token of a stack is multiplied with, by stack: what a forward pass costs.

        Tables are looked up and vectors added, so neither counts, unless the token table serves as the output
        head too. Shared layers count as often as they are used. Cross keys and values are computed from the
        encoder's tokens. The pooler reads one token only and is left out.
        """
        found: Counter[str] = Counter()
        last = self.layers[-1].stack if self.layers else ""
        first = self.layers[0].stack if self.layers else ""
        for layer in self.layers:
            for part in layer.parts:
                if len(part.shape) > 1 and not part.table:
                    stack = first if part.component in ("cross.key", "cross.value") else layer.stack
                    found[stack] += layer.uses * part.count
        for part in self.parts:
            if part.layer is None and len(part.shape) > 1 and not part.table and part.component != "pooler":
                found[last if part.component == "head" else first] += part.count
        found[last] += self.tied_head
        return dict(found)

    @cached_property
    def tied_head(self) -> int:
        """Parameters of the token table where it serves as the output head too, else 0."""
        return sum(
            prod(shape)
            for _, node in self.modules.walk()
            if node.tied_to and node.class_name == "Linear"
            for name, shape in node.shapes
            if name == "weight"
        )


def _by_component(parts: Iterable[Part]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for part in parts:
        found[part.component] += part.count
    return {component: found[component] for component in COMPONENTS if component in found}


def _line(component: str, parts: list[Part]) -> ArithmeticLine:
    return ArithmeticLine(component, COMPONENTS[component], formula(parts), sum(part.count for part in parts))


def formula(parts: Iterable[Part]) -> str:
    """The number of parameters of ``parts`` as a product and sum of their own shapes: "6 × (384 × 384 +
    384)".

    Written with "×", "+", brackets and thousands commas only; evaluated, it is the number of parameters
    exactly.
    """
    outside: list[Part] = []
    by_layer: dict[tuple[Stack, int], list[Part]] = {}
    for part in parts:
        if part.layer is None:
            outside.append(part)
        else:
            by_layer.setdefault((part.stack, part.layer), []).append(part)
    alike: Counter[tuple[str, ...]] = Counter(tuple(_terms(layer)) for layer in by_layer.values())
    sums = [_times(number, terms) for terms, number in alike.items()] + _terms(outside)
    return " + ".join(sums) if sums else "0"


def _times(number: int, terms: tuple[str, ...]) -> str:
    if number == 1:
        return " + ".join(terms)
    return f"{number:,} × ({' + '.join(terms)})" if len(terms) > 1 else f"{number:,} × {terms[0]}"


def _terms(parts: list[Part]) -> list[str]:
    """The summands for parts that stand beside each other; tables of one width share it as a factor."""
    tables = [part for part in parts if part.table and len(part.shape) == 2]
    widths = Counter(part.shape[-1] for part in tables)
    width = widths.most_common(1)[0][0] if widths else 0
    vectors = [part for part in parts if part.shape == (width,) and part.component == "norm"]
    factored = [part for part in tables if part.shape[-1] == width] + vectors
    terms = []
    if len({part.name.rpartition(".")[0] for part in factored}) > 1:
        rows = [f"{part.shape[0]:,}" for part in factored if part not in vectors]
        rows += [f"{number:,}" for number in Counter(_owner(part) for part in vectors).values()]
        terms.append(f"({' + '.join(rows)}) × {width:,}")
        parts = [part for part in parts if part not in factored]
    for shape, number in Counter(part.shape for part in parts).items():
        product = " × ".join(f"{size:,}" for size in shape) or "1"
        terms.append(product if number == 1 else f"{number:,} × {product}")
    return terms


def _owner(part: Part) -> str:
    return part.name.rpartition(".")[0]
