"""Every figure can be saved in four ways, and what is saved is whole."""

import struct


def test_a_figure_is_saved_in_four_ways(page_at):
    page, name = page_at(), "gradient"
    page.wait_for_selector(f".st-key-plot_{name} .js-plotly-plot", timeout=60_000)
    chart = page.locator(f".st-key-plot_{name}")
    chart.locator("summary").click()
    saved = {}
    for label in ("PNG", "SVG", "CSV", "Web page"):
        with page.expect_download(timeout=30_000) as download:
            chart.get_by_role("button", name=label).click()
        kind = download.value.suggested_filename.removeprefix(f"{name}.")
        saved[kind] = download.value.path().read_bytes()
    assert saved["png"][:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", saved["png"][16:24])
    box = page.locator(f".st-key-plot_{name} .main-svg").first.bounding_box()
    assert (width, height) == (round(box["width"]) * 3, round(box["height"]) * 3)
    assert len(saved["png"]) > 5_000
    assert saved["svg"].startswith(b"<svg")
    table = saved["csv"].decode("utf-8-sig")
    assert len(table) < len(saved["csv"])  # a mark that tells a spreadsheet which letters these are
    assert len(table.splitlines()) > 10
    page.goto("about:blank")
    page.context.set_offline(True)
    page.set_content(saved["html"].decode())
    page.wait_for_selector("#chart .scatterlayer .trace")
