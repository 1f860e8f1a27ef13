"""From `make run` to a server that answers, a first page, a first heatmap; and from a slider to a new picture."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measuring import table
from tests.chromium import FLAGS, find

ROOT = Path(__file__).parents[1]
ROUNDS = 5
HEATMAP = ".av-looks .av-chip-query"


@contextmanager
def server() -> Iterator[tuple[str, float]]:
    """What `make run` starts, on a free port: its address and the moment it was started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", began
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)


def answered(url: str, began: float, limit: float = 120) -> float:
    """Seconds from ``began`` until the address answers 200."""
    while time.perf_counter() - began < limit:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return time.perf_counter() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise TimeoutError(url)


def first(page: Any, url: str, path: str, selector: str, began: float) -> float:
    """Seconds from ``began`` until the element is on the page; the page is opened as soon as the server answers."""
    answered(f"{url}/_stcore/health", began)
    page.goto(f"{url}/{path}", wait_until="commit")
    page.wait_for_selector(selector, timeout=120_000)
    return time.perf_counter() - began


WATCH = """() => {
  const root = document.querySelector(".st-key-heat");
  const drawn = [...root.querySelectorAll("*")].map((e) => e.shadowRoot ?? e).find((e) => e.querySelector?.(".av-figure"));
  const picture = () => drawn.querySelector(".av-where").textContent;
  const before = picture();
  window.attnvizChange = new Promise((done) => {
    addEventListener("keydown", () => {
      const began = performance.now();
      const look = () => {
        const now = picture();
        if (now && now !== before) done((performance.now() - began) / 1000);
        else requestAnimationFrame(look);
      };
      look();
    }, { once: true, capture: true });
  });
}"""


def changes(page: Any, label: str) -> list[float]:
    """Seconds from each of ten presses of an arrow key on a slider until the viewer says another place."""
    times = []
    page.get_by_role("slider", name=label).first.focus()
    for i in range(10):
        page.wait_for_timeout(400)  # a person looks before the next press
        page.evaluate(WATCH)
        page.keyboard.press("ArrowRight" if i % 2 else "ArrowLeft")
        times.append(page.evaluate("window.attnvizChange"))
    return times


def main() -> None:
    """Print the table, or say that Chromium is missing."""
    from playwright.sync_api import sync_playwright

    chromium = find()
    if chromium is None:
        print("\nNo Chromium was found: start-up is not measured (set CHROMIUM).")
        return
    seconds: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for _ in range(ROUNDS):
            with server() as (url, began):
                seconds.setdefault("Server healthy", []).append(answered(f"{url}/_stcore/health", began))
                with browser.new_page() as page:
                    home = first(page, url, "", ".av-first h1, #root .av-head h1", began)
                    seconds.setdefault("Home painted: title and first sentence", []).append(home)
                    page.wait_for_selector("#root .av-head h1", timeout=120_000)
                    seconds.setdefault("Home drawn by the app", []).append(time.perf_counter() - began)
                    page.wait_for_selector(".st-key-picture_sentence svg", timeout=120_000)
                    seconds.setdefault("Home with its first measured picture", []).append(
                        time.perf_counter() - began
                    )
            with server() as (url, began), browser.new_page() as page:
                heatmap = first(page, url, "attention_heatmaps", HEATMAP, began)
                seconds.setdefault("First real heatmap (opened at once)", []).append(heatmap)
                answered(f"{url}/ready", began)
                seconds.setdefault("All bundled models in memory", []).append(time.perf_counter() - began)
                page.wait_for_timeout(1000)
                for label in ("Layer", "Head"):
                    seconds.setdefault(f"{label} slider to new picture", []).extend(changes(page, label))
        browser.close()
    rows = [
        [
            name,
            f"{statistics.median(times):.2f} s",
            f"{min(times):.2f} s",
            f"{max(times):.2f} s",
            str(len(times)),
        ]
        for name, times in seconds.items()
    ]
    table(
        "Start-up: seconds after `make run`, and a change", ["What", "Median", "Least", "Most", "Runs"], rows
    )


if __name__ == "__main__":
    main()
