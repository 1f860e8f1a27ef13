"""The cross-attention page in a real browser: words and heads are pressed, and both directions are read."""

import re

from playwright.sync_api import expect

PAGE = "cross_attention"
TABLE = "She+bought+an+old+wooden+table+at+the+market."
RIBBONS = ".st-key-picture_ribbons"
SAID = ".av-looks"


def opened(page):
    """The page once its ribbons are drawn."""
    page.wait_for_selector(f"{RIBBONS} svg path", timeout=60_000)
    return page


def part(page, name):
    """A word or a head in the picture."""
    return page.locator(f'{RIBBONS} [data-part="{name}"]')


def test_words_and_heads_are_pressed(page_at):
    page = opened(page_at(f"{PAGE}?model=attnviz/translate-en-pt&text={TABLE}"))
    expect(page.locator(SAID)).to_contain_text("madeira looks 99 % at wooden")
    part(page, "target-4").click()  # mesa
    expect(page.locator(SAID)).to_contain_text("mesa looks 96 % at table")
    assert "step=mesa" in page.url
    part(page, "head-5").click()
    expect(page.locator(SAID)).to_contain_text("Layer 0, head 5")
    expect(part(page, "head-5")).to_have_attribute("aria-pressed", "true")
    assert "cross=L0H5" in page.url


def test_keys_go_along_the_words_and_isolate_one(page_at):
    page = opened(page_at(f"{PAGE}?model=attnviz/translate-en-pt&text={TABLE}"))
    part(page, "target-5").focus()
    page.keyboard.press("ArrowLeft")
    expect(part(page, "target-4")).to_be_focused()
    labels = page.locator(f"{RIBBONS} svg.av-drawing").first.locator("text", has_text=re.compile(r"^\d+ %$"))
    expect(labels).to_have_text(["96 %"])
    page.keyboard.press("ArrowUp")
    expect(page.locator(f"{RIBBONS} [data-part^=source]:focus")).to_have_count(1)
    page.keyboard.press("Escape")


def test_portuguese_on_a_phone_stands_in_two_columns(page_at):
    page = opened(
        page_at(
            f"{PAGE}?model=attnviz/translate-pt-en&text=A+casa+vermelha+é+pequena.", width=390, height=844
        )
    )
    boxes = [part(page, f"{side}-1").bounding_box() for side in ("source", "target")]
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    part(page, "target-1").click()
    expect(page.locator(SAID)).to_contain_text("at vermelha")
