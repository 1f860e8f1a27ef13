from __future__ import annotations

import csv
import io
import json
from base64 import b64decode

import numpy as np
import pytest

from attnviz.viewer.ribbons import LONGEST, Head, chosen, payload

WEIGHTS = np.array([[0.02, 0.9], [0.95, 0.01]], np.float32)
PLACES = np.array([[0, 200], [255, 0]], np.uint8)
HEADS = [Head("L0H0", "50 %", "right for 1 of 2 words", PLACES), Head("L0H1", "100 %", "", PLACES.T.copy())]
PALETTE = {"light": ["#FFFFFF", "#000000"], "dark": ["#000000", "#FFFFFF"]}


def _packed(**changes: object) -> dict[str, object]:
    given = {"source": ["red", "house"], "target": ["casa", "vermelha"], "weights": WEIGHTS, "word": 1}
    given |= {
        "heads": HEADS,
        "across": 2,
        "head": 1,
        "palette": PALETTE,
        "caption": "Every head",
        "note": "Measured.",
    }
    return payload(**(given | changes))  # type: ignore[arg-type]


def test_what_is_said_is_what_the_numbers_are() -> None:
    said = _packed()["said"]
    assert said == {
        "source": ["‘red’ is looked at by ‘vermelha’ 95\u00a0%", "‘house’ is looked at by ‘casa’ 90\u00a0%"],
        "target": ["‘casa’ looks at ‘house’ 90\u00a0%", "‘vermelha’ looks at ‘red’ 95\u00a0%"],
    }


def test_payload_is_json_and_its_table_holds_every_weight() -> None:
    packed = _packed()
    assert json.loads(json.dumps(packed, allow_nan=False)) == packed
    rows = list(csv.reader(io.StringIO(packed["csv"])))  # type: ignore[arg-type]
    assert rows[0] == ["written", "red", "house"]
    np.testing.assert_allclose([list(map(float, row[1:])) for row in rows[1:]], WEIGHTS)


def test_heads_travel_one_byte_a_cell() -> None:
    packed = _packed()
    assert packed["cells"] == [2, 2]
    assert b64decode(packed["heads"][0]["places"]) == PLACES.tobytes()  # type: ignore[index]
    assert [head["said"] for head in packed["heads"]] == ["L0H0: right for 1 of 2 words", "L0H1"]  # type: ignore[attr-defined]


def test_direction_and_broken_characters() -> None:
    packed = _packed(source=["القطة", "<b>\ud800"])
    assert packed["source"] == [{"text": "القطة", "rtl": True}, {"text": "<b>�", "rtl": False}]


def test_no_heads_but_the_one_that_is_drawn() -> None:
    assert _packed(heads=[], palette=None, head=0)["cells"] == [1, 1]


def test_a_long_text_is_cut_and_says_so() -> None:
    n = LONGEST + 4
    packed = _packed(source=[f"w{i}" for i in range(n)], weights=np.full((2, n), 1 / n, np.float32))
    assert len(packed["source"]) == len(packed["weights"][0]) == LONGEST  # type: ignore[arg-type,index]
    assert f"The first {LONGEST} of the read {n} words are shown." in packed["note"]  # type: ignore[operator]
    long = _packed(target=["w"] * n, weights=np.full((n, 2), 0.5, np.float32), word=n - 1)
    assert long["word"] == LONGEST - 1 and len(long["target"]) == LONGEST  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": []}, "0 source words"),
        ({"source": ["red"]}, "2 target and 1 source"),
        ({"word": 2}, "word 2 is none of 2"),
        ({"head": 2}, "head 2 is none of 2"),
        ({"weights": np.array([[0.9, 0.9], [0, 0]], np.float32)}, "sum to 1 at most"),
        ({"weights": np.array([[np.nan, 0.9], [0, 0]], np.float32)}, "between 0 and 1"),
        ({"heads": [HEADS[0], Head("a", "", "", PLACES[:1])]}, "one shape"),
        ({"palette": None}, "a palette"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _packed(**changes)


def test_a_thumbnail_is_of_bytes() -> None:
    with pytest.raises(ValueError, match="bytes"):
        Head("L0H0", "", "", WEIGHTS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (3, 3), (4, None), (-1, None), (True, None), ("1", None), (1.0, None), (None, None)],
)
def test_what_comes_back_is_checked(value: object, expected: int | None) -> None:
    assert chosen(value, 4) == expected
