"""Numbers as a reader says them: sizes in bytes, large counts, shares."""

from __future__ import annotations

from collections.abc import Iterable

_SIZES = ("bytes", "kB", "MB", "GB", "TB", "PB")
_COUNTS = ("", " thousand", " million", " billion", " trillion", " quadrillion")


def size(number: float) -> str:
    """Bytes in steps of a thousand, three digits: "90.9 MB"."""
    return _stepped(number, _SIZES, " ")


def amount(number: float) -> str:
    """A count in words, three digits: "22.7 million", "512"."""
    return _stepped(number, _COUNTS, "")


def percent(share: float) -> str:
    """A share of 1 in per cent: "52.5 %", "under 0.1 %"."""
    if 0 < share < 0.0005:
        return "under 0.1 %"
    return f"{100 * share:.1f} %"


def whole_percent(share: float) -> str:
    """A share of 1 in whole per cent: "68 %", "under 1 %"."""
    return "under 1 %" if 0 < share <= 0.005 else f"{100 * share:.0f} %"


def signed(value: float, digits: int = 2) -> str:
    """A number with a minus sign that is one: "−1,234.50"; what rounds to nothing has none."""
    written = f"{value:,.{digits}f}"
    return written.replace("-", "−" if float(written.replace(",", "")) else "")


def shape(numbers: Iterable[int]) -> str:
    """Rows and columns: "16 × 1,536"."""
    return " × ".join(f"{n:,}" for n in numbers)


def _stepped(number: float, names: tuple[str, ...], between: str) -> str:
    step = 0
    while number >= 999.5 and step < len(names) - 1:
        number, step = number / 1000, step + 1
    whole = step == 0 or number >= 99.95 or number == round(number)  # "10 MB" where it is 10 exactly
    return f"{number:.0f}{between}{names[step]}" if whole else f"{number:#.3g}{between}{names[step]}"
