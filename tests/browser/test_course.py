"""The course in a real browser, as a learner goes through it: from page to page by the links at their foot."""

from playwright.sync_api import expect

from app.course import COURSE
from app.lessons import lesson
from tests.browser.conftest import settle

PICTURE = "[data-testid=stMain] :is(svg.av-drawing, .av canvas, .js-plotly-plot .main-svg, ol.av-tokens)"


def test_the_course_is_walked_from_first_to_last_by_its_links(page_at):
    built = [page.script for page in COURSE if page.exists]
    page = page_at()
    for script in built:
        expect(page.get_by_role("heading", level=1)).to_have_text(lesson(script).title)
        settle(page)
        expect(page.locator(PICTURE).first).to_be_visible(timeout=20_000)
        expect(page.locator(".av-error")).to_have_count(0)
        onward = page.locator(".st-key-foot_after a")
        if script != built[-1]:
            onward.click()
    expect(onward).to_have_count(0)
    expect(page.locator(".st-key-foot_before a")).to_be_visible()
