"""The model explorer in a real browser: the picture, what one sets in it, and what a link opens."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settle


def lead(page):
    """The sentence below the title."""
    return page.locator(".av-lead").first


def picture(page):
    """The picture, inside its component."""
    return page.locator(".st-key-picture_explorer")


def chosen(page, words):
    """Press one of the segments at the top and wait for its page."""
    page.locator(".st-key-described").get_by_text(words, exact=True).click()
    page.wait_for_timeout(200)
    settle(page)


def test_it_opens_on_the_model_at_hand(page_at):
    page = page_at("model_explorer")
    expect(lead(page)).to_have_text("MiniLM is 22,713,216 numbers. Here they are, drawn to scale.")
    expect(picture(page)).to_contain_text("11,918,592")
    expect(picture(page)).to_contain_text("Self-attention")
    expect(page.locator(".av-sum").first).to_contain_text("(30,522 + 512 + 2 + 2) × 384")


def test_the_picture_and_its_controls_stand_above_the_fold(page_at):
    page = page_at("model_explorer")
    box = picture(page).bounding_box()
    assert box["y"] < 360
    assert page.locator(".st-key-described").bounding_box()["y"] < 260
    last = page.locator(".st-key-picture_explorer").get_by_text("Layer 5").first.bounding_box()
    assert last["y"] + last["height"] < 800


@pytest.mark.parametrize("query", ["", "?view=Treemap&source=Published&published=T5+small"])
def test_nothing_scrolls_sideways(page_at, query):
    page = page_at(f"model_explorer{query}")
    for width in (1920, 1280, 683, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")


def test_every_control_is_in_the_link_and_the_link_opens_the_same(page_at):
    page = page_at("model_explorer")
    chosen(page, "Own sizes")
    chosen(page, "Treemap")
    page.get_by_role("slider", name="Layers").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.search.includes('layers=13')")
    # GPT-2's sizes with one layer more: 124,439,808 + 7,087,872
    said = "Your model is 131,527,680 numbers. Here they are, drawn to scale."
    expect(lead(page)).to_have_text(said)
    query = page.url.partition("?")[2]
    assert "source=Own+sizes" in query and "view=Treemap" in query
    other = page_at(f"model_explorer?{query}")
    expect(lead(other)).to_have_text(said)
    expect(other.locator(".st-key-plot_parameters .js-plotly-plot")).to_be_visible()


def test_a_config_is_pasted_and_counted(page_at):
    page = page_at("model_explorer?source=Pasted")
    page.get_by_role("button", name="Paste a config.json").click()
    box = page.get_by_role("textbox", name="The config.json of a model")
    fields = {
        "model_type": "gpt2",
        "n_embd": 64,
        "n_head": 4,
        "n_layer": 2,
        "vocab_size": 100,
        "n_positions": 32,
    }
    box.fill(json.dumps(fields))
    box.press("Control+Enter")
    # (100 + 32) × 64 + 2 × (12 × 64² + 13 × 64) + 2 × 64
    expect(lead(page)).to_contain_text("Your config is 108,544 numbers", timeout=20_000)


def test_a_bad_config_is_one_sentence_and_a_way_out(page_at):
    page = page_at("model_explorer?source=Pasted&config=%7B%22model_type%22%3A%22gpt2%22%7D")
    expect(page.locator(".av-error")).to_contain_text("does not give the vocabulary")
    page.get_by_role("button", name="Show the model at hand").click()
    expect(lead(page)).to_contain_text("MiniLM is 22,713,216 numbers", timeout=20_000)
    assert page.locator(".av-error").count() == 0


def test_a_part_of_the_picture_opens_its_weights(page_at):
    page = page_at("model_explorer")
    source = page.locator(".st-key-content_weights .av-source")
    expect(source).to_contain_text("encoder.layer.0.attention.self.query.weight")
    picture(page).locator("svg .av-part[aria-label*='key' i]").first.click()
    expect(source).to_contain_text("self.key.weight", timeout=20_000)


def test_the_tree_unfolds_without_the_server(page_at):
    page = page_at("model_explorer")
    folded = page.locator(".av-tree summary").filter(has_text="BertPooler")
    inside = page.locator(".av-tree").get_by_text("384 × 384, 384").last
    expect(inside).to_be_hidden()
    folded.click()
    expect(inside).to_be_visible()


@pytest.mark.parametrize("theme", ["dark"])
def test_figures_follow_the_theme(page_at, theme):
    page = page_at("model_explorer", theme=theme)
    ticks = page.locator(".st-key-plot_work .xtick text").first
    expect(ticks).to_have_css("fill", {"light": "rgb(87, 96, 107)", "dark": "rgb(161, 169, 181)"}[theme])
