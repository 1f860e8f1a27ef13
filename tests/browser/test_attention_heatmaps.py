"""The heatmap page in a real browser: what a link opens, what a slider changes, what fits on which screen."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, settle

PAGE = "attention_heatmaps"
MATRIX = ".st-key-figure_attention .hm image"
SAID = ".av-looks"


def opened(page):
    """The page once its matrix is drawn."""
    page.wait_for_selector(MATRIX, timeout=60_000)
    return page


def picture(page):
    """The drawn matrix itself, to see whether it changed."""
    return page.locator(MATRIX).first.evaluate("e => e.getAttribute('xlink:href') || e.getAttribute('href')")


def labels(page, axis):
    """The tokens along an axis of the matrix."""
    return page.locator(f".st-key-figure_attention .{axis}axislayer-above text").all_text_contents()


def slider(page, name):
    """The input inside a slider, which takes the keys."""
    return page.locator(f"input[type=range][aria-label='{name}']")


def slide(page, name, key, times=1):
    """Move a slider by its keys, as one would without a mouse."""
    slider(page, name).focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_it_opens_with_what_a_pronoun_looks_at(page_at):
    page = opened(page_at(PAGE))
    expect(page.locator(SAID)).to_contain_text("it looks 68 % at animal, 10 % at [CLS] and 6 % at itself")
    assert labels(page, "x")[:3] == ["[CLS]", "the", "animal"]
    assert len(labels(page, "y")) == 16


def test_the_layer_slider_draws_another_head_and_the_link_knows_it(page_at):
    page = opened(page_at(PAGE))
    before = picture(page)
    slide(page, "Layer", "ArrowRight", times=2)
    expect(page.locator(SAID)).to_contain_text("Layer 5, head 1")
    page.wait_for_function(
        "([at, before]) => { const e = document.querySelector(at);"
        " return e && (e.getAttribute('xlink:href') || e.getAttribute('href')) !== before; }",
        arg=[MATRIX, before],
    )
    assert "layer=5" in page.url
    slide(page, "Head", "ArrowLeft")
    expect(page.locator(SAID)).to_contain_text("Layer 5, head 0")
    assert "head=0" in page.url


def test_a_copied_link_opens_the_same_view_on_a_fresh_server(page_at):
    page = opened(page_at(f"{PAGE}?layer=0&head=2&query=cross&special=true&merge=true"))
    said = page.locator(SAID).inner_text()
    assert said.startswith("cross looks") and "Layer 0, head 2" in said
    fresh = Server()
    try:
        fresh.wait("/ready")
        other = opened(page_at(page.url.rpartition("/")[2], at=fresh))
        assert other.locator(SAID).inner_text() == said
        other.close()  # before its server ends: it would go on asking
    finally:
        fresh.stop()


def test_reload_keeps_the_state(page_at):
    page = opened(page_at(PAGE))
    slide(page, "Head", "ArrowRight", times=3)
    expect(page.locator(SAID)).to_contain_text("head 4")
    page.get_by_text("Hide special tokens").click()
    expect(page.locator(".av-source").first).to_contain_text("scaled to 100 %")
    page.wait_for_function("location.search.includes('special=true')")
    page.reload()
    settle(page)
    opened(page)
    expect(page.locator(SAID)).to_contain_text("Layer 3, head 4")
    assert "[CLS]" not in labels(page, "x")


def test_another_text_and_another_model(page_at):
    page = opened(page_at(PAGE))
    box = page.get_by_label("Your text")
    box.fill("The keys to the cabinet are on the table.")
    box.press("Control+Enter")
    page.wait_for_function(
        f"document.querySelector('{SAID}')?.innerText.startsWith('it') === false", timeout=15_000
    )
    opened(page)
    assert "keys" in labels(page, "y")
    page.get_by_role("combobox", name=re.compile("Model")).click()
    page.get_by_role("option", name=re.compile("SmolLM2")).click()
    page.wait_for_selector(".st-key-heat_strip .js-plotly-plot", timeout=60_000)
    settle(page)
    expect(slider(page, "Layer")).to_have_attribute("max", "29")
    layer = slider(page, "Layer").input_value()
    expect(page.locator(SAID)).to_contain_text(f"Layer {layer}, head {slider(page, 'Head').input_value()}")
    opened(page)
    assert page.locator(".st-key-heat_strip .js-plotly-plot").count() == 1


def test_a_thumbnail_is_a_way_to_its_head(page_at):
    page = opened(page_at(PAGE))
    plot = page.locator(".st-key-figure_all_heads .nsewdrag").first
    box = plot.bounding_box()
    # layer 0, head 2 of 6 layers and 12 heads: looks one token back
    page.mouse.move(box["x"] + box["width"] * 0.5 / 6, box["y"] + box["height"] * 2.5 / 12, steps=4)
    expect(page.locator(".st-key-figure_all_heads .hoverlayer")).to_contain_text(
        "L0H2: 100 % to the token before"
    )
    page.mouse.click(box["x"] + box["width"] * 0.5 / 6, box["y"] + box["height"] * 2.5 / 12)
    expect(page.locator(SAID)).to_contain_text("Layer 0, head 2", timeout=10_000)
    assert "layer=0" in page.url and "head=2" in page.url


def test_pointing_at_a_cell_says_which(page_at):
    page = opened(page_at(PAGE))
    box = page.locator(MATRIX).first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 2.5 / 16, box["y"] + box["height"] * 10.5 / 16, steps=4)
    expect(page.locator(".st-key-figure_attention .hoverlayer")).to_contain_text("it to animal: 67.7%")


def test_a_question_is_answered_and_its_head_opened(page_at):
    page = opened(page_at(PAGE))
    page.get_by_text("Check yourself").scroll_into_view_if_needed()
    question = page.locator(".av-question").first.inner_text()
    layer, head = re.findall(r"layer (\d+), head (\d+)", question)[0]
    page.locator(".st-key-content_check").get_by_role("radio").first.click()
    expect(page.locator(".av-reveal").first).to_contain_text(re.compile("Right|Not this time"))
    page.get_by_role("button", name="Open this head").first.click()
    expect(page.locator(SAID)).to_contain_text(f"Layer {layer}, head {head}")


def test_tokens_are_text_whatever_is_in_them(page_at):
    page = opened(page_at(f"{PAGE}?text=a+<b>bold</b>+<img+src%3Dx+onerror%3Dalert(1)>+%26amp%3B"))
    assert "<" in labels(page, "y")
    assert page.locator(".st-key-heat img").count() == 0


def test_a_text_too_long_is_one_sentence_and_can_be_cut(page_at):
    page = page_at(PAGE)
    box = page.get_by_label("Your text")
    box.fill("the animal was tired. " * 150)
    box.press("Control+Enter")
    expect(page.locator(".av-error")).to_contain_text("752 tokens; MiniLM reads at most 512", timeout=15_000)
    page.get_by_role("button", name="Read the first 512").click()
    page.wait_for_function("!document.querySelector('.av-error')", timeout=60_000)
    opened(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 800), (683, 512), (390, 844)])
def test_figure_and_control_fit_together_and_nothing_scrolls_sideways(page_at, theme, width, height):
    page = opened(page_at(PAGE, theme=theme, width=width, height=height))
    page.wait_for_timeout(500)
    matrix = page.locator(MATRIX).first.bounding_box()
    control = page.locator(".st-key-heat_place [data-testid=stSlider]").first.bounding_box()
    assert control["y"] < matrix["y"] + matrix["height"] <= height
    assert matrix["width"] == pytest.approx(matrix["height"], abs=1), "cells are not square"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    if height >= 800:
        said = page.locator(SAID).bounding_box()
        assert said["y"] + said["height"] <= height, "the sentence is below the fold"


def test_labels_of_a_long_sentence_do_not_touch(page_at):
    words = "+".join(f"word{i}" for i in range(40))
    page = opened(page_at(f"{PAGE}?text={words}"))
    boxes = page.locator(".st-key-figure_attention .yaxislayer-above text").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(b => [b.top, b.bottom])"
    )
    boxes.sort()
    overlaps = [b[0] - a[1] for a, b in pairwise(boxes)]
    assert min(overlaps) > -4, "letters of neighbouring labels meet"
