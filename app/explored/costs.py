"""What an explored model costs, in sentences: memory for its weights and its cache, work for a token."""

from __future__ import annotations

from bisect import bisect_left

from app.explored.model import Explored
from app.lessons import Lesson
from attnviz.analysis.memory import cache_bytes, token_flops, weight_bytes
from attnviz.figures.costs import lengths
from attnviz.figures.quantities import amount, percent, size
from attnviz.models.parameter_count import Stack


def memory_said(model: Explored, words: Lesson, length: int, dtype: str) -> tuple[str, str]:
    """How the cache comes about, and what it takes: an explanation and a derived sentence."""
    count, shape = model.count, model.shape
    weights, cache = weight_bytes(count.total, dtype), cache_bytes(count, length, dtype)
    if not cache:
        return "", words.say("memory_say_encoder", title=model.title, weights=size(weights), dtype=dtype)
    heads, shared = shape.decoder_heads, shape.decoder_key_value_heads
    times = f"{heads / shared:g}"
    which = "sharing_all" if shared == heads else "sharing_one" if shared == 1 else "sharing_some"
    lead = words.say("memory_lead", sharing=words.say(which, heads=heads, shared=shared, times=times))
    window = next((w for w in shape.windows if w), None)
    if window:
        lead += " " + words.say("window", window=f"{window:,}")
    if shape.kind == "encoder-decoder":
        lead += " " + words.say("both_stacks")
    said = words.say(
        "memory_say",
        length=f"{length:,}",
        cache=size(cache),
        share=percent(cache / weights),
        weights=size(weights),
    )
    return lead, said


def work_said(model: Explored, words: Lesson, length: int) -> str:
    """What one token costs, and when attention overtakes the matrices."""
    work = token_flops(model.count, length)
    stack: Stack = "decoder" if "decoder" in work else "encoder"
    flops = work[stack]
    what = "the next token" if stack == "decoder" else "each token"
    said = words.say(
        "work_say",
        length=f"{length:,}",
        what=what,
        total=amount(flops.total),
        share=percent(flops.attention / max(flops.total, 1)),
    )
    longest = lengths(model.count)[-1]

    def dearer(tokens: int) -> bool:
        there = token_flops(model.count, tokens)[stack]
        return there.attention > there.matrices

    if not dearer(longest):
        return f"{said} {words.say('work_never', length=f'{longest:,}')}"
    first = bisect_left(range(longest), True, lo=1, key=dearer)  # a longer text never takes less attention
    return f"{said} {words.say('work_cross', length=f'{first:,}')}"
