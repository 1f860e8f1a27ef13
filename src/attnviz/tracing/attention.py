"""THE attention function: registered once with Transformers, called by every layer of every model.

It computes what the built-in eager function computes, in the same order of operations, so the numbers are
bit-identical. What is recorded and what is edited belongs to the pass, not to the model: it lies in a context
variable, so two passes on one shared model at the same moment never meet, and no lock is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from attnviz.errors import ModelUnsupported
from attnviz.models.architecture import Architecture, architecture
from attnviz.tracing.alibi import alibi_slopes
from attnviz.tracing.trace import NO_EDITS, AttentionCall, AttentionKind, Edits, Floats

ATTENTION = "attnviz"
"""The name under which Transformers knows the function."""

_CROSS_ATTENTION = {"encoder_attn", "EncDecAttention", "crossattention"}
_POSITION_TABLES = {"position_embeddings", "wpe", "embed_positions"}
_ROTARY = "rotary_emb"


@dataclass
class Pass:
    """One forward pass: its edits, and where it is recorded, the calls and the gates of recurrent layers seen so far.

    ``row_edits`` are the edits of each row of a batch; of those only the heads that are switched off are followed.
    """

    architecture: Architecture
    edits: Edits = NO_EDITS
    row_edits: tuple[Edits, ...] = ()
    records: bool = False
    calls: list[AttentionCall] = field(default_factory=list)
    gates: list[Floats] = field(default_factory=list)
    _seen: dict[AttentionKind, int] = field(default_factory=dict)
    _biases: dict[tuple[int, ...], tuple[object, Floats | None]] = field(default_factory=dict)

    def next_layer(self, kind: AttentionKind) -> int:
        """The layer that calls now. Layers run in order, and ALBERT's share one module, so calls are counted.

        When a decoder writes token by token, its layers come round again.
        """
        seen = self._seen.get(kind, 0)
        self._seen[kind] = seen + 1
        return seen % self.architecture.layers(kind)

    def bias(self, *parts: torch.Tensor | None) -> Floats | None:
        """The sum of additive parts as NumPy (1 or head, query, key); layers that share the parts share the sum."""
        key = tuple(map(id, parts))
        if key not in self._biases:
            present = [part[0] for part in parts if part is not None]
            total = sum(present[1:], start=present[0]) if present else None
            # the parts are kept alive with the sum: an id is unique only as long as its object lives
            self._biases[key] = (parts, None if total is None else _numpy(total))
        return self._biases[key][1]


_PASS: ContextVar[Pass | None] = ContextVar("attnviz_pass", default=None)
_KINDS: WeakKeyDictionary[nn.Module, AttentionKind] = WeakKeyDictionary()


@contextmanager
def forward_pass(current: Pass) -> Iterator[Pass]:
    """Within this context, models of this thread record into ``current`` and follow its edits."""
    token = _PASS.set(current)
    try:
        yield current
    finally:
        _PASS.reset(token)


def attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    position_bias: torch.Tensor | None = None,
    s_aux: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention as Transformers calls it; see the module's docstring.

    ``query`` (batch, head, query, d_head); ``key`` and ``value`` (batch, key/value head, key, d_head);
    ``attention_mask`` and ``position_bias`` are additive. Returns the heads' outputs (batch, query, head, d_head),
    before the output projection, and the weights (batch, head, query, key).
    """
    if s_aux is not None:
        raise ModelUnsupported(
            "This model lets attention flow into a sink that is no token, which cannot be shown yet.",
            "Choose another model.",
        )
    if scaling is None:
        scaling = query.size(-1) ** -0.5
    current, kind, edited, layer = _PASS.get(), None, None, 0
    if current is not None:
        kind = _KINDS[module]
        layer = current.next_layer(kind)
        if not current.edits.positions and position_bias is not None:
            position_bias = None
        if kind != "cross":
            scaling = scaling if current.edits.scaling is None else current.edits.scaling
            edited = _edited_bias(current.edits, query, key.size(-2))

    groups = query.size(1) // key.size(1)
    keys = key.repeat_interleave(groups, dim=1) if groups > 1 else key  # (batch, head, key, d_head)
    values = value.repeat_interleave(groups, dim=1) if groups > 1 else value
    # in place: the same numbers as with new tensors, without their memory
    weights = torch.matmul(query, keys.transpose(2, 3)).mul_(scaling)  # (batch, head, query, key)
    if softcap is not None:
        weights.div_(softcap).tanh_().mul_(softcap)
    for bias in (position_bias, attention_mask, edited):
        if bias is not None:
            weights.add_(bias)
    weights = nn.functional.softmax(weights, dim=-1, dtype=torch.float32).to(query.dtype)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    output = torch.matmul(weights, values).transpose(1, 2).contiguous()  # (batch, query, head, d_head)

    if current is not None and kind is not None:
        ablated = current.edits.ablated(kind, layer)
        if ablated:
            output[:, :, list(ablated)] = 0
        for row, edits in enumerate(current.row_edits):
            heads = edits.ablated(kind, layer)
            if heads:
                output[row, :, list(heads)] = 0
        if current.records:
            current.calls.append(
                AttentionCall(
                    kind=kind,
                    layer=layer,
                    query=_numpy(query[0]),
                    key=_numpy(key[0]),
                    value=_numpy(value[0]),
                    scaling=float(scaling),
                    bias=current.bias(position_bias, attention_mask, edited),
                    softcap=softcap,
                    ablated=ablated,
                )
            )
    return output, weights


def record_gates(gates: torch.Tensor) -> None:
    """Keep the forget gates of a recurrent layer, (batch, position, channel), where this pass is recorded.

    Layers call in order, as they do with :func:`attention`.
    """
    current = _PASS.get()
    if current is not None and current.records:
        current.gates.append(_numpy(gates[0]))


def register(model: PreTrainedModel) -> Architecture:
    """Make a model call :func:`attention`, once after loading; returns its architecture.

    Position tables and rotary angles get a hook that does nothing but in a pass with ``Edits(positions=False)``.
    Raises :class:`ModelUnsupported` for a family that cannot be traced.
    """
    facts = architecture(model.config)
    AttentionInterface.register(ATTENTION, attention)
    AttentionMaskInterface.register(ATTENTION, eager_mask)
    for path, module in model.named_modules():
        _KINDS[module] = _kind(path, facts)
        last = path.rpartition(".")[2]
        if last in _POSITION_TABLES:
            module.register_forward_hook(_without_positions)
        elif last == _ROTARY:
            module.register_forward_hook(_without_rotation)
    model.set_attn_implementation(ATTENTION)
    return facts


def _kind(path: str, facts: Architecture) -> AttentionKind:
    """Which kind of attention a module at this path would compute."""
    if facts.kind != "encoder-decoder":
        return facts.kind
    parts = path.split(".")
    if _CROSS_ATTENTION.intersection(parts):
        return "cross"
    return "decoder" if "decoder" in parts else "encoder"


def _without_positions(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
    current = _PASS.get()
    return output if current is None or current.edits.positions else torch.zeros_like(output)


def _without_rotation(module: nn.Module, inputs: Any, output: tuple[torch.Tensor, torch.Tensor]) -> Any:
    current = _PASS.get()
    if current is None or current.edits.positions:
        return output
    cosine, sine = output
    return torch.ones_like(cosine), torch.zeros_like(sine)  # a rotation by zero


def _edited_bias(edits: Edits, query: torch.Tensor, n_keys: int) -> torch.Tensor | None:
    """What the edits add to the scores, (1, head or 1, query, key), or None."""
    if edits.window is None and not edits.local_bias and not edits.alibi:
        return None
    heads, n_queries = query.shape[1:3]
    ahead = n_keys - n_queries  # keys of a cache come before the first query
    distance = (torch.arange(n_queries)[:, None] + ahead - torch.arange(n_keys)).abs()  # (query, key)
    bias = -edits.local_bias * distance.float()[None]  # (1, query, key)
    if edits.alibi:
        bias = bias - torch.tensor(alibi_slopes(heads), dtype=torch.float32)[:, None, None] * distance
    if edits.window is not None:
        bias = bias.masked_fill(distance >= edits.window, torch.finfo(query.dtype).min)
    return bias[None].to(query.device, query.dtype)


def _numpy(tensor: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The tensor as float32 NumPy; shares memory with a float32 tensor on the CPU."""
    return tensor.detach().float().cpu().numpy()
