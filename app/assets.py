"""What a browser fetches beside the page: our style sheet, and the script of Plotly that draws the charts.

Their addresses change with their content, so a browser keeps them. Plotly is the copy that its Python package brings along:
no other version draws what that package describes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STYLE = "style.css"
PLOTLY = "plotly.js"


@cache
def address(name: str) -> str:
    """Where the page finds it: ``STYLE`` or ``PLOTLY``, from the folder in which all pages are."""
    if name == PLOTLY:
        return f"./{PLOTLY}?{version('plotly')}"
    return f"./{name}?{hashlib.sha256(_style()).hexdigest()[:12]}"


def routes() -> list[Route]:
    """Both, for the server."""
    return [
        Route(f"/{STYLE}", _sent(_style, "text/css")),
        Route(f"/{PLOTLY}", _sent(_plotly, "text/javascript")),
    ]


def _sent(content: Callable[[], bytes], kind: str) -> Callable[[Request], Response]:
    return partial(_response, content, kind)


def _response(content: Callable[[], bytes], kind: str, request: Request) -> Response:
    return Response(
        content(), media_type=kind, headers={"cache-control": "public, immutable, max-age=31536000"}
    )


@cache
def _style() -> bytes:
    return Path(__file__).with_name(STYLE).read_bytes()


@cache
def _plotly() -> bytes:
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("plotly is not installed")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_bytes()
