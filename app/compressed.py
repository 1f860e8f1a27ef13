"""Scripts and style sheets, compressed once: Streamlit sends them as they are, and Plotly alone has 4.8 MB.

A class that opens a page at the same moment fetches a third of the bytes, and the server compresses nothing twice. The
names of these files change with their content, so what was compressed is right for as long as the server runs.
"""

from __future__ import annotations

import asyncio
import gzip
import threading

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from app import assets
from app.whole import send_whole, whole

ENDINGS = (".js", ".css")
LEAST_BYTES = 1000
"""Shorter files gain nothing."""

_lock = threading.Lock()
_kept: dict[str, bytes] = {}


def compressed(app: ASGIApp) -> ASGIApp:
    """Middleware that sends scripts and style sheets, Streamlit's and ours, as gzip to a browser that reads it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if not _can_be_compressed(scope):
            await app(scope, receive, send)
            return
        start, sent = await whole(app, scope, receive)
        headers = MutableHeaders(raw=list(start["headers"]))
        if start["status"] == 200 and len(sent) >= LEAST_BYTES and "content-encoding" not in headers:
            sent = await asyncio.to_thread(_gzip, scope["path"], sent)
            headers["content-encoding"] = "gzip"
            headers["content-length"] = str(len(sent))
            headers.add_vary_header("accept-encoding")
            del headers["accept-ranges"]
        await send_whole(start, headers, sent, send)

    return serve


def _can_be_compressed(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    ours = scope["path"] in (f"/{assets.STYLE}", f"/{assets.PLOTLY}")
    if not ours and not (scope["path"].startswith("/static/") and scope["path"].endswith(ENDINGS)):
        return False
    headers = Headers(scope=scope)
    return "gzip" in headers.get("accept-encoding", "") and "range" not in headers


def _gzip(path: str, body: bytes) -> bytes:
    with _lock:  # thirty that ask at the same moment wait for the first
        if path not in _kept:
            _kept[path] = gzip.compress(body, 6, mtime=0)
        return _kept[path]
