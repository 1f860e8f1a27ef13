"""All heads in a real browser: a press in the map or in the layer opens a head, and nothing overlaps."""

import re

import pytest
from playwright.sync_api import expect

PAGE = "multi_head"
MAP = ".st-key-plot_head_map .nsewdrag"
LAYER = ".st-key-plot_layer_heads .nsewdrag"
SAID = ".st-key-many_main .av-say"


def opened(page):
    """The page once both figures are drawn."""
    page.wait_for_selector(".st-key-plot_head_map .hm image", timeout=60_000)
    page.wait_for_selector(".st-key-plot_layer_heads .hm image", timeout=60_000)
    return page


def press(page, place, x, y):
    """Click at a share of a figure's width and height."""
    page.locator(place).first.scroll_into_view_if_needed()
    box = page.locator(place).first.bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
    page.wait_for_timeout(200)
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_the_map_and_the_small_matrices_lead_to_a_head(page_at):
    page = opened(page_at(PAGE))
    press(page, MAP, 0.5 / 6, 2.5 / 12)  # layer 0 of 6, head 2 of 12
    expect(page.locator(SAID)).to_contain_text("Head 2 of layer 0 gives 100 %", timeout=10_000)
    page.wait_for_function("location.search.includes('layer=0') && location.search.includes('head=2')")
    opened(page)
    press(page, LAYER, 4.5 / 6, 0.2)  # the fifth of a row of six
    expect(page.locator(SAID)).to_contain_text("Head 4 of layer 0", timeout=10_000)


TILES = """(plot) => {
  const { xaxis, yaxis, shapes: [chosen] } = plot._fullLayout;
  const { left, top } = plot.getBoundingClientRect();
  const [across, down] = [(chosen.x1 - chosen.x0) / 2, (chosen.y1 - chosen.y0) / 2];
  const [{ x, y }] = plot._fullData;
  const [toX, toY] = [(at) => left + xaxis._offset + xaxis.d2p(at), (at) => top + yaxis._offset + yaxis.d2p(at)];
  return [...x].map((at, i) => [toX(at - across), toY(y[i] - down), toX(at + across), toY(y[i] + down)]);
}"""
"""Where the small matrices stand in the window: their points are their middles, and the chosen one is framed."""


@pytest.mark.parametrize(
    ("width", "height", "theme"), [(1280, 800, "light"), (683, 512, "dark"), (390, 844, "light")]
)
def test_it_fits(page_at, width, height, theme):
    page = opened(page_at(PAGE, theme=theme, width=width, height=height))
    page.wait_for_timeout(400)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("[data-testid=stMain]").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    shown = page.locator(".st-key-plot_layer_heads .annotation-text").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"
    )
    tiles = page.locator(".st-key-plot_layer_heads .js-plotly-plot").evaluate(TILES)
    assert len(tiles) == 12
    for left, top, right, bottom in shown:
        for tile in tiles:
            apart = right <= tile[0] or tile[2] <= left or bottom <= tile[1] + 2 or tile[3] - 2 <= top
            assert apart, "a caption lies on a matrix"
    measure = page.locator(".st-key-many_metric").bounding_box()
    coloured = page.locator(".st-key-plot_head_map").bounding_box()
    assert 0 <= coloured["y"] - measure["y"] - measure["height"] < 60, "the measure is not above its map"
    if width >= 1280:
        said = page.locator(SAID).bounding_box()
        assert said["y"] + said["height"] <= height, "the sentence is below the fold"
    expect(page.locator(SAID)).to_contain_text(re.compile(r"Head \d+ of layer \d+"))
