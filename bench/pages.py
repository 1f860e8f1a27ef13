"""Each page in a browser: its first paint, each control from the press to the new picture, and a new sentence.

    python -m bench.pages [PAGE ...]

measures these pages only. What needs no pass of the model is to be there within 250 ms, a page's head within a second, a
new sentence of 16 tokens on SmolLM2 within 1.5 s; see ``make bench``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.course import COURSE
from bench.measuring import milliseconds, table
from bench.startup import answered, server
from bench.watching import calm, changed
from tests.chromium import FLAGS, find

MINILM = "?"
SMOLLM2 = "?model=HuggingFaceTB/SmolLM2-135M-Instruct&"
TRANSLATOR = "?model=attnviz/translate-en-pt&"
PRESSES, PAINTS = 6, 3
SCREEN: Any = {"width": 1280, "height": 800}
SENTENCES = [
    f"{many} captains sold {{boats}} red boats to a young king by the {place}."
    for many, place in zip(
        ("Two", "Three", "Four", "Five", "Six", "Eight"),
        ("sea", "lake", "river", "bridge", "forest", "castle"),
        strict=True,
    )
]
"""Sentences of 16 tokens. They differ early, since later tokens change nothing of those before them in a decoder, and
late, since on some pages the last ones ask and are chosen."""

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


def path(page: str) -> str:
    """Where the page of a script is."""
    return "" if page == "home" else page


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
    """A list by its keys, one entry on; at its end, one back. Opening it is not measured."""

    def operate(page: Any, _: int) -> None:
        page.get_by_role("combobox", name=label).first.focus()
        page.wait_for_timeout(200)  # a list that is opened while the page moves closes again
        page.keyboard.press("ArrowDown")
        pointed = page.locator("[role=option][data-focused]")
        pointed.wait_for()
        if pointed.get_attribute("aria-selected") == "true":
            page.keyboard.press("ArrowUp")
            page.locator("[role=option][data-focused][aria-selected=false]").wait_for()
        page.keyboard.press("Enter")

    return operate


def switch(label: str) -> Operate:
    """A switch, on and off."""
    return lambda page, _: page.locator("label", has_text=label).first.click()


def point(selector: str) -> Operate:
    """The points of a chart that can be picked, from the second on."""

    def operate(page: Any, number: int) -> None:
        chart = page.locator(selector).first
        chart.scroll_into_view_if_needed()
        x, y = chart.evaluate(_POINT, number + 1)
        page.mouse.move(x - 2, y - 2)
        page.mouse.move(x, y, steps=4)
        page.wait_for_timeout(200)  # Plotly looks for what is under the pointer at its leisure
        page.mouse.click(x, y)

    return operate


_POINT = """(chart, number) => {
  const { xaxis, yaxis } = chart._fullLayout;
  const points = chart._fullData.find((trace) => trace.mode === 'markers');
  const { left, top } = chart.getBoundingClientRect();
  return [left + xaxis._offset + xaxis.d2p(points.x[number]), top + yaxis._offset + yaxis.d2p(points.y[number])];
}"""


def part(*names: str) -> Operate:
    """Parts of a picture by what they are called, in turn."""
    return lambda page, number: page.locator(
        f".av-part[aria-label^='{names[number % len(names)]}']"
    ).first.click()


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
EXPLORED = f"{figure('parameters')}, .st-key-picture_explorer"
BLOCK = ".st-key-content_block .av-say"

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
        Control(f"{name} ({model})", f"multi_head{address}layer=3&head=0", operate, watch)
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
        for name, operate, watch in (
            ("A head of the layer", point(HEADS), HEADS),
            ("A head of the map", point(MAP), HEADS),
            ("Layer", slide("Layer"), HEADS),
            ("Head", slide("Head"), HEADS),
            ("Colour by", choose("Colour by"), MAP),
            ("All layers in the table", switch("All layers"), "[data-testid=stDataFrame] .dvn-scroll-inner"),
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
    Control("T5 bias: buckets", "positions?scheme=T5+bias", slide("Buckets"), POSITIONS),
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
        Control(label, "", slide(label), figure("operations"))
        for label in ("Tokens, n", "Width, d", "Neighbours, k and r")
    ),
    *(Control(label, "", slide(label), figure("gradient")) for label in ("Steps back", "Spectral radius")),
    *(
        Control(f"A token ({model})", f"tokens{address}", item(".st-key-token_strip li button"), ".av-facts")
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
    ),
    *(
        Control(f"{name} ({model})", f"model_explorer{address}", operate, watch)
        for model, address in (("MiniLM", MINILM), ("SmolLM2", SMOLLM2))
        for name, operate, watch in (
            ("View", segment("Treemap", "Squares"), EXPLORED),
            ("Length", slide("Length of the text, in tokens"), figure("work")),
            ("Data type", choose("Data type"), ".st-key-section_memory table"),
            ("Layer", slide("Layer"), figure("weights")),
            ("Matrix", choose("Matrix"), figure("weights")),  # the last has no layers
        )
    ),
    Control("Published config", "model_explorer?source=Published", choose("Published config"), EXPLORED),
    Control("Own sizes: layers", "model_explorer?source=Own+sizes", slide("Layers"), EXPLORED),
    Control(
        "A block", "architectures", part("Embeddings", "LayerNorm", "Self-attention", "Feed-forward"), BLOCK
    ),
    Control("Block, from the list", "architectures", choose("Block"), BLOCK),
    Control("Decoder-only model", "architectures", choose("Decoder-only"), ".st-key-picture_stacks"),
    Control("Training step", "learning", slide("Training step"), ".st-key-picture_learning"),
    Control("Family", "scaling", choose("Family"), figure("scaling_width")),
    Control("Training tokens", "scaling", slide("Training tokens"), figure("training")),
    Control("Length", f"scaling{SMOLLM2}", slide("Length of the text, in tokens"), figure("memory")),
    Control("Own sizes: heads", "scaling?source=Own+sizes", slide("Heads"), figure("scaling_width")),
]

FIRST_PICTURES = {
    "home": ".st-key-picture_sentence",
    "tokens": ".st-key-picture_tokens",
    "self_attention": STEP,
    "attention_heatmaps": ".st-key-picture_attention",
    "multi_head": HEADS,
    "positions": figure("position_distance"),
    "feed_forward": figure("ff_token"),
}
"""Of each page that reads a text, the picture that a new sentence changes."""


@contextmanager
def opened(context: Any, url: str) -> Iterator[Any]:
    """A page, when nothing runs any more."""
    with context.new_page() as page:
        page.goto(url)
        page.wait_for_selector("#root .av-head h1", timeout=60_000)
        calm(page)
        yield page


def look_at(page: Any, watch: str) -> None:
    """Bring the picture into sight, as who moves a control does: what nobody sees is drawn when the page is at rest."""
    page.locator(watch).first.evaluate("e => e.scrollIntoView({block: 'nearest'})")


def presses(page: Any, control: Control) -> list[float]:
    """Seconds of each press of a control, on a page that stands still before each."""
    page.wait_for_selector(control.watch, state="attached")
    times = []
    for number in range(PRESSES):
        look_at(page, control.watch)
        times.append(changed(page, control.watch, partial(control.operate, page, number)))
        calm(page)
    return times


def paints(browser: Any, url: str) -> tuple[float, float]:
    """Seconds from the address to the head of the page that is in its first bytes, and to the one that the app draws,
    in a browser that has not been there before."""
    with browser.new_context(viewport=SCREEN) as context, context.new_page() as page:
        began = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(".av-first h1, #root .av-head h1", timeout=60_000)
        first = time.perf_counter() - began
        page.wait_for_selector("#root .av-head h1", timeout=60_000)
        return first, time.perf_counter() - began


def sentences(page: Any, watch: str, boats: int) -> list[float]:
    """Seconds from each of some new sentences of 16 tokens, which nobody has read yet, to its first picture.

    ``boats`` is a number of two digits that makes them sentences of this page alone.
    """
    page.wait_for_selector(watch, state="attached")
    times = []
    for sentence in SENTENCES:
        look_at(page, watch)
        page.get_by_role("textbox", name="Your text").fill(sentence.format(boats=boats))
        times.append(changed(page, watch, lambda: page.keyboard.press("Control+Enter")))
        calm(page)
    return times


def cells(times: Sequence[float]) -> list[str]:
    """Median, most and how many."""
    return [milliseconds(statistics.median(times)), milliseconds(max(times)), str(len(times))]


def row(measure: Callable[[], list[str]], *names: str, width: int = 3) -> list[str]:
    """A row of a table; of what failed it says why, and the others are still worth measuring."""
    print(".", end="", file=sys.stderr, flush=True)
    try:
        return [*names, *measure()]
    except Exception as error:  # noqa: BLE001
        why = str(error).partition("\n")[0][:60] or type(error).__name__
        return [*names, why, *[""] * (width - 1)]


def painted(browser: Any, url: str, page: str) -> list[str]:
    """Cells of a page that is opened some times."""
    first, drawn = zip(*(paints(browser, f"{url}/{path(page)}") for _ in range(PAINTS)), strict=True)
    return [*cells(first)[:-1], *cells(drawn)]


def pressed(context: Any, url: str, controls: Iterable[Control]) -> Iterator[list[str]]:
    """A row for each control. Those of one address share a page, which is opened anew after one that failed."""
    with ExitStack() as stack:
        at, page = "nowhere", None

        def measure(control: Control) -> list[str]:
            nonlocal at, page
            if control.address != at:
                stack.close()
                page = stack.enter_context(opened(context, f"{url}/{control.address}"))
            at = "nowhere"
            times = presses(page, control)
            at = control.address
            return cells(times)

        for control in controls:
            yield row(partial(measure, control), control.page, control.name)


def read(context: Any, url: str, page: str) -> list[str]:
    """Cells of a page that reads new sentences."""
    boats = 10 + list(FIRST_PICTURES).index(page)
    with opened(context, f"{url}/{path(page)}{SMOLLM2}") as shown:
        return cells(sentences(shown, FIRST_PICTURES[page], boats))


def main(only: Sequence[str] = ()) -> None:
    """Print the tables, or say that Chromium is missing."""
    from playwright.sync_api import sync_playwright

    chromium = find()
    if chromium is None:
        print("\nNo Chromium was found: pages are not measured (set CHROMIUM).")
        return
    pages = [page.script for page in COURSE if page.exists and (not only or page.script in only)]
    heads = ["Median", "Most", "Runs"]
    with server() as (url, began), sync_playwright() as playwright:
        answered(f"{url}/ready", began)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        with opened(browser, url):
            pass  # the first page of a server compiles and imports
        table(
            "Pages: from the address to title and first sentence, and to those that the app draws; warm server, new browser",
            ["Page", "Painted, median", "Most", "Drawn, median", "Most", "Runs"],
            [row(partial(painted, browser, url, page), page, width=5) for page in pages],
        )
        with browser.new_context(viewport=SCREEN) as context:
            controls = [control for control in CONTROLS if control.page in pages]
            table(
                "Pages: from the press to the new picture",
                ["Page", "Control", *heads],
                list(pressed(context, url, controls)),
            )
            table(
                "Pages: a new sentence of 16 tokens on SmolLM2",
                ["Page", *heads],
                [row(partial(read, context, url, page), page) for page in FIRST_PICTURES if page in pages],
            )
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
