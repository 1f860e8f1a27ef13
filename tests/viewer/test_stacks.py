import json

import pytest

from attnviz.models.parameters import count_parameters
from attnviz.viewer.stacks import Column, chosen_block, payload
from tests.tiny import SETTINGS


def column(model_type, title="A model"):
    count = count_parameters(
        {"vocab_size": 300, "pad_token_id": 0, **SETTINGS[model_type], "model_type": model_type}
    )
    return Column("Kind", title, count.architecture, count, {"norm": "scaled"})


def test_each_model_is_drawn_from_its_own_facts():
    found = payload([column("bert"), column("llama"), column("marian-ssru")], title="Three")
    json.dumps(found, allow_nan=False)
    bert, llama, student = (one["block"]["stacks"] for one in found["columns"])
    assert [s["placement"] for s in (*bert, *llama)] == ["after", "before"]
    assert [b["part"] for b in bert[0]["before"]] == ["embeddings", "positions"]
    assert [b["part"] for b in llama[0]["before"]] == ["embeddings"]
    assert [s["kind"] for s in student[1]["sublayers"]] == ["recurrence", "cross", "feed_forward"]
    assert llama[0]["sublayers"][1]["gated"] and not bert[0]["sublayers"][1]["gated"]
    assert "norm after each" in found["alt"] and "a recurrence" not in found["alt"].split(";")[0]
    assert found["csv"].count("\n") >= 10 and "Cross-attention" in found["csv"]


def test_a_title_is_data():
    found = payload([column("gpt2", "=<b>\ud800")], title="x")
    json.dumps(found).encode()
    assert found["columns"][0]["title"].startswith("=<b>")
    with pytest.raises(ValueError, match="no model"):
        payload([], title="x")


@pytest.mark.parametrize(
    "value",
    [None, 3, {}, {"part": "attention"}, {"part": "attention", "column": 3}, {"part": "attention", "column": True},
     {"part": "x", "column": 0}, {"part": "", "column": 0}, {"part": "norm", "column": -1}, {"column": 0}],
)  # fmt: skip
def test_what_comes_back_is_checked(value):
    assert chosen_block(value, 3) is None


def test_a_good_choice_comes_back():
    sent = {"part": "attention.query", "stack": "decoder", "layer": None, "column": 2}
    assert chosen_block(sent, 3) == sent
