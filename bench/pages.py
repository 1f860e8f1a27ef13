"""Each page in a browser: its first paint, each control from the press to the new picture, and a new sentence.

    python -m bench.pages [PAGE ...]

measures these pages only. What needs no pass of the model is to be there within 250 ms, a page's head within a second, a
new sentence of 16 tokens on SmolLM2 within 1.5 s; see ``make bench``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.course import COURSE
from bench.measuring import milliseconds, table
from bench.startup import answered, server
from tests.chromium import FLAGS, find

MINILM = "?"
SMOLLM2 = "?model=HuggingFaceTB/SmolLM2-135M-Instruct&"
TRANSLATOR = "?model=attnviz/translate-en-pt&"
PRESSES, PAINTS = 6, 3
LIMIT = 20_000
"""Milliseconds after which a press counts as one that changes nothing."""

Operate = Callable[[Any, int], None]
"""Moves a control of a page for the n-th time, each time to another state."""


@dataclass(frozen=True)
class Control:
    """A control: its name in the table, the address of the page it is on, how to move it, and what changes then."""

    name: str
    address: str
    operate: Operate
    watch: str

    @property
    def page(self) -> str:
        """The script of the page."""
        return self.address.partition("?")[0] or "home"


def slide(label: str) -> Operate:
    """A slider, one step on; from its end back to its start."""

    def operate(page: Any, _: int) -> None:
        slider = page.locator(f"input[type=range][aria-label='{label}']").first
        slider.focus()
        at_end = slider.evaluate("e => e.value === e.max")
        page.keyboard.press("Home" if at_end else "ArrowRight")

    return operate


def key(*names: str) -> Operate:
    """Keys of the keyboard, in turn."""
    return lambda page, number: page.keyboard.press(names[number % len(names)])


def press(*names: str) -> Operate:
    """Buttons, in turn."""
    return lambda page, number: page.get_by_role("button", name=names[number % len(names)]).first.click()


def segment(*names: str) -> Operate:
    """The parts of a segmented control, in turn."""
    return lambda page, number: page.get_by_role("radio", name=names[number % len(names)]).first.click()


def choose(label: str) -> Operate:
    """A list, one entry after the other; opening it is not measured."""

    def operate(page: Any, number: int) -> None:
        box = page.get_by_role("combobox", name=label).first
        box.scroll_into_view_if_needed()
        page.wait_for_timeout(200)  # a list that is opened while the page moves closes again
        box.click()
        page.get_by_role("option").nth(number + 1).click()

    return operate


def switch(label: str) -> Operate:
    """A switch, on and off."""
    return lambda page, _: page.locator("label", has_text=label).first.click()


def click(selector: str) -> Operate:
    """A place in a picture, each time further to the right."""

    def operate(page: Any, number: int) -> None:
        box = page.locator(selector).first.bounding_box()
        x, y = box["x"] + box["width"] * (0.08 + 0.13 * number), box["y"] + box["height"] * 0.3
        page.mouse.move(x, y, steps=4)
        page.wait_for_timeout(200)  # Plotly looks for what is under the pointer at its leisure
        page.mouse.click(x, y)

    return operate


def item(selector: str) -> Operate:
    """The parts of a picture, one after the other."""

    def operate(page: Any, number: int) -> None:
        parts = page.locator(selector)
        parts.nth(2 * number % parts.count()).click()

    return operate


def number(label: str, first: int) -> Operate:
    """A number that is typed, each time another one."""

    def operate(page: Any, times: int) -> None:
        box = page.locator(f"input[type=number][aria-label^='{label}']").first
        box.fill(str(first + 7 * times))
        box.press("Enter")

    return operate


def figure(name: str) -> str:
    """The drawing of a figure."""
    return f".st-key-plot_{name} .js-plotly-plot"


STEP, TOY = figure("attention_step"), figure("toy")
HEADS, MAP = figure("layer_heads"), figure("head_map")
POSITIONS = figure("positions")

CONTROLS: list[Control] = [
    *(
        Control(f"{name} ({model})", f"self_attention{address}step={step}", operate, STEP)
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
        for name, step, operate in (
            ("Next and Back", 3, press("Next", "Back")),
            ("Arrow keys", 4, key("ArrowRight", "ArrowLeft")),
            ("Layer", 6, slide("Layer")),
            ("Head", 6, slide("Head")),
            ("Query token", 6, choose("Query token")),
        )
    ),
    Control("A step of the diagram", "self_attention", press("Q, ", "K, ", "V, "), STEP),
    *(
        Control(f"From scratch: {label}", "self_attention", slide(label), TOY)
        for label in ("Tokens", "Numbers a token, d_model", "Numbers a query, d_k", "Seed")
    ),
    Control("From scratch: mask", "self_attention", switch("Mask later tokens"), TOY),
    *(
        Control(f"{name} ({model})", f"multi_head{address}", operate, watch)
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
        for name, operate, watch in (
            ("Layer", slide("Layer"), HEADS),
            ("Head", slide("Head"), HEADS),
            ("Colour by", choose("Colour by"), MAP),
            ("A head of the map", click(f"{MAP} .nsewdrag"), HEADS),
            ("A head of the layer", click(f"{HEADS} .nsewdrag"), ".st-key-many_main .av-say"),
            ("All layers in the table", switch("All layers"), "[data-testid=stDataFrame]"),
        )
    ),
    *(
        Control(f"Sinusoidal: {label}", "positions?scheme=Sinusoidal", slide(label), POSITIONS)
        for label in ("Positions", "Width", "Base")
    ),
    Control(
        "Sinusoidal: shift by", "positions?scheme=Sinusoidal", slide("Shift by"), figure("position_shift")
    ),
    Control("Learned: positions shown", "positions", slide("Positions shown"), POSITIONS),
    Control("Rotary: position", f"positions{SMOLLM2}", slide("Position"), POSITIONS),
    Control("Rotary: head", f"positions{SMOLLM2}", slide("Head"), figure("position_distance")),
    Control("T5 bias: half the buckets", "positions?scheme=T5+bias", slide("Half the buckets"), POSITIONS),
    Control("ALiBi: head", "positions?scheme=ALiBi", slide("Head"), POSITIONS),
    Control("Shuffle: after layer", "positions?scheme=Shuffle+the+words", slide("After layer"), POSITIONS),
    Control("View", "positions", segment("Sinusoidal", "ALiBi", "T5 bias"), POSITIONS),
    *(
        Control(f"{name} ({model})", f"feed_forward{address}", operate, watch)
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
        for name, operate, watch in (
            ("Layer", slide("Layer"), figure("ff_map")),
            ("Token", choose("Token"), figure("ff_token")),
            ("Neuron", number("Neuron", 20), figure("ff_neuron")),
            ("Input", slide("Input"), figure("ff_functions")),
        )
    ),
    Control("Stack", f"feed_forward{TRANSLATOR}", segment("Decoder", "Encoder"), figure("ff_token")),
    *(
        Control(label, "home", slide(label), figure("operations"))
        for label in ("Tokens, n", "Width, d", "Neighbours, k and r")
    ),
    *(
        Control(label, "home", slide(label), figure("gradient"))
        for label in ("Steps back", "Spectral radius")
    ),
    *(
        Control(f"A token ({model})", f"tokens{address}", item(".st-key-token_strip li button"), ".av-facts")
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
    ),
    *(
        Control(f"{name} ({model})", f"model_explorer{address}", operate, watch)
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
        for name, operate, watch in (
            ("View", segment("Treemap", "Squares"), ".st-key-hero"),
            ("Length", slide("Length of the text, in tokens"), ".st-key-section_work .av-say"),
            ("Data type", choose("Data type"), ".st-key-section_memory"),
            ("Matrix", choose("Matrix"), figure("weights")),
            ("Layer", slide("Layer"), figure("weights")),
        )
    ),
    Control("Published config", "model_explorer?source=Published", choose("Published config"), ".av-facts"),
    Control("Own sizes: layers", "model_explorer?source=Own+sizes", slide("Layers"), ".av-facts"),
    Control("A block", "architectures", item(".av-stack .av-part"), ".st-key-content_block .av-say"),
    Control("Block, from the list", "architectures", choose("Block"), ".st-key-content_block .av-say"),
    Control("Decoder-only model", "architectures", choose("Decoder-only"), ".st-key-picture_stacks"),
    Control("Training step", "learning", slide("Training step"), ".st-key-picture_learning"),
    Control("Family", "scaling", choose("Family"), figure("scaling_width")),
    Control("Training tokens", "scaling", slide("Training tokens"), figure("training")),
    Control("Length", f"scaling{SMOLLM2}", slide("Length of the text, in tokens"), figure("memory")),
    Control("Own sizes: heads", "scaling?source=Own+sizes", slide("Heads"), figure("scaling_width")),
]

FIRST_PICTURES = {
    "tokens": ".st-key-strip, .st-key-picture_tokens",
    "self_attention": STEP,
    "multi_head": HEADS,
    "positions": figure("position_distance"),
    "feed_forward": figure("ff_token"),
}
"""Of each page that reads a text, the picture that a new sentence changes."""

CONTENT = """(at) => {
  const inside = (root) => root.innerHTML + [...root.querySelectorAll('*')]
    .filter((e) => e.shadowRoot).map((e) => inside(e.shadowRoot)).join('');
  return [...document.querySelectorAll(at)].map(inside).join('');
}"""
WATCH = f"""(at) => {{
  const content = {CONTENT};
  const before = content(at);
  let began = 0, stirred = true;  // to read a large picture in every frame would slow down what is measured
  const observer = new MutationObserver(() => {{ stirred = true; }});
  const observe = (root) => {{
    observer.observe(root, {{ subtree: true, childList: true, attributes: true, characterData: true }});
    for (const e of root.querySelectorAll('*')) if (e.shadowRoot) observe(e.shadowRoot);
  }};
  observe(document.body);
  const start = () => {{ began = performance.now(); }};
  for (const event of ['keydown', 'click']) addEventListener(event, start, {{ capture: true }});
  window.attnvizChange = new Promise((done) => {{
    const look = () => {{
      const now = began && stirred && content(at);
      stirred = !began;
      if (now && now !== before) {{
        for (const event of ['keydown', 'click']) removeEventListener(event, start, {{ capture: true }});
        observer.disconnect();
        done((performance.now() - began) / 1000);
      }} else requestAnimationFrame(look);
    }};
    look();
  }});
}}"""
IDLE = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-testid="stSkeleton"], .av-waiting')"""


def idle(page: Any) -> None:
    """Nothing runs, and a person has looked at it."""
    page.wait_for_function(IDLE, timeout=60_000)
    page.wait_for_timeout(400)


@contextmanager
def opened(browser: Any, url: str, watch: str = "#root .av-head h1") -> Iterator[Any]:
    """A page in a browser that has not been there before, when nothing runs any more."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context, context.new_page() as page:
        page.goto(url)
        page.wait_for_selector(watch, timeout=60_000, state="attached")
        idle(page)
        yield page


def changed(page: Any, watch: str, move: Callable[[], None]) -> float:
    """Seconds from the last key or click of ``move`` until what is watched looks different."""
    page.evaluate(WATCH, watch)
    move()
    limit = f"new Promise((_, no) => setTimeout(() => no(new Error('nothing changed')), {LIMIT}))"
    return float(page.evaluate(f"Promise.race([window.attnvizChange, {limit}])"))


def presses(browser: Any, url: str, control: Control) -> list[float]:
    """Seconds of each press of a control, on a page that stands still before each."""
    times = []
    with opened(browser, f"{url}/{control.address}", control.watch) as page:
        for number in range(PRESSES):
            times.append(changed(page, control.watch, lambda number=number: control.operate(page, number)))
            idle(page)
    return times


def paints(browser: Any, url: str) -> tuple[float, float]:
    """Seconds from the address to the head of the page that is in its first bytes, and to the one that the app draws,
    in a browser that has not been there before."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context, context.new_page() as page:
        began = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(".av-first h1, #root .av-head h1", timeout=60_000)
        first = time.perf_counter() - began
        page.wait_for_selector("#root .av-head h1", timeout=60_000)
        return first, time.perf_counter() - began


def sentences(browser: Any, url: str, watch: str, first: int) -> list[float]:
    """Seconds from each of some new sentences of 16 tokens, which nobody has read yet, to its first picture.

    ``first`` is a number of two digits that makes them sentences of this page alone.
    """
    times = []
    with opened(browser, url, watch) as page:
        for boats in range(first, first + PRESSES):
            box = page.get_by_role("textbox", name="Your text")
            box.fill(f"The captain sold {boats} red boats to a young king by the sea.")
            times.append(changed(page, watch, lambda: page.keyboard.press("Control+Enter")))
            idle(page)
    return times


def row(times: Sequence[float], *names: str) -> list[str]:
    """A row of a table: names, then median, most and how many."""
    return [*names, milliseconds(statistics.median(times)), milliseconds(max(times)), str(len(times))]


def main(only: Sequence[str] = ()) -> None:
    """Print the tables, or say that Chromium is missing."""
    from playwright.sync_api import sync_playwright

    chromium = find()
    if chromium is None:
        print("\nNo Chromium was found: pages are not measured (set CHROMIUM).")
        return
    heads = ["Median", "Most", "Runs"]
    with server() as (url, began), sync_playwright() as playwright:
        answered(f"{url}/ready", began)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        pages = [page.script for page in COURSE if page.exists and (not only or page.script in only)]
        with opened(browser, url):
            pass  # the first page of a server compiles and imports
        painted = []
        for page in pages:
            address = f"{url}/{'' if page == 'home' else page}"
            first, drawn = zip(*(paints(browser, address) for _ in range(PAINTS)), strict=True)
            painted.append([*row(first, page)[:-1], *row(drawn)])
        table(
            "Pages: from the address to title and first sentence, and to those that the app draws; warm server, new browser",
            ["Page", "Painted, median", "Most", "Drawn, median", "Most", "Runs"],
            painted,
        )
        moved = []
        for control in (one for one in CONTROLS if one.page in pages):
            print(".", end="", file=sys.stderr, flush=True)
            try:
                moved.append(row(presses(browser, url, control), control.page, control.name))
            except Exception as error:  # noqa: BLE001 - the others are still worth measuring
                moved.append([control.page, control.name, str(error).splitlines()[0][:60], "", ""])
        table("Pages: from the press to the new picture", ["Page", "Control", *heads], moved)
        read = [
            row(sentences(browser, f"{url}/{page}{SMOLLM2}", watch, 10 + PRESSES * i), page)
            for i, (page, watch) in enumerate(FIRST_PICTURES.items())
            if page in pages
        ]
        table("Pages: a new sentence of 16 tokens on SmolLM2", ["Page", *heads], read)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
