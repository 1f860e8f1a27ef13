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
    """Bytes of a tab: what its scripts hold (heap and buffers), and the whole of its process."""
    usage = page.context.new_cdp_session(page).send("Runtime.getHeapUsage")
    held = sum(usage.get(name, 0) for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize"))
    resident = 0.0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (entry / "cmdline").read_bytes():
                pages = int((entry / "statm").read_text().split()[1])
                resident = max(resident, pages * os.sysconf("SC_PAGE_SIZE"))
        except OSError:
            continue  # it has ended
    return held, resident


def long_text(browser: Any) -> list[str]:
    """512 tokens on 30 x 9 heads in the app: layers come as they are asked for."""
    words = "the animal was tired because it did not cross the street and nobody saw it. " * 28
    with server() as (url, _):
        deadline = time.perf_counter() + 120
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        received = [0]
        page.on(
            "websocket",
            lambda ws: ws.on("framereceived", lambda data: received.__setitem__(0, received[0] + len(data))),
        )
        while True:
            try:
                page.goto(f"{url}/attention_heatmaps?model=HuggingFaceTB/SmolLM2-135M-Instruct")
                page.wait_for_selector(".av-chip-query", timeout=20_000)
                break
            except Exception:  # the server is still starting
                if time.perf_counter() > deadline:
                    raise
                time.sleep(0.5)
        box = page.get_by_label("Your text")
        box.fill(words)
        before = received[0]
        box.press("Control+Enter")
        page.wait_for_function(
            "() => document.querySelector('.av-attention, [data-picture=attention]') !== null"
        )
        page.wait_for_timeout(15_000)
        first = received[0] - before
        page.locator(".av-figure").focus()
        for key in ["ArrowLeft"] * 30 + ["ArrowRight"] * 29:
            page.keyboard.press(key)
            page.wait_for_timeout(250)
        page.wait_for_timeout(5_000)
        held, resident = tab_memory(page)
        where = page.locator(".av-where").inner_text()
        total = received[0] - before
        page.close()
    return [where, megabytes(first), megabytes(total), megabytes(held), megabytes(resident)]


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
        rows, changes = [], []
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for number, case in enumerate(cases):
            label = f"{case['model']}, {case['heads']} heads, {case['tokens']} tokens"
            times: dict[str, list[float | None]] = {"page": [], "peer": []}
            for _ in range(ROUNDS):
                for kind, drawn in (("page", ".av-chip-query"), ("peer", "#vis svg, svg")):
                    file = folder / f"{kind}_{number}.html"
                    once = kind == "peer" and (scripts is None or bool(times[kind]))  # it takes minutes
                    if not file.exists() or once:
                        continue
                    seconds, page = first_frame(browser, file, drawn, scripts or {})
                    times[kind].append(None if seconds is None else seconds + case["seconds"][kind])
                    page.close()
            own = statistics.median(t for t in times["page"] if t is not None)
            peer = statistics.median(times["peer"]) if times["peer"] and None not in times["peer"] else None
            missing = "not tried" if not times["peer"] else "does not finish"
            rows.append(
                [
                    label,
                    milliseconds(case["seconds"]["packed"]),
                    megabytes(case["message"]),
                    megabytes(case["peer"]) if case["peer"] else "not tried",
                    milliseconds(own),
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
        table(
            "The viewer: 512 tokens on 30 x 9 heads, layers sent as they are asked for",
            [
                "Ends at",
                "Received first",
                "After all layers",
                "Held by scripts in the tab",
                "The tab's process",
            ],
            [long_text(browser)],
        )
        browser.close()


if __name__ == "__main__":
    main()
