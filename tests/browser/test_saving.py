"""Every figure can be saved in four ways, and what is saved is whole."""

import struct


def test_a_figure_is_saved_in_four_ways(page_at):
    page, name = page_at(), "gradient"
    page.wait_for_selector(f".st-key-figure_{name} .js-plotly-plot", timeout=60_000)
    page.locator(f".st-key-save_{name} button").first.click()
    saved = {}
    for label in ("Picture (PNG)", "Drawing (SVG)", "Numbers (CSV)", "Interactive page (HTML)"):
        with page.expect_download(timeout=30_000) as download:
            page.get_by_role("button", name=label).click()
        kind = download.value.suggested_filename.removeprefix(f"{name}.")
        saved[kind] = download.value.path().read_bytes()
    assert saved["png"][:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", saved["png"][16:24])
    box = page.locator(f".st-key-figure_{name} .main-svg").first.bounding_box()
    assert (width, height) == (round(box["width"]) * 3, round(box["height"]) * 3)
    assert len(saved["png"]) > 5_000
    assert saved["svg"].startswith(b"<svg")
    assert len(saved["csv"].splitlines()) > 10
    assert b"plotly" in saved["html"][:2_000_000].lower()
    assert b"cdn." not in saved["html"][:3000]
