"""The server: Streamlit as an ASGI app, with warm-up and a readiness route. `make run` starts it with uvicorn."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.first_page import first_page, style

ROOT = Path(__file__).parents[1]
logger = logging.getLogger("attnviz.app")

_warm: dict[str, bool] = {}


def warm_up() -> None:
    """Load the bundled models and draw from each once, so that the first learner waits for nothing."""
    from attnviz.engine import import_models

    import_models()
    from app import cache, examples, translation
    from attnviz.errors import UserError
    from attnviz.figures import theme  # noqa: F401 - Plotly takes half a second to import
    from attnviz.models.catalog import catalog

    for entry in catalog():
        if entry.bundled:
            try:
                cache.trace(entry.id, examples.first(entry.id))
                translation.prepare(entry.id)
            except UserError as error:
                logger.error("%s", error)
    gc.collect()
    gc.freeze()  # models live as long as the server: collections need not look at them again
    _warm["done"] = True


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Warm up beside the server, which answers from the first second."""
    task = asyncio.create_task(asyncio.to_thread(warm_up))
    task.add_done_callback(_report)
    yield
    task.cancel()


def _report(task: asyncio.Task[None]) -> None:
    """A warm-up that failed leaves the server unready; its log says why."""
    if not task.cancelled() and task.exception():
        logger.error("warm-up failed", exc_info=task.exception())


async def ready(request: Request) -> Response:
    """200 when the bundled models are in memory, 503 before: for a load balancer or a container's health check."""
    warm = _warm.get("done", False)
    return JSONResponse({"ready": warm}, status_code=200 if warm else 503)


app = st.App(
    ROOT / "streamlit_app.py",
    lifespan=lifespan,
    routes=[Route("/ready", ready), Route("/style.css", style)],
    middleware=[Middleware(first_page)],
)
