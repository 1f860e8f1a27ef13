"""The tokens page in a real browser: press a token, copy the link, read it on any screen."""

import re
import xml.etree.ElementTree as ET

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settle

STRIP = ".st-key-token_strip"


def chips(page):
    """The tokens as buttons."""
    found = page.locator(f"{STRIP} li button")
    found.first.wait_for(timeout=60_000)
    return found


def texts(page):
    """What stands on each token."""
    return [chip.splitlines()[0] for chip in chips(page).all_inner_texts()]


def test_the_text_as_tokens(page_at):
    page = page_at("tokens")
    assert texts(page)[:5] == ["[CLS]", "the", "animal", "didn", "'"]
    expect(page.locator("body")).to_contain_text("MiniLM")
    assert page.locator(".av-error").count() == 0


def test_the_strip_is_saved_in_four_ways(page_at):
    page = page_at("tokens?token=2")
    chips(page)
    page.locator(f"{STRIP} .av-save summary").click()
    saved = {}
    for label in ("PNG", "SVG", "CSV", "Web page"):
        with page.expect_download() as download:
            page.locator(STRIP).get_by_role("button", name=label, exact=True).click()
        name = download.value.suggested_filename
        saved[name.rpartition(".")[2]] = download.value.path().read_bytes()
    assert saved["png"].startswith(b"\x89PNG") and len(saved["png"]) > 5_000
    drawing = ET.fromstring(saved["svg"])
    assert {"animal", "4,111", "[CLS]"} <= {node.text for node in drawing.iter() if node.text}
    rows = saved["csv"].decode("utf-8-sig").splitlines()
    assert len(rows) == 1 + chips(page).count() and rows[3].startswith('2,animal,"4,111",animal,61 6E')
    assert b".av-token" in saved["html"] and b"<link" not in saved["html"]


def test_pressing_a_token_shows_its_facts_and_the_link_knows_it(page_at):
    page = page_at("tokens")
    chips(page).nth(2).click()
    expect(page.locator(".av-facts")).to_contain_text("4,111")  # the id of "animal"
    expect(page.locator(".av-facts")).to_contain_text("61 6E 69 6D 61 6C")
    page.wait_for_function("location.search.includes('token=2')")
    page.reload()
    settle(page)
    expect(page.locator(".av-facts")).to_contain_text("4,111", timeout=15_000)
    expect(chips(page).nth(2)).to_have_attribute("aria-pressed", "true")


def test_a_token_can_be_chosen_with_the_keyboard(page_at):
    page = page_at("tokens")
    chips(page).nth(6).focus()
    page.keyboard.press("Enter")
    expect(chips(page).nth(6)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("h2.av-section").first).to_contain_text("cross")


def test_a_link_opens_the_same_model_and_token(page_at):
    page = page_at("tokens?text=Mrs+Dursley+slept")
    page.get_by_role("combobox", name=re.compile("Model")).click()
    page.get_by_role("option", name=re.compile("SmolLM2")).click()
    page.wait_for_function("location.search.includes('model=HuggingFaceTB%2FSmolLM2-135M-Instruct')")
    read = ["Mrs", "D", "-urs", "-ley", "slept"]
    expect(chips(page)).to_have_count(5)
    assert texts(page) == read
    chips(page).nth(2).click()
    page.wait_for_function("location.search.includes('token=2')")
    other = page_at(page.url.rpartition("/")[2])
    assert texts(other) == read
    expect(chips(other).nth(2)).to_have_attribute("aria-pressed", "true")
    expect(other.get_by_role("combobox", name=re.compile("Model"))).to_have_value(re.compile("SmolLM2"))


def test_every_tokenizer_at_hand_stands_beside_the_others(page_at):
    page = page_at("tokens")
    table = page.locator(".st-key-section_side table")
    expect(table).to_contain_text("MiniLM", timeout=60_000)
    expect(table).to_contain_text("SmolLM2")


def test_white_space_emoji_and_other_scripts(page_at):
    page = page_at("tokens?model=HuggingFaceTB/SmolLM2-135M-Instruct&text=a++b%0A%F0%9F%99%82+%E4%BD%A0")
    shown = texts(page)
    assert "⏎" in "".join(shown) and "␣" in "".join(shown)
    assert any(text.startswith("🙂") for text in shown)
    assert any(text.startswith("你") for text in shown)


def test_tokens_are_text_whatever_is_in_them(page_at):
    page = page_at("tokens?text=<b>bold</b>+<img+src%3Dx+onerror%3Dalert(1)>")
    assert "<" in texts(page)
    assert page.locator(f"{STRIP} img").count() == 0


def test_arabic_runs_from_the_right(page_at):
    page = page_at("tokens?text=%D8%A7%D9%84%D9%82%D8%B7%D8%A9+%D9%86%D8%A7%D8%A6%D9%85%D8%A9")
    boxes = [chip.bounding_box() for chip in chips(page).all()]
    assert boxes[0]["x"] > boxes[1]["x"]


@pytest.mark.parametrize(
    ("width", "height", "theme"), [(1280, 800, "light"), (683, 512, "dark"), (390, 844, "dark")]
)
def test_fits_in_both_themes(page_at, theme, width, height):
    page = page_at("tokens", theme=theme, width=width, height=height)
    first = chips(page).first.bounding_box()
    assert first["y"] < height
    if width < 640:
        assert first["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("[data-testid=stMain]").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
