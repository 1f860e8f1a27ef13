import re
from itertools import combinations

import pytest

from attnviz.analysis.scaling import ModelSize, model_size
from attnviz.figures.family_marks import SVG_SYMBOLS, SYMBOLS, family_marks
from attnviz.figures.scaling import CHARTS, layer_chart, scaling_chart, share_chart, size_table
from attnviz.figures.training import training_chart
from attnviz.models.configs import published_configs
from attnviz.models.parameters import count_parameters

SIZES = [
    ModelSize(
        f"{family} {i}", family, 128 * 2**i, 2 + 4 * i, 2**i, 5_000 * 4**i + 40_000, 20_000 + i, 10**6 * 10**i
    )
    for family in ("One", "Two <b>", "Three")
    for i in range(1, 6)
]
OWN = ModelSize("Mine", "", 300, 7, 3, 90_000, 30_000, 10**7)


def points(figure):
    """Every marker of a figure as (x, y)."""
    drawn = (t for t in figure.data if t.mode and "markers" in t.mode)
    return sorted(pair for trace in drawn for pair in zip(trace.x, trace.y, strict=True))


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("family", [None, "One"])
def test_every_model_is_a_point_of_its_own_numbers(chart, mode, family):
    figure = scaling_chart(SIZES, chart, mode, family, OWN)
    across, upwards = ("width", "layers") if chart == "shape" else (chart, "parameters")
    assert points(figure) == sorted((getattr(s, across), getattr(s, upwards)) for s in (*SIZES, OWN))
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"


def test_area_is_parameters():
    figure = scaling_chart(SIZES, "shape", "light")
    found = {(x, y): d for t in figure.data for x, y, d in zip(t.x, t.y, t.marker.size, strict=True)}
    large, small = SIZES[4], SIZES[3]
    ratio = (found[large.width, large.layers] / found[small.width, small.layers]) ** 2
    assert ratio == pytest.approx(large.parameters / small.parameters, rel=0.01)


def test_names_do_not_lie_on_each_other_and_are_no_markup():
    figure = scaling_chart(SIZES, "width", "light", None, OWN)
    names = [note.text for note in figure.layout.annotations]
    assert "<b>Mine</b>" in names and len(names) == len(set(names)) >= 3
    assert not any("Two <b>" in name for name in names)


@pytest.fixture(scope="module")
def real():
    """Every published model, and one beside them."""
    sizes = [
        model_size(count_parameters(entry.id), entry.name, entry.family, entry.tokens)
        for entry in published_configs()
    ]
    return sizes, ModelSize("MiniLM", "", 384, 6, 12, 22_713_216, 11_918_592, 500_000_000)


def boxes(figure, width, height):
    """Where the texts in a plot of these pixels lie: (name, left, bottom, right, top)."""
    shifts = {"left": 0, "center": 0.5, "right": 1, "bottom": 0, "middle": 0.5, "top": 1}
    for note in figure.layout.annotations:
        text = re.sub("<[^>]+>", "", note.text)
        wide = 6.5 * len(text)
        x, y = (
            (value - axis.range[0]) / (axis.range[1] - axis.range[0]) * pixels + (shift or 0)
            for value, axis, pixels, shift in (
                (note.x, figure.layout.xaxis, width, note.xshift),
                (note.y, figure.layout.yaxis, height, note.yshift),
            )
        )
        left, bottom = x - shifts[note.xanchor] * wide, y - shifts[note.yanchor] * 15
        yield text, left, bottom, left + wide, bottom + 15


@pytest.mark.parametrize("width", [250, 390, 640, 1100])
@pytest.mark.parametrize("chart", ["training", "share", "layer"])
def test_at_no_width_do_names_lie_on_each_other_or_beyond_the_plot(real, chart, width):
    sizes, own = real
    figure = {
        "training": lambda: training_chart(sizes, own, "light"),
        "share": lambda: share_chart(sizes, "light", own=own),
        "layer": lambda: layer_chart(sizes, "light", own=own),
    }[chart]()
    height = figure.layout.height - 80  # the axis below, with its title
    drawn = list(boxes(figure, width, height))
    assert len(drawn) >= 10
    for one, other in combinations(drawn, 2):
        apart = one[3] <= other[1] or other[3] <= one[1] or one[4] <= other[2] or other[4] <= one[2]
        assert apart, (one, other)
    assert all(left > 0 and right < width + 16 for _, left, _, right, _ in drawn)


def test_others_are_grey_beside_the_chosen_family():
    figure = scaling_chart(SIZES, "width", "light", "Two <b>")
    grey, chosen = figure.data
    assert len(grey.x) == 10 and len(chosen.x) == 5
    assert (
        chosen.marker.color
        == family_marks((s.family for s in SIZES), "light")["Two <b>"].colour
        != grey.marker.color
    )
    assert all("Two" in note.text for note in figure.layout.annotations)


def test_layers_stand_beside_the_rule():
    figure = layer_chart(SIZES, "light", own=OWN)
    rule = figure.data[0]
    assert all(y == pytest.approx(12 * x**2) for x, y in zip(rule.x, rule.y, strict=True))
    assert (OWN.width, OWN.rest / OWN.layers) in points(figure)


def test_shares_are_in_per_cent():
    figure = share_chart(SIZES, "dark", own=OWN)
    assert (OWN.parameters, pytest.approx(100 / 3)) in points(figure)
    assert all(0 <= y <= 100 for _, y in points(figure))


def test_lines_of_equal_compute():
    figure = training_chart(SIZES, OWN, "light")
    lines = [t for t in figure.data if t.mode == "lines"]
    *equal, rule = lines
    for line in equal:
        first, last = (6 * x * y for x, y in zip(line.x, line.y, strict=True))
        assert first == pytest.approx(last)
    assert len(equal) >= 2 and rule.y[0] == 20 * rule.x[0]
    assert (OWN.parameters, OWN.tokens) in points(figure)


def test_families_differ_in_colour_or_symbol():
    marks = family_marks([f"family {i}" for i in range(10)], "light")
    assert (
        len({(m.colour, m.symbol) for m in marks.values()}) == len({m.symbol for m in marks.values()}) == 10
    )
    assert set(SYMBOLS) == set(SVG_SYMBOLS)
    assert all(re.fullmatch(r"[MLHVahvz\d .-]+", path) for path in SVG_SYMBOLS.values())


def test_the_table_has_every_model():
    table = size_table([*SIZES, OWN])
    assert {len(column) for column in table.values()} == {len(SIZES) + 1}
    assert table["parameters"][-1] == 90_000 and table["training_tokens"][-1] == 10**7
