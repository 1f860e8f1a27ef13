"""What is on this machine: the models that need no network, and where numbers are computed."""

from __future__ import annotations

import os

import streamlit as st

from app import cache, selection
from app.lessons import Lesson
from app.widgets import lesson
from app.widgets.markup import filled, html
from attnviz.models.catalog import catalog, title_of

_DEVICES = {"cuda": "an NVIDIA GPU", "mps": "the GPU of this Mac"}


def show(words: Lesson) -> None:
    """The models at hand, and the device."""
    at_hand = [entry for entry in catalog() if entry.bundled]
    with lesson.section("machine", words.say("machine"), words.say("machine_remark")):
        rows = "".join(
            filled(
                "<li><b>{}</b><span>{}</span><small>{}</small></li>",
                entry.title,
                entry.about,
                " · ".join(
                    filter(
                        None,
                        (
                            f"{entry.layers} layers of {entry.heads} heads",
                            f"{entry.parameters:,} parameters" if entry.parameters else "",
                            entry.licence,
                        ),
                    )
                ),
            )
            for entry in at_hand
        )
        st.html(f"<ul class='av-models'>{rows}</ul>")
        cached = [i for i in selection.cached_ids() if i not in selection.bundled_ids()]
        remarks = [words.say("machine_cached", models=", ".join(map(title_of, cached)))] if cached else []
        device = _device()
        if device:
            remarks.append(words.say("machine_device", device=device))
        html("<p class='av-source'>{}</p>", " ".join(remarks))


def _device() -> str:
    """Where the chosen model computes; empty as long as it is not in memory."""
    model_id = selection.model_id()
    if not cache.engine().has_model(model_id):
        return ""
    kind = cache.model(model_id).device.type
    return _DEVICES.get(kind) or f"the CPU, {os.cpu_count()} cores"
