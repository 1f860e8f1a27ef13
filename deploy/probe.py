"""Asks a running container, from inside it, whether all is as promised: health, pages, network, root.

check_image.sh feeds this file to the container's own Python. It speaks the browser's protocol, so a page that raises is
noticed, which a plain request would not.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

ADDRESS = "127.0.0.1:8501"
BEGAN = time.monotonic()


def say(what: str, found: object) -> None:
    print(f"{time.monotonic() - BEGAN:6.1f} s  {what}: {found}", flush=True)


def fetched(path: str, within: float = 10) -> bytes:
    """The body, asked for again until it comes."""
    until = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}{path}", timeout=5) as answer:
                return answer.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if time.monotonic() > until:
                sys.exit(f"{path} did not answer within {within:.0f} s: {error}")
            time.sleep(0.1)


def drawn(page: str) -> int:
    """Elements of the page on its first run in a new session; ends the check when the page raises or is not found."""
    rerun = BackMsg()
    rerun.rerun_script.page_name = page
    rerun.rerun_script.context_info.timezone = "UTC"
    elements = 0
    with connect(f"ws://{ADDRESS}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as session:
        session.send(rerun.SerializeToString())
        while True:
            message = ForwardMsg.FromString(session.recv(timeout=120))
            kind = message.WhichOneof("type")
            if kind == "page_not_found":
                sys.exit(f"There is no page {page!r}.")
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                elements += 1
                if message.delta.new_element.WhichOneof("type") == "exception":
                    sys.exit(f"Page {page!r} raises: {message.delta.new_element.exception.message}")
            if kind == "script_finished":
                return elements


def writable(path: str) -> str:
    try:
        Path(path).write_text("x", encoding="utf-8")
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    Path(path).unlink()
    return "writable"


def main() -> None:
    say("runs as user", os.getuid())
    assert os.getuid() != 0
    say("network", [name for _, name in socket.if_nameindex()])
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    for path in ("/probe", "/opt/attnviz/probe", "/opt/attnviz/cache/probe"):
        say(f"writing to {path}", writable(path))
        assert writable(path) == "EROFS"
    say("writing to /tmp/probe", writable("/tmp/probe"))

    say("/_stcore/health", fetched("/_stcore/health", within=60).decode())
    page = fetched("/").decode()
    assert "<title>" in page, page[:200]
    say("/", f"{len(page)} characters of HTML")
    fonts = sorted(Path("static/fonts").glob("*.woff2"))
    say(f"/app/static/fonts/{fonts[0].name}", f"{len(fetched(f'/app/static/fonts/{fonts[0].name}'))} bytes")
    say("/ready", json.loads(fetched("/ready", within=180)))
    pages = sorted(path.stem for path in Path("app/pages").glob("*.py"))
    for name in pages:
        say(f"page {name}", f"{drawn('' if name == 'home' else name)} elements")
    print("The container is as it should be.")


main()
