"""The payload of the flow picture: places, lines, what comes back."""

import json

import pytest

from attnviz.viewer.flow import Box, chosen_step, payload

BOXES = [
    Box(0, "x", "4 × 6", "stream", 0, 0, 2),
    Box(1, "Q", "4 × 3", "query", 1, 0, 0, ((0, 0),)),
    Box(2, "out", "4 × 3", "value", 2, 0, 2, ((1, 0), (0, 2))),
]


def test_the_payload_is_json_and_says_all():
    made = payload(BOXES, 1, title="layer 0", alt="three steps")
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert (made["columns"], made["rows"], made["step"]) == (3, 3, 1)
    assert made["boxes"][2]["above"] == [{"box": 1, "column": 0}, {"box": 0, "column": 2}]
    assert made["csv"].splitlines()[1:] == ["1,x,4 × 6", "2,Q,4 × 3", "3,out,4 × 3"]


def test_nothing_is_made_of_what_comes_later():
    with pytest.raises(ValueError, match="comes later"):
        payload([BOXES[0], Box(1, "Q", "", "query", 0, 0, 0, ((0, 0),))], 0, title="", alt="")
    with pytest.raises(ValueError, match="no place"):
        Box(0, "x", "", "ink", 0, 2, 1)


@pytest.mark.parametrize("value", [-1, 3, None, "1", True, 1.0, [1]])
def test_anything_else_is_no_step(value):
    assert chosen_step(value, 3) is None


def test_a_step_comes_back():
    assert chosen_step(2, 3) == 2
