"""Scripts and style sheets on their way to a browser."""

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from app import compressed

SCRIPT = b"export const attention = 1;\n" * 2000


def asked(path, answer=None, accept="gzip", **headers):
    app = compressed.compressed(answer or Response(SCRIPT, media_type="text/javascript"))
    return TestClient(app).get(path, headers={"accept-encoding": accept, **headers})


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(compressed, "_kept", {})


@pytest.mark.parametrize("path", ["/static/js/index.abc.js", "/plotly.js?7", "/style.css?0a1b"])
def test_a_script_arrives_whole_in_fewer_bytes(path):
    answer = asked(path)
    assert answer.content == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(SCRIPT) / 10
    assert "accept-encoding" in answer.headers["vary"].lower()


def test_it_is_compressed_once(monkeypatch):
    asked("/static/js/index.abc.js")
    monkeypatch.setattr(compressed.gzip, "compress", lambda *a, **k: pytest.fail("compressed again"))
    assert asked("/static/js/index.abc.js").content == SCRIPT


@pytest.mark.parametrize(
    ("path", "accept", "headers"),
    [
        ("/static/media/font.woff2", "gzip", {}),
        ("/app/static/index.js", "gzip", {}),
        ("/static/js/index.js", "identity", {}),
        ("/static/js/index.js", "gzip", {"range": "bytes=0-9"}),
    ],
    ids=["not a script", "neither Streamlit's nor ours", "a browser without gzip", "a part"],
)
def test_all_else_passes_as_it_is(path, accept, headers):
    answer = asked(path, accept=accept, **headers)
    assert "content-encoding" not in answer.headers
    assert answer.content == SCRIPT
    assert compressed._kept == {}


@pytest.mark.parametrize(
    "answer",
    [Response(b"no", status_code=404), Response(status_code=304), Response(b"short", media_type="text/css")],
    ids=["not found", "not modified", "short"],
)
def test_what_would_gain_nothing_is_not_compressed(answer):
    got = asked("/static/css/x.css", answer)
    assert (got.status_code, got.content) == (answer.status_code, answer.body)
    assert "content-encoding" not in got.headers
