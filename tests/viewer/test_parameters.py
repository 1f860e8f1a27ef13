"""The packing of parameters and diagram, on tiny models of every family and on counts worked out by hand."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.models.architecture import FAMILIES, architecture
from attnviz.models.parameter_count import COMPONENTS, ParameterCount
from attnviz.models.parameters import count_parameters
from attnviz.viewer import block, explorer, parameters
from tests.tiny import tiny_model

MINILM = {
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}
SMOL = {
    "model_type": "llama",
    "vocab_size": 49152,
    "hidden_size": 576,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "tie_word_embeddings": True,
}


@pytest.fixture(scope="module")
def minilm() -> ParameterCount:
    return count_parameters(MINILM)


def _value(arithmetic: str) -> int:
    return int(eval(arithmetic.replace(",", "").replace("×", "*"), {"__builtins__": {}}))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_parameter_is_drawn_once(family: str) -> None:
    model = tiny_model(family)
    packed = parameters.payload(count_parameters(model), title=family)
    total = sum(tensor.numel() for tensor in model.parameters())
    parts = [part for group in packed["groups"] for row in group["rows"] for part in row]
    assert packed["total"] == total == sum(part["count"] for part in parts)
    assert total == sum(group["count"] for group in packed["groups"])
    assert all(_value(part["arithmetic"]) == part["count"] for part in parts)
    assert {part["part"] for part in parts} <= set(COMPONENTS)
    assert json.loads(json.dumps(packed)) == packed
    rows = list(csv.DictReader(io.StringIO(packed["csv"])))
    assert sum(int(row["parameters"]) for row in rows) == total


def test_minilm_by_hand(minilm: ParameterCount) -> None:
    packed = parameters.payload(minilm, title="MiniLM")
    assert packed["total"] == 22_713_216
    assert packed["unit"] == 10_000
    titles = [(group["title"], group["count"]) for group in packed["groups"]]
    layers = [(f"Layer {index}", 1_774_464) for index in range(6)]
    assert titles == [("Embeddings", 11_918_592), *layers, ("Pooler", 147_840)]
    attention, feed_forward, norms = packed["groups"][1]["rows"]
    names = ["attention.query", "attention.key", "attention.value", "attention.output"]
    assert [part["part"] for part in attention] == names
    assert attention[0] == {
        "part": "attention.query",
        "name": "Query",
        "count": 147_840,
        "shape": "384 × 384",
        "arithmetic": "384 × 384 + 384",
    }
    assert [part["part"] for part in feed_forward] == ["feed_forward.in", "feed_forward.out"]
    assert [part["count"] for part in norms] == [4 * 384]


def test_shared_keys_are_smaller_and_a_tied_head_is_named() -> None:
    packed = parameters.payload(count_parameters(SMOL), title="SmolLM2")
    query, key, value, _ = packed["groups"][1]["rows"][0]
    assert query["count"] == 3 * key["count"] == 3 * value["count"] == 576 * 576
    head = packed["groups"][-1]
    assert (head["title"], head["count"], head["note"]) == ("Head", 0, "the embeddings again, counted once")


def test_relative_bias_stands_behind_the_matrices() -> None:
    packed = parameters.payload(count_parameters(tiny_model("t5")), title="T5")
    first = packed["groups"][1]["rows"][0]
    assert [part["part"].partition(".")[0] for part in first] == ["attention"] * 4 + ["positions"]
    assert [group["stack"] for group in packed["groups"] if group["layer"] == 0] == ["encoder", "decoder"]
    rows = [row[0]["part"] for row in packed["groups"][-4]["rows"]]
    assert rows == ["attention.query", "cross.query", "feed_forward.in", "norm"]


@given(st.integers(1, 10**12))
def test_unit_is_one_two_or_five_and_the_smallest_that_fits(total: int) -> None:
    unit = parameters.fitting_unit(total)
    assert str(unit).rstrip("0") in {"1", "2", "5"}
    assert total <= unit * parameters.SQUARES
    assert unit == 1 or total > unit / 2.5 * parameters.SQUARES


def test_units_of_known_models() -> None:
    sizes = {1_394_048: 500, 22_713_216: 10_000, 134_515_008: 50_000, 8_030_261_248: 5_000_000}
    assert {total: parameters.fitting_unit(total) for total in sizes} == sizes


def test_groups_that_do_not_sum_up_are_refused() -> None:
    part = parameters.Drawn("norm", "Norms", 10, "10", "10")
    group = parameters.Group("Layer 0", "encoder", 0, ((part,),))
    with pytest.raises(ValueError, match="the groups hold 10 parameters, the model 11"):
        parameters.Parameters("x", 11, 1, (group,))
    with pytest.raises(ValueError, match="at least 1 parameter"):
        parameters.Parameters("x", 10, 0, (group,))
    with pytest.raises(ValueError, match="unknown part"):
        parameters.Drawn("neck", "Neck", 1, "1", "1")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_diagram_of_every_family_says_what_the_architecture_is(family: str) -> None:
    model = tiny_model(family)
    shape = architecture(model.config)
    packed = block.payload(shape, count_parameters(model), title=family)
    assert json.loads(json.dumps(packed)) == packed
    names = {"encoder": ["encoder"], "decoder": ["decoder"], "encoder-decoder": ["encoder", "decoder"]}
    assert [stack["stack"] for stack in packed["stacks"]] == names[shape.kind]
    for stack in packed["stacks"]:
        kinds = [sublayer["kind"] for sublayer in stack["sublayers"]]
        assert kinds[-1] == "feed_forward"
        assert ("cross" in kinds) == (shape.kind == "encoder-decoder" and stack["stack"] == "decoder")
        assert stack["placement"] == shape.norm_placement
        assert stack["sublayers"][-1]["gated"] == shape.gated
        for sublayer in stack["sublayers"]:
            if sublayer["kind"] == "attention":
                assert sublayer["heads"] * sublayer["d_head"] == shape.heads(stack["stack"]) * shape.d_head
                assert sublayer["key_value_heads"] == shape.key_value_heads(stack["stack"])


def test_diagram_knows_what_only_the_parameters_tell(minilm: ParameterCount) -> None:
    assert minilm.architecture is not None
    (with_count,) = block.payload(minilm.architecture, minilm, title="MiniLM")["stacks"]
    (without,) = block.payload(minilm.architecture, title="MiniLM")["stacks"]
    assert [box["part"] for box in with_count["after"]] == ["pooler"]
    assert [box["part"] for box in without["after"]] == []
    assert with_count["first_norm"]
    assert not with_count["final_norm"]
    assert [box["part"] for box in with_count["before"]] == ["embeddings", "positions"]


def test_a_recurrence_stands_in_place_of_self_attention() -> None:
    count = count_parameters(tiny_model("marian"))
    parts = tuple(
        replace(part, component="recurrence")
        if part.stack == "decoder" and part.component.startswith("attention.")
        else part
        for part in count.parts
    )
    student = replace(count, parts=parts)
    assert student.architecture is not None
    encoder, decoder = block.payload(student.architecture, student, title="Student")["stacks"]
    assert [sublayer["kind"] for sublayer in encoder["sublayers"]] == ["attention", "feed_forward"]
    assert [sublayer["kind"] for sublayer in decoder["sublayers"]] == ["recurrence", "cross", "feed_forward"]
    packed = parameters.payload(student, title="Student")
    first = next(group for group in packed["groups"] if group["stack"] == "decoder")
    assert [row[0]["part"] for row in first["rows"]] == [
        "recurrence",
        "cross.query",
        "feed_forward.in",
        "norm",
    ]


def test_sublayers_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="9 heads cannot share 2"):
        block.Sublayer("attention", "", "", heads=9, key_value_heads=2, d_head=64)
    with pytest.raises(ValueError, match="needs its widths"):
        block.Sublayer("feed_forward", "", "")
    with pytest.raises(ValueError, match="unknown part"):
        block.Box("neck", "", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"part": "attention.key", "stack": "encoder", "layer": 2},
            {"part": "attention.key", "stack": "encoder", "layer": 2},
        ),
        ({"part": "attention"}, {"part": "attention", "stack": "", "layer": None}),
        ({"part": "", "stack": "", "layer": None}, None),
        ({"part": "attention.neck"}, None),
        ({"part": ["norm"]}, None),
        ({"part": "norm", "stack": "<b>"}, None),
        ({"part": "norm", "layer": -1}, None),
        ({"part": "norm", "layer": True}, None),
        ("norm", None),
        (None, None),
    ],
)
def test_chosen_part_is_checked(value: object, expected: object) -> None:
    assert block.chosen_part(value) == expected


def test_explorer_holds_both(minilm: ParameterCount) -> None:
    assert minilm.architecture is not None
    chosen = {"part": "norm", "stack": "", "layer": None}
    packed = explorer.payload(minilm.architecture, minilm, title="MiniLM", chosen=chosen, theme="dark")
    assert packed["parameters"] == parameters.payload(minilm, title="MiniLM", chosen=chosen)
    assert packed["block"] == block.payload(minilm.architecture, minilm, title="MiniLM")
    assert packed["chosen"] == chosen
    assert packed["theme"] == "dark"
    assert "22,713,216 parameters" in packed["alt"]
