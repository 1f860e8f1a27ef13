"""The server: Streamlit as an ASGI app, with warm-up and a readiness route. `make run` starts it with uvicorn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app import warm_up
from app.compressed import compressed
from app.first_page import first_page, style

ROOT = Path(__file__).parents[1]
logger = logging.getLogger("attnviz.app")


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Warm up beside the server, which answers from the first second."""
    task = asyncio.create_task(asyncio.to_thread(warm_up.warm_up))
    task.add_done_callback(_report)
    yield
    task.cancel()


def _report(task: asyncio.Task[None]) -> None:
    """A warm-up that failed leaves the server unready; its log says why."""
    if not task.cancelled() and task.exception():
        logger.error("warm-up failed", exc_info=task.exception())


async def ready(request: Request) -> Response:
    """200 when the bundled models are in memory, 503 before: for a load balancer or a container's health check."""
    warm = warm_up.ready()
    return JSONResponse({"ready": warm}, status_code=200 if warm else 503)


app = st.App(
    ROOT / "streamlit_app.py",
    lifespan=lifespan,
    routes=[Route("/ready", ready), Route("/style.css", style)],
    middleware=[Middleware(first_page), Middleware(compressed)],
)
