"""The calls of BertViz's published notebooks, with random attention of the shapes they have."""

import json
import re
from base64 import b64decode
from html import unescape

import numpy as np
import pytest
import torch

from attnviz.viewer import head_view, model_view
from attnviz.viewer.packing import unpack

SENTENCE_A, SENTENCE_B = "The cat sat on the mat", "The cat lay on the rug"
PAIR = ["[CLS]", *SENTENCE_A.lower().split(), "[SEP]", *SENTENCE_B.lower().split(), "[SEP]"]


def attention(layers, heads, queries, keys, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.softmax(torch.randn(1, heads, queries, keys, generator=generator), -1) for _ in range(layers)
    )


def inside(page):
    """Payload and weights that lie in a page."""
    page = unescape(re.search(r'srcdoc="([^"]*)"', page.data)[1])
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    (message,) = payload["messages"]
    _, blocks = unpack(b64decode(message))
    return payload, {block.kind: block.weights for block in blocks}


def assert_holds(weights, given, layers=slice(None), heads=slice(None)):
    expected = np.stack([one.numpy()[0] for one in given])[layers][:, heads]
    np.testing.assert_allclose(weights, expected, atol=float(expected.max()) / 500)


@pytest.mark.parametrize("view", [head_view, model_view])
def test_one_stack(view):
    given = attention(12, 12, len(PAIR), len(PAIR))
    payload, weights = inside(view(given, PAIR, html_action="return"))
    assert_holds(weights["encoder"], given)
    assert payload["axes"][0]["labels"][:4] == ["[CLS]", "the", "cat", "sat"]
    assert payload["axes"][0]["labels"].count("the") == 1 and "the²" in payload["axes"][0]["labels"]


@pytest.mark.parametrize("view", [head_view, model_view])
def test_a_pair_has_quadrants(view):
    start = PAIR.index("[SEP]") + 1
    payload, _ = inside(view(attention(2, 2, len(PAIR), len(PAIR)), PAIR, start, html_action="return"))
    assert payload["kinds"][0]["segments"][0] == [int(i >= start) for i in range(len(PAIR))]


def test_head_view_opens_with_layer_and_heads():
    given = attention(12, 12, len(PAIR), len(PAIR))
    payload, _ = inside(head_view(given, PAIR, layer=4, heads=[3, 5], html_action="return"))
    assert (payload["choice"]["layer"], payload["choice"]["heads"]) == (4, [3, 5])
    everything, _ = inside(head_view(given, PAIR, html_action="return"))
    assert everything["choice"]["heads"] == list(range(12)) and everything["choice"]["view"] == "lines"


def test_included_layers_and_heads_keep_their_numbers():
    given = attention(12, 12, len(PAIR), len(PAIR))
    page = model_view(given, PAIR, include_layers=[5, 6, 11], include_heads=[1, 9], html_action="return")
    payload, weights = inside(page)
    assert_holds(weights["encoder"], given, [5, 6, 11], [1, 9])
    assert payload["kinds"][0]["layerNumbers"] == [5, 6, 11] and payload["kinds"][0]["headNumbers"] == [1, 9]
    assert payload["theme"] == "dark"
    opened, _ = inside(head_view(given, PAIR, layer=6, include_layers=[5, 6], html_action="return"))
    assert opened["choice"]["layer"] == 1
    with pytest.raises(ValueError, match="Layer 0 is not in include_layers"):
        head_view(given, PAIR, layer=0, include_layers=[5, 6], html_action="return")


@pytest.mark.parametrize("view", [head_view, model_view])
def test_encoder_and_decoder_of_different_depth_and_length(view):
    source = ["▁She", "▁sees", "▁the", "▁small", "▁elephant", ".", "</s>"]
    target = ["<pad>", "▁Sie", "▁sieht", "▁den", "▁klein", "en", "▁Elefant", "en", ".", "</s>"]
    encoder, decoder = attention(6, 8, 7, 7), attention(2, 8, 10, 10, seed=1)
    cross = attention(2, 8, 10, 7, seed=2)
    page = view(
        encoder_attention=encoder,
        decoder_attention=decoder,
        cross_attention=cross,
        encoder_tokens=source,
        decoder_tokens=target,
        html_action="return",
    )
    payload, weights = inside(page)
    for kind, given in (("encoder", encoder), ("decoder", decoder), ("cross", cross)):
        assert_holds(weights[kind], given)
    assert [kind["layers"] for kind in payload["kinds"]] == [6, 2, 2]
    asking, answering = (payload["axes"][payload["kinds"][2][side]] for side in ("queries", "keys"))
    assert (asking["labels"][1], answering["labels"][0]) == ("Sie", "She")
    assert asking["words"][4:6] == [[4, 5], [6, 7, 8]] and asking["wordLabels"][4] == "kleinen"
    inside(view(encoder_attention=encoder, encoder_tokens=source, include_layers=[4], html_action="return"))


def test_numpy_and_half_precision_are_welcome():
    given = attention(2, 3, 4, 4)
    as_numpy = [one.numpy() for one in given]
    as_halves = [one.to(torch.bfloat16).requires_grad_() for one in given]
    words = ["a", "b", "c", "d"]
    assert_holds(inside(head_view(as_numpy, words, html_action="return"))[1]["encoder"], given)
    found = inside(head_view(as_halves, words, html_action="return"))[1]["encoder"]
    np.testing.assert_allclose(found, np.stack(as_numpy)[:, 0], atol=0.005)


def test_tokens_are_read_as_they_are_said():
    words = ["<s>", "ĠThe", "Ġkey", "s", "Ċ", "</script>", "مرحبا", "\ud800"]
    payload, _ = inside(head_view(attention(1, 1, 8, 8), words, html_action="return"))
    axis = payload["axes"][0]
    assert axis["labels"][:5] == ["<s>", "The", "key", "s", "\n"] and axis["labels"][-1] == "�"
    assert axis["rtl"][6] and axis["special"][0] and axis["wordLabels"][2].startswith("keys")
    plain, _ = inside(head_view(attention(1, 1, 8, 8), words, prettify_tokens=False, html_action="return"))
    assert plain["axes"][0]["labels"][1] == "ĠThe"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "at least one attention"),
        ({"attention": attention(1, 1, 2, 2)}, "'tokens' is required"),
        ({"attention": attention(1, 1, 2, 2), "tokens": ["a"]}, "2 positions, while number of tokens is 1"),
        ({"attention": (torch.ones(2, 2),), "tokens": ["a", "b"]}, "expected \\(1, head, query, key\\)"),
        (
            {"cross_attention": attention(1, 1, 2, 2), "encoder_tokens": ["a", "b"]},
            "'decoder_tokens' required",
        ),
        ({"attention": attention(1, 1, 1, 1), "tokens": ["a"], "encoder_tokens": ["a"]}, "alone"),
        ({"attention": attention(1, 1, 1, 1), "tokens": ["a"], "html_action": "print"}, "'view' or 'return'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        head_view(**arguments)


def test_a_notebook_shows_it(capsys):
    pytest.importorskip("IPython")
    assert head_view(attention(1, 1, 2, 2), ["a", "b"]) is None
    assert "Page object" in capsys.readouterr().out
