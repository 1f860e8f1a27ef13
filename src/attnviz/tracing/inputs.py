"""What an attention layer reads: the vectors that its queries, keys and values are made of."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import torch

from attnviz.errors import SelectionError
from attnviz.models.weights import weights
from attnviz.tracing.attention import Pass, forward_pass
from attnviz.tracing.trace import AttentionKind, Floats, Trace

if TYPE_CHECKING:
    from attnviz.models.loading import LoadedModel

_CROSS_QUERY = ("encoder_attn.q_proj", "EncDecAttention.q")


def attention_input(
    model: LoadedModel, trace: Trace, kind: AttentionKind, layer: int
) -> tuple[Floats, Floats]:
    """What queries are made of, (query, d_model), and what keys and values are made of, (key, d_model).

    In self-attention both are the residual stream before the layer, normalised where the model does that first. In
    cross-attention the keys and values read the encoder's last output; the queries read the middle of a decoder layer,
    which a trace does not hold: for these the model runs once more.
    """
    call = trace.call(kind, layer)
    if kind != "cross":
        states = trace.hidden_states
        if kind == "encoder" and trace.source_hidden_states is not None:
            states = trace.source_hidden_states
        x = states[call.layer]
        if model.architecture.norm_placement in ("before", "both"):
            norm = weights(model.module, model.architecture).layers(kind)[layer].attention_norm
            x = x if norm is None else norm(x)
        return x, x
    if trace.source_hidden_states is None:
        raise SelectionError("This trace has no source to look at.")
    return cross_queries(model, trace)[layer], trace.source_hidden_states[-1]


def cross_queries(model: LoadedModel, trace: Trace) -> tuple[Floats, ...]:
    """For each decoder layer what its cross-attention makes queries of, (target, d_model): one more pass of the model."""
    assert trace.target_tokens is not None
    seen: list[Floats] = []
    mine = threading.get_ident()  # others may run the same model at this moment

    def keep(module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        if threading.get_ident() == mine:
            seen.append(inputs[0][0].detach().float().cpu().numpy())

    hooks = [
        module.register_forward_pre_hook(keep)
        for path, module in model.module.named_modules()
        if path.endswith(_CROSS_QUERY)
    ]
    ids = torch.tensor([trace.tokens.ids], device=model.device)
    target = torch.tensor([trace.target_tokens.ids], device=model.device)
    try:
        with torch.inference_mode(), forward_pass(Pass(model.architecture, trace.edits)):
            model.module(input_ids=ids, decoder_input_ids=target, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(seen)
