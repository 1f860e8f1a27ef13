"""What every neuron of every feed-forward network does with a text: one more pass, recorded.

The input of a network's second matrix is caught where it is read, so it is what the model really computed, in every
family alike. What is recorded belongs to the pass, not to the model (see ``attnviz.tracing.attention``).
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from attnviz.errors import ModelUnsupported
from attnviz.models.weights import LAYOUTS, find
from attnviz.tracing.attention import Pass, forward_pass
from attnviz.tracing.neurons import Neurons, Stack

if TYPE_CHECKING:
    from torch import nn

    from attnviz.models.loading import LoadedModel
    from attnviz.tracing.trace import Floats, Trace

_CAUGHT: ContextVar[dict[Stack, list[Floats]] | None] = ContextVar("attnviz_neurons", default=None)
_STACKS: WeakKeyDictionary[nn.Module, Stack] = WeakKeyDictionary()
_lock = threading.Lock()


def feed_forward(model: LoadedModel, trace: Trace) -> Neurons:
    """The activations of all neurons for the tokens of ``trace``, under its edits.

    Raises :class:`ModelUnsupported` for a model whose layers do not all report.
    """
    _listen(model)
    facts = model.architecture
    ids = trace.tokens.ids
    inputs: dict[str, Any] = {"input_ids": _batch(model, ids)}
    if any(trace.tokens.segments) and getattr(model.module.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = _batch(model, trace.tokens.segments)
    if facts.kind != "encoder":
        inputs["use_cache"] = False
    if trace.target_tokens is not None:
        inputs["decoder_input_ids"] = _batch(model, trace.target_tokens.ids)
    caught: dict[Stack, list[Floats]] = {}
    token = _CAUGHT.set(caught)
    try:
        with torch.inference_mode(), forward_pass(Pass(facts, trace.edits)):
            model.module(**inputs, return_dict=True)
    finally:
        _CAUGHT.reset(token)
    layers: dict[Stack, int] = {"encoder": facts.encoder_layers, "decoder": facts.decoder_layers}
    for stack, count in layers.items():
        if len(caught.get(stack, ())) != count:
            raise ModelUnsupported(
                f"{model.title} reported {len(caught.get(stack, ()))} of its {count} feed-forward networks.",
                "It cannot be shown truthfully; choose another model.",
            )
    return Neurons(
        trace.model_id,
        trace.tokens,
        trace.target_tokens,
        {stack: np.stack(caught[stack]) for stack, count in layers.items() if count},
    )


def _listen(model: LoadedModel) -> None:
    """Give each second matrix a hook, once for each model; it does nothing but in a pass of :func:`feed_forward`."""
    facts = model.architecture
    layout = LAYOUTS[facts.model_type]
    base = getattr(model.module, model.module.base_model_prefix, model.module)
    layers: dict[Stack, int] = {"encoder": facts.encoder_layers, "decoder": facts.decoder_layers}
    with _lock:
        for stack, count in layers.items():
            if not count:
                continue
            for layer in find(base, layout.layers.format(stack=stack)):
                matrix = find(layer, layout.feed_forward_out)
                if matrix not in _STACKS:
                    _STACKS[matrix] = stack
                    matrix.register_forward_pre_hook(_catch)


def _catch(matrix: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Keep what is read, (token, neuron). Layers run in order; ALBERT's one layer comes round again and again."""
    caught = _CAUGHT.get()
    if caught is not None:
        read = inputs[0]
        rows = read.reshape(-1, read.shape[-1])  # OPT has no batch axis here
        caught.setdefault(_STACKS[matrix], []).append(rows.detach().float().cpu().numpy())


def _batch(model: LoadedModel, ids: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor([ids], device=model.device)  # (1, position)
