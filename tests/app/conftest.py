"""Runs pages as Streamlit does, on the real bundled models, without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_counting(monkeypatch):
    """Heads are counted beside a page for many seconds; a test that is about it runs the count itself."""
    monkeypatch.setattr("app.head_count.HeadCount.start", lambda count: None)


@pytest.fixture
def open_page():
    """Opens a page of the app with URL parameters; fails on anything that Streamlit would show as an exception."""

    def run(script="home", **parameters):
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=90)
        for name, value in parameters.items():
            app.query_params[name] = value
        app.run()
        if script != "home":
            app.switch_page(f"app/pages/{script}.py")
            app.run()
        return app

    return run


def markup(app):
    """All HTML of the page but the stylesheet."""
    return [e.proto.body for e in app.get("html") if "<style" not in e.proto.body]


def errors(app):
    """The error sentences on the page."""
    return [body for body in markup(app) if "av-error" in body] + [e.message for e in app.exception]


def notes(app):
    """What the page says about its URL."""
    return [body for body in markup(app) if 'class="av-note" role="status"' in body]


@pytest.fixture
def no_hub(monkeypatch):
    """A hub that nobody answers for: a port on this machine that is closed."""
    from attnviz.settings import settings

    monkeypatch.setenv("ATTNVIZ_HUB_ENDPOINT", "http://127.0.0.1:9")
    settings.cache_clear()
    yield
    settings.cache_clear()
