"""What the published models show, in sentences: each is computed from them and carries its numbers."""

from __future__ import annotations

from math import log

from app.lessons import Lesson
from app.scaled import published
from app.scaled.published import alike, among
from attnviz.analysis.scaling import Exponent, PowerLaw
from attnviz.figures.quantities import amount, percent

OPEN = 4.0
"""An interval of an exponent that is wider than this settles nothing."""


def law_said(words: Lesson, family: str | None) -> str:
    """The fitted exponents in a sentence, or why there are none."""
    found, members = published.law(family), among(family)
    if found is None:
        return words.say("law_few", family=family, models=len(members))
    if _open(found.width):
        small, large = alike(members)
        return words.say(
            "law_open",
            family=family,
            low=two_digits(found.width.low),
            high=two_digits(found.width.high),
            small=small.name,
            large=large.name,
            width=f"{small.width:,}",
            layers=small.layers,
            times=f"{large.rest / small.rest:.1f}",
        )
    return words.say(
        "law_say" if family else "law_all",
        family=family,
        models=found.models,
        **_powers(words, found),
    )


def surprise_said(words: Lesson, family: str | None) -> str:
    """Which model is farthest from the law."""
    found = published.law(family)
    if found is None or _open(found.width) or _open(found.layers):
        return ""
    farthest = max(among(family), key=lambda size: abs(log(found.surprise(size))))
    times = found.surprise(farthest)
    if 0.9 < times < 1.1:
        return words.say("law_close", percent=percent(abs(times - 1)), model=farthest.name)
    said = words.say("law_far", model=farthest.name, times=f"{times:.2g}")
    if family is not None:
        return said
    left_out, others = published.without_odd_one()
    return f"{said} {words.say('law_without', family=left_out, **_powers(words, others))}"


def share_said(words: Lesson, family: str | None) -> str:
    """How the share of the embeddings falls from the smallest to the largest."""
    by_size = sorted(among(family), key=lambda size: size.parameters)
    small, large = by_size[0], by_size[-1]
    return words.say(
        "share_say" if small.share > large.share else "share_up",
        small=small.name,
        large=large.name,
        most=percent(small.share),
        least=percent(large.share),
        times=f"{large.parameters / small.parameters:,.0f}",
    )


def described(chart: str, family: str | None) -> str:
    """A chart in words."""
    members = among(family)
    smallest, largest = (pick(members, key=lambda size: size.parameters) for pick in (min, max))
    what = {
        "width": "width",
        "layers": "number of layers",
        "heads": "heads in a layer",
        "shape": "width and layers",
    }
    return (
        f"{len(members)} models, {what[chart]} against "
        f"{'each other, area is parameters' if chart == 'shape' else 'parameters'}: from {smallest.name} "
        f"(width {smallest.width:,}, {smallest.layers} layers, {smallest.heads} heads, "
        f"{amount(smallest.parameters)} parameters) to {largest.name} (width {largest.width:,}, "
        f"{largest.layers} layers, {largest.heads} heads, {amount(largest.parameters)} parameters)."
    )


def readers_said(words: Lesson) -> str:
    """Which published model has read most, and which least, for its size."""
    told = [size for size in published.sizes() if size.tokens]
    most, least = (pick(told, key=lambda s: (s.tokens or 0) / s.parameters) for pick in (max, min))
    return words.say(
        "readers",
        most=most.name,
        least=least.name,
        much=short((most.tokens or 0) / most.parameters),
        little=short((least.tokens or 0) / least.parameters),
    )


def interval(words: Lesson, power: Exponent) -> str:
    """An exponent with its interval: "2.00 (1.98 to 2.02)"."""
    if _open(power):
        return words.say("law_unsettled")
    return f"{two_digits(power.value)} ({two_digits(power.low)} to {two_digits(power.high)})"


def _open(power: Exponent) -> bool:
    """Whether the models leave an exponent open."""
    return power.high - power.low > OPEN


def _powers(words: Lesson, found: PowerLaw) -> dict[str, str]:
    """Both exponents as sentences take them."""
    return {
        name: words.say(
            "power_open" if _open(power) else "power",
            value=two_digits(power.value),
            low=two_digits(power.low),
            high=two_digits(power.high),
        )
        for name, power in (("width", found.width), ("layers", found.layers))
    }


def power_of_ten(number: float) -> str:
    """A very large number: "3.8 × 10²⁵"."""
    digits, _, power = f"{number:.1e}".partition("e")
    return f"{digits}\u00a0×\u00a010{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(d)] for d in str(int(power)))}"


def two_digits(number: float) -> str:
    """A power or a factor: "2.00", "−0.31"."""
    return f"{number:.2f}".replace("-", "−")


def short(number: float) -> str:
    """A number that can be large or small, in few digits: "1,240", "3.1"."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"
