"""The heatmap of a head, and thumbnails of all: numbers, names, inks."""

import base64
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.analysis.attention_view import attention_view, thumbnails
from attnviz.figures import weight_colours
from attnviz.figures.axis import plain, shown_labels, token_axis
from attnviz.figures.heatmap import attention_heatmap
from attnviz.figures.theme import PAPER
from tests.analysis.records import made_tokens, made_trace

SPECIAL = ("[CLS]", "[SEP]")


def trace_of(words, layers=1, heads=1, seed=0):
    tokens = made_tokens(words, SPECIAL)
    raw = np.random.default_rng(seed).exponential(size=(layers, heads, len(tokens), len(tokens)))
    return made_trace(raw / raw.sum(axis=-1, keepdims=True), tokens)


def view_of(words, **options):
    return attention_view(trace_of(words), "encoder", 0, 0, **options)


def decoded(array):
    """What a browser reads of an array of Plotly's JSON."""
    values = np.frombuffer(base64.b64decode(array["bdata"]), dtype={"f4": "<f4", "u1": "u1"}[array["dtype"]])
    return values.reshape([int(n) for n in array["shape"].split(",")])


# ------------------------------------------------------------------------------------------------------- axis


@given(
    count=st.integers(1, 60),
    important=st.lists(st.integers(0, 59), max_size=5),
    room=st.floats(0.1, 12),
)
def test_labels_never_touch_and_the_important_come_first(count, important, room):
    important = [i for i in important if i < count]
    places = shown_labels(count, important, room)
    assert places == sorted(set(places))
    assert all(b - a >= room for a, b in pairwise(places))
    assert not important or important[0] in places
    if room <= 1:
        assert places == list(range(count))


def test_the_ends_are_labelled_where_there_is_room():
    assert {0, 49} <= set(shown_labels(50, [25], 3))


def test_equal_tokens_stay_apart_on_numbers():
    axis = token_axis(("the", "cat", "the²"), "key", "light")
    assert axis["tickvals"] == [0, 1, 2]
    assert axis["ticktext"] == ["the", "cat", "the²"]
    assert axis["range"] == [-0.5, 2.5]


def test_rows_run_downwards():
    assert token_axis(("a", "b"), "query", "light")["range"] == [1.5, -0.5]


def test_tokens_are_text_and_never_mark_up():
    assert plain("<b>&amp;") == "&lt;b&gt;&amp;amp;"
    assert plain("a" * 40) == "a" * 17 + "…"
    axis = token_axis(("<a href='x'>", "b"), "key", "dark", first=[0], bold=0)
    assert axis["ticktext"][0] == "<b>&lt;a href='x'&gt;</b>"


# ---------------------------------------------------------------------------------------------------- colours


def test_a_weight_stands_at_its_power_on_the_palette():
    assert weight_colours.place(np.array([0.0, 0.5, 1.0, 1.2])).tolist() == [
        0,
        round(255 * 0.5**0.6),
        255,
        255,
    ]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_scale_and_colour_bar_show_one_colour_for_one_weight(mode):
    scale = weight_colours.scale(mode)
    assert scale[0][0] == 0 and scale[-1][0] == 1
    colours = weight_colours.palette(mode)
    for weight, colour in scale:
        place = round(255 * weight**0.6)
        expected = colours[place]
        actual = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        np.testing.assert_allclose(actual, expected, atol=2)
    bar = weight_colours.bar(mode)["colorbar"]
    assert bar["ticktext"] == ["0", "5", "20", "50", "100 %"]
    np.testing.assert_allclose(bar["tickvals"], np.array([0, 0.05, 0.2, 0.5, 1]) ** 0.6)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_weight_is_emptier_than_the_paper_says_and_ink_stands_out(mode):
    colours = weight_colours.palette(mode)
    assert weight_colours._css(colours[0]) != PAPER[mode]
    light = [weight_colours._luminance(colour) for colour in colours]
    steps = np.diff(light) * (1 if mode == "dark" else -1)
    assert steps.min() > -1e-3  # more is always darker, or always lighter
    for place in range(256):
        ink = weight_colours._luminance(np.array(weight_colours._rgb(weight_colours.ink_on(place, mode))))
        assert weight_colours._contrast(light[place], ink) >= 4.5


# ---------------------------------------------------------------------------------------------------- heatmap


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_matrix_travels_exactly_and_small(mode):
    view = view_of("[CLS] a b c d e [SEP]")
    spec = json.loads(attention_heatmap(view, mode, chosen=2).to_json())
    heatmap = spec["data"][0]
    assert heatmap["z"]["dtype"] == "f4"
    np.testing.assert_array_equal(decoded(heatmap["z"]), view.weights)
    assert (heatmap["zmin"], heatmap["zmax"]) == (0, 1)


def test_values_are_written_where_they_are_worth_it():
    view = view_of("[CLS] a b c d e [SEP]")
    written = attention_heatmap(view, "light").data[0].text
    for row, weights in zip(written, view.weights, strict=True):
        for cell, weight in zip(row, weights, strict=True):
            if weight < 0.045:
                assert cell == ""
            else:
                assert cell.endswith(f">{100 * weight:.0f}</span>")


def test_the_chosen_row_is_outlined_and_its_first_key_bold():
    view = view_of("[CLS] a b c d e [SEP]")
    figure = attention_heatmap(view, "light", chosen=3)
    (frame,) = figure.layout.shapes
    assert (frame.y0, frame.y1, frame.x0, frame.x1) == (2.5, 3.5, -0.5, 6.5)
    strongest = view.key_labels[int(view.weights[3].argmax())]
    assert f"<b>{strongest}</b>" in figure.layout.xaxis.ticktext
    assert figure.layout.annotations[-1].text == "<b>c</b>"
    assert not attention_heatmap(view, "light").layout.shapes


def test_both_axes_say_what_they_are_and_cells_are_square():
    figure = attention_heatmap(view_of("a b c"), "light")
    assert [a.text for a in figure.layout.annotations] == ["<b>key (to)</b>", "<b>query (from)</b>"]
    assert figure.layout.yaxis.scaleanchor == "x"


def test_pointing_at_a_cell_names_both_tokens_as_text():
    names = attention_heatmap(view_of("a <i>b c"), "light").data[0].hovertext
    assert names[1][2] == "&lt;i&gt;b to c"


def test_hidden_tokens_have_no_row_and_no_column():
    figure = attention_heatmap(view_of("[CLS] a b [SEP]", hide_special=True), "light")
    assert list(figure.layout.xaxis.ticktext) == ["a", "b"]
    np.testing.assert_allclose(figure.data[0].z.sum(axis=1), 1, atol=1e-6)


def test_one_token():
    figure = attention_heatmap(view_of("a"), "light", chosen=0)
    assert figure.data[0].z.tolist() == [[1.0]]


@pytest.mark.parametrize(("count", "limit"), [(16, 40_000), (64, 150_000), (128, 110_000), (512, 1_500_000)])
def test_what_a_figure_weighs(count, limit):
    view = view_of(" ".join(f"w{i}" for i in range(count)))
    assert len(attention_heatmap(view, "light", chosen=0).to_json()) < limit


def test_above_24_tokens_no_values_and_above_64_no_names():
    large = attention_heatmap(view_of(" ".join(f"w{i}" for i in range(25))), "light").data[0]
    assert large.text is None and large.hovertext is not None
    assert attention_heatmap(view_of(" ".join(f"w{i}" for i in range(65))), "light").data[0].hovertext is None


def test_thumbnails_are_the_weights_and_pooling_keeps_the_lines():
    trace = trace_of(" ".join(f"w{i}" for i in range(10)), layers=2, heads=3)
    small = thumbnails(trace, "encoder")
    assert small.shape == (2, 3, 10, 10)
    np.testing.assert_array_equal(small[1], trace.weights("encoder", 1))
    pooled = thumbnails(trace, "encoder", most=4)
    assert pooled.shape == (2, 3, 4, 4)
    # ten cells into four: 0-1, 2-4, 5-6, 7-9
    np.testing.assert_array_equal(pooled[0, 0, 1, 3], trace.weights("encoder", 0, 0)[2:5, 7:10].max())
    diagonal = made_trace(np.eye(100)[None, None], made_tokens(" ".join(f"w{i}" for i in range(100))))
    assert (np.diagonal(thumbnails(diagonal, "encoder")[0, 0]) > 0.99).all()


def test_thumbnails_hide_and_merge_like_the_large_one():
    trace = trace_of("[CLS] la -bel b [SEP]", layers=1, heads=2)
    options = {"hide_special": True, "merge_words": True}
    expected = attention_view(trace, "encoder", 0, 1, **options).weights
    np.testing.assert_allclose(thumbnails(trace, "encoder", **options)[0, 1], expected, atol=1e-6)
