import pytest

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
    layout = theme.template(mode).layout
    assert layout.font.color == theme.INK[mode] and layout.font.size >= 14
    assert "Plex" in layout.font.family
    assert layout.colorway[0] == theme.mark("query", mode)
