"""How everything here is measured: in turns, so that a busy moment of the machine hits all alike; medians are shown."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PARAGRAPH = (
    "The keys to the cabinet are on the table. The animal did not cross the street because it was too tired. "
    "John said he was tired, and Mary thought he needed some rest today. Nobody who saw the river in the spring "
    "forgot how it rose over the old bridge, took the boats from the shore and carried them far into the fields. "
)


def medians(contestants: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of each contestant: after one run unmeasured, ``rounds`` rounds in which each runs once, order rotated."""
    for run in contestants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for i in range(rounds):
        print(".", end="", file=sys.stderr, flush=True)
        for name in names[i % len(names) :] + names[: i % len(names)]:
            gc.collect()
            gc.disable()
            began = time.perf_counter()
            kept = contestants[name]()
            times[name].append(time.perf_counter() - began)
            gc.enable()
            del kept
    return {name: statistics.median(values) for name, values in times.items()}


def text_of(tokenizer: Any, length: int) -> str:
    """Prose that this tokenizer turns into exactly ``length`` tokens, special ones included."""
    words = (PARAGRAPH * (1 + length // 20)).split()
    count, text = 0, ""
    while len(tokenizer(f"{text} {words[count]}".strip(), verbose=False).input_ids) <= length:
        text = f"{text} {words[count]}".strip()
        count += 1
    while len(tokenizer(text).input_ids) < length:
        text += " a"
    if len(tokenizer(text).input_ids) != length:
        raise ValueError(f"no text of {length} tokens was found")
    return text


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table that reads well as plain text too."""
    columns = list(zip(heads, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            f"{c:<{w}}" if i == 0 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    print(f"\n### {title}\n")
    print(line(heads))
    print("|" + "|".join(f"{'-' * (w + 1)}{':' if i else '-'}" for i, w in enumerate(widths)) + "|")
    for row in rows:
        print(line(row))


def milliseconds(seconds: float) -> str:
    """ "12.3 ms"."""
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def megabytes(count: float) -> str:
    """ "1.25 MB", a million bytes each."""
    return f"{count / 1e6:.2f} MB" if count < 1e7 else f"{count / 1e6:.0f} MB"


def machine() -> str:
    """What a reader needs to place the numbers: date, system, cores, load at the start, versions."""
    from importlib.metadata import version

    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    names = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "numpy"))
    return (
        f"{time.strftime('%-d %B %Y')}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, "
        f"Python {platform.python_version()}, {names}"
    )
