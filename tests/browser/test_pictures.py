"""The pictures in a real browser, as saved pages from disk and mounted as Streamlit mounts them."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from attnviz import viewer
from attnviz.models.parameters import count_parameters
from attnviz.viewer import block, explorer, parameters, sentence

SIZES = [(1280, 800), (390, 844)]
HOSTILE = [
    "<img src=x onerror=hacked=1>",
    "</script><script>hacked=1</script>",
    "a\nb",
    "\0nul",
    "👩‍👩‍👧",
    "مرحبا",
    "\"'&lt;",
    "x" * 300,
]
SMOL = {
    "model_type": "llama",
    "vocab_size": 49152,
    "hidden_size": 576,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "tie_word_embeddings": True,
}
T5 = {
    "model_type": "t5",
    "vocab_size": 32128,
    "d_model": 512,
    "d_kv": 64,
    "d_ff": 2048,
    "num_layers": 6,
    "num_heads": 8,
}
RUNNING = """document.getAnimations().filter(a => a.animationName?.startsWith('av-'))
  .map(a => a.effect.getComputedTiming().endTime)"""
LIT = '.av-part[aria-label^="{}"][opacity="1"]'


def words_of(text: str | list[str], query: int, **changes: Any) -> dict[str, Any]:
    """A sentence whose words look hardest two back (the second: one), in head number (word) of layer 3."""
    words = text.split() if isinstance(text, str) else text
    looks = []
    for i in range(len(words)):
        key = max(i - 2, 0) if i else None
        weights = [0.01] * len(words)
        if key is not None:
            weights[key] = 0.3
        looks.append(sentence.Look(tuple(weights[:60] + [0.0] * (len(words) - 60)), key, 3, i))
    return sentence.payload(words, looks, query=query, model="MiniLM", heads=72, **changes)


ANIMAL = words_of("The animal didn't cross the street because it was too tired.", 7)
LONG = words_of("The lighthouse keeper climbed the narrow staircase again although nobody saw him " * 5, 40)
ARABIC = words_of("لم يعبر الحيوان الشارع لأنه كان متعبا جدا", 4)


@pytest.fixture(scope="module")
def counts() -> dict[str, Any]:
    return {"SmolLM2": count_parameters(SMOL), "T5": count_parameters(T5)}


class Opened:
    """A page with what went wrong on it."""

    def __init__(self, browser: Browser, width: int, height: int, dark: bool, still: bool) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
            accept_downloads=True,
        )
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Any]:
    pages: list[Opened] = []

    def open_page(
        name: str,
        payload: dict[str, Any],
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        still: bool = False,
    ) -> Page:
        one = Opened(chromium, width, height, dark, still)
        pages.append(one)
        file = tmp_path / f"{name}-{len(pages)}.html"
        file.write_text(viewer.standalone(name, payload, payload["title"]), encoding="utf-8")
        one.page.goto(file.as_uri())
        one.page.wait_for_selector("svg.av-drawing")
        return one.page

    yield open_page
    for one in pages:
        one.context.close()
        assert one.faults == []
        assert all(url.startswith(("file:", "blob:", "data:")) for url in one.asked), one.asked


def _chosen(page: Page) -> int:
    return int(page.locator("[aria-pressed=true]").get_attribute("data-word") or -1)


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 800, False), (390, 844, True)])
def test_every_picture_fits_the_page(
    opened: Any, counts: dict[str, Any], width: int, height: int, dark: bool, tmp_path: Path
) -> None:
    payloads = [("sentence", ANIMAL), ("sentence", LONG), ("sentence", ARABIC)]
    for title, count in counts.items():
        payloads.append(("parameters", parameters.payload(count, title=title)))
        payloads.append(("block", block.payload(count.architecture, count, title=title)))
        payloads.append(("explorer", explorer.payload(count.architecture, count, title=title)))
    page = opened("sentence", ANIMAL, width, height, dark)
    for index, (name, payload) in enumerate(payloads):
        file = tmp_path / f"page-{index}.html"
        file.write_text(viewer.standalone(name, payload, payload["title"]), encoding="utf-8")
        page.goto(file.as_uri())
        page.wait_for_selector("svg.av-drawing")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, payload["title"])
        paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert paper == ("rgb(15, 19, 24)" if dark else "rgb(255, 255, 255)")
        sizes = page.eval_on_selector_all(
            ".av-drawing text", "all => all.map(e => +e.getAttribute('font-size'))"
        )
        assert min(sizes) >= 12
        assert page.locator(".av").get_attribute("aria-label") == payload["alt"]


def test_a_click_moves_arc_hops_and_words(opened: Any) -> None:
    page = opened("sentence", ANIMAL)
    assert _chosen(page) == 7
    page.locator('[data-word="10"]').click()
    assert _chosen(page) == 10
    lead = "To carry was to tired, a recurrent network takes 2 steps. Attention takes one."
    assert page.locator(".av-lead").inner_text() == lead
    note = page.locator(".av-note").inner_text()
    assert note.startswith("Choose any word. Measured in MiniLM, layer 3, head 10:")
    assert page.locator(".av-live").inner_text() == ANIMAL["looks"][10]["say"]
    assert page.locator(".av-hop").count() == 2
    assert page.locator(".av-arc").count() >= 1


def test_motion_takes_its_time_and_none_where_it_is_not_wanted(opened: Any) -> None:
    page = opened("sentence", ANIMAL)
    assert page.evaluate(RUNNING) == []
    page.locator('[data-word="10"]').click()
    times = page.evaluate(RUNNING)
    assert times
    assert max(times) <= 640  # hops within 480 ms, the last number fades in
    still = opened("sentence", ANIMAL, still=True)
    still.locator('[data-word="10"]').click()
    assert still.evaluate(RUNNING) == []
    assert _chosen(still) == 10


def test_words_by_keyboard(opened: Any) -> None:
    page = opened("sentence", ANIMAL)
    focused = "document.activeElement.dataset.word"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "7"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == "9"
    assert _chosen(page) == 7
    page.keyboard.press("Enter")
    assert (_chosen(page), page.evaluate(focused)) == (9, "9")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    assert (_chosen(page), page.evaluate(focused)) == (0, "0")
    assert page.locator(".av-lead").inner_text() == "The has no earlier word to look at."
    ring = page.evaluate("getComputedStyle(document.activeElement.querySelector('.av-ring')).stroke")
    assert ring == "rgb(21, 25, 31)"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_long_sentence_stays_readable(opened: Any, width: int, height: int) -> None:
    page = opened("sentence", LONG, width, height)
    sizes = page.eval_on_selector_all(".av-word text", "all => all.map(e => +e.getAttribute('font-size'))")
    assert len(sizes) == 60
    assert min(sizes) >= 18
    boxes = page.eval_on_selector_all(
        ".av-word text", "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.right, b.top])"
    )
    for (_, right, top), (left, _, below) in pairwise(boxes):
        assert left > right or below > top


def test_arabic_is_read_from_the_right(opened: Any) -> None:
    page = opened("sentence", ARABIC)
    lefts = page.eval_on_selector_all(".av-word", "all => all.map(e => e.getBoundingClientRect().left)")
    assert lefts == sorted(lefts, reverse=True)
    page.locator('[data-word="4"]').focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.word") == "5"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_hostile_words_are_only_words(opened: Any, width: int, height: int) -> None:
    page = opened("sentence", words_of(HOSTILE, 3), width, height)
    for index in range(len(HOSTILE)):
        page.locator(f'[data-word="{index}"]').click()
        assert _chosen(page) == index
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 2
    assert page.locator("main img").count() == 0
    assert "<img src=x" in page.locator('[data-word="0"]').text_content()
    assert page.locator('[data-word="3"]').text_content() == "␀nul"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_touch_targets_on_a_phone(opened: Any) -> None:
    page = opened("sentence", LONG, 390, 844)
    heights = page.eval_on_selector_all(".av-word", "all => all.map(e => e.getBoundingClientRect().height)")
    assert min(heights) > 43.9


def test_squares_tell_their_arithmetic(opened: Any, counts: dict[str, Any]) -> None:
    page = opened("parameters", parameters.payload(counts["SmolLM2"], title="SmolLM2"))
    card = page.locator(".av-card")
    assert not card.is_visible()
    page.locator('[aria-label^="Key, layer 3,"]').hover(force=True)
    assert card.is_visible()
    assert "Key, layer 3 192 × 576" in card.inner_text()
    assert "192 × 576 = 110,592" in card.inner_text()
    lit = page.eval_on_selector_all(
        ".av-part[opacity='1']", "all => all.map(e => e.getAttribute('aria-label').split(',')[0])"
    )
    assert set(lit) == {"Key"}
    page.mouse.move(2, 2)
    assert not card.is_visible()


def test_squares_by_keyboard(opened: Any, counts: dict[str, Any]) -> None:
    page = opened("parameters", parameters.payload(counts["T5"], title="T5"))
    name = "document.activeElement.getAttribute('aria-label')"
    page.keyboard.press("Tab")
    assert page.evaluate(name).startswith("Embeddings")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(name).startswith("Query, encoder layer 0")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(name).startswith("Query, encoder layer 1")
    assert page.locator(".av-card").is_visible()
    assert page.locator(".av-live").inner_text().endswith("512 × 512 = 262,144")
    page.keyboard.press("End")
    assert page.evaluate(name).startswith("Norms")


def test_squares_are_drawn_in_proportion(opened: Any, counts: dict[str, Any]) -> None:
    packed = parameters.payload(counts["SmolLM2"], title="SmolLM2")
    page = opened("parameters", packed)
    areas = page.evaluate(
        """() => [...document.querySelectorAll('.av-part')].map(part => {
          const d = part.querySelector('path[fill^="#"]').getAttribute('d');
          return [...d.matchAll(/h([-.\\d]+)v([-.\\d]+)h/g)].reduce((sum, m) => sum + m[1] * m[2], 0);
        })"""
    )
    numbers = [part["count"] for group in packed["groups"] for row in group["rows"] for part in row]
    per_parameter = sum(areas) / packed["total"]
    assert len(areas) == len(numbers)
    for area, number in zip(areas, numbers, strict=True):
        assert area == pytest.approx(number * per_parameter, rel=0.002, abs=0.02)


def test_diagram_and_squares_light_each_other(opened: Any, counts: dict[str, Any]) -> None:
    count = counts["SmolLM2"]
    page = opened("explorer", explorer.payload(count.architecture, count, title="SmolLM2"))
    page.locator('[aria-label="Self-attention, value"]').hover(force=True)
    lit = page.locator(LIT.format("Value, layer"))
    assert lit.count() == 30
    assert page.locator(LIT.format("Query, layer")).count() == 0
    note = page.locator(".av-beside .av-note")
    assert note.inner_text() == "Value in 30 layers: 3,317,760 parameters, 2.5 % of all."
    page.locator('[aria-label^="Feed-forward gate, layer 7"]').hover(force=True)
    edge = page.locator('[aria-label^="Feed-forward, 576"] rect')
    assert edge.get_attribute("stroke") != "none"
    page.mouse.move(2, 2)
    assert edge.get_attribute("stroke") == "none"
    squares = "One square is 50,000 parameters; the last square of each part is cut to size."
    assert note.inner_text() == f"Point at a part for its arithmetic. {squares}"


@pytest.mark.parametrize("picture", ["sentence", "explorer"])
def test_saving(opened: Any, counts: dict[str, Any], picture: str, tmp_path: Path) -> None:
    count = counts["T5"]
    payload = (
        words_of(HOSTILE, 3)
        if picture == "sentence"
        else explorer.payload(count.architecture, count, title="T5")
    )
    page = opened(picture, payload)
    if picture == "sentence":
        page.locator('[data-word="5"]').click()
    page.locator("summary").click()
    saved = {}
    for kind in ("PNG", "SVG", "CSV", "Web page"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).click()
        target = tmp_path / download.value.suggested_filename
        assert target.name.startswith(f"attnviz-{picture}")
        download.value.save_as(target)
        saved[kind] = target
    png = saved["PNG"].read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20]) >= 2 * 1180  # at least twice the size on screen
    svg = ET.fromstring(saved["SVG"].read_text("utf-8"))
    assert svg.get("width", "").endswith("mm")
    assert not [node for node in svg.iter() if node.tag.endswith("}script") or node.get("tabindex")]
    table = saved["CSV"].read_text("utf-8-sig")
    assert list(csv.reader(io.StringIO(table))) == list(csv.reader(io.StringIO(payload["csv"])))
    page.goto(saved["Web page"].as_uri())
    page.wait_for_selector("svg.av-drawing")
    if picture == "sentence":
        assert _chosen(page) == 5
        page.locator('[data-word="2"]').click()
        assert _chosen(page) == 2


@pytest.fixture
def mounted(chromium: Browser) -> Iterator[Any]:
    """Mounts a picture as Streamlit does: in a shadow root, called anew with each payload."""
    one = Opened(chromium, 1280, 900, dark=False, still=False)

    def mount(name: str) -> Page:
        script = viewer.script(name).replace("export default attnviz();", "window.picture = attnviz();")
        one.page.goto("about:blank")
        one.page.set_content("<div id=host></div>")
        one.page.add_script_tag(content=script, type="module")
        one.page.wait_for_function("() => Boolean(window.picture)")
        one.page.evaluate(
            """css => {
              const shadow = document.getElementById('host').attachShadow({ mode: 'open' });
              const style = document.createElement('style');
              style.textContent = css;
              shadow.append(style);
              window.sent = [];
              window.draw = data => window.picture({
                data,
                parentElement: shadow,
                setStateValue() {},
                setTriggerValue: (name, value) => window.sent.push([name, value]),
              });
              window.find = selector => shadow.querySelector(selector);
            }""",
            viewer.style(),
        )
        return one.page

    yield mount
    one.context.close()
    assert one.faults == []


def test_new_data_are_drawn_without_cleanup_and_keep_the_choice(mounted: Any) -> None:
    page = mounted("sentence")
    page.evaluate("data => { window.first = draw(data) }", ANIMAL)
    page.locator('[data-word="10"]').click()
    assert page.evaluate("sent") == [["word", 10]]
    drawn = page.evaluate_handle("find('svg.av-drawing')")
    page.evaluate("data => { window.second = draw(data) }", {**ANIMAL, "query": 10})
    assert page.evaluate("one => one === find('svg.av-drawing')", drawn), (
        "an echo does not cut the motion off"
    )
    page.evaluate("data => draw(data)", {**ANIMAL, "query": 5})
    assert _chosen(page) == 5, "what Python means is followed"
    page.locator('[data-word="10"]').click()
    assert page.evaluate("sent") == [["word", 10], ["word", 10]], "the same word can be sent again"
    page.evaluate("data => draw(data)", {**LONG, "query": 3})
    assert _chosen(page) == 3, "a new sentence starts anew"
    page.locator('[data-word="4"]').click()
    page.locator('[data-word="6"]').click()
    page.evaluate("data => draw(data)", {**LONG, "query": 4})
    assert _chosen(page) == 6, "an answer on its way does not undo a later click"
    assert page.evaluate("find('.av').parentNode.querySelectorAll('.av').length") == 1


def test_cleanup_acts_only_for_the_last_call(mounted: Any) -> None:
    page = mounted("sentence")
    page.evaluate("data => { window.first = draw(data); window.second = draw(data) }", ANIMAL)
    page.evaluate("first()")
    assert page.evaluate("Boolean(find('.av'))"), "Streamlit cleans up after a call that was overtaken"
    page.evaluate("second()")
    assert not page.evaluate("Boolean(find('.av'))")
    page.evaluate("data => { draw(data) }", ANIMAL)
    assert page.evaluate("Boolean(find('svg.av-drawing'))")


def test_theme_of_the_page_is_taken(mounted: Any) -> None:
    page = mounted("sentence")
    theme = {
        "--st-background-color": "#10141a",
        "--st-text-color": "rgb(230, 231, 232)",
        "--st-font": "Arial",
        "--st-heading-font": "unset",
        "--st-border-color": "#333333",
    }
    set_all = """all => {
      const { style } = document.getElementById('host');
      for (const [name, value] of Object.entries(all)) style.setProperty(name, value);
    }"""
    page.evaluate(set_all, theme)
    page.evaluate("data => { draw(data) }", ANIMAL)
    assert page.locator('[data-word="9"] text').get_attribute("fill") == "rgb(230, 231, 232)"
    assert page.locator('[data-word="7"] text').get_attribute("fill") == "#10141a"
    assert page.locator('[data-word="5"] rect[stroke-width="2"]').first.get_attribute("stroke") == "#FF9E4A"
    page.evaluate(set_all, {"--st-background-color": "#ffffff", "--st-text-color": "#111111"})
    page.evaluate("data => { draw(data) }", ANIMAL)
    assert page.locator('[data-word="9"] text').get_attribute("fill") == "#111111"
    page.evaluate("data => { draw(data) }", {**ANIMAL, "theme": "dark"})
    assert page.locator('[data-word="9"] text').get_attribute("fill") == "#E8EBEF"


def test_parts_are_held_sent_and_let_go(mounted: Any, counts: dict[str, Any]) -> None:
    page = mounted("explorer")
    count = counts["SmolLM2"]
    payload = explorer.payload(count.architecture, count, title="SmolLM2")
    page.evaluate("data => { draw(data) }", payload)
    page.locator('[aria-label^="Key, layer 2,"]').click(force=True)
    (event, value) = page.evaluate("sent")[-1]
    assert event == "part"
    assert block.chosen_part(value) == {"part": "attention.key", "stack": "decoder", "layer": 2}
    page.mouse.move(2, 2)
    assert page.locator(LIT.format("Query, layer")).count() == 0, "it is held"
    page.locator('[aria-label^="Key, layer 2,"]').click(force=True)
    assert block.chosen_part(page.evaluate("sent")[-1][1]) is None
    page.mouse.move(2, 2)
    assert page.locator(LIT.format("Query, layer")).count() == 30
    chosen = {"part": "norm", "stack": "", "layer": None}
    page.evaluate(
        "data => { draw(data) }", explorer.payload(count.architecture, count, title="SmolLM2", chosen=chosen)
    )
    assert page.locator(LIT.format("Query, layer")).count() == 0
    assert page.locator(LIT.format("Norms")).count() >= 30


def test_a_new_width_is_drawn_anew(mounted: Any) -> None:
    page = mounted("sentence")
    page.evaluate("data => { draw(data) }", ANIMAL)
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function("find('svg.av-drawing').getBoundingClientRect().width < 420")
    lefts = page.eval_on_selector_all(
        ".av-word text", "all => all.map(e => Math.round(e.getBoundingClientRect().left))"
    )
    assert len(set(lefts)) == 1, "a column on a phone"
