import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

from attnviz import figures
from attnviz.figures import theme


def luminance(colour):
    value = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in value)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("meaning", theme.MEANINGS)
def test_words_have_contrast_and_marks_are_seen(meaning, mode):
    assert contrast(theme.text(meaning, mode), theme.PAPER[mode]) >= 4.5
    assert contrast(theme.mark(meaning, mode), theme.PAPER[mode]) >= 2.9


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_weights_grow_away_from_the_paper(mode):
    steps = [luminance(colour) for colour in theme.SEQUENTIAL[mode]]
    assert steps == sorted(steps, reverse=mode == "light")
    assert len(steps) == len(theme.DIVERGING[mode]) == 10


def test_mixing():
    assert theme.mixed("#FF0000", 1, "light") == "#FF0000"
    assert theme.mixed("#FF0000", 0, "light") == theme.PAPER["light"]
    assert theme.mixed("#000000", 0.5, "light") in ("#7F7F7F", "#808080")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_template_is_the_look(mode):
    layout = theme.figure([], mode).layout.template.layout
    assert layout.font.color == theme.INK[mode] and layout.font.size >= 14
    assert "Plex" in layout.font.family
    assert layout.colorway[0] == theme.mark("query", mode)


LINE = {"type": "scatter", "x": [1, 2], "y": [3, 4]}


def test_a_property_that_plotly_does_not_know_fails_the_test_that_draws_it():
    with pytest.raises(ValueError, match="colour"):
        theme.figure([{**LINE, "line": {"colour": "red"}}], "light")
    with pytest.raises(ValueError, match="heigth"):
        theme.figure([LINE], "light", heigth=300)


def test_plotly_checks_what_is_changed_later_and_takes_its_short_forms():
    figure = theme.figure([LINE], "light")
    figure.update_layout(title="A title", xaxis_title="x")
    assert figure.layout.title.text == "A title" and figure.layout.xaxis.title.text == "x"
    figure.add_bar(x=[1], y=[2])
    figure.update_traces(marker_color="red")
    assert [trace.marker.color for trace in figure.data] == ["red", "red"]
    with pytest.raises(ValueError, match="heigth"):
        figure.update_layout(heigth=300)
    with pytest.raises(ValueError, match="colour"):
        figure.data[0].update(colour="red")


def test_every_function_that_makes_a_figure_is_called_here():
    """So that Plotly checks every figure once, as ``tests/conftest.py`` lets it."""
    modules = [import_module(f"{figures.__name__}.{m.name}") for m in pkgutil.iter_modules(figures.__path__)]
    makers = {
        name
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and "go.Figure" in str(function.__annotations__.get("return"))
    }
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert len(makers) > 30 and not [name for name in makers if f"{name}(" not in tests]
