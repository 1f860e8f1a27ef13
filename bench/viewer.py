"""The attention viewer in a browser beside BertViz's model view: size, first frame, changes, memory, on one attention."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.measuring import megabytes, milliseconds, table
from bench.startup import server
from tests.chromium import FLAGS, find

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-bench" / "bin" / "python"
SCRIPTS = {"require": ("requirejs", "2.3.6"), "d3": ("d3", "5.7.0"), "jquery": ("jquery", "2.2.4")}
"""What BertViz's page loads from the network, by a word of its address; here it comes from disk."""

ROUNDS = 3
LIMIT = 90_000  # milliseconds until a page counts as one that does not finish

CHANGES = """async () => {
  const figure = document.querySelector('.av-figure');
  const layers = Number(document.querySelector('input[aria-label=Layer]').max) + 1;
  const heads = Number(document.querySelector('input[aria-label=Head]').max) + 1;
  const took = [];
  const press = async (key) => {
    const began = performance.now();
    figure.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    took.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  };
  for (let layer = 0; layer < layers; layer += 1) {
    for (let head = 1; head < heads; head += 1) await press(layer % 2 ? 'ArrowUp' : 'ArrowDown');
    if (layer < layers - 1) await press('ArrowRight');
  }
  return took;
}"""
WATCH_TASKS = """() => {
  window.attnvizTasks = [];
  new PerformanceObserver((list) => window.attnvizTasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: 'longtask' });
}"""
FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"


def peer_scripts(folder: Path) -> dict[str, str] | None:
    """The scripts that BertViz's page asks for, from the registry of npm; None where there is no npm."""
    if shutil.which("npm") is None:
        return None
    found = {}
    for word, (name, version) in SCRIPTS.items():
        command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(folder)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            return None
        inside = {"require": "require.js", "d3": "dist/d3.min.js", "jquery": "dist/jquery.min.js"}[word]
        with tarfile.open(folder / f"{name}-{version}.tgz") as archive:
            found[word] = archive.extractfile(f"package/{inside}").read().decode()  # type: ignore[union-attr]
    return found


def first_frame(browser: Any, file: Path, drawn: str, scripts: dict[str, str]) -> tuple[float | None, Any]:
    """Seconds from opening a page to its first frame, None where that does not come in time; and the page."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})

    def answer(route: Any) -> None:
        text = next((text for word, text in scripts.items() if word in route.request.url), None)
        if text is None:
            route.continue_()
        else:
            route.fulfill(body=text, content_type="text/javascript")

    page.route(re.compile("^https://"), answer)
    began = time.perf_counter()
    try:
        page.goto(file.as_uri(), timeout=LIMIT)
        page.wait_for_selector(drawn, timeout=LIMIT, state="attached")
        page.evaluate(FRAME)
    except Exception as error:  # noqa: BLE001 - a page that crashes its tab is what is measured
        print(f"{file.name}: {str(error).splitlines()[0]}", flush=True)
        return None, page
    return time.perf_counter() - began, page


def closed(page: Any) -> None:
    """Close a page and let its process end, so that the next one is not measured beside it."""
    page.close()
    time.sleep(1)


def dragged(page: Any) -> float:
    """The longest task in milliseconds, 0 if none is over 50, while the head slider is dragged through each layer."""
    page.wait_for_timeout(1500)  # thumbnails and fonts are done
    page.evaluate(WATCH_TASKS)
    layers = int(page.locator("input[aria-label=Layer]").get_attribute("max")) + 1
    box = page.locator("input[aria-label=Head]").bounding_box()
    y = box["y"] + box["height"] / 2
    for layer in range(layers):
        left, right = box["x"] + 2, box["x"] + box["width"] - 2
        start, end = (left, right) if layer % 2 == 0 else (right, left)
        page.mouse.move(start, y)
        page.mouse.down()
        page.mouse.move(end, y, steps=16)
        page.mouse.up()
        page.locator(".av-figure").press("ArrowRight")
    page.wait_for_timeout(300)
    return max(page.evaluate("window.attnvizTasks") or [0.0])


def tab_memory(page: Any) -> tuple[float, float]:
    """Bytes of a tab: what its scripts hold (heap and buffers), and its share of memory as the system counts it: all of
    its process, with what it shares with others counted in parts."""
    usage = page.context.new_cdp_session(page).send("Runtime.getHeapUsage")
    held = sum(usage.get(name, 0) for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize"))
    whole = 0.0
    processes = page.context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")[
        "processInfo"
    ]
    for process in processes:  # of this browser: others may run beside it
        if process["type"] == "renderer":
            counted = Path(f"/proc/{process['id']}/smaps_rollup").read_text("utf-8")
            found = re.search(r"^Pss:\s+(\d+) kB", counted, re.MULTILINE)
            whole = max(whole, 1024 * float(found[1]) if found else 0)
    return held, whole


SENTENCE = "the animal was tired because it did not cross the street and nobody saw it. "
"""16 tokens of SmolLM2."""

CHANGED = """(before) => {
  const find = (selector, root) => root.querySelector(selector) ?? [...root.querySelectorAll('*')]
    .map((one) => one.shadowRoot && find(selector, one.shadowRoot)).find(Boolean);
  window.attnvizSaid = window.attnvizSaid?.isConnected ? window.attnvizSaid : find('.av-looks', document);
  const said = window.attnvizSaid;
  return said && said.innerText !== before && said.getRootNode().querySelector('.av-wait').hidden;
}"""
"""Whether the viewer, in its shadow, says something else and has drawn it. Asked at each frame, so it must not itself fill
the memory that is measured: it looks for the viewer once."""
LAYERS_THERE = """() => new Set([...globalThis.attnvizMessages.kept.values()].flatMap((entries) => [...entries].flatMap(
  (entry) => entry.held.flatMap((block) => Array.from({ length: block.layers }, (_, i) => block.first + i))))).size"""


def opened(browser: Any, url: str) -> Any:
    """The heatmap page with SmolLM2, when its first picture is there and nothing runs any more."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    deadline = time.perf_counter() + 180
    while True:
        try:
            page.goto(f"{url}/attention_heatmaps?model=HuggingFaceTB/SmolLM2-135M-Instruct")
            page.wait_for_selector(".av-chip-query", timeout=60_000)
            break
        except Exception:  # the server is still starting
            if time.perf_counter() > deadline:
                raise
            time.sleep(0.5)
    page.wait_for_timeout(8_000)
    return page


def typed(page: Any, text: str) -> float:
    """Seconds from a new text, sent by the keyboard, to its picture."""
    before = page.locator(".av-looks").inner_text()
    page.get_by_label("Your text").fill(text)
    began = time.perf_counter()
    page.get_by_label("Your text").press("Control+Enter")
    page.wait_for_function(CHANGED, arg=before, timeout=120_000)
    page.evaluate(FRAME)
    return time.perf_counter() - began


def pressed(page: Any, keys: Sequence[str], pause: int = 0) -> list[float]:
    """Seconds from each key in the figure to a frame in which its weights are drawn."""
    page.locator(".av-figure").focus()
    times = []
    for key in keys:
        before = page.locator(".av-looks").inner_text()
        began = time.perf_counter()
        page.keyboard.press(key)
        page.wait_for_function(CHANGED, arg=before, timeout=60_000)
        page.evaluate(FRAME)
        times.append(time.perf_counter() - began)
        page.wait_for_timeout(pause)
    return times


def layer_of(page: Any) -> int:
    """The layer that is shown."""
    return int(re.findall(r"Layer (\d+)", page.locator(".av-where").inner_text())[0])


def instructors_path(browser: Any, url: str) -> list[list[str]]:
    """What an instructor does with 128 tokens in 30 x 9 heads, and how long each step takes."""
    rows: list[list[str]] = []

    def step(name: str, *times: float) -> None:
        rows.append([name, milliseconds(statistics.median(times)), milliseconds(max(times)), str(len(times))])

    page = opened(browser, url)
    step("A sentence of 128 tokens, to its picture", typed(page, (SENTENCE * 8).strip()))
    pressed(page, ["ArrowLeft"] * layer_of(page))
    step("Next layer, by the arrow key", *pressed(page, ["ArrowRight"] * 29, 100))
    step("Another token, by Tab", *pressed(page, ["Shift+Tab"] * 3))
    page.mouse.move(5, 5)
    box = page.locator(".av-sheet").bounding_box()
    times = []
    for across in (0.3, 0.6, 0.9):
        before = page.locator(".av-looks").inner_text()
        began = time.perf_counter()
        page.mouse.click(box["x"] + box["width"] * across, box["y"] + 60)
        page.wait_for_function(CHANGED, arg=before)
        page.evaluate(FRAME)
        times.append(time.perf_counter() - began)
    step("A head out of the thumbnails, by a click", *times)
    page.locator(".av-save summary").first.click()
    for name in ("PNG", "SVG", "Web page"):
        began = time.perf_counter()
        with page.expect_download(timeout=60_000) as download:
            page.locator(".av-saves").first.get_by_role("button", name=name).click()
        download.value.path()
        step(f"Saved as {name}", time.perf_counter() - began)
    page.wait_for_timeout(1_500)
    link, said = page.url, page.locator(".av-looks").inner_text()
    other = browser.new_page(viewport={"width": 1280, "height": 800})
    began = time.perf_counter()
    other.goto(link)
    other.wait_for_function(CHANGED, arg="", timeout=60_000)
    other.evaluate(FRAME)
    assert other.locator(".av-looks").inner_text() == said
    step("The link in another browser, to the same sentence", time.perf_counter() - began)
    other.close()
    page.close()
    return rows


def long_text(browser: Any, url: str) -> list[list[str]]:
    """512 tokens on 30 x 9 heads in the app: layers come as they are asked for, and then ahead of it."""
    page = opened(browser, url)
    received = [0]
    page.on(
        "websocket",
        lambda ws: ws.on("framereceived", lambda data: received.__setitem__(0, received[0] + len(data))),
    )
    page.reload()
    page.wait_for_selector(".av-chip-query", timeout=60_000)
    page.wait_for_timeout(8_000)
    before = received[0]
    rows = [["Text sent, to its picture", milliseconds(typed(page, (SENTENCE * 32).strip()))]]
    rows.append(["Received until then", megabytes(received[0] - before)])
    began = time.perf_counter()
    last = "head 8" in page.locator(".av-where").inner_text()
    heads = pressed(page, ["ArrowUp", "ArrowDown"] * 3 if last else ["ArrowDown", "ArrowUp"] * 3)
    rows.append(["Another head, median", milliseconds(statistics.median(heads))])
    layers = pressed(page, ["ArrowLeft" if layer_of(page) > 14 else "ArrowRight"] * 8, 200)
    rows.append(["Eight layers on, one at a time: most", milliseconds(max(layers))])
    page.wait_for_function(f"() => ({LAYERS_THERE})() === 30", timeout=120_000)
    rows.append(["All layers there, from the first picture", milliseconds(time.perf_counter() - began)])
    rows.append(["Received in all", megabytes(received[0] - before)])
    there, back = ("ArrowLeft", "ArrowRight") if layer_of(page) > 14 else ("ArrowRight", "ArrowLeft")
    layers = pressed(page, [there] * 5 + [back] * 5)
    rows.append(["Another layer that is there, median", milliseconds(statistics.median(layers))])
    rows.append(["Held by scripts in the tab", megabytes(tab_memory(page)[0])])
    rows.append(["The tab's process", megabytes(tab_memory(page)[1])])
    page.close()
    return rows


def main() -> None:
    """Print the tables, or say what is missing."""
    from playwright.sync_api import sync_playwright

    chromium = find()
    if chromium is None:
        print("\nNo Chromium was found: the viewer is not measured (set CHROMIUM).")
        return
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        environment = {
            **os.environ,
            **{
                "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
                "OPENBLAS_NUM_THREADS": "1",
            },  # as in the app
        }
        subprocess.run([PEERS, "-m", "bench.viewer_pages", name], check=True, cwd=ROOT, env=environment)
        cases = json.loads((folder / "made.json").read_text("utf-8"))["cases"]
        scripts = peer_scripts(folder)
        empty = folder / "empty.html"
        empty.write_text('<!doctype html><p class="av-chip-query">A token</p>', "utf-8")
        rows, changes = [], []
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for number, case in enumerate(cases):
            label = f"{case['model']}, {case['heads']} heads, {case['tokens']} tokens"
            times: dict[str, list[float | None]] = {"page": [], "peer": [], "empty": []}
            for _ in range(ROUNDS):
                seconds, page = first_frame(browser, empty, ".av-chip-query", {})
                times["empty"].append(seconds)
                closed(page)
                for kind, drawn in (("page", ".av-chip-query"), ("peer", "#vis svg, svg")):
                    file = folder / f"{kind}_{number}.html"
                    once = kind == "peer" and (scripts is None or bool(times[kind]))  # it takes minutes
                    if not file.exists() or once:
                        continue
                    seconds, page = first_frame(browser, file, drawn, scripts or {})
                    times[kind].append(None if seconds is None else seconds + case["seconds"][kind])
                    closed(page)
            own, floor = (
                statistics.median(t for t in times[kind] if t is not None) for kind in ("page", "empty")
            )
            peer = statistics.median(times["peer"]) if times["peer"] and None not in times["peer"] else None
            missing = "not tried" if not times["peer"] else "does not finish"
            rows.append(
                [
                    label,
                    milliseconds(case["seconds"]["packed"]),
                    megabytes(case["message"]),
                    megabytes(case["peer"]) if case["peer"] else "not tried",
                    milliseconds(own),
                    milliseconds(floor),
                    milliseconds(peer) if peer else missing,
                    f"{peer / own:.0f}" if peer else "",
                ]
            )
            if case["tokens"] in (128, 256):
                _, page = first_frame(browser, folder / f"page_{number}.html", ".av-chip-query", {})
                page.wait_for_timeout(1500)
                took = page.evaluate(CHANGES)
                longest = dragged(page)
                changes.append(
                    [
                        label,
                        f"{statistics.median(took):.1f} ms",
                        f"{max(took):.1f} ms",
                        f"{longest:.0f} ms" if longest else "none over 50 ms",
                    ]
                )
                page.close()
        table(
            "The viewer: every head of a model, from weights to the first frame",
            [
                "Model",
                "Packed in",
                "Message",
                "BertViz model_view",
                "First frame",
                "Of an empty page",
                "BertViz",
                "BertViz / AttnViz",
            ],
            rows,
        )
        table(
            "The viewer: another layer or head",
            ["Model", "Script, median", "Script, most", "Longest task while all heads are dragged through"],
            changes,
        )
        browser.close()
        # a browser of its own, so that no page that was closed counts in its memory
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        with server() as (url, _):
            table(
                "The viewer in the app: 128 tokens in 30 x 9 heads, as an instructor goes through them",
                ["Step", "Median", "Most", "Times"],
                instructors_path(browser, url),
            )
            table(
                "The viewer in the app: 512 tokens in 30 x 9 heads, layers sent as they are asked for",
                ["What", "Measured"],
                long_text(browser, url),
            )
        browser.close()


if __name__ == "__main__":
    main()
