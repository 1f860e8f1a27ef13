"""Exact parameter counts, from a model or from its config alone: built on the meta device, where nothing has
weight."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attnviz.errors import ModelUnsupported
from attnviz.models.architecture import Architecture, architecture, family
from attnviz.models.configs import build_errors, published_config, read_config, unbuildable
from attnviz.models.parameter_count import (
    ArithmeticLine,
    LayerCount,
    ModuleNode,
    ParameterCount,
    Part,
    Stack,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn
    from transformers import PreTrainedConfig

    from attnviz.models.loading import LoadedModel

__all__ = [
    "ArithmeticLine",
    "LayerCount",
    "ModuleNode",
    "ParameterCount",
    "Part",
    "count_parameters",
    "values",
]

_ATTENTION = r"(^|\.)(attn|self_attn|attention|SelfAttention)\."
_CROSS = r"(^|\.)(EncDecAttention|encoder_attn|crossattention|cross_attn)\."
_COMPONENTS: tuple[tuple[str, str], ...] = (
    (r"(^|\.)pooler\b", "pooler"),
    (r"(^|\.)(lm_head|cls|classifier|score|qa_outputs|predictions)\b", "head"),
    (
        r"(^|\.)(head|project_out|vocab_transform|vocab_projector|generator_lm_head|generator_predictions)\b|^decoder\.\w+$",
        "head",
    ),
    (r"position_embeddings|embed_positions|wpe\b|relative_attention_bias", "positions"),
    (r"embed|wte\b|(^|\.)(shared|project_in)\b", "embeddings"),
    (r"(^|\.)(rnn|ssru|recurrence)", "recurrence"),
    (rf"{_CROSS}(.*\.)?(q|query|q_proj|q_attn)\.", "cross.query"),
    (rf"{_CROSS}(.*\.)?(k|key|k_proj)\.", "cross.key"),
    (rf"{_CROSS}(.*\.)?(v|value|v_proj)\.", "cross.value"),
    (rf"{_CROSS}(.*\.)?(o|o_proj|out_proj|c_proj|dense)\.", "cross.output"),
    (rf"{_ATTENTION}(.*\.)?(q|query|q_proj|q_lin)\.", "attention.query"),
    (rf"{_ATTENTION}(.*\.)?(k|key|k_proj|k_lin)\.", "attention.key"),
    (rf"{_ATTENTION}(.*\.)?(v|value|v_proj|v_lin)\.", "attention.value"),
    (rf"{_ATTENTION}(.*\.)?(o|o_proj|out_proj|out_lin|c_proj|dense|Wo)\.", "attention.output"),
    (r"\.(gate_proj|wi_0)\.\w+$", "feed_forward.gate"),
    (r"\.(c_fc|intermediate\.dense|lin1|ffn|fc1|up_proj|dense_h_to_4h|wi|wi_1)\.\w+$", "feed_forward.in"),
    (r"\.(c_proj|output\.dense|lin2|ffn_output|fc2|down_proj|dense_4h_to_h|wo|Wo)\.\w+$", "feed_forward.out"),
)
"""From a parameter's dotted name to its component; the first that fits counts. The names are Transformers'
own, of all
families of ``FAMILIES``; a new family adds its names here and nothing else."""

_FUSED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"{_CROSS}c_attn\.", ("cross.key", "cross.value")),
    (r"\.(c_attn|query_key_value|Wqkv|qkv_proj)\.", ("attention.query", "attention.key", "attention.value")),
    (r"\.(gate_up_proj|mlp\.Wi)\.", ("feed_forward.gate", "feed_forward.in")),
)
"""Tensors in which several components lie one after another along the output axis."""


def count_parameters(
    x: LoadedModel | nn.Module | PreTrainedConfig | Mapping[str, Any] | str | Path,
) -> ParameterCount:
    """Every parameter of a model, exactly, by component; tied weights once.

    ``x`` is a loaded model or a torch module, whose own parameters are counted, or what describes one: a
    config, its fields as a mapping, the text of a ``config.json``, the id of a model, or its folder as a ``Path``. From a
    description the model is built without weights: an encoder with its pooler, a decoder with its
    language-model head, an encoder-decoder with its head. ``.total`` equals ``sum(p.numel() for p in
    model.parameters())``.

    Raises :class:`UserError`: :class:`ConfigError` where no model can be built, :class:`ModelUnsupported` for
    another family, and for an id what :func:`attnviz.load` raises.
    """
    from torch import nn

    if isinstance(x, nn.Module):
        return _count(x)
    if isinstance(x, Path):
        return _count_config(read_config(_config_of(x)))
    if isinstance(x, str):
        return _count_config(read_config(x if _looks_like_json(x) else _config_of(x)))
    module = getattr(x, "module", None)
    if isinstance(module, nn.Module):
        return _count(module)
    return _count_config(read_config(cast("Mapping[str, Any] | PreTrainedConfig", x)))


def values(model: LoadedModel, part: Part) -> NDArray[np.float32]:
    """The numbers of ``part`` in a loaded model, in the shape of the part, float32 and read-only.

    A view without a copy where the model is in float32 on the CPU and the tensor is not fused per head.
    """
    import torch

    tensor = model.module.get_parameter(part.name).detach().to("cpu", torch.float32)
    which, of = part.share
    if of > 1:
        axis = next((a for a in range(tensor.ndim) if tensor.shape[a] != part.shape[a]), 0)
        if "query_key_value" in part.name:  # GPT-NeoX: query, key, value of head 0, then of head 1 …
            heads = model.architecture.decoder_heads
            by_head = tensor.reshape(heads, of, tensor.shape[0] // heads // of, *tensor.shape[1:])
            tensor = by_head[:, which].reshape(part.shape)
        else:  # equal widths but for queries, which come first
            start = 0 if which == 0 else tensor.shape[axis] - (of - which) * part.shape[axis]
            tensor = tensor.narrow(axis, start, part.shape[axis])
    array = tensor.numpy()
    array.flags.writeable = False
    return array


def _looks_like_json(text: str) -> bool:
    return not text.strip() or text.lstrip()[0] in '{["' or "\n" in text.strip()


def _without_weights(config: PreTrainedConfig) -> nn.Module:
    """A model with shapes only. ``config.dtype`` is empty, or building would set PyTorch's default for all
    threads."""
    import torch
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    facts = family(config.model_type)
    build: dict[str, Any] = {
        "encoder": AutoModel,
        "decoder": AutoModelForCausalLM,
        "encoder-decoder": AutoModelForSeq2SeqLM,
    }
    try:
        with torch.device("meta"):
            model: nn.Module = build[facts.kind].from_config(config)
            return model
    except build_errors() as error:
        raise unbuildable(facts.name, error) from None


_SHALLOW = 3
"""Layers that are really built of a deep stack: the first can differ (T5's table of distances), all later ones have
the shapes of the third. Building all 126 of Llama 3.1 405B takes a second, three of them 20 ms."""

_DEPTHS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_decoder_layers")


def _count_config(config: PreTrainedConfig) -> ParameterCount:
    """The count of the model that ``config`` describes, of whose equal layers only a few are built."""
    if hasattr(config, "num_hidden_groups"):  # ALBERT, whose layers are one
        return _count(_without_weights(config))
    shape = architecture(config)
    depths = {"encoder": shape.encoder_layers, "decoder": shape.decoder_layers}
    built = _count(_without_weights(_shallow(config)))
    last = {
        stack: [p for p in built.parts if (p.stack, p.layer) == (stack, _SHALLOW - 1)] for stack in depths
    }
    parts: list[Part] = []
    for part in built.parts:
        parts.append(part)
        repeated = last.get(part.stack)
        if repeated and part is repeated[-1]:
            parts += [
                replace(p, name=p.name.replace(f".{p.layer}.", f".{layer}.", 1), layer=layer)
                for layer in range(_SHALLOW, depths[part.stack])
                for p in repeated
            ]
    return ParameterCount(tuple(parts), _deepened(built.modules, depths), shape)


def _shallow(config: PreTrainedConfig) -> PreTrainedConfig:
    """The same config with no more layers than are built."""
    shallow = copy.deepcopy(config)
    if getattr(shallow, "layer_types", None) is not None:
        shallow.layer_types = shallow.layer_types[:_SHALLOW]
    for name in _DEPTHS:
        depth = getattr(shallow, name, None)
        if isinstance(depth, int):
            setattr(shallow, name, min(depth, _SHALLOW))
    return shallow


def _deepened(node: ModuleNode, depths: Mapping[str, int], stack: str = "") -> ModuleNode:
    """The tree in which the last layer of each stack stands for all that follow it."""
    stack = node.name if node.name in depths else stack
    if node.class_name == "ModuleList":  # the outermost one holds the layers
        depth = depths[stack] if all(depths.values()) else max(depths.values())
        *others, last = node.children
        children = (*others, replace(last, last=str(depth - 1)) if depth > _SHALLOW else last)
    else:
        children = tuple(_deepened(child, depths, stack) for child in node.children)
    before, after = (sum(child.count * child.repeats for child in c) for c in (node.children, children))
    return replace(node, children=children, count=node.count - before + after)


def _count(module: nn.Module) -> ParameterCount:
    shape = _architecture_of(module)
    homes = _homes(module)
    frozen = not any(tensor.requires_grad for _, tensor in homes.values())
    parts = tuple(
        part for name, tensor in homes.values() for part in _parts(module, name, tensor, shape, frozen)
    )
    return ParameterCount(parts, _tree(module, homes), shape)


def _homes(module: nn.Module) -> dict[int, tuple[str, nn.Parameter]]:
    """Each parameter once, by identity, under its first name; a head's name only where it has no other."""
    found: dict[int, tuple[str, nn.Parameter]] = {}
    for name, tensor in module.named_parameters(remove_duplicate=False):
        if id(tensor) not in found or (
            _component(found[id(tensor)][0]) == "head" and _component(name) != "head"
        ):
            found[id(tensor)] = (name, tensor)
    return found


def _component(name: str) -> str:
    return next((component for pattern, component in _COMPONENTS if re.search(pattern, name)), "other")


def _architecture_of(module: nn.Module) -> Architecture | None:
    config = getattr(module, "config", None)
    if config is None:
        return None
    try:
        return architecture(config)
    except ModelUnsupported:
        return None


def _parts(
    model: nn.Module, name: str, tensor: nn.Parameter, shape: Architecture | None, frozen: bool
) -> Iterator[Part]:
    owner = model.get_submodule(name.rpartition(".")[0])
    stack, layer = _place(model, name, shape)
    class_name = type(owner).__name__
    table = "Embedding" in class_name
    # a model that was frozen as a whole, to be read only, was trained all the same, but for its fixed tables
    trainable = tensor.requires_grad or (frozen and "Sinusoidal" not in class_name)

    def part(component: str, size: tuple[int, ...]) -> Part:
        return Part(name, component, size, stack, layer, table, trainable)

    if "norm" in class_name.lower():
        yield part("norm", tuple(tensor.shape))
        return
    for pattern, components in _FUSED:
        if re.search(pattern, name):
            # GPT-2 stores (in, out), all others (out, in)
            axis = tensor.ndim - 1 if class_name == "Conv1D" else 0
            widths = _shares(tensor.shape[axis], components, shape, stack)
            for which, (component, width) in enumerate(zip(components, widths, strict=True)):
                size = tuple(width if a == axis else n for a, n in enumerate(tensor.shape))
                yield replace(part(component, size), share=(which, len(components)))
            return
    yield part(_component(name), tuple(tensor.shape))


def _shares(width: int, components: tuple[str, ...], shape: Architecture | None, stack: Stack) -> list[int]:
    """How the output axis of a fused tensor is divided: equally, but for queries that share their keys and
    values."""
    if len(components) == 3 and shape is not None:
        encoder = stack == "encoder"
        queries = shape.d_head * (shape.encoder_heads if encoder else shape.decoder_heads)
        shared = shape.d_head * (shape.encoder_key_value_heads if encoder else shape.decoder_key_value_heads)
        if queries + 2 * shared == width:
            return [queries, shared, shared]
    equal, rest = divmod(width, len(components))
    return [equal + rest, *[equal] * (len(components) - 1)]


def _place(model: nn.Module, name: str, shape: Architecture | None) -> tuple[Stack, int | None]:
    """Stack and layer of a parameter: the outermost list of modules on its way holds the layers."""
    from torch.nn import ModuleList

    here, path = model, name.split(".")
    for depth, step in enumerate(path[:-1]):
        if isinstance(here, ModuleList):
            if shape is not None and shape.kind == "encoder-decoder":
                return ("decoder" if "decoder" in path[:depth] else "encoder"), int(step)
            return ("encoder" if shape is None or shape.kind == "encoder" else "decoder"), int(step)
        here = getattr(here, step)
    return "", None


def _tree(model: nn.Module, homes: dict[int, tuple[str, nn.Parameter]]) -> ModuleNode:
    def node(name: str, path: str, module: nn.Module) -> ModuleNode:
        own = list(module.named_parameters(recurse=False, remove_duplicate=False))
        tied = [homes[id(tensor)][0] for leaf, tensor in own if homes[id(tensor)][0] != f"{path}{leaf}"]
        counted = sum(tensor.numel() for leaf, tensor in own if homes[id(tensor)][0] == f"{path}{leaf}")
        children = _folded([node(child, f"{path}{child}.", m) for child, m in module.named_children()])
        return ModuleNode(
            name=name,
            class_name=type(module).__name__,
            count=counted + sum(child.count * child.repeats for child in children),
            shapes=tuple((leaf, tuple(tensor.shape)) for leaf, tensor in own),
            children=children,
            tied_to=tied[0] if tied else "",
        )

    return node("", "", model)


def _folded(nodes: list[ModuleNode]) -> tuple[ModuleNode, ...]:
    """Runs of equal numbered neighbours as one node each."""
    folded: list[ModuleNode] = []
    for node in nodes:
        if folded and node.name.isdigit() and _unnamed(folded[-1]) == _unnamed(node):
            folded[-1] = _renamed(folded[-1], folded[-1].name, node.name)
        else:
            folded.append(node)
    return tuple(folded)


def _unnamed(node: ModuleNode) -> ModuleNode:
    return _renamed(node, "", "")


def _renamed(node: ModuleNode, name: str, last: str) -> ModuleNode:
    return ModuleNode(name, node.class_name, node.count, node.shapes, node.children, last, node.tied_to)


def _config_of(model: str | Path) -> Mapping[str, Any] | PreTrainedConfig:
    from attnviz.models.loading import config_of

    published = published_config(model.strip()) if isinstance(model, str) else None
    return published.config if published else config_of(model)
