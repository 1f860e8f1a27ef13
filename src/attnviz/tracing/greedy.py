"""Greedy writing under many edits at once: one batch that shrinks as its rows end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import torch
from transformers import StoppingCriteriaList
from transformers.modeling_outputs import BaseModelOutput

from attnviz.tracing.attention import Pass, forward_pass
from attnviz.tracing.trace import Edits

if TYPE_CHECKING:
    from attnviz.models.loading import LoadedModel


def greedy(
    model: LoadedModel, source: Sequence[int], edits: Sequence[Edits], start: int, ends: set[int], limit: int
) -> list[tuple[int, ...]]:
    """What the decoder writes of the ids ``source`` under each of ``edits``: at most ``limit`` tokens, none of ``ends``.

    The source is read once where no edit is of the encoder. When half of the rows have ended they leave the batch, so
    that one row that goes on and on is as quick as it would be alone. Of several edits only the heads that are switched
    off are followed.
    """
    found: dict[int, tuple[int, ...]] = {}
    rows = list(range(len(edits)))  # those that are still written
    written = torch.full((len(rows), 1), start, device=model.device)  # (row, position)
    cache: Any = None
    with torch.inference_mode():
        read = _read(model, source, edits) if rows else written  # (row, source position, d_model)
        while rows:
            with forward_pass(_pass(model, [edits[row] for row in rows])):
                output = model.module.generate(  # type: ignore[operator]
                    input_ids=written.new_tensor([source]).expand(len(rows), -1),
                    attention_mask=written.new_ones(len(rows), len(source)),
                    encoder_outputs=BaseModelOutput(read),
                    decoder_input_ids=written,
                    decoder_attention_mask=torch.ones_like(written),
                    past_key_values=cache,
                    stopping_criteria=StoppingCriteriaList([_half_have_ended(ends)]),
                    max_new_tokens=limit + 1 - written.size(1),
                    min_length=0,
                    do_sample=False,
                    num_beams=1,
                    use_cache=True,
                    return_dict_in_generate=True,
                )
            written, cache = output.sequences, output.past_key_values
            going = []
            for place, (row, ids) in enumerate(zip(rows, written[:, 1:].tolist(), strict=True)):
                if len(ids) < limit and ends.isdisjoint(ids):
                    going.append(place)
                else:
                    found[row] = tuple(takewhile(lambda i: i not in ends, ids))
            kept = torch.tensor(going, dtype=torch.long, device=model.device)
            rows, written, read = [rows[place] for place in going], written[kept], read[kept]
            cache.batch_select_indices(kept)
    return [found[row] for row in range(len(edits))]


def _read(model: LoadedModel, source: Sequence[int], edits: Sequence[Edits]) -> torch.Tensor:
    """What the encoder makes of the source, (row, position, d_model): computed for one row where all rows are alike."""
    alike = len(edits) > 1 and not any(kind == "encoder" for one in edits for kind, *_ in one.ablate_heads)
    current = _pass(model, () if alike else edits)
    ids = torch.tensor([source], device=model.device).expand(1 if alike else len(edits), -1)
    encoder: Any = model.module.get_encoder()  # type: ignore[operator]
    with forward_pass(current):
        states: torch.Tensor = encoder(
            input_ids=ids, attention_mask=torch.ones_like(ids), return_dict=True
        ).last_hidden_state
    return states.expand(len(edits), -1, -1)


def _pass(model: LoadedModel, edits: Sequence[Edits]) -> Pass:
    if len(edits) == 1:
        return Pass(model.architecture, edits[0])
    return Pass(model.architecture, row_edits=tuple(edits))


def _half_have_ended(ends: set[int]) -> Callable[..., torch.Tensor]:
    """Stops all rows as soon as half of them hold one of ``ends`` after their start token."""

    def stop(written: torch.Tensor, scores: Any, **ignored: Any) -> torch.Tensor:
        last = written.new_tensor(sorted(ends))
        ended = torch.isin(written[:, 1:], last).any(dim=1)  # (row,)
        return torch.full_like(ended, bool(2 * ended.sum() >= len(ended)))

    return stop
