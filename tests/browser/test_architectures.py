"""The architectures page in a real browser: a token on its way, with and without motion, and a block that is clicked."""

from playwright.sync_api import expect

from tests.browser.conftest import settle


def test_a_token_is_followed_and_a_block_is_opened(page_at):
    page = page_at("architectures")
    expect(page.locator(".av-stack svg")).to_have_count(3)
    page.emulate_media(reduced_motion="no-preference")
    page.reload()
    diagram = page.locator(".av-stack svg").first
    top = diagram.bounding_box()["y"]
    page.get_by_role("button", name="Follow a token").click()
    assert diagram.bounding_box()["y"] == top  # the place of its sentences is kept
    told = page.locator(".av-told .av-now").first
    expect(told).to_contain_text("fetches its row of 384 numbers")
    dot = page.locator(".av-stack svg circle[data-live]").first
    before = dot.get_attribute("cy")
    page.wait_for_timeout(500)
    assert dot.get_attribute("cy") != before
    page.get_by_role("button", name="Stop").click()
    assert diagram.bounding_box()["y"] == top
    diagram.evaluate(
        "drawing => drawing.querySelector('[aria-label^=Pooler]').scrollIntoView({ block: 'center' })"
    )
    page.wait_for_timeout(300)
    assert told.bounding_box()["y"] > 0 > diagram.bounding_box()["y"]  # what is said stays in sight
    page.locator("svg .av-part[aria-label^='Recurrence']").first.click()
    expect(page.locator(".st-key-content_block .av-say")).to_contain_text(
        "English to Portuguese", timeout=20_000
    )
    settle(page)
    assert "block=Decoder%3A+recurrence" in page.url
    for width in (1280, 1024, 683, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_motion_it_is_followed_by_steps(page_at):
    page = page_at("architectures")
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    step = page.get_by_role("button", name="One step on")
    expect(step).to_be_visible(timeout=20_000)
    expect(page.get_by_role("button", name="Follow a token")).to_be_hidden()
    step.click()
    dot = page.locator(".av-stack svg circle[data-live]").first
    before = dot.get_attribute("cy")
    page.wait_for_timeout(300)
    assert dot.get_attribute("cy") == before
    step.click()
    assert dot.get_attribute("cy") != before
