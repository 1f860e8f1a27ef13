"""The scaling page in a real browser: the charts, what follows a family, and the link to it."""

from playwright.sync_api import expect

from tests.browser.conftest import settle


def test_a_family_is_chosen_and_linked(page_at):
    page = page_at("scaling")
    for chart in ("width", "layers", "heads", "shape"):
        expect(page.locator(f".st-key-plot_scaling_{chart} .js-plotly-plot")).to_be_visible()
    said = page.locator(".st-key-content_law .av-say")
    expect(said).to_contain_text("Over all 66 models")
    page.get_by_role("combobox", name="Family").click()
    page.get_by_role("option", name="Pythia").click()
    expect(said).to_contain_text(
        "In the 8 models of Pythia, the parameters of the layers grow with the width to the power 2.00"
    )
    settle(page)
    assert "among=Pythia" in page.url
    names = page.locator(".st-key-plot_scaling_width .annotation-text").all_text_contents()
    assert any(name.startswith("Pythia") for name in names)
    assert not any(name.startswith("Qwen") for name in names)
    for width in (1280, 1024, 683, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
