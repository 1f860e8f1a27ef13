"""What all pages share: the browser's history, the name on its tab, its theme, and an address without a page."""

from playwright.sync_api import expect

from tests.browser.conftest import settle

SMOLLM2 = "HuggingFaceTB%2FSmolLM2-135M-Instruct"


def test_back_leads_to_the_page_before_as_it_was_left(page_at):
    page = page_at(f"positions?model={SMOLLM2}")
    page.get_by_role("radio", name="Sinusoidal").click()
    page.wait_for_url("**/positions?*scheme=Sinusoidal*")
    entries = page.evaluate("history.length")
    page.locator(".st-key-chapter").get_by_role("link", name="Feed-forward network").click()
    page.wait_for_url(f"**/feed_forward?*{SMOLLM2}*")
    expect(page).to_have_title("Feed-forward network · AttnViz")
    settle(page)
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    expect(page).to_have_title("Positional encoding · AttnViz")
    assert page.url.endswith(f"/positions?model={SMOLLM2}&scheme=Sinusoidal")
    expect(page.get_by_role("radio", name="Sinusoidal")).to_have_attribute("aria-checked", "true")


def test_a_control_adds_nothing_to_the_history(page_at):
    page = page_at("tokens")
    entries = page.evaluate("history.length")
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="SmolLM2").first.click()
    page.wait_for_url(f"**/tokens?model={SMOLLM2}")
    settle(page)
    assert page.evaluate("history.length") == entries


def test_a_page_follows_the_theme_while_it_is_open(page_at):
    page = page_at("positions")
    numbers = page.locator(".st-key-plot_positions .xtick text").first
    light = numbers.evaluate("e => getComputedStyle(e).fill")
    logo = page.locator("[data-testid=stLogo], [data-testid=stSidebarLogo]").first
    before = logo.get_attribute("src")
    page.emulate_media(color_scheme="dark")
    expect(numbers).not_to_have_css("fill", light)
    expect(logo).not_to_have_attribute("src", before)
    page.emulate_media(color_scheme="light")
    expect(numbers).to_have_css("fill", light)
    expect(logo).to_have_attribute("src", before)


def test_an_address_without_a_page_says_so(chromium, server):
    with chromium.new_context() as context, context.new_page() as page:
        answer = page.goto(f"{server.url}/positions/further")
        assert answer.status == 404
        expect(page.get_by_role("heading")).to_have_text("There is no page “positions/further”")
        page.get_by_role("link", name="Begin the course").click()
        expect(page).to_have_title("From recurrence to attention · AttnViz")
