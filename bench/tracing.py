"""A trace, beside the model's own pass that returns attention, and beside nnsight. Runs in the peers' environment."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from nnsight import NNsight

import attnviz
from attnviz.models.bundled import MINILM, SMOLLM2
from attnviz.models.loading import LoadedModel
from bench.measuring import medians, milliseconds, table, text_of

ROUNDS = {16: 15, 64: 11, 256: 7}


def eager_pass(module: Any, tokenizer: Any, text: str) -> Any:
    """What one writes without a library: weights of all heads, hidden states and logits."""
    cache = (
        {} if module.config.model_type == "bert" else {"use_cache": False}
    )  # an encoder has none to switch off
    with torch.inference_mode():
        ids = tokenizer(text, return_tensors="pt")
        return module(**ids, output_attentions=True, output_hidden_states=True, **cache)


def nnsight_pass(watched: Any, tokenizer: Any, text: str) -> list[torch.Tensor]:
    """The same by nnsight: weights and output of each layer, and the last output, saved from inside the pass."""
    ids = tokenizer(text, return_tensors="pt")
    model_type = watched.config.model_type
    with torch.inference_mode(), watched.trace(**ids):
        saved = []
        if model_type == "bert":
            for layer in watched.encoder.layer:
                saved.append(layer.attention.self.output[1].save())
                saved.append(layer.output.save())
        else:
            for layer in watched.model.layers:
                saved.append(layer.self_attn.output[1].save())
                saved.append(layer.output.save())
            saved.append(watched.lm_head.output.save())
        kept = saved.save()  # nnsight hands out names that were bound inside the trace
    return kept  # noqa: RET504


def measured(model: LoadedModel, watched: NNsight, module: Any, length: int) -> list[str]:
    """One row; before it is measured, all three are seen to return the same weights."""
    text = text_of(model.tokenizer, length)
    trace = attnviz.trace(model, text)
    kind = trace.kinds[0]
    theirs = eager_pass(module, model.tokenizer, text).attentions
    saved = [array for array in nnsight_pass(watched, model.tokenizer, text) if array.ndim == 4]
    assert len(saved) == len(theirs) == trace.layers(kind)
    for layer, (one, two) in enumerate(zip(theirs, saved, strict=True)):
        ours = torch.tensor(trace.weights(kind, layer))
        # NumPy derives them from the same queries and keys, but sums in another order than torch
        assert (ours - one[0]).abs().max() < 1e-5, layer
        assert torch.equal(one, two), layer
    seconds = medians(
        {
            "attnviz": lambda: attnviz.trace(model, text),
            "eager": lambda: eager_pass(module, model.tokenizer, text),
            "nnsight": lambda: nnsight_pass(watched, model.tokenizer, text),
        },
        ROUNDS[length],
    )
    return [
        model.title,
        str(length),
        *(milliseconds(seconds[name]) for name in ("attnviz", "eager", "nnsight")),
        f"{seconds['attnviz'] / seconds['eager']:.2f}",
        f"{seconds['nnsight'] / seconds['attnviz']:.2f}",
    ]


def main() -> None:
    """Print the table."""
    rows = []
    for model_id in (MINILM, SMOLLM2):
        model = attnviz.load(model_id)
        module = copy.deepcopy(model.module)
        module.set_attn_implementation("eager")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that BERT's modules named "output" get another name
            watched = NNsight(module)
        rows += [measured(model, watched, module, length) for length in ROUNDS]
    heads = [
        "Model",
        "Tokens",
        "attnviz.trace",
        "Eager pass",
        "nnsight",
        "attnviz / eager",
        "nnsight / attnviz",
    ]
    table("Tracing: text in, every head and hidden state out", heads, rows)


if __name__ == "__main__":
    main()
