"""The page on feed-forward networks in a real browser."""

import re

import pytest
from playwright.sync_api import expect

PAGE = "feed_forward"


def test_it_opens_with_the_network_to_scale_and_a_slider_moves_the_functions(page_at):
    page = page_at(PAGE)
    page.wait_for_selector(".st-key-plot_ff_widths .shapelayer path", state="attached", timeout=60_000)
    expect(page.locator(".av-say").first).to_contain_text("MiniLM turns 384 numbers into 1,536")
    page.locator("input[type=range][aria-label='Input']").focus()
    page.keyboard.press("End")
    expect(page.locator(".st-key-section_ff_functions .av-say")).to_contain_text(
        "For an input of 6, ReLU gives 6.000"
    )
    expect(page).to_have_url(re.compile("ff_x=6"))


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (390, 844)])
def test_nothing_scrolls_sideways(page_at, width, height):
    page = page_at(PAGE, width=width, height=height)
    page.wait_for_selector(".st-key-plot_ff_widths .shapelayer", state="attached", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("[data-testid=stMain]").evaluate("e => e.scrollWidth <= e.clientWidth + 1")


def test_a_button_below_opens_another_model_on_the_whole_page(page_at):
    page = page_at(PAGE)
    page.get_by_role("button", name="Use SmolLM2").click()
    expect(page.locator(".av-say").first).to_contain_text(
        "SmolLM2 turns 576 numbers into 1,536", timeout=60_000
    )
    expect(page.locator(".st-key-section_ff_neuron table")).to_contain_text("Promotes")
    expect(page).to_have_url(re.compile("model=HuggingFaceTB"))
