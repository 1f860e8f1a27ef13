"""Small drawings of what each page is about, and of how a layer joins its tokens. Drawn here, from shapes alone."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import cache, partial

from attnviz.figures.palette import GREY, MEANINGS, SEQUENTIAL, Mode, mark, mixed

WIDTH, HEIGHT = 96, 44


@cache
def picture(name: str, mode: Mode) -> str:
    """The drawing as an ``<img>`` that says nothing aloud: the words beside it do. KeyError for an unknown name."""
    drawn = "".join(_DRAWINGS[name](_Ink(mode)))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"{drawn}</svg>"
    )
    data = b64encode(svg.encode()).decode()
    return f'<img class="av-pictogram" width="{WIDTH}" height="{HEIGHT}" alt="" src="data:image/svg+xml;base64,{data}">'


class _Ink:
    """The colours of one theme, by meaning or as a weight from 0 to 1."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self.grey = GREY[mode]
        for meaning in MEANINGS:
            setattr(self, meaning, mark(meaning, mode))

    query: str
    key: str
    value: str
    cross: str
    stream: str
    feed_forward: str

    def weight(self, weight: float) -> str:
        """A cell of a matrix."""
        stops = SEQUENTIAL[self._mode]
        return stops[1 + round((len(stops) - 3) * weight**0.6)]

    def light(self, colour: str, share: float) -> str:
        """The colour laid thinly over the paper."""
        return mixed(colour, share, self._mode)


Drawing = Callable[[_Ink], Iterable[str]]


def _rect(x: float, y: float, width: float, height: float, fill: str, radius: float = 1) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" fill="{fill}"/>'


def _line(path: str, colour: str, width: float = 1.5, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round"{dashes}/>'


def _dot(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}"/>'


def _matrix(
    ink: _Ink,
    x: float,
    y: float,
    rows: int,
    columns: int,
    weight: Callable[[int, int], float],
    cell: float = 5,
    gap: float = 1,
) -> Iterable[str]:
    for i in range(rows):
        for j in range(columns):
            at = (x + j * (cell + gap), y + i * (cell + gap))
            yield _rect(*at, cell, cell, ink.weight(weight(i, j)), 0.8)


def _scattered(i: int, j: int) -> float:
    """A number between 0 and 1 that looks like chance and is always the same."""
    return (math.sin(12.9 * i + 78.2 * j + 3) * 43758.5453) % 1


def _home(ink: _Ink) -> Iterable[str]:
    yield _line("M8 34C8 0 88 0 88 34", ink.query, 3)
    for i in range(5):
        yield _line(f"M{8 + 16 * i} 36q8 8 16 0", ink.grey)
    yield _dot(8, 34, 4, ink.key)
    yield _dot(88, 34, 4, ink.query)


def _tokens(ink: _Ink) -> Iterable[str]:
    x = 0
    for width, share in ((22, 0.35), (34, 0.6), (12, 0.35), (20, 0.8)):
        yield _rect(x, 12, width, 20, ink.light(ink.stream, share), 4)
        x += width + 3


def _explorer(ink: _Ink) -> Iterable[str]:
    yield _rect(0, 0, 50, 44, ink.light(ink.stream, 0.55), 2)
    for x, colour in ((52, ink.query), (67, ink.key), (82, ink.value)):
        yield _rect(x, 0, 14, 20, colour, 2)
    yield _rect(52, 22, 44, 22, ink.feed_forward, 2)


def _self_attention(ink: _Ink) -> Iterable[str]:
    yield _rect(0, 3, 8, 38, ink.light(ink.stream, 0.7), 1.5)
    yield _line("M13 22h6", ink.grey)
    for x, colour in ((24, ink.query), (34, ink.key), (44, ink.value)):
        yield _rect(x, 3, 8, 38, colour, 1.5)
    yield _line("M57 22h6", ink.grey)
    yield from _matrix(ink, 68, 9, 4, 4, lambda i, j: 0 if j > i else 0.25 + 0.7 * _scattered(i, j), 6)


def _heatmaps(ink: _Ink) -> Iterable[str]:
    def weight(i: int, j: int) -> float:
        return 0.95 if i == j else 0.5 if j == 1 else 0.35 * _scattered(i, j)

    yield from _matrix(ink, 0, 1, 7, 7, weight, 5)
    yield _line("M50 6C68 6 74 31 94 31", ink.query, 3)
    yield _line("M50 6C68 6 74 15 94 15", ink.light(ink.query, 0.55))
    yield _line("M50 38C68 38 74 31 94 31", ink.light(ink.query, 0.55))


def _cross_attention(ink: _Ink) -> Iterable[str]:
    links = ((8, 8, 5), (34, 60, 4), (60, 34, 4), (86, 86, 5))
    for above, below, width in links:
        yield _line(f"M{above} 10C{above} 24 {below} 20 {below} 34", ink.light(ink.cross, 0.75), width)
    for x in (8, 34, 60, 86):
        yield _rect(x - 9, 2, 18, 7, ink.light(ink.stream, 0.6), 2)
        yield _rect(x - 9, 35, 18, 7, ink.light(ink.stream, 0.6), 2)


def _multi_head(ink: _Ink) -> Iterable[str]:
    patterns: tuple[Callable[[int, int], bool], ...] = (
        lambda i, j: i == j,
        lambda i, j: j == 0,
        lambda i, j: j == i - 1,
        lambda i, j: j == 3,
        lambda i, j: (i + j) % 3 == 0,
        lambda i, j: j == i + 1,
        lambda i, j: j in (1, 4),
        lambda i, j: i // 2 == j // 2,
    )
    for number, chosen in enumerate(patterns):
        x, y = (number % 4) * 24, (number // 4) * 23
        yield from _matrix(ink, x, y, 6, 6, partial(_marked, chosen), 2.7, 0.6)


def _marked(chosen: Callable[[int, int], bool], i: int, j: int) -> float:
    return 0.85 if chosen(i, j) else 0


def _positions(ink: _Ink) -> Iterable[str]:
    def weight(i: int, j: int) -> float:
        return (0.5 + 0.5 * math.sin((j + 1) / 1.25 ** (2 * i))) ** 1.5

    yield from _matrix(ink, 0, 1, 7, 16, weight, 5)


def _feed_forward(ink: _Ink) -> Iterable[str]:
    yield f'<path d="M4 14L38 2V42L4 30Z" fill="{ink.feed_forward}"/>'
    yield _rect(42, 2, 10, 40, ink.feed_forward, 1)
    yield f'<path d="M56 2L90 14V30L56 42Z" fill="{ink.light(ink.feed_forward, 0.55)}"/>'


def _architectures(ink: _Ink) -> Iterable[str]:
    yield from _matrix(ink, 0, 8, 5, 5, lambda i, j: 0.55, 4.6)
    yield from _matrix(ink, 34, 8, 5, 5, lambda i, j: 0.55 if j <= i else 0, 4.6)
    for i in range(5):
        for j in range(5):
            yield _rect(68 + j * 5.6, 8 + i * 5.6, 4.6, 4.6, ink.light(ink.cross, 0.7), 0.8)


def _predictions(ink: _Ink) -> Iterable[str]:
    for i, (word, bar) in enumerate(((20, 64), (26, 34), (16, 22), (22, 13), (14, 8))):
        y = 1 + 9 * i
        yield _rect(26 - word, y, word, 6, ink.light(ink.stream, 0.35), 2)
        yield _rect(31, y, bar, 6, ink.query if i == 0 else ink.light(ink.stream, 0.45), 2)


def _compare(ink: _Ink) -> Iterable[str]:
    yield from _matrix(ink, 0, 4, 6, 6, lambda i, j: 0.9 if i == j else 0.5 * _scattered(i, j), 5)
    yield from _matrix(
        ink, 56, 4, 6, 6, lambda i, j: 0 if j > i else 0.85 if j == 0 else 0.5 * _scattered(j, i), 5
    )


def _phenomena(ink: _Ink) -> Iterable[str]:
    yield _line("M13 30C13 0 74 0 74 30", ink.query, 3)
    for x, width, colour in ((0, 26, ink.key), (30, 12, ""), (45, 12, ""), (61, 27, ink.query)):
        yield _rect(x, 31, width, 11, colour or ink.light(ink.stream, 0.4), 2.5)


def _variants(ink: _Ink) -> Iterable[str]:
    def bell(height: float, width: float) -> str:
        points = ((x, 41 - height * math.exp(-(((x - 48) / width) ** 2))) for x in range(2, 95, 3))
        return "M" + "L".join(f"{x} {y:.1f}" for x, y in points)

    yield _line(bell(36, 12), ink.query, 2.5)
    yield _line(bell(22, 24), ink.grey, 1.5, "4 3")
    yield _line(bell(10, 48), ink.grey, 1.5)


def _scaling(ink: _Ink) -> Iterable[str]:
    points = ((4, 40, 2), (22, 33, 3), (42, 24, 4.5), (62, 16, 6), (84, 8, 8))
    yield _line("M4 40L84 8", ink.grey)
    for x, y, radius in points:
        yield _dot(x, y, radius, ink.query)


def _learning(ink: _Ink) -> Iterable[str]:
    yield _line("M2 3C14 6 12 34 40 39S80 41 94 41", ink.grey, 2)
    for i in range(5):
        for j in range(5):
            colour = ink.cross if i == j else ink.light(ink.cross, 0.16)
            yield _rect(62 + 6 * j, 4 + 6 * i, 5, 5, colour, 0.8)


def _takeaways(ink: _Ink) -> Iterable[str]:
    for i, width in enumerate((66, 50, 72)):
        y = 2 + 15 * i
        yield _rect(0, y, 11, 11, ink.light(ink.stream, 0.9 if i < 2 else 0.35), 2.5)
        if i < 2:
            yield _line(f"M3 {y + 5.5}l2.2 2.4 3.6-4.6", ink.light(ink.stream, 0.02), 1.6)
        yield _rect(19, y + 3, width, 5, ink.light(ink.stream, 0.4), 2)


_TOKENS = tuple(8 + 16 * i for i in range(6))


def _both_rows(ink: _Ink) -> Iterable[str]:
    for x in _TOKENS:
        yield _dot(x, 37, 3.2, ink.light(ink.stream, 0.55))
        yield _dot(x, 7, 3.2, ink.grey)


def _layer_attention(ink: _Ink) -> Iterable[str]:
    for above in (*_TOKENS, _TOKENS[4]):
        for below in _TOKENS:
            yield _line(
                f"M{below} 37L{above} 7", ink.light(ink.query, 0.85 if above == _TOKENS[4] else 0.2), 1.1
            )
    yield from _both_rows(ink)
    yield _dot(_TOKENS[4], 7, 4, ink.query)


def _layer_recurrent(ink: _Ink) -> Iterable[str]:
    for x in _TOKENS:
        yield _line(f"M{x} 37V7", ink.light(ink.stream, 0.4), 1.1)
    yield _line(f"M{_TOKENS[0]} 7H{_TOKENS[-1]}", ink.grey, 2.4)
    yield from _both_rows(ink)


def _layer_convolutional(ink: _Ink) -> Iterable[str]:
    for i, above in enumerate(_TOKENS):
        for j in (i - 1, i, i + 1):
            if 0 <= j < len(_TOKENS):
                yield _line(f"M{_TOKENS[j]} 37L{above} 7", ink.light(ink.stream, 0.8 if i == 4 else 0.3), 1.1)
    yield from _both_rows(ink)


def _layer_restricted(ink: _Ink) -> Iterable[str]:
    for i, above in enumerate(_TOKENS):
        for j in range(max(0, i - 2), i + 1):
            yield _line(f"M{_TOKENS[j]} 37L{above} 7", ink.light(ink.query, 0.8 if i == 4 else 0.22), 1.1)
    yield from _both_rows(ink)
    yield _dot(_TOKENS[4], 7, 4, ink.query)


_DRAWINGS: dict[str, Drawing] = {
    "home": _home,
    "tokens": _tokens,
    "model_explorer": _explorer,
    "self_attention": _self_attention,
    "attention_heatmaps": _heatmaps,
    "cross_attention": _cross_attention,
    "multi_head": _multi_head,
    "positions": _positions,
    "feed_forward": _feed_forward,
    "architectures": _architectures,
    "predictions": _predictions,
    "compare": _compare,
    "phenomena": _phenomena,
    "variants": _variants,
    "scaling": _scaling,
    "learning": _learning,
    "takeaways": _takeaways,
    "layer Self-attention": _layer_attention,
    "layer Recurrent": _layer_recurrent,
    "layer Convolutional": _layer_convolutional,
    "layer Self-attention, restricted": _layer_restricted,
}
