"""The theme is what the palette says, its fonts lie beside it, and its words can be read."""

import re
import tomllib
from pathlib import Path

import pytest

from attnviz.figures import palette

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
STYLE = (ROOT / "app" / "style.css").read_text("utf-8")
MODES = ("light", "dark")


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", MODES)
def test_pages_and_figures_share_their_colours(mode):
    theme = CONFIG["theme"][mode]
    assert theme["backgroundColor"] == palette.PAPER[mode]
    assert theme["textColor"] == palette.INK[mode]
    assert theme["borderColor"] == palette.HAIRLINE[mode]
    assert theme["grayTextColor"] == palette.GREY[mode]
    assert theme["blueColor"] == palette.mark("query", mode)
    assert theme["orangeTextColor"] == palette.text("key", mode)
    assert theme["greenTextColor"] == palette.text("value", mode)
    assert theme["chartSequentialColors"] == palette.SEQUENTIAL[mode]
    assert theme["chartDivergingColors"] == palette.DIVERGING[mode]


@pytest.mark.parametrize("mode", MODES)
def test_every_word_has_enough_contrast(mode):
    theme = CONFIG["theme"][mode]
    papers = [
        theme["backgroundColor"],
        theme["secondaryBackgroundColor"],
        theme["sidebar"]["backgroundColor"],
    ]
    words = [value for key, value in theme.items() if key.endswith("TextColor") or key == "textColor"]
    assert len(words) >= 8
    for paper in papers:
        for colour in words:
            assert contrast(colour, paper) >= 4.5, (colour, paper)


def test_the_style_sheet_and_the_config_name_the_same_colours():
    pairs = dict(re.findall(r"--av-(\w+): light-dark\((#\w{6}, #\w{6})\)", STYLE))
    expected = {
        "paper": "backgroundColor",
        "ink": "textColor",
        "hairline": "borderColor",
        "grey": "grayTextColor",
    }
    for name, key in expected.items():
        assert pairs[name].upper().split(", ") == [CONFIG["theme"][mode][key] for mode in MODES]


def test_fonts_come_from_this_machine_with_their_licences():
    faces = CONFIG["theme"]["fontFaces"]
    folder = ROOT / "static" / "fonts"
    for face in faces:
        assert face["url"].startswith("app/static/fonts/")
        assert (folder / Path(face["url"]).name).is_file()
    licences = [path.read_text("utf-8") for path in folder.glob("LICENSE-*.txt")]
    assert len(licences) == len({face["family"] for face in faces})
    assert all("SIL OPEN FONT LICENSE" in licence.upper() for licence in licences)
    assert CONFIG["server"]["enableStaticServing"]


def test_nothing_is_fetched_from_elsewhere():
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_the_style_sheet_survives_sanitising():
    """It reaches the page as HTML, where a less-than sign would be taken for the start of a tag."""
    assert "<" not in STYLE


def test_no_traceback_reaches_a_page():
    assert CONFIG["client"]["showErrorDetails"] == "none"
