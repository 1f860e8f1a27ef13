import itertools

import pytest

from attnviz.figures import theme
from attnviz.figures.parameters import (
    component_colour,
    parameter_table,
    parameter_treemap,
    parameter_words,
)
from attnviz.models.parameter_count import COMPONENTS
from attnviz.models.parameters import count_parameters
from tests.tiny import SETTINGS, tiny_model

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def boxes(figure):
    """The boxes of a treemap by id: label, parent, value, colour, colour of its words."""
    (tree,) = figure.data
    rows = zip(
        tree.ids, tree.labels, tree.parents, tree.values, tree.marker.colors, tree.textfont.color, strict=True
    )
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_areas_of_minilm(mode):
    found = boxes(parameter_treemap(count_parameters(MINILM), "MiniLM", mode))
    assert found["MiniLM"][:3] == ("MiniLM", "", 22_713_216)
    assert found["Embeddings"][:3] == ("Embeddings", "MiniLM", 11_918_592)
    assert found["Embeddings/Tokens"][2] == (30_522 + 2) * 384
    assert found["Embeddings/Norm"][2] == 2 * 384
    assert found["Attention/Query"][:3] == ("Query", "Attention", 6 * (384 * 384 + 384))
    assert found["Attention/Query/L5"][:3] == ("L5", "Attention/Query", 384 * 384 + 384)
    assert found["Pooler"][2] == 384 * 384 + 384 and "Pooler/Pooler" not in found


@pytest.mark.parametrize("model_type", SETTINGS)
def test_children_fill_their_parents_exactly(model_type):
    found = boxes(parameter_treemap(count_parameters(tiny_model(model_type)), "Tiny", "light"))
    for name, (_, _, value, *_) in found.items():
        children = [box[2] for box in found.values() if box[1] == name]
        assert not children or sum(children) == value


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_can_be_read_on_every_colour(mode):
    for name in ("t5-small", "meta-llama/Llama-2-7b-hf", MINILM):
        for _, _, _, colour, words in boxes(parameter_treemap(count_parameters(name), name, mode)).values():
            assert contrast(colour, words) >= 4.5


def contrast(one, other):
    """WCAG 2.2, written apart from the figure's own."""

    def luminance(colour):
        value = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in value)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_components_that_stand_side_by_side_differ(mode):
    colours = {component: component_colour(component, mode) for component in COMPONENTS}
    assert colours["attention.query"] == theme.mark("query", mode).upper()
    for kind in ("attention", "cross", "feed_forward"):
        own = [colour for component, colour in colours.items() if component.startswith(kind)]
        assert all(one != other for one, other in itertools.combinations(own, 2))


def test_the_words_say_the_shares():
    said = parameter_words(count_parameters(MINILM), "MiniLM")
    assert said.startswith("The 22,713,216 parameters of MiniLM: embeddings 52.5 %, attention 15.6 %")


def test_the_table_holds_every_parameter_once():
    count = count_parameters(tiny_model("gpt2"))
    table = parameter_table(count)
    assert sum(table["parameters"]) == count.total
    assert {len(column) for column in table.values()} == {len(count.parts)}
