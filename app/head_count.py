"""Each head of cross-attention switched off over many sentences: counted once a server, beside the page."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

import streamlit as st

from app import cache
from attnviz.analysis.writing import HeadChanges, single_heads
from attnviz.engine import Engine
from attnviz.errors import Busy, UserError
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import Edits

logger = logging.getLogger("attnviz.app")

FIRST_PAUSE = 3.0
"""Seconds that the page of the one who starts a count has to draw itself before the machine gets busy."""


class HeadCount:
    """A count that goes text by text through the queue that learners' texts go through."""

    def __init__(self, engine: Engine, model_id: str, texts: Sequence[str]) -> None:
        facts = engine.model(model_id).architecture
        self.total = len(texts)
        self.changes = HeadChanges.none(facts.layers("cross"), facts.heads("cross"))
        self.failed = False
        self._engine, self._model_id, self._texts = engine, model_id, texts

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.failed or self.changes.texts == self.total

    def start(self) -> None:
        """Count beside whatever else is done."""
        threading.Thread(target=self.run, args=(FIRST_PAUSE,), name="head-count", daemon=True).start()

    def run(self, pause: float = 0) -> None:
        """Count, after ``pause`` seconds; one who pauses also rests after each text for as long as it took."""
        rests = pause > 0
        edits = single_heads(*self.changes.changed.shape)
        for text in self._texts:
            time.sleep(pause)
            began = time.perf_counter()
            try:
                written = self._written(text, edits)
            except (UserError, RuntimeError) as error:  # such as a server that ends
                logger.warning("the count of heads of %s ended early: %s", self._model_id, error)
                self.failed = True
                return
            self.changes = self.changes.with_text(written)
            pause = time.perf_counter() - began if rests else 0

    def _written(self, text: str, edits: tuple[Edits, ...]) -> tuple[Tokens, ...]:
        while True:
            try:
                return self._engine.write(self._model_id, text, edits)
            except Busy:
                time.sleep(2)  # learners first


@st.cache_resource(max_entries=20, show_spinner=False)
def head_count(model_id: str, texts: tuple[str, ...]) -> HeadCount:
    """The one count of this model and these texts on this server; the first who asks starts it."""
    count = HeadCount(cache.engine(), model_id, texts)
    count.start()
    return count
