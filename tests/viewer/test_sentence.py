from __future__ import annotations

import csv
import io
import json

import pytest

from attnviz.viewer.sentence import LONGEST, Look, chosen_word, payload

WORDS = ["The", "animal", "was", "tired."]
LOOKS = [
    Look((0.1, 0.0, 0.0, 0.0), None, 0, 0),
    Look((0.25, 0.5, 0.0, 0.0), 0, 1, 2),
    Look((0.0, 0.7, 0.1, 0.0), 1, 3, 1),
    Look((0.05, 0.676, 0.2, 0.05), 1, 5, 11),
]


def _packed(**changes: object) -> dict[str, object]:
    return payload(**{"words": WORDS, "looks": LOOKS, "query": 3, "model": "MiniLM", "heads": 72, **changes})  # type: ignore[arg-type]


def test_what_is_said_is_what_the_numbers_are() -> None:
    look = _packed()["looks"][3]  # type: ignore[index]
    assert look["key"] == 1
    assert look["hops"] == 2
    assert look["weights"] == [0.05, 0.676, 0.2, 0.05]
    assert look["attention"] == "attention, 68\u00a0% of its weight"
    assert look["steps"] == "2 steps"
    lead = "".join(text for text, _ in look["lead"])
    assert lead == "To carry animal to tired, a recurrent network takes 2 steps. Attention takes one."
    assert [role for _, role in look["lead"] if role] == ["key", "query"]
    assert look["note"].startswith(
        "Measured in MiniLM, layer 5, head 11: of all 72 heads the one where ‘tired’ looks"
    )


def test_one_step_back_costs_the_same() -> None:
    look = _packed()["looks"][2]  # type: ignore[index]
    assert "".join(text for text, _ in look["lead"]).endswith("takes 1 step. Attention takes one, too.")


def test_the_first_word_has_nowhere_to_look() -> None:
    look = _packed()["looks"][0]  # type: ignore[index]
    assert look["key"] is None
    assert look["say"] == "‘The’ has no earlier word to look at."
    assert look["hint"] == "Choose any other word."


def test_where_no_word_has_one_no_other_is_offered() -> None:
    (look,) = payload(["owl"], [Look((0.4,), None, 0, 0)], query=0, model="MiniLM", heads=72)["looks"]
    assert look["hint"] == "No word here has one; write some more."


def test_lead_can_be_left_to_the_page() -> None:
    assert all(look["lead"] == [] for look in _packed(lead=False)["looks"])  # type: ignore[attr-defined]


def test_payload_is_json_and_its_table_holds_every_weight() -> None:
    packed = _packed()
    assert json.loads(json.dumps(packed, allow_nan=False)) == packed
    rows = list(csv.reader(io.StringIO(packed["csv"])))  # type: ignore[arg-type]
    assert rows[0] == ["word", "layer", "head", *WORDS]
    assert [list(map(float, row[3:])) for row in rows[1:]] == [list(look.weights) for look in LOOKS]


def test_direction_of_each_word_and_broken_characters() -> None:
    words = ["الحيوان", "<b>", "\ud800", "x"]
    assert _packed(words=words)["words"] == [
        {"text": "الحيوان", "rtl": True},
        {"text": "<b>", "rtl": False},
        {"text": "�", "rtl": False},
        {"text": "x", "rtl": False},
    ]


def test_a_long_text_is_cut_and_says_so() -> None:
    n = LONGEST + 10
    looks = [
        Look((0.0,) * i + (0.5,) + (0.0,) * (n - i - 1), max(i - 1, 0) if i else None, 0, 0) for i in range(n)
    ]
    packed = payload([f"w{i}" for i in range(n)], looks, query=n - 1, model="M", heads=1)
    assert len(packed["words"]) == len(packed["looks"]) == LONGEST
    assert packed["query"] == LONGEST - 1
    assert all(len(look["weights"]) == LONGEST for look in packed["looks"])
    assert f"The first {LONGEST} of {n} words are shown." in packed["looks"][5]["note"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": [], "looks": []}, "at least one word"),
        ({"query": 4}, "query 4 is none of 4 words"),
        ({"query": -1}, "query -1"),
        ({"looks": LOOKS[:3]}, "as many looks"),
        ({"looks": [*LOOKS[:3], Look((0.1, 0.2), 1, 0, 0)]}, "as many weights"),
        ({"looks": [*LOOKS[:3], Look((0.1, 0.2, 0.1, 0.1), 3, 0, 0)]}, "must be another"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _packed(**changes)


@pytest.mark.parametrize("weights", [(-0.1, 0.5), (float("nan"), 0.1), (1.2, 0.0), (0.9, 0.9)])
def test_weights_that_are_none_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"weights"):
        Look(weights, 0, 0, 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (3, 3),
        (4, None),
        (-1, None),
        (True, None),
        ("1", None),
        (1.0, None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_what_comes_back_is_checked(value: object, expected: int | None) -> None:
    assert chosen_word(value, 4) == expected
