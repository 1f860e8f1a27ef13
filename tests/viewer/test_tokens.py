"""The payload of the tokens picture: looks, facts, the saved table, what comes back."""

import csv
import io
import json

import pytest

from attnviz.tracing.tokens import Tokens
from attnviz.viewer.tokens import chip_labels, chosen_token, payload

TOKENS = Tokens(
    ids=(101, 7, 4241, 0),
    labels=("[CLS]", "=a,b", "-\ud800", "[UNK]"),
    pieces=("[CLS]", "=a,b", "##x", "[UNK]"),
    surfaces=("", "=a,b", "x", "🙂"),
    raw_bytes=(b"", b"=a,b", b"x", b""),
    special=(True, False, False, False),
    words=(-1, 0, 1, 2),
    segments=(0, 0, 0, 0),
    unknown=(False, False, False, True),
)
FACTS = [[("Number", f"{i:,}"), ("Place", "whole")] for i in TOKENS.ids]


def test_the_payload_is_json_and_says_all():
    made = payload(TOKENS, FACTS, 2, title="MiniLM", hint="Press one.")
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert [t["look"] for t in made["tokens"]] == ["special", "even", "odd", "unknown"]
    assert made["tokens"][2]["id"] == "4,241" and made["tokens"][2]["label"] == "-\ufffd"
    assert made["tokens"][0]["facts"] == "Number 101 · Place whole"
    assert (made["token"], made["rtl"]) == (2, False) and "4 tokens" in made["alt"]


def test_the_saved_table_has_a_row_a_token():
    rows = list(csv.reader(io.StringIO(payload(TOKENS, FACTS, 0, title="")["csv"])))
    assert rows[0] == ["token", "label", "Number", "Place"] and len(rows) == 5
    assert rows[2] == ["1", "'=a,b", "7", "whole"]  # no formula for a spreadsheet


def test_every_token_has_facts():
    with pytest.raises(ValueError, match="zip"):
        payload(TOKENS, FACTS[1:], 0, title="")


@pytest.mark.parametrize("value", [-1, 4, None, "1", True, 1.0, [1]])
def test_anything_else_is_no_token(value):
    assert chosen_token(value, 4) is None


def test_a_token_comes_back():
    assert chosen_token(3, 4) == 3


def test_an_unknown_token_shows_what_it_stands_for():
    assert chip_labels(TOKENS) == ["[CLS]", "=a,b", "-\ud800", "[UNK] 🙂"]
