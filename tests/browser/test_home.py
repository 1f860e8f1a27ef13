"""The first page as a newcomer meets it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, settle


def drawn(page):
    """The sentence picture, inside its component."""
    return page.locator(".st-key-picture_sentence svg").first


def test_it_opens_with_a_real_example(page_at):
    page = page_at()
    assert page.get_by_role("heading", level=1).inner_text() == "From recurrence to attention"
    expect(drawn(page)).to_contain_text("animal")
    assert page.locator(".av-error").count() == 0


def test_another_text_gives_another_picture(page_at):
    page = page_at()
    box = page.get_by_label("Your text")
    box.fill("The keys to the cabinet are on the table.")
    box.press("Control+Enter")
    expect(drawn(page)).to_contain_text("cabinet", timeout=15_000)
    assert "text=" in page.url


def test_an_example_is_one_press_away(page_at):
    page = page_at()
    page.get_by_role("button", name="Agreement").click()
    expect(drawn(page)).to_contain_text("cabinet", timeout=15_000)


def test_a_copied_link_opens_the_same_view_on_a_fresh_server(page_at):
    page = page_at()
    page.get_by_role("button", name="Two pronouns").click()
    page.wait_for_function("location.search.includes('text=')")
    query = page.url.partition("?")[2]
    fresh = Server()
    try:
        fresh.wait("/ready")
        other = page_at(f"?{query}", at=fresh)
        expect(drawn(other)).to_contain_text("Mary", timeout=60_000)
        other.close()  # before its server ends: it would go on asking
    finally:
        fresh.stop()


def test_reload_keeps_the_state(page_at):
    page = page_at()
    page.get_by_role("button", name="Agreement").click()
    page.wait_for_function("location.search.includes('text=')")
    page.reload()
    settle(page)
    assert page.get_by_label("Your text").input_value() == "The keys to the cabinet are on the table."


def test_an_empty_text_is_one_sentence_and_a_way_out(page_at):
    page = page_at()
    box = page.get_by_label("Your text")
    box.fill("   ")
    box.press("Control+Enter")
    page.wait_for_selector(".av-error")
    page.get_by_role("button", name="Use the first example").click()
    page.wait_for_function("!document.querySelector('.av-error')")


def test_a_model_that_does_not_exist(page_at):
    page = page_at("?model=no-such/model")
    assert (
        "no-such" in page.locator(".av-error").inner_text()
        or "model is not" in page.locator(".av-error").inner_text()
    )
    page.get_by_role("button", name=re.compile("Use MiniLM")).click()
    page.wait_for_function("!document.querySelector('.av-error')")


@pytest.mark.parametrize(
    ("width", "height", "theme", "paper"),
    [(1280, 800, "light", "rgb(255, 255, 255)"), (390, 844, "dark", "rgb(15, 19, 24)")],
)
def test_fits_in_both_themes(page_at, theme, paper, width, height):
    page = page_at(theme=theme, width=width, height=height)
    found = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert found == paper
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


def test_a_word_is_chosen_by_a_click_and_kept_in_the_address(page_at):
    page = page_at()
    page.locator('.st-key-picture_sentence [data-word="10"]').click()
    page.wait_for_function("location.search.includes('word=10')")
    page.reload()
    settle(page)
    expect(page.locator('.st-key-picture_sentence [aria-pressed="true"]')).to_have_text("tired.")


def test_a_suggestion_shows_what_it_sets(page_at):
    page = page_at()
    row = page.get_by_role("button", name="Let a gradient explode")
    row.scroll_into_view_if_needed()
    row.click()
    page.wait_for_function("location.search.includes('radius=1.1')")
    expect(page.locator(".st-key-section_gradient .av-say")).to_contain_text("explodes")
    page.wait_for_function(
        "document.querySelector('.st-key-section_gradient').getBoundingClientRect().top < innerHeight / 2"
    )


def test_a_question_keeps_its_reason_until_it_is_answered(page_at):
    page = page_at()
    checks = page.locator(".st-key-section_check")
    expect(checks).not_to_contain_text("n · d²")
    shown = checks.get_by_role("button", name="Show it")
    assert shown.count() == 0
    checks.get_by_role("radio", name="The recurrent layer").or_(
        checks.get_by_role("button", name="The recurrent layer")
    ).first.click()
    expect(checks).to_contain_text("Right.")
    expect(checks).to_contain_text("n · d²")
    expect(shown.first).to_be_visible()


def test_the_link_to_this_view_is_copied(page_at):
    page = page_at("?n=100", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".st-key-copy_link_head button").click()
    expect(page.locator(".st-key-copy_link_head")).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert "n=100" in page.url


def test_the_map_leads_to_the_pages(page_at):
    page = page_at()
    page.locator(".st-key-card_open_attention_heatmaps a").click()
    page.wait_for_url("**/attention_heatmaps")
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention heatmaps")
    assert page_at().locator("[class*=st-key-card_coming_] a").count() == 0


@pytest.mark.parametrize(
    ("width", "height", "ends"), [(1280, 800, 620), (1920, 1080, 760), (683, 512, 512)], ids=str
)
def test_the_whole_picture_stands_above_the_fold(page_at, width, height, ends):
    page = page_at(width=width, height=height)
    box = drawn(page).bounding_box()
    assert box["y"] + box["height"] <= ends


def test_the_head_in_the_first_bytes_is_where_the_page_draws_it(page_at):
    page = page_at()
    place = "(at) => { const { x, y, height } = document.querySelector(at).getBoundingClientRect(); return [x, y, height]; }"
    drawn_by_the_app = page.evaluate(place, "#root .av-head h1")
    page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => { "
        "window.first = document.querySelector('.av-first')?.innerText; "
        f"window.place = ({place})('.av-first h1'); }})"
    )
    page.reload(wait_until="commit")
    page.wait_for_function("window.place")
    assert page.evaluate("window.place") == drawn_by_the_app
    assert "From recurrence to attention" in page.evaluate("window.first")


def test_nothing_jumps_while_the_page_is_drawn(page_at):
    page = page_at()
    shifted = page.evaluate(
        """() => new Promise((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((e) => { sum += e.hadRecentInput ? 0 : e.value; }))
            .observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(sum), 500);
        })"""
    )
    assert shifted < 0.15
