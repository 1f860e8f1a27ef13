"""A real server and a real Chromium. Without Chromium these tests are skipped, and `make test` says so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.chromium import FLAGS, find

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items):
    """One that fails is tried once more on a fresh page, and reported as rerun: on a busy machine a browser may be late."""
    for item in items:
        if "/browser/" in str(item.path).replace(os.sep, "/"):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1))


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """The app as `make run` serves it, on a free port, with no way to the hub."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "streamlit_app:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        command += [
            "--ws",
            "websockets-sansio",
            "--ws-per-message-deflate",
            "false",
            "--log-level",
            "warning",
        ]
        environment = {**os.environ, "ATTNVIZ_HUB_ENDPOINT": "http://127.0.0.1:9"}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)

    def wait(self, path: str, seconds: float = 120) -> None:
        """Until this path answers 200."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.process.stderr.read()}")
            try:
                with urllib.request.urlopen(self.url + path, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.2)
        raise TimeoutError(f"{path} did not answer within {seconds} s")

    def stop(self) -> None:
        """End the server, and only it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stderr.close()


@pytest.fixture(scope="session")
def server():
    """One warm server for all tests."""
    if find() is None:
        pytest.skip("no Chromium here")
    running = Server()
    running.wait("/ready")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests; each test gets a context of its own."""
    path = find()
    if path is None:
        pytest.skip("no Chromium here")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page_at(server, chromium):
    """``page_at("tokens?layer=3", theme="dark", width=390, height=844)`` opens a page and waits until it stands still.

    At the end of the test no page may have written an error to its console, or have asked another machine for anything.
    """
    contexts, problems = [], []

    def open_page(path="", theme="light", width=1280, height=800, at=None, **options):
        context = chromium.new_context(
            color_scheme=theme,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text) if is_fault(m) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        here = at or server
        page.on("request", lambda r: problems.append(r.url) if not r.url.startswith(allowed(here)) else None)
        page.goto(f"{here.url}/{path}")
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def is_fault(message) -> bool:
    """Errors, but for Streamlit's search for its own base path when a page is opened by its address; charts without rest."""
    if "auto-margin redraws" in message.text:
        return True
    probing = message.location.get("url", "").endswith(("/_stcore/health", "/_stcore/host-config"))
    return message.type == "error" and not (probing and "404" in message.text)


def allowed(server) -> tuple[str, ...]:
    """Where a page may ask: its own server, and itself."""
    return (server.url, f"ws://127.0.0.1:{server.port}", "data:", "blob:")


def settle(page, seconds: float = 30) -> None:
    """Wait until the head is there, no script runs and no skeleton is left."""
    page.wait_for_selector(".av-head", timeout=seconds * 1000)
    page.wait_for_function(
        """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
             && !document.querySelector('[data-testid="stSkeleton"], .av-waiting')""",
        timeout=seconds * 1000,
    )
