"""Many users, one machine: bounded caches, one computation for each key, a queue that knows its length."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from cachetools import LRUCache

from attnviz.errors import Busy
from attnviz.settings import Settings, settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from attnviz.models.loading import LoadedModel
    from attnviz.tracing.neurons import Neurons
    from attnviz.tracing.tokens import Tokens
    from attnviz.tracing.trace import Edits, Trace

TOKENIZERS_KEPT = 12
"""Tokenizers kept without their models: some 10 MB each."""

WRITINGS_KEPT = 200_000
"""Tokens kept of what models wrote with heads switched off: some 40 MB."""

T = TypeVar("T")
Progress = Callable[[str, int, int], None]


_importing = threading.Lock()


def import_models() -> None:
    """Import PyTorch, Transformers and what reads models, once, which takes seconds.

    Transformers fills its module while it is read: two threads that import it at the same time fail. Whoever may be the
    first calls this before.
    """
    with _importing, _no_collections():
        import attnviz.models.loading
        import attnviz.tracing.forward  # noqa: F401


@contextmanager
def _no_collections() -> Iterator[None]:
    """No garbage collections for a while: a fifth of the time of an import that makes a million objects that stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Engine:
    """Loads models and traces texts for many threads at once.

    Every method blocks until its result is there. Results are shared: they are frozen, nobody can change them
    for somebody else. A failed computation is not kept, so the next one who asks tries again.
    """

    def __init__(self, limits: Settings | None = None) -> None:
        self._limits = limits or settings()
        self._models = _OncePerKey(self._limits.model_cache_bytes, _model_bytes)
        self._traces = _OncePerKey(self._limits.trace_cache_bytes, lambda trace: trace.nbytes)
        self._tokenizers = _OncePerKey(TOKENIZERS_KEPT, lambda _: 1)
        self._writings = _OncePerKey(WRITINGS_KEPT, lambda written: sum(map(len, written)))
        self._workers = ThreadPoolExecutor(self._limits.workers, thread_name_prefix="attnviz")
        self._lock = threading.Lock()
        self._waiting = 0
        self._seconds_per_pass = 0.5

    def model(self, model_id: str, progress: Progress | None = None) -> LoadedModel:
        """The model, loaded now or earlier. Only the one who loads it sees its progress; the others wait.

        An id only, never a folder: it may come from a URL. Raises what :func:`attnviz.load` raises.
        """
        import_models()
        from attnviz.models.loading import load, resolved_id

        model_id = resolved_id(model_id)
        if self._limits.threads:
            import torch

            torch.set_num_threads(self._limits.threads)
        return self._models.get(model_id, lambda: load(model_id, progress=progress))

    def trace(
        self,
        model_id: str,
        text: str | tuple[str, str],
        target: str | None = None,
        edits: Edits | None = None,
    ) -> Trace:
        """The trace of this text, computed now or earlier.

        Raises what :func:`attnviz.trace` raises, and :class:`Busy` when too many are waiting already.
        """
        import_models()
        from attnviz.tracing.forward import trace
        from attnviz.tracing.trace import NO_EDITS

        edits = edits or NO_EDITS
        model = self.model(model_id)
        return self._traces.get(
            (model_id, text, target, edits), lambda: self._queued(lambda: trace(model, text, target, edits))
        )

    def write(self, model_id: str, text: str, edits: tuple[Edits, ...]) -> tuple[Tokens, ...]:
        """What an encoder-decoder writes of this text under each of ``edits``, in one batch, computed now or earlier.

        Raises what :func:`attnviz.tracing.forward.write` raises, and :class:`Busy` as :meth:`trace` does.
        """
        import_models()
        from attnviz.tracing.forward import write

        model = self.model(model_id)
        written: tuple[Tokens, ...] = self._writings.get(
            (model_id, text, edits), lambda: self._queued(lambda: write(model, text, edits))
        )
        return written

    def feed_forward(self, model_id: str, text: str, target: str | None = None) -> Neurons:
        """What every neuron does with this text, computed now or earlier; kept in the same memory as the traces.

        Raises what :meth:`trace` raises.
        """
        import_models()
        from attnviz.tracing.feed_forward import feed_forward

        model, trace = self.model(model_id), self.trace(model_id, text, target)
        return self._traces.get(
            ("feed_forward", model_id, text, target), lambda: self._queued(lambda: feed_forward(model, trace))
        )

    def has_feed_forward(self, model_id: str, text: str, target: str | None = None) -> bool:
        """Whether the neurons' record is in memory, so that showing it needs no waiting."""
        return ("feed_forward", model_id, text, target) in self._traces

    def tokenizer(self, model_id: str) -> PreTrainedTokenizerFast:
        """The tokenizer of a model on this machine, without its weights.

        Raises :class:`ModelNotFound` for a model that would have to be fetched.
        """
        import_models()
        from attnviz.models.loading import tokenizer_of

        if self.has_model(model_id):
            return self.model(model_id).tokenizer
        return self._tokenizers.get(model_id, lambda: tokenizer_of(model_id))

    def tokens(self, model_id: str, text: str, limit: int | None = None) -> Tokens:
        """What a model reads of a text, without running it: ``limit`` tokens at most, or as many as are traced.

        Raises what :func:`attnviz.tracing.tokens.encode` raises.
        """
        import_models()
        from attnviz.models.catalog import title_of
        from attnviz.models.spelling import readable
        from attnviz.tracing.tokens import encode, tokens

        tokenizer, text = self.tokenizer(model_id), readable(model_id, text)
        ids, segments = encode(tokenizer, text, limit or self._limits.max_tokens, reader=title_of(model_id))
        return tokens(tokenizer, ids, segments, text)

    def has_model(self, model_id: str) -> bool:
        """Whether the model is in memory, so that a trace needs no loading."""
        return model_id in self._models

    def has_trace(
        self,
        model_id: str,
        text: str | tuple[str, str],
        target: str | None = None,
        edits: Edits | None = None,
    ) -> bool:
        """Whether the trace is in memory, so that showing it needs no waiting."""
        from attnviz.tracing.trace import NO_EDITS

        return (model_id, text, target, edits or NO_EDITS) in self._traces

    @property
    def waiting(self) -> int:
        """How many passes wait for a worker or run."""
        return self._waiting

    @property
    def wait_seconds(self) -> float:
        """About how long a new pass would wait before it starts, from the duration of the latest ones."""
        return (
            max(0, self._waiting - self._limits.workers + 1) * self._seconds_per_pass / self._limits.workers
        )

    def close(self) -> None:
        """Let running passes end and take no more."""
        self._workers.shutdown(cancel_futures=True)

    def _queued(self, compute: Callable[[], T]) -> T:
        with self._lock:
            if self._waiting >= self._limits.workers + self._limits.queue_length:
                raise Busy(
                    f"{self._waiting} texts are being read at this moment, more than this server takes at once.",
                    f"Try again in about {max(1, round(self.wait_seconds))} seconds.",
                )
            self._waiting += 1
        try:
            return self._workers.submit(self._timed, compute).result()
        finally:
            with self._lock:
                self._waiting -= 1

    def _timed(self, compute: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = compute()
        # a moving mean: one long text among short ones must not frighten the next twenty people away
        self._seconds_per_pass += 0.2 * (time.perf_counter() - start - self._seconds_per_pass)
        return result


class _OncePerKey:
    """A cache bounded in bytes, in which each key is computed once however many threads ask for it."""

    def __init__(self, max_bytes: int, size: Callable[[Any], int]) -> None:
        self._max_bytes = max_bytes
        self._size = size
        self._kept: LRUCache[Hashable, Any] = LRUCache(max_bytes, getsizeof=size)
        self._running: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            future = self._running.get(key)
            mine = future is None
            if future is None:
                future = self._running[key] = Future()
        if not mine:
            return future.result()
        try:
            value = compute()
        except BaseException as error:
            with self._lock:
                del self._running[key]
            future.set_exception(error)
            raise
        with self._lock:
            del self._running[key]
            if self._size(value) <= self._max_bytes:  # a larger one is handed out and not kept
                self._kept[key] = value
        future.set_result(value)
        return value


def _model_bytes(model: LoadedModel) -> int:
    return sum(p.numel() * p.element_size() for p in model.module.parameters())
