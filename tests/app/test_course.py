"""The table of the course, its scripts, its words and its drawings belong together."""

import pytest

from app import course
from app.lessons import lesson
from app.widgets import pictograms
from tests.app.conftest import markup

BUILT = [page for page in course.COURSE if page.exists]


def test_chapters_and_scripts():
    assert len({page.script for page in course.COURSE}) == len(course.COURSE)
    chapters = [page.chapter for page in course.COURSE]
    assert sorted(chapters, key=course.CHAPTERS.index) == chapters
    assert set(chapters) == set(course.CHAPTERS)
    assert course.COURSE[0].script == "home"
    assert [page.number for page in course.COURSE] == list(range(1, len(course.COURSE) + 1))


def test_every_script_is_in_the_table():
    scripts = {path.stem for path in course.PAGES.glob("*.py")}
    assert scripts == {page.script for page in BUILT} | {page.script for page in course.COURSE if page.model}


def test_neighbours_lead_from_the_first_page_to_the_last_and_back():
    walked = [course.page("home")]
    while (after := course.neighbours(walked[-1])[1]) is not None:
        assert course.neighbours(after)[0] is walked[-1]
        walked.append(after)
    assert walked == BUILT


@pytest.mark.parametrize("page", BUILT, ids=lambda page: page.script)
def test_every_page_has_its_words(page):
    words = lesson(page.script)
    assert words.title
    assert words.lead.endswith(".") or "{" in words.lead


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", course.COURSE, ids=lambda page: page.script)
def test_every_page_has_a_drawing(page, mode):
    image = pictograms.picture(page.script, mode)
    assert image.startswith("<img")
    assert 'alt=""' in image


def test_the_map_names_every_page_and_links_those_that_are_built(open_page):
    app = open_page("home")
    shown = " ".join(markup(app)) + " ".join(link.proto.label for link in app.get("page_link"))
    for page in course.COURSE:
        assert (page.subject or page.title) in shown
        assert page.about in shown
    coming = [page for page in course.COURSE if not page.exists]
    assert shown.count("av-coming") == len(coming)
    assert f"{len(course.COURSE)} pages" in shown
