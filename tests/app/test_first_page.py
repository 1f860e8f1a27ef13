"""The HTML that a browser gets first, as the server sends it."""

import asyncio
import html
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.testclient import TestClient

from app import course, first_page
from app.lessons import lesson

PAGE = b"""<html><head><link
      rel="preload" href="./static/media/Other.woff2" as="font" type="font/woff2" crossorigin
    /><title>Streamlit</title></head><body><div id="root"></div></body></html>"""


def asked(app, accept="text/html", path="/tokens", **headers):
    return TestClient(first_page.first_page(app)).get(path, headers={"accept": accept, **headers})


def test_a_page_gets_title_style_and_fonts():
    answer = asked(HTMLResponse(PAGE, headers={"etag": '"1"', "last-modified": "yesterday"}))
    assert "<title>Tokens · AttnViz</title>" in answer.text
    assert "Other.woff2" not in answer.text
    assert answer.text.index("plex-sans-latin.woff2") < answer.text.index("</head>")
    assert answer.text.index("./style.css?") > answer.text.index('id="root"')
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "etag" not in answer.headers
    assert "last-modified" not in answer.headers


@pytest.mark.parametrize(
    ("path", "title"),
    [("/", "From recurrence to attention"), ("/tokens", "Tokens"), ("/tokens/", "Tokens")],
)
def test_a_page_brings_its_title_and_first_sentence(path, title):
    words = lesson(path.strip("/") or "home")
    text = asked(HTMLResponse(PAGE), path=path).text
    assert f"<h1>{title}</h1>" in text
    assert html.escape(words.lead) in text
    assert text.index('id="root"') < text.index("av-first") < text.index("</body>")


@pytest.mark.parametrize("path", ["/nowhere", "/home", "/tokens/extra", "/%3Cscript%3E", "/predictions"])
def test_an_address_without_a_page_says_so_and_leads_to_the_course(path):
    answer = asked(HTMLResponse(PAGE), path=path)
    assert answer.status_code == 404
    assert f"There is no page “{html.escape(unquote(path[1:]))}”" in answer.text
    assert '<a href="/">' in answer.text
    assert 'id="root"' not in answer.text
    assert "<script>" not in answer.text


def test_a_page_in_pieces_arrives_whole():
    async def slow(scope, receive, send):
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
        )
        await send({"type": "http.response.body", "body": PAGE[:200], "more_body": True})
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": PAGE[200:]})

    assert asked(slow).content == first_page.dressed(PAGE, course.page("tokens"))


@pytest.mark.parametrize(
    "answer",
    [JSONResponse({"page": "</body>"}), HTMLResponse(PAGE, status_code=404), Response(status_code=304)],
    ids=["json", "not found", "not modified"],
)
def test_anything_else_passes_as_it_is(answer):
    got = asked(answer)
    assert got.content == answer.body
    assert got.status_code == answer.status_code


def test_a_script_that_asks_gets_what_there_is():
    assert asked(HTMLResponse(PAGE), accept="*/*").content == PAGE


def test_the_address_of_the_style_sheet_follows_its_content():
    import hashlib
    from pathlib import Path

    digest = hashlib.sha256(Path("app/style.css").read_bytes()).hexdigest()
    assert f"./style.css?{digest[:12]}" in first_page.dressed(PAGE, course.page("tokens")).decode()


def test_the_script_of_the_charts_is_fetched_ahead_on_a_page_of_the_course():
    from plotly.offline import get_plotlyjs_version

    from app import assets

    address = assets.address(assets.PLOTLY)
    assert address in first_page.dressed(PAGE, course.page("tokens")).decode()
    script = TestClient(Starlette(routes=assets.routes())).get(address.removeprefix("."))
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert f"plotly.js v{get_plotlyjs_version()}" in script.text[:200]
    assert TestClient(Starlette(routes=assets.routes())).get("/plotly.css").status_code == 404


def test_streamlits_own_page_has_what_is_replaced():
    """If a new Streamlit names its parts differently, this says so before anybody sees it."""
    from pathlib import Path

    import streamlit

    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_bytes()
    dressed = first_page.dressed(page, course.page("home"))
    assert dressed.count("<title>From recurrence to attention · AttnViz</title>".encode()) == 1
    assert b"SourceSans" not in dressed
    assert dressed.count(b"./style.css?") == 1
