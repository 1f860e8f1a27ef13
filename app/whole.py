"""A response held back until it is whole, for middleware that changes its body."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def whole(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """What the app answers: the message that starts it, with its status and headers, and all of its body."""
    start: Message = {}
    body = bytearray()

    async def hold(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, hold)
    return start, bytes(body)


async def send_whole(start: Message, headers: MutableHeaders, body: bytes, send: Send) -> None:
    """The answer with these headers and this body."""
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
