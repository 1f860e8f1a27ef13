"""What the server does beside Streamlit: warm-up, a readiness route, what a browser gets first, and fewer bytes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app import assets, warm_up
from app.compressed import compressed
from app.first_page import first_page

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


ROUTES = [Route("/ready", ready), *assets.routes()]
MIDDLEWARE = [Middleware(first_page), Middleware(compressed)]
