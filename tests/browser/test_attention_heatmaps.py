"""The heatmap page in a real browser: what a link opens, what reaches Python and the address, what fits on which screen."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settle

PAGE = "attention_heatmaps"
SAID = ".av-looks"


def opened(page):
    """The page once its matrix is drawn."""
    expect(page.locator(SAID)).to_contain_text("looks", timeout=60_000)
    return page


def test_keys_move_layer_head_and_token_and_the_link_knows_it(page_at):
    page = opened(page_at(PAGE))
    expect(page.locator(SAID)).to_contain_text(
        "it looks 68 % at animal, 10 % at [CLS] and 6 % at itself. Layer 3, head 1"
    )
    page.locator(".av-figure").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Tab"):
        page.keyboard.press(key)
    expect(page.locator(SAID)).to_contain_text("Layer 5, head 2")
    expect(page.locator(".av-live").first).to_have_text(re.compile("layer 5, head 2: ‘was’ looks"))
    page.wait_for_url("**/attention_heatmaps?*query=was*")
    assert {"layer=5", "head=2"} <= set(page.url.partition("?")[2].split("&"))
    said = page.locator(SAID).inner_text()
    again = opened(page_at(page.url.rpartition("/")[2]))
    expect(again.locator(SAID)).to_have_text(said)


def test_dragging_the_sliders_and_what_python_says_below(page_at):
    page = opened(page_at(PAGE))
    slider = page.locator("input[aria-label=Layer]").bounding_box()
    y = slider["y"] + slider["height"] / 2
    page.mouse.move(slider["x"] + slider["width"] * 0.6, y)
    page.mouse.down()
    page.mouse.move(slider["x"] + 2, y, steps=6)
    page.mouse.up()
    expect(page.locator(SAID)).to_contain_text("Layer 0, head 1")
    expect(page.locator("code").first).to_contain_text("layer=0, head=1", timeout=10_000)


def test_a_thumbnail_names_itself_and_opens(page_at):
    page = opened(page_at(PAGE))
    box = page.locator(".av-sheet-box").bounding_box()
    pitch = (box["width"] - 30) // 6
    x, y = box["x"] + 30 + pitch * 0.5, box["y"] + 24 + pitch * 2.5
    page.mouse.move(x, y, steps=3)
    expect(page.locator(".av-sheet-box .av-card")).to_have_text("L0H2: 100 % to the token before")
    page.mouse.click(x, y)
    expect(page.locator(SAID)).to_contain_text("Layer 0, head 2")
    page.wait_for_url("**/attention_heatmaps?*layer=0*")
    page.get_by_role("application", name="All heads of encoder attention").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(SAID)).to_contain_text("Layer 1, head 2")


def test_pointing_at_a_cell_says_which_and_a_click_chooses_its_row(page_at):
    page = opened(page_at(PAGE))
    box = page.locator(".av-figure").bounding_box()
    found = None
    for x in range(100, 200, 6):  # somewhere right of the labels lies the column of "animal"
        page.mouse.move(box["x"] + x, box["y"] + 320)
        text = page.locator(".av-stage .av-card").text_content()
        if text.startswith("it to animal") or " to animal" in text:
            found = (x, text)
            break
    assert found, "no cell was found"
    page.mouse.click(box["x"] + found[0], box["y"] + 320)
    query = found[1].partition(" to ")[0]
    expect(page.locator(".av-chip-query").first).to_have_text(query)


def test_python_moves_the_viewer_and_a_question_opens_its_head(page_at):
    page = opened(page_at(PAGE))
    page.get_by_text("Look one token back").first.click()
    expect(page.locator(SAID)).to_contain_text("Layer 0, head 2")
    question = page.locator(".av-question").first.inner_text()
    layer, head = re.findall(r"layer (\d+), head (\d+)", question)[0]
    page.locator(".st-key-content_check").get_by_role("radio").first.click()
    expect(page.locator(".av-reveal").first).to_contain_text(re.compile("Right|Not this time"))
    page.get_by_role("button", name="Open this head").first.click()
    expect(page.locator(SAID)).to_contain_text(f"Layer {layer}, head {head}")


def test_another_model_and_hostile_words(page_at):
    page = opened(
        page_at(
            f"{PAGE}?text=a+<b>bold</b>+<img+src%3Dx+onerror%3Dalert(1)>+%26amp%3B+%D9%85%D8%B1%D8%AD%D8%A8%D8%A7"
        )
    )
    page.get_by_text("As a table").click()
    expect(page.locator(".av-table th", has_text=re.compile("^<$")).first).to_be_visible()
    assert page.locator(".st-key-heat img").count() == 0
    page.get_by_role("combobox", name=re.compile("Model")).click()
    page.get_by_role("option", name=re.compile("SmolLM2")).click()
    settle(page, 60)
    expect(page.locator("input[aria-label=Layer]")).to_have_attribute("max", "29", timeout=60_000)
    sheet = page.locator(".av-sheet")
    expect(sheet).to_be_visible()
    box = sheet.bounding_box()  # 30 layers beside the matrix, in two bands, above the fold
    assert box["height"] > 200 and box["y"] + box["height"] <= 800


def test_a_text_too_long_is_one_sentence_and_can_be_cut(page_at):
    page = page_at(PAGE)
    box = page.get_by_label("Your text")
    box.fill("the animal was tired. " * 150)
    box.press("Control+Enter")
    expect(page.locator(".av-error")).to_contain_text("752 tokens; MiniLM reads at most 512", timeout=15_000)
    page.get_by_role("button", name="Read the first 512").click()
    page.wait_for_function("!document.querySelector('.av-error')", timeout=60_000)
    opened(page)


@pytest.mark.parametrize(
    ("width", "height", "theme"),
    [(1920, 1080, "light"), (1280, 800, "dark"), (683, 512, "light"), (390, 844, "dark")],
)
def test_figure_and_control_fit_together_and_nothing_scrolls_sideways(page_at, theme, width, height):
    page = opened(page_at(PAGE, theme=theme, width=width, height=height))
    figure = page.locator(".av-figure").bounding_box()
    control = page.locator(".av-steppers").bounding_box()
    assert control["y"] < figure["y"] + figure["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    said = page.locator(SAID).bounding_box()
    assert height < 800 or said["y"] + said["height"] <= height, "the sentence is below the fold"
    if width == 390:
        lines = page.get_by_text("Lines show weights of at least 3 %")
        expect(lines).to_have_count(0)  # no line is drawn beside the matrix
        page.get_by_role("radio", name="Lines").click()
        expect(lines).to_be_visible()
        page.get_by_role("radio", name="All heads").click()
        expect(page.locator(".av-sheet")).to_be_visible()
        expect(page.locator(".av-figure")).to_be_hidden()
        assert all(
            b["height"] >= 40 for b in (e.bounding_box() for e in page.locator(".av-tabs button").all())
        )
