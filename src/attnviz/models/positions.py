"""How a loaded model tells positions apart, as NumPy: its tables, the speeds of its rotations, its learned biases.

Where a family keeps these is found by the names that Transformers gives them, the same that a pass without positions
switches off (see ``attnviz.tracing.attention``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from attnviz.models.architecture import Architecture

Floats = NDArray[np.float32]
Stack = Literal["encoder", "decoder"]

_TABLES = ("position_embeddings", "wpe", "embed_positions")
_ROTARY, _RELATIVE = "rotary_emb", "relative_attention_bias"


@dataclass(frozen=True, eq=False)
class PositionTable:
    """One vector for each position, (position, width), added to the embedding of the token; row 0 is position 0."""

    stack: Stack
    table: Floats


@dataclass(frozen=True, eq=False)
class Rotation:
    """A rotary encoding (Su et al. 2021): pair i of a query or key turns by ``speeds[i]`` radians a position.

    Pair i is the dimensions i and i + len(speeds); dimensions from 2 * len(speeds) on do not turn. ``layers`` are those
    that turn so. ``base`` is the config's.
    """

    layers: tuple[int, ...]
    speeds: Floats
    base: float
    d_head: int


@dataclass(frozen=True, eq=False)
class RelativeBias:
    """Biases learned by distance, (bucket, head), added to the scores of ``layers`` (T5: Raffel et al. 2020).

    ``two_sided`` says that keys before and after the query have buckets of their own.
    """

    stack: Stack
    layers: tuple[int, ...]
    table: Floats
    max_distance: int
    two_sided: bool


@dataclass(frozen=True, eq=False)
class ModelPositions:
    """All of a model's ways to tell positions apart; a scheme that it has not is empty."""

    tables: tuple[PositionTable, ...]
    rotations: tuple[Rotation, ...]
    biases: tuple[RelativeBias, ...]

    def rotation(self, layer: int) -> Rotation | None:
        """How this layer turns its queries and keys; None where it does not (some layers of SmolLM3)."""
        return next((r for r in self.rotations if layer in r.layers), None)


def model_positions(module: PreTrainedModel, architecture: Architecture) -> ModelPositions:
    """What a loaded model knows of positions; shares memory with float32 parameters on the CPU."""
    return ModelPositions(
        tuple(_tables(module, architecture)),
        tuple(_rotations(module, architecture)),
        tuple(_biases(module, architecture)),
    )


def _tables(module: PreTrainedModel, facts: Architecture) -> Iterator[PositionTable]:
    for path, part in _parts(module, *_TABLES):
        stack = _stack(path, facts)
        weight = getattr(part, "weight", None)
        if weight is None:
            weight = getattr(part, "weights", None)  # M2M-100 computes its table
        if weight is not None:
            yield PositionTable(stack, _array(weight)[_first_row(part, facts) :])


def _first_row(part: Any, facts: Architecture) -> int:
    """The row of position 0: some tables begin with rows for padding, left over from older code."""
    padding = getattr(part, "padding_idx", None)
    if facts.model_type in ("roberta", "camembert", "xlm-roberta", "m2m_100") and padding is not None:
        return int(padding) + 1
    return int(getattr(part, "offset", 0))


def _rotations(module: PreTrainedModel, facts: Architecture) -> Iterator[Rotation]:
    config: Any = module.config
    layers = facts.decoder_layers or facts.encoder_layers
    turns = getattr(config, "no_rope_layers", None) or [1] * layers
    parameters = getattr(config, "rope_parameters", None) or {}
    for _, part in _parts(module, _ROTARY):
        buffers = dict(part.named_buffers())
        if "inv_freq" in buffers:
            chosen = tuple(i for i in range(layers) if turns[i])
            base = float(parameters.get("rope_theta", 10_000))
            yield Rotation(chosen, _array(buffers["inv_freq"]), base, facts.d_head)
            continue
        kinds = list(config.layer_types)
        for kind in dict.fromkeys(kinds):  # local and global layers turn at speeds of their own
            if f"{kind}_inv_freq" in buffers:
                yield Rotation(
                    tuple(i for i, one in enumerate(kinds) if one == kind),
                    _array(buffers[f"{kind}_inv_freq"]),
                    float(parameters[kind]["rope_theta"]),
                    facts.d_head,
                )


def _biases(module: PreTrainedModel, facts: Architecture) -> Iterator[RelativeBias]:
    config: Any = module.config
    found = [(path, part) for path, part in _parts(module, _RELATIVE)]
    for path, part in found:
        stack = _stack(path, facts)
        own = [p for p, _ in found if _stack(p, facts) == stack]
        count = facts.encoder_layers if stack == "encoder" else facts.decoder_layers
        # one table for all layers of a stack (T5), or each layer its own (UMT5)
        layers = tuple(range(count)) if len(own) == 1 else (own.index(path),)
        yield RelativeBias(
            stack,
            layers,
            _array(part.weight),
            int(config.relative_attention_max_distance),
            two_sided=stack == "encoder",
        )


def _parts(module: PreTrainedModel, *names: str) -> Iterator[tuple[str, Any]]:
    for path, part in module.named_modules():
        if path.rpartition(".")[2] in names:
            yield path, part


def _stack(path: str, facts: Architecture) -> Stack:
    if facts.kind == "encoder-decoder":
        return "decoder" if "decoder" in path.split(".") else "encoder"
    return "decoder" if facts.kind == "decoder" else "encoder"


def _array(tensor: nn.Parameter | Any) -> Floats:
    array: Floats = tensor.detach().float().cpu().numpy().view()
    array.setflags(write=False)
    return array
