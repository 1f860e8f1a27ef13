"""The order in which a server reads in its first seconds."""

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from app import warm_up
from app.first_page import first_page

ROOT = Path(__file__).parents[2]

IN_A_FRESH_PROCESS = """
import os, sys, threading, time
from app import warm_up
warm_up.UNASKED = 600
threading.Thread(target=warm_up.warm_up, daemon=True).start()
end = time.monotonic() + 60
def seen(module):
    while module not in sys.modules and time.monotonic() < end:
        time.sleep(0.02)
    return module in sys.modules
frame = all(map(seen, warm_up.FRAME))
time.sleep(0.3)
before = "torch" in sys.modules
warm_up.begin()
print(frame, before, seen("torch"), warm_up.ready(), flush=True)
os._exit(0)
"""


def test_the_first_page_comes_before_the_models():
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False", "True", "False"]


@pytest.mark.parametrize(("path", "wants"), [("/", False), ("/attention_heatmaps", True)])
def test_models_are_read_at_once_when_a_page_needs_them(path, wants, monkeypatch):
    begun = []
    monkeypatch.setattr(warm_up, "begin", lambda: begun.append(path))
    TestClient(first_page(HTMLResponse(b"<title></title>"))).get(path, headers={"accept": "text/html"})
    assert bool(begun) == wants
