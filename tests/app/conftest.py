"""Runs pages as Streamlit does, on the real bundled models, without a browser."""

import base64
import contextlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
SENTENCE = "The animal didn't cross the street because it was too tired."
"""What every page opens with."""


@pytest.fixture(autouse=True)
def no_counting(monkeypatch):
    """Heads are counted beside a page for many seconds; a test that is about it runs the count itself."""
    monkeypatch.setattr("app.head_count.HeadCount.start", lambda count: None)
    monkeypatch.setattr("app.widgets.waiting.BREATH", 0)


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


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Tiny random models: the app opens "made/<type>", and "made2/<type>" with other weights. ``made(id)`` is the model."""
    from attnviz.models import loading
    from tests.tiny import save_tiny

    opened, load, config_of = {}, loading.load, loading.config_of

    def load_made(model_id, progress=None):
        owner, _, model_type = str(model_id).partition("/")
        if owner not in ("made", "made2"):
            return load(model_id, progress)
        if model_id not in opened:
            found = load(save_tiny(tmp_path / owner / model_type, model_type, seed=len(owner)))
            opened[model_id] = replace(found, id=model_id)
        return opened[model_id]

    def config_made(model):
        return load_made(model).module.config if str(model).startswith("made") else config_of(model)

    monkeypatch.setattr(loading, "load", load_made)
    monkeypatch.setattr(loading, "config_of", config_made)
    return load_made


def markup(app):
    """All HTML of the page but the stylesheet."""
    return [e.proto.body for e in app.get("html") if "<style" not in e.proto.body]


def plain(body):
    """What a piece of HTML says."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body)).strip()


def observations(app):
    """The sentences of the page that say what was measured."""
    return [plain(body) for body in markup(app) if "av-say" in body]


def said(app):
    """All of them as one text."""
    return " ".join(observations(app))


def charts(app):
    """Every figure of the page by its name, as Plotly gets it."""
    sent = [e.proto.bytes.partition(b"\n") for e in app.get("bidi_component") if "-plot_" in e.proto.id]
    return {json.loads(head)["name"]: json.loads(figure) for head, _, figure in sent}


def chart(app, number=0):
    """A figure by its place on the page."""
    return list(charts(app).values())[number]


def array(values):
    """An array of a figure, whether it is sent as a list or as bytes."""
    if not isinstance(values, dict):
        return np.array(values)
    shape = [int(n) for n in str(values.get("shape", "-1")).split(",")]
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).reshape(shape)


def run_code(app, number=0):
    """What the code on the page prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(app.code[number].value, "the code", "exec"), {})
    return printed.getvalue()


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
