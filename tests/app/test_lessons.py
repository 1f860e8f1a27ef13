"""Words of the pages: they validate, and their gaps are filled. That their code runs is tested with each page."""

import re

import nbformat
import pytest
import yaml
from pydantic import ValidationError

from app import course
from app.course import COURSE
from app.lessons import Lesson, glossary, lesson
from app.widgets.notebook import notebook
from tests.app.conftest import markup

PAGES = [page.script for page in COURSE if page.exists]


@pytest.mark.parametrize("script", PAGES)
def test_words_are_plain(script):
    words = lesson(script)
    for sentence in (words.title, words.lead, *words.words.values()):
        assert "!" not in sentence
        assert "simply" not in sentence.lower()


def test_a_lesson_with_an_unknown_field_is_refused():
    with pytest.raises(ValidationError):
        Lesson(**yaml.safe_load("title: A\nlead: B.\nwrods: {}"))


def test_a_gap_that_nobody_fills_is_an_error():
    with pytest.raises(KeyError):
        Lesson(title="A", lead="B.", words={"say": "{n} steps"}).say("say")


@pytest.mark.parametrize("script", PAGES)
def test_no_gap_stays_open(open_page, script):
    for body in markup(open_page(script)):
        text = re.sub(r"<[^>]*>", " ", body)
        assert not re.search(r"\{\w*\}", text), text


def test_the_code_of_home_prints_what_it_says(open_page, capsys):
    (block,) = [block.value for block in open_page("home").code]
    exec(compile(block, "<code of home>", "exec"), {})
    layer, head, key, weight = capsys.readouterr().out.split()
    said = re.search(r"# (\d+) (\d+) (\d+) ([\d.]+): ‘animal’", block)
    assert (layer, head, key) == said.groups()[:3] == ("3", "1", "1")
    assert float(weight) == pytest.approx(float(said[4]), abs=0.005)


def test_each_word_of_the_glossary_is_introduced_by_one_page():
    written = [page.script for page in COURSE if (course.PAGES / f"{page.script}.py").is_file()]
    introduced = [term for script in written for term in lesson(script).terms]
    assert sorted(introduced) == sorted(glossary())


def test_the_meaning_of_a_word_is_plain():
    for term, meaning in glossary().items():
        assert meaning.endswith("."), term
        assert "!" not in meaning


@pytest.mark.parametrize("script", PAGES)
def test_a_page_says_what_its_words_mean(open_page, script):
    shown = [body for body in markup(open_page(script)) if "av-words" in body and "<dt>" in body]
    for term in lesson(script).terms:
        assert any(f"<dt>{term}</dt>" in body for body in shown)
    assert len(shown) == (2 if lesson(script).terms else 1)


def test_a_page_as_a_notebook_is_one():
    content = nbformat.reads(notebook("Tokens", "A lead.", "x = '\u732b\u2028'\nprint(x)\n"), as_version=4)
    nbformat.validate(content)
    assert [cell.cell_type for cell in content.cells] == ["markdown", "code"]
    assert content.cells[1].source == "x = '\u732b\u2028'\nprint(x)"
