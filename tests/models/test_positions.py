"""What a model knows of positions, beside what its own modules do with it."""

import numpy as np
import pytest
import torch

from attnviz.models.architecture import FAMILIES, architecture
from attnviz.models.positions import model_positions
from tests.tiny import tiny_model


def known(model_type, **changes):
    model = tiny_model(model_type, **changes)
    return model, model_positions(model, architecture(model.config))


@pytest.mark.parametrize("model_type", FAMILIES)
def test_each_family_has_what_its_scheme_says(model_type):
    model, found = known(model_type)
    facts = architecture(model.config)
    has = {
        "learned": found.tables,
        "sinusoidal": found.tables,
        "rotary": found.rotations,
        "relative bias": found.biases,
    }
    assert [scheme for scheme, parts in has.items() if parts and facts.positions == scheme]
    assert bool(found.tables) == (facts.positions in ("learned", "sinusoidal"))
    assert bool(found.rotations) == (facts.positions == "rotary")
    assert bool(found.biases) == (facts.positions == "relative bias")
    stacks = {"encoder", "decoder"} if facts.kind == "encoder-decoder" else {facts.kind}
    for parts in (found.tables, found.biases):
        assert {part.stack for part in parts} in (stacks, set())
    for table in found.tables:
        assert not table.table.flags.writeable


@pytest.mark.parametrize("model_type", ["bert", "roberta", "gpt2", "opt", "bart", "marian-ssru", "m2m_100"])
def test_a_row_of_the_table_is_what_the_model_adds_at_this_position(model_type):
    """The embedding module runs on ids; what it adds is caught where the table is read."""
    model, found = known(model_type)
    caught = []
    names = ("position_embeddings", "wpe", "embed_positions")
    for path, module in model.named_modules():
        if path.rpartition(".")[2] in names:
            module.register_forward_hook(lambda _, __, output: caught.append(output.detach()))
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    both = {"decoder_input_ids": ids} if len(found.tables) == 2 else {}
    with torch.no_grad():
        model(input_ids=ids, **both)
    assert len(caught) == len(found.tables)
    for added, table in zip(caught, found.tables, strict=True):
        np.testing.assert_array_equal(added.reshape(5, -1).numpy(), table.table[:5])


def test_local_and_global_layers_turn_at_their_own_speeds():
    model, found = known("gemma3_text")
    kinds = model.config.layer_types
    assert len(found.rotations) == len(set(kinds)) == 2
    for layer, kind in enumerate(kinds):
        rotation = found.rotation(layer)
        expected = getattr(model.model.rotary_emb, f"{kind}_inv_freq")
        np.testing.assert_array_equal(rotation.speeds, expected.numpy())
        assert rotation.base == model.config.rope_parameters[kind]["rope_theta"]


def test_layers_without_rotation_and_heads_that_turn_in_part():
    model, found = known("smollm3", num_hidden_layers=4)
    assert [found.rotation(i) is not None for i in range(4)] == [bool(i) for i in model.config.no_rope_layers]
    model, found = known("gpt_neox")
    assert 2 * len(found.rotation(0).speeds) == int(0.25 * found.rotation(0).d_head)


def test_t5_shares_one_table_and_umt5_has_one_a_layer():
    _, found = known("t5")
    assert [(b.stack, b.layers, b.two_sided) for b in found.biases] == [
        ("encoder", (0, 1, 2), True),
        ("decoder", (0, 1), False),
    ]
    _, found = known("umt5")
    assert [(b.stack, b.layers) for b in found.biases] == [
        *(("encoder", (i,)) for i in range(3)),
        *(("decoder", (i,)) for i in range(2)),
    ]
