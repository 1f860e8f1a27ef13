"""Many users at once: one computation for each key, bounded memory, a queue with an end."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from attnviz.engine import Engine, _OncePerKey
from attnviz.errors import Busy
from attnviz.settings import Settings


def test_one_computation_however_many_ask():
    cache, computed = _OncePerKey(100, lambda value: 1), []

    def compute():
        computed.append(1)
        time.sleep(0.05)
        return "result"

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: cache.get("key", compute), range(20)))
    assert results == ["result"] * 20
    assert len(computed) == 1
    assert "key" in cache


def test_memory_is_bounded_and_the_least_recently_used_goes():
    cache = _OncePerKey(10, len)
    for key in ("aaaa", "bbbb"):
        cache.get(key, lambda key=key: key)
    cache.get("aaaa", lambda: pytest.fail("was kept"))
    cache.get("cccc", lambda: "cccc")
    assert ("aaaa" in cache, "bbbb" in cache, "cccc" in cache) == (True, False, True)
    assert (
        cache.get("long", lambda: "x" * 11) == "x" * 11
    )  # larger than the whole cache: handed out, not kept
    assert "long" not in cache
    assert "aaaa" in cache


def test_a_failure_reaches_all_who_wait_and_is_not_kept():
    cache, gate = _OncePerKey(10, lambda value: 1), threading.Event()

    def fail():
        gate.wait(5)
        raise LookupError("first time")

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(cache.get, "key", fail) for _ in range(4)]
        time.sleep(0.05)
        gate.set()
        for job in jobs:
            with pytest.raises(LookupError):
                job.result(5)
    assert cache.get("key", lambda: "second time") == "second time"


def test_the_queue_has_an_end_and_says_how_long_to_wait():
    engine = Engine(Settings(workers=1, queue_length=1))
    gate = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(engine._queued, lambda: gate.wait(5)) for _ in range(2)]
        while engine.waiting < 2:
            time.sleep(0.01)
        assert engine.wait_seconds > 0
        with pytest.raises(Busy) as error:
            engine._queued(lambda: None)
        assert "seconds" in error.value.way_out
        gate.set()
        assert all(job.result(5) for job in jobs)
    assert engine.waiting == 0
    engine.close()


def test_no_more_passes_at_once_than_workers():
    engine, running, most = Engine(Settings(workers=2)), [], []

    def work():
        running.append(1)
        most.append(len(running))
        time.sleep(0.03)
        running.pop()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: engine._queued(work), range(8)))
    assert max(most) == 2
    engine.close()


def test_what_a_model_writes_is_computed_once_and_waits_in_the_same_queue(tmp_path, monkeypatch):
    from attnviz.analysis.writing import single_heads
    from attnviz.models.loading import load
    from attnviz.tracing import forward
    from tests.tiny import save_tiny

    model = load(save_tiny(tmp_path, "marian-ssru"))
    engine, calls = Engine(Settings(workers=1)), []
    monkeypatch.setattr(engine, "model", lambda _: model)
    real = forward.write
    monkeypatch.setattr(
        forward, "write", lambda *given: calls.append(threading.current_thread().name) or real(*given)
    )
    edits = single_heads(2, 4)
    first = engine.write("a/b", "the cat sat", edits)
    assert engine.write("a/b", "the cat sat", edits) is first and len(first) == 9
    assert len(calls) == 1 and calls[0].startswith("attnviz")
    assert engine.write("a/b", "the cat sat", edits[:1]) == first[:1]
    engine.close()


def test_many_threads_may_be_the_first_to_need_the_library():
    """In a process of its own: in this one everything is imported already."""
    program = """
import threading
from attnviz.engine import Engine
engine, failed = Engine(), []
def ask(method):
    try:
        method("sentence-transformers/all-MiniLM-L6-v2")
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=ask, args=[m]) for m in (engine.model, engine.tokenizer) * 3]
[t.start() for t in threads]
[t.join() for t in threads]
assert not failed, failed
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
