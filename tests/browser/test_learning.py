"""Watch it learn in a real browser: play, slide, choose a head, come back by the link."""

import re

import pytest
from playwright.sync_api import expect

from attnviz.models import bundled

PICTURE = ".st-key-picture_learning"

pytestmark = pytest.mark.skipif(not bundled.youth(), reason="no weights are shipped yet: make train-spelling")


def test_it_plays_from_noise_to_the_word(page_at):
    page = page_at("learning?moment=5")
    written = page.locator(".av-written")
    expect(written).not_to_contain_text("right")
    page.get_by_role("button", name="Play the training").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(written).to_contain_text("N AY1 T – right", timeout=15_000)
    expect(page.get_by_role("button", name="Play the training")).to_be_visible(timeout=15_000)


def test_a_step_is_drawn_at_once_and_kept_in_the_link(page_at):
    page = page_at("learning")
    slider = page.get_by_role("slider", name="Training step")
    slider.focus()
    said = page.locator(".av-looks")
    before = said.inner_text()
    page.keyboard.press("Home")
    expect(page.locator(".av-written")).to_contain_text("Step 0: it writes")
    assert said.inner_text() != before
    page.locator(f"{PICTURE} [data-part=head-2]").click()
    expect(said).to_contain_text("Layer 0, head 2")
    page.wait_for_function("location.search.includes('moment=0') && location.search.includes('head=2')")
    other = page_at(page.url.rpartition("/")[2])
    expect(other.locator(".av-looks")).to_have_text(said.inner_text())


def test_it_fits_a_phone_in_the_dark(page_at):
    page = page_at("learning?spelling=good+morning+class", theme="dark", width=390, height=844)
    expect(page.locator(".av-written")).to_contain_text("G UH1 D")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(f"{PICTURE} [data-part=play]").bounding_box()["height"] >= 44
    fill = page.locator(f"{PICTURE} .av-cell").first.get_attribute("fill")
    assert re.fullmatch("#[0-9a-f]{6}", fill)
