"""The first bytes that a browser gets, before Streamlit runs: with our title, style sheet and fonts, and the page's head.

Streamlit draws a page in its own measures until the style sheet has come over the websocket; everything then moves once.
With the sheet in the HTML nothing moves. Its script needs a second or more until it draws anything, on a slow network ten:
until then the reader has title and first sentence of the page.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import assets, course, warm_up
from app.lessons import lesson
from app.whole import send_whole, whole
from app.widgets.heading import heading

FONTS = ("plex-sans-latin.woff2", "source-serif-latin.woff2")
"""Those that the head of every page needs; the browser asks for others when it meets their characters."""

_UNTIL_DRAWN = """
{
  const first = document.querySelector(".av-first"), root = document.getElementById("root");
  const watch = new MutationObserver(() => {
    if (root.querySelector(".av-head, .av-error, [data-testid=stException]")) leave();
  });
  const leave = () => {
    watch.disconnect();
    first.remove();
    if (!navigator.connection?.saveData)
      document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "script", href: "CHARTS" }));
  };
  watch.observe(root, { childList: true, subtree: true });
  setTimeout(leave, 60000);
}
"""
"""Takes the first head away when the page's own stands, or what went wrong; then fetches the script that draws charts, so
that it is there when the first chart is."""

_TITLE = re.compile(rb"<title>.*?</title>", re.DOTALL)
_FOREIGN_FONTS = re.compile(rb'<link\s+rel="preload"[^>]*\bas="font"[^>]*>')


def first_page(app: ASGIApp) -> ASGIApp:
    """Middleware that puts them into each HTML page on its way out."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await app(scope, receive, send)
            return
        if scope["path"].strip("/"):  # a page other than Home, which needs a model
            warm_up.begin()
        # what is compressed cannot be added to; a page of 8 kB is quick without
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start, body = await whole(app, {**scope, "headers": plain}, receive)
        headers = MutableHeaders(raw=list(start["headers"]))
        if _is_page(start):
            body = dressed(body, scope["path"])
            headers["content-length"] = str(len(body))
            for stale in ("etag", "last-modified", "accept-ranges"):
                del headers[stale]
        await send_whole(start, headers, body, send)

    return serve


def dressed(page: bytes, path: str = "/") -> bytes:
    """Streamlit's HTML with our title, style sheet, fonts and page's head, and without the font that no page here uses."""
    fonts = "".join(
        f'<link rel="preload" href="./app/static/fonts/{font}" as="font" type="font/woff2" crossorigin>'
        for font in FONTS
    )
    head = _TITLE.sub(f"<title>AttnViz</title>{fonts}".encode(), _FOREIGN_FONTS.sub(b"", page), count=1)
    # at the end of the body, so that it stands after the sheets that Streamlit adds to the head, and wins
    sheet = f'<link rel="stylesheet" href="{assets.address(assets.STYLE)}">{_first_head(path)}</body>'
    return head.replace(b"</body>", sheet.encode(), 1)


def _first_head(path: str) -> str:
    """The head of the page at this address, until the page draws its own; nothing where there is no such page."""
    address = path.strip("/")
    script = address or "home"
    if address == "home" or not any(page.script == script and page.exists for page in course.COURSE):
        return ""
    until = _UNTIL_DRAWN.replace("CHARTS", assets.address(assets.PLOTLY))
    return f'<div class="av-first">{heading(script, lesson(script))}</div><script>{until}</script>'


def _is_page(start: Message) -> bool:
    return start["status"] == 200 and Headers(raw=start["headers"]).get("content-type", "").startswith(
        "text/html"
    )
