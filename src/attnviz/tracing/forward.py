"""One forward pass, recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from attnviz.errors import ModelUnsupported, SelectionError, TextError
from attnviz.settings import settings
from attnviz.tracing.attention import Pass, forward_pass
from attnviz.tracing.greedy import greedy
from attnviz.tracing.tokens import Tokens, encode, tokens
from attnviz.tracing.trace import NO_EDITS, Edits, Floats, Trace

if TYPE_CHECKING:
    from attnviz.models.loading import LoadedModel


def trace(
    model: LoadedModel, text: str | tuple[str, str], target: str | None = None, edits: Edits | None = None
) -> Trace:
    """Run ``text`` through ``model`` once and record what every attention layer computed with.

    An encoder takes a pair of texts as well. ``target`` is for encoder-decoder models: what the decoder reads; without
    one, the model writes it itself (greedy, at most ``settings().max_new_tokens``), under the same edits.

    Raises :class:`TextError` for text that is empty, too long, or unreadable for this model, :class:`SelectionError`
    for edits of heads that are not there, :class:`ModelUnsupported` for a model whose layers do not all report.
    """
    edits = edits or NO_EDITS
    facts = model.architecture
    if isinstance(text, tuple) and facts.kind != "encoder":
        raise TextError(
            f"{facts.name} reads one text, not a pair.", "Give it one text, or choose an encoder."
        )
    if isinstance(text, str):
        text = model.as_read(text)
    ids, segments = encode(model.tokenizer, text, limit=token_limit(model), reader=model.title)
    _check_edits(model, edits)
    inputs: dict[str, Any] = {"input_ids": _batch(model, ids)}
    if (
        any(segments) and getattr(model.module.config, "type_vocab_size", 0) > 1
    ):  # RoBERTa has one, DistilBERT none
        inputs["token_type_ids"] = _batch(model, segments)
    if facts.kind != "encoder":
        inputs["use_cache"] = False
    target_ids: tuple[int, ...] = ()
    if facts.kind == "encoder-decoder":
        target_ids = _target_ids(model, ids, target, edits)
        inputs["decoder_input_ids"] = _batch(model, target_ids)
    elif target is not None:
        raise TextError(
            f"{facts.name} reads one text and has no decoder for a target.",
            "Leave the target out, or choose a T5.",
        )
    with torch.inference_mode(), forward_pass(Pass(facts, edits, records=True)) as current:
        output = model.module(**inputs, output_hidden_states=True, return_dict=True)
    _check_complete(model, current)
    both = facts.kind == "encoder-decoder"
    return Trace(
        model_id=model.id,
        tokens=tokens(model.tokenizer, ids, segments, text),
        target_tokens=tokens(model.tokenizer, target_ids) if both else None,
        calls=tuple(current.calls),
        hidden_states=_stack(output.decoder_hidden_states if both else output.hidden_states),
        source_hidden_states=_stack(output.encoder_hidden_states) if both else None,
        gates=np.stack(current.gates) if current.gates else None,
        logits=_numpy(output.logits[0]) if "logits" in output else None,
        last_is_normalised=facts.norm_placement != "after",
        edits=edits,
    )


def write(model: LoadedModel, text: str, edits: Sequence[Edits]) -> tuple[Tokens, ...]:
    """What an encoder-decoder writes of ``text`` with other heads switched off each time, in one batch.

    One result for each of ``edits``, as ``trace(model, text, edits=…).target_tokens``, but many times faster. Raises what
    :func:`trace` raises, and :class:`SelectionError` for edits that do more than switch heads off.
    """
    facts = model.architecture
    if facts.kind != "encoder-decoder":
        raise TextError(
            f"{facts.name} has no decoder that writes a text of its own.", "Choose a T5 or a translator."
        )
    for one in edits:
        _check_edits(model, one)
        if replace(one, ablate_heads=()) != NO_EDITS:
            raise SelectionError("Only heads can be switched off here.", "Leave the other changes out.")
    ids, _ = encode(model.tokenizer, model.as_read(text), limit=token_limit(model), reader=model.title)
    rows = _written(model, ids, edits)
    return tuple(tokens(model.tokenizer, (_start_id(model), *row)) for row in rows)


def token_limit(model: LoadedModel) -> int:
    """How many tokens this model can read here: the smaller of its own limit and the setting."""
    own = model.architecture.max_positions
    return min(own, settings().max_tokens) if own else settings().max_tokens


def _target_ids(
    model: LoadedModel, ids: tuple[int, ...], target: str | None, edits: Edits
) -> tuple[int, ...]:
    """What the decoder reads: the start token, then the target without its end token."""
    start = _start_id(model)
    if target is None:
        return (start, *_written(model, ids, [edits])[0])
    read, _ = encode(model.tokenizer, model.as_written(target), limit=token_limit(model) - 1, as_target=True)
    return (start, *_without_end(read, _end_ids(model)))


def _start_id(model: LoadedModel) -> int:
    start = model.module.generation_config.decoder_start_token_id
    if start is None:
        start = model.module.config.decoder_start_token_id
    if start is None:
        raise ModelUnsupported(
            "The config of this model does not say how its decoder starts.", "Choose another model."
        )
    return int(start)


def _written(model: LoadedModel, ids: tuple[int, ...], edits: Sequence[Edits]) -> list[tuple[int, ...]]:
    """What the decoder writes of the same source under each of ``edits``, without its start and its end."""
    limit = min(settings().max_new_tokens, token_limit(model) - 1)
    return greedy(model, ids, edits, _start_id(model), _end_ids(model), limit)


def _end_ids(model: LoadedModel) -> set[int]:
    ends = model.module.generation_config.eos_token_id
    ends = {ends} if isinstance(ends, int) else set(ends or ())
    return ends | ({model.tokenizer.eos_token_id} - {None})


def _without_end(ids: tuple[int, ...], ends: set[int]) -> tuple[int, ...]:
    while ids and ids[-1] in ends:
        ids = ids[:-1]
    return ids


def _check_edits(model: LoadedModel, edits: Edits) -> None:
    facts = model.architecture
    for kind, layer, head in edits.ablate_heads:
        layers, heads = facts.layers(kind), facts.heads(kind)
        if layer >= layers or head >= heads:
            raise SelectionError(
                f"There is no {kind} head L{layer}H{head} to switch off.",
                f"This model has the layers 0 to {layers - 1} with the heads 0 to {heads - 1}.",
            )


def _check_complete(model: LoadedModel, current: Pass) -> None:
    """A layer that made no call is an error, never a shorter list."""
    for kind in model.architecture.kinds:
        seen = sum(call.kind == kind for call in current.calls)
        if seen != model.architecture.layers(kind):
            raise ModelUnsupported(
                f"{model.title} reported {seen} of its {model.architecture.layers(kind)} {kind} layers.",
                "It cannot be shown truthfully; choose another model.",
            )
    recurrences = model.architecture.decoder_layers if model.architecture.recurrent else 0
    if len(current.gates) != recurrences:
        raise ModelUnsupported(
            f"{model.title} reported {len(current.gates)} of its {recurrences} recurrent layers.",
            "It cannot be shown truthfully; choose another model.",
        )


def _batch(model: LoadedModel, ids: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor([ids], device=model.device)  # (1, position)


def _stack(states: tuple[torch.Tensor, ...]) -> Floats:
    """(layer + 1, position, d_model)"""
    return np.stack([_numpy(state[0]) for state in states])


def _numpy(tensor: torch.Tensor) -> Floats:
    return tensor.detach().float().cpu().numpy()
