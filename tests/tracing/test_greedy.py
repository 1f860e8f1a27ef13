"""Writing under many edits at once equals writing under each alone, with Transformers' own loop."""

from collections import Counter
from itertools import takewhile

import pytest
import torch
from transformers import GenerationConfig

import attnviz
from attnviz.tracing.attention import Pass, forward_pass
from attnviz.tracing.forward import write
from attnviz.tracing.greedy import greedy

SOURCE, LIMIT = [4, 5, 6, 7], 12
HEADS = [("cross", layer, head) for layer in range(2) for head in range(4)]
EDITS = [
    attnviz.Edits(),
    *(attnviz.Edits(ablate_heads=(head,)) for head in HEADS),
    attnviz.Edits(ablate_heads=tuple(HEADS)),
    attnviz.Edits(ablate_heads=(("encoder", 2, 1), ("cross", 0, 0))),
]


def alone(model, edits):
    """What one call of ``generate`` writes, from the source's ids on, without what follows the end."""
    source = torch.tensor([SOURCE])
    with torch.inference_mode(), forward_pass(Pass(model.architecture, edits)):
        (row,) = model.module.generate(
            input_ids=source, attention_mask=torch.ones_like(source), do_sample=False, max_new_tokens=LIMIT
        ).tolist()
    end = model.module.generation_config.eos_token_id
    return tuple(takewhile(lambda i: i != end, row[1:]))


@pytest.fixture(scope="module", params=["t5", "bart", "marian-ssru"])
def model(request, load):
    """A tiny model whose end is a token that about half of the rows write, and the others never."""
    model = load(request.param, seed=2)
    settings = {"decoder_start_token_id": model.module.config.decoder_start_token_id, "pad_token_id": 0}
    settings["no_repeat_ngram_size"] = 2
    model.module.generation_config = GenerationConfig(**settings)
    counts = Counter(token for edits in EDITS for token in set(alone(model, edits)))
    end = min(counts, key=lambda token: (abs(counts[token] - len(EDITS) / 2), token))
    model.module.generation_config = GenerationConfig(**settings, eos_token_id=end)
    return model


def start_and_end(model):
    config = model.module.generation_config
    return config.decoder_start_token_id, {config.eos_token_id}


def test_rows_are_written_as_each_alone(model):
    expected = [alone(model, edits) for edits in EDITS]
    lengths = list(map(len, expected))
    assert min(lengths) < LIMIT == max(lengths)  # rows leave the batch, and others go on
    for some in (slice(None), slice(0, 10), slice(0, 1), slice(10, None), slice(0, 0)):
        assert greedy(model, SOURCE, EDITS[some], *start_and_end(model), LIMIT) == expected[some]


def test_the_source_is_read_once_where_all_rows_read_alike(model):
    rows = []
    handle = model.module.get_encoder().register_forward_hook(
        lambda module, inputs, output: rows.append(len(output.last_hidden_state))
    )
    try:
        greedy(model, SOURCE, EDITS[:9], *start_and_end(model), LIMIT)
        greedy(model, SOURCE, EDITS, *start_and_end(model), LIMIT)
    finally:
        handle.remove()
    assert rows == [1, len(EDITS)]


def test_nothing_to_write(model):
    assert write(model, "the cat", []) == ()
