"""The steps of a head in a real browser: arrow keys, the flow diagram, and what fits on which screen."""

import pytest
from playwright.sync_api import expect

PAGE = "self_attention"
STEP = ".st-key-steps_bar h2"
PLOT = ".st-key-steps_main .js-plotly-plot .hm image"


def opened(page):
    """The page once its figure is drawn."""
    page.wait_for_selector(PLOT, timeout=60_000)
    page.wait_for_selector(".st-key-picture_flow .av-part")
    return page


def test_arrow_keys_and_boxes_lead_through_the_steps_and_the_link_knows(page_at):
    page = opened(page_at(PAGE))
    page.locator(".av-head h1").click()
    for step in (2, 3):
        page.keyboard.press("ArrowRight")
        expect(page.locator(STEP)).to_contain_text(f"Step {step} of 8")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(STEP)).to_contain_text("Step 2 of 8: queries")
    page.locator(".st-key-picture_flow .av-part", has_text="output").click()
    expect(page.locator(STEP)).to_contain_text("Step 8 of 8: output")
    expect(page.locator(".st-key-picture_flow .av-part[aria-pressed=true]")).to_contain_text("output")
    page.wait_for_function("location.search.includes('step=7')")
    box = page.get_by_role("textbox", name="Your text")
    box.click()
    page.keyboard.press("ArrowLeft")  # belongs to the text now
    page.wait_for_timeout(400)
    expect(page.locator(STEP)).to_contain_text("Step 8 of 8")


@pytest.mark.parametrize(
    ("width", "height", "theme"), [(1280, 800, "light"), (683, 512, "dark"), (390, 844, "light")]
)
def test_controls_stand_above_the_figure_and_nothing_scrolls_sideways(page_at, width, height, theme):
    page = opened(page_at(f"{PAGE}?step=5", theme=theme, width=width, height=height))
    page.wait_for_timeout(400)
    figure = page.locator(PLOT).first.bounding_box()
    press = page.get_by_role("button", name="Next").bounding_box()
    assert press["y"] < figure["y"] < height
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("[data-testid=stMain]").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    if height >= 800 and width >= 1280:
        said = page.locator(".st-key-steps_main .av-say").bounding_box()
        assert said["y"] + said["height"] <= height, "the sentence is below the fold"
