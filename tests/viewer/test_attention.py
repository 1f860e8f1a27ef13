"""What the attention viewer is given: payload, choices that come back, and a page that needs nothing else."""

import json
import re
from base64 import b64decode

import numpy as np
import pytest

import attnviz
from attnviz import viewer
from attnviz.viewer.attention import (
    Choice,
    axis,
    choice_of,
    frame,
    html,
    is_long,
    message,
    needed_layer,
    payload,
    small_message,
)
from attnviz.viewer.packing import unpack
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    model = attnviz.load(save_tiny(tmp_path_factory.mktemp("t5"), "t5"))
    return attnviz.trace(model, "the cat sat on the mat", target="the dog ran")


def test_a_choice_comes_back_as_it_went(trace):
    for choice in (
        Choice("encoder", 2, 3, 1),
        Choice(
            "cross",
            1,
            0,
            2,
            heads=(1, 3),
            special=True,
            merge=True,
            least=15,
            mass=80,
            scale="row",
            view="heads",
        ),
    ):
        assert choice_of(json.loads(json.dumps(choice.payload())), trace) == choice


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "decoderx"},
        {"layer": 2},  # the decoder has two
        {"layer": True},
        {"head": 4},
        {"token": 99},
        {"heads": "01"},
        {"heads": [1, "2"]},
        {"mean": "yes"},
        {"least": 60},
        {"mass": 49},
        {"scale": None},
        {"view": "all"},
        {"first": None},
    ],
)
def test_what_cannot_be_chosen_is_nothing(trace, wrong):
    good = Choice("decoder", 1, 3, 0).payload()
    assert choice_of(good, trace)
    assert choice_of({**good, **wrong}, trace) is None
    assert choice_of([good], trace) is None


def test_a_layer_that_is_needed(trace):
    assert needed_layer({"kind": "encoder", "layer": 2}, trace) == ("encoder", 2)
    for wrong in ({"kind": "encoder", "layer": 3}, {"kind": "x", "layer": 0}, {"layer": 0}, None, 3):
        assert needed_layer(wrong, trace) is None


def test_kinds_share_their_axes(trace):
    found = payload(trace)
    assert [(k["kind"], k["queries"], k["keys"]) for k in found["kinds"]] == [
        ("encoder", 0, 0),
        ("decoder", 1, 1),
        ("cross", 1, 0),
    ]
    assert found["axes"][1] == axis(trace.target_tokens)
    assert not is_long(trace) and not found["partial"]


def test_the_messages_of_a_long_text(trace):
    header, blocks = unpack(small_message(trace, "x"))
    assert header == {"of": "x", "small": True} and len(blocks) == 3
    _, (block,) = unpack(message(trace, range(1, 3), kinds=["encoder"]))
    assert (block.first, len(block.weights)) == (1, 2)


def test_a_page_holds_every_weight_and_asks_nobody(trace):
    page = html(trace, title="a </script> b")
    data = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    assert data["title"] == "a </script> b"
    _, blocks = unpack(b64decode(data["messages"][0]))
    for block in blocks:
        for layer, weights in enumerate(block.weights):
            np.testing.assert_allclose(weights, trace.weights(block.kind, layer), atol=1 / 500)
    assert page.count("<script") == 2 and "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)


def test_a_notebook_shows_a_trace_in_a_frame_of_its_own(trace):
    shown = trace._repr_html_()
    assert shown.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts' in shown
    assert frame('"<b>', 10) == frame('"<b>', 10) and "&quot;&lt;b&gt;" in frame('"<b>', 10)


@pytest.mark.parametrize("picture", viewer.PICTURES)
def test_no_two_modules_of_a_picture_share_a_name(picture):
    """They are joined in one function, where the later of two would silently win."""
    names = re.findall(
        r"^(?:async )?(?:function\*?|const|let|class) (\w+)", viewer.script(picture), re.MULTILINE
    )
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})
