"""The first bytes that a browser gets, before Streamlit runs: with our title, style sheet and fonts, and the page's head.

Streamlit draws a page in its own measures until the style sheet has come over the websocket; everything then moves once.
With the sheet in the HTML nothing moves. Its script needs a second or more until it draws anything, on a slow network ten:
until then the reader has title and first sentence of the page.
"""

from __future__ import annotations

import re
from html import escape

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import assets, course, warm_up
from app.course import Page
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

_ONE_ENTRY = """
{
  const { pushState: push, replaceState: replace } = history;
  const path = (address) => new URL(address ?? "", location.href).pathname;
  let clicked;
  addEventListener("click", () => { clicked = location.href; }, true);
  history.pushState = (state, title, address) => {
    if (path(address) === location.pathname) return replace.call(history, state, title, address);
    if (clicked && path(clicked) === location.pathname) replace.call(history, history.state, "", clicked);
    push.call(history, state, title, address);
  };
}
"""
"""One entry a page in the browser's history, with its controls as they were left. Streamlit adds one each time that a page
writes into its address, also right after it was opened, so that "Back" leads nowhere; and it takes the controls out of the
address of a page before it leaves it."""

_NOWHERE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>No such page · AttnViz</title><style>
body {{ font: 17px/26px 'IBM Plex Sans', 'Noto Sans', system-ui, sans-serif; }}
main {{ max-width: 60ch; margin: 15vh auto; padding: 0 24px; }}
h1 {{ font: 600 34px/40px 'Source Serif 4', Georgia, serif; overflow-wrap: anywhere; }}
a {{ color: inherit; }}
</style></head><body><main><h1>There is no page “{address}”</h1>
<p><a href="{root}">Begin the course</a>, or choose a page from its map there.</p></main></body></html>"""

_TITLE = re.compile(rb"<title>.*?</title>", re.DOTALL)
_FOREIGN_FONTS = re.compile(rb'<link\s+rel="preload"[^>]*\bas="font"[^>]*>')


def first_page(app: ASGIApp) -> ASGIApp:
    """Middleware that puts them into each HTML page on its way out."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await app(scope, receive, send)
            return
        page = _page(scope["path"])
        if page and page.script != "home":  # which needs no model
            warm_up.begin()
        # what is compressed cannot be added to; a page of 8 kB is quick without
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start, body = await whole(app, {**scope, "headers": plain}, receive)
        headers = MutableHeaders(raw=list(start["headers"]))
        if _is_page(start):
            body = dressed(body, page) if page else _nowhere(scope)
            start["status"] = 200 if page else 404
            headers["content-length"] = str(len(body))
            for stale in ("etag", "last-modified", "accept-ranges"):
                del headers[stale]
        await send_whole(start, headers, body, send)

    return serve


def dressed(html: bytes, page: Page) -> bytes:
    """Streamlit's HTML with the page's title and head, our sheet and fonts, without the font that no page here uses."""
    fonts = "".join(
        f'<link rel="preload" href="./app/static/fonts/{font}" as="font" type="font/woff2" crossorigin>'
        for font in FONTS
    )
    title = f"<title>{escape(page.tab)}</title>{fonts}<script>{_ONE_ENTRY}</script>"
    head = _TITLE.sub(lambda _: title.encode(), _FOREIGN_FONTS.sub(b"", html), count=1)
    # at the end of the body, so that it stands after the sheets that Streamlit adds to the head, and wins
    sheet = f'<link rel="stylesheet" href="{assets.address(assets.STYLE)}">{_first_head(page)}</body>'
    return head.replace(b"</body>", sheet.encode(), 1)


def _page(path: str) -> Page | None:
    """The page of the course at this address."""
    script = path.strip("/") or "home"
    found = [page for page in course.COURSE if page.script == script and page.exists]
    return found[0] if found and path.strip("/") != "home" else None


def _first_head(page: Page) -> str:
    """The head of the page, until the page draws its own."""
    until = _UNTIL_DRAWN.replace("CHARTS", assets.address(assets.PLOTLY))
    return f'<div class="av-first">{heading(page.script, lesson(page.script))}</div><script>{until}</script>'


def _nowhere(scope: Scope) -> bytes:
    """What an address gets at which there is no page."""
    root = escape(f"{scope.get('root_path', '')}/")
    return _NOWHERE.format(address=escape(scope["path"].strip("/")[:60]), root=root).encode()


def _is_page(start: Message) -> bool:
    return start["status"] == 200 and Headers(raw=start["headers"]).get("content-type", "").startswith(
        "text/html"
    )
