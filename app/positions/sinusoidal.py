"""Sinusoidal positions: a wave for each pair of dimensions, from fast to slow."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import streamlit as st

from app import selection
from app.lessons import Lesson
from app.positions.here import (
    SHUFFLE,
    SINUSOIDAL,
    Here,
    Taught,
    choice,
    hero,
    said,
    scientific,
    slider,
    spread,
    stage,
    table_columns,
)
from app.widgets import figure, formula
from app.widgets import lesson as blocks
from app.widgets.lesson import Question, Try
from app.widgets.markup import html
from attnviz.analysis import positions as analysis
from attnviz.figures import position_tables, position_waves
from attnviz.figures.quantities import signed
from attnviz.tracing.trace import Floats

BASES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
CURVES = "0, 1, 2, 3, 15, 31, 47, 63"
MOST_CURVES = 16


def show(here: Here, words: Lesson) -> Taught:
    """Heatmap, curves, products and the shift as a rotation."""
    with stage() as (margin, main):
        with margin:
            length = slider(words.say("length"), "pos_length", 8, 512, 128)
            width = slider(words.say("width"), "pos_width", 4, 512, 128)
            base = float(choice(words.say("base"), "pos_base", BASES, 10_000, "{:,}".format))
            formula.show(words.words["sinusoidal_formula"])
            html("<p class='av-source'>{}</p>", words.say("sinusoidal_letters"))
        table = analysis.sinusoidal(length, width, base)
        waves = analysis.wavelengths(analysis.speeds(width, base))
        observed = words.say(
            "sinusoidal_say",
            width=f"{width:,}",
            first=_positions(waves[0]),
            last=_positions(waves[-1]),
            pairs=len(waves),
            length=f"{length:,}",
            slow=int((waves > length).sum()),
        )
        with main:
            hero(
                position_tables.table_heatmap(table, figure.mode()),
                observed,
                partial(table_columns, table, "position", "dimension"),
            )
            said(observed)
            html("<p class='av-source'>{}</p>", _own(here, words))
    with blocks.section("pos_curves", words.say("curves"), words.say("curves_remark")):
        _curves(table, words)
    with blocks.section("pos_products", words.say("products"), words.say("products_remark")):
        _products(table, width, words)
    with blocks.section("pos_shift", words.say("shift"), words.say("shift_remark")):
        shift = _shift(length, width, base, words)
    code = words.say("sinusoidal_code", length=length, width=width, base=base, shift=shift)
    return Taught(_suggestions(width, base, words), _questions(width, base, words), code)


def dimensions(asked: str, width: int) -> list[int]:
    """The numbers in what was typed that are dimensions, each once, as many as can be drawn."""
    found = [int(number) for number in re.findall(r"\d{1,4}", asked)]
    return list(dict.fromkeys(d for d in found if d < width))[:MOST_CURVES]


def _own(here: Here, words: Lesson) -> str:
    """How the model at hand stands to these waves, measured on its own table."""
    if here.facts.positions != "sinusoidal":
        return here.scheme(words)
    own = here.known.tables[0].table
    away = {
        to_the_end: float(np.abs(_in_order(own, to_the_end=to_the_end) - own).max())
        for to_the_end in (False, True)
    }
    ending = min(away, key=away.__getitem__)
    return words.say(
        "sinusoidal_own_last" if ending else "sinusoidal_own",
        title=here.title,
        rows=f"{own.shape[0]:,}",
        width=own.shape[1],
        away=scientific(away[ending]),
    )


def _in_order(own: Floats, *, to_the_end: bool) -> Floats:
    """The formula's table in the order and with the first position of the model's."""
    first = round(float(np.arctan2(own[0, 0], own[0, own.shape[1] // 2])))
    return analysis.sines_then_cosines(len(own) + first, own.shape[1], to_the_end=to_the_end)[first:]


def _curves(table: Floats, words: Lesson) -> None:
    with st.container(key="pos_dims_row"):
        asked = st.text_input(
            words.say("dimensions"), CURVES, max_chars=120, key="pos_dims", bind="query-params"
        )
    width = table.shape[1]
    chosen = dimensions(asked or "", width)
    if not chosen:
        chosen = dimensions(CURVES, width)
        selection.note(words.say("dimensions_none", last=width - 1))
    figure.show(
        position_waves.dimension_curves(table, chosen, figure.mode()),
        "position_curves",
        words.say("curves_alt", dimensions=", ".join(map(str, chosen))),
        {"position": range(len(table)), **{f"dimension_{d}": table[:, d] for d in chosen}},
    )


def _products(table: Floats, width: int, words: Lesson) -> None:
    products = analysis.products_by_distance(table)
    at = min(10, len(table) - 1)
    observed = words.say(
        "products_odd" if width % 2 else "products_say",
        zero=signed(products.mean[0], 1),
        at=at,
        there=signed(products.mean[at], 1),
        spread=scientific(float((products.most - products.least).max())),
    )
    said(observed)
    figure.show(
        position_waves.products_curve(products, figure.mode()),
        "position_products",
        observed,
        {
            "distance": range(len(table)),
            "mean": products.mean,
            "least": products.least,
            "most": products.most,
        },
    )


def _shift(length: int, width: int, base: float, words: Lesson) -> int:
    left, right = st.columns(2)
    with left:
        at = slider(words.say("from"), "pos_at", 0, 511, 10)
    with right:
        shift = slider(words.say("by"), "pos_shift", 1, 128, 5)
    longer = analysis.sinusoidal(at + shift + 1, width, base)
    even = width - width % 2
    away = float(np.abs(analysis.shifted(longer, shift, base)[at] - longer[at + shift, :even]).max())
    observed = words.say("shift_say", at=at, then=at + shift, shift=shift, away=scientific(away))
    said(observed)
    turning = analysis.speeds(width, base)[: width // 2]
    figure.show(
        position_waves.dials(turning, spread(len(turning)), at, shift, figure.mode()),
        "position_shift",
        words.say("shift_alt", shift=shift, at=at),
        {"pair": range(len(turning)), "radians": shift * turning},
        fills=True,
    )
    html("<p class='av-source'>{}</p>", words.say("shift_source"))
    return shift


def _suggestions(width: int, base: float, words: Lesson) -> list[Try]:
    low, high = (float(analysis.wavelengths(analysis.speeds(128, b))[-1]) for b in (100, 1_000_000))
    odd = 63
    return [
        Try(
            words.say("try_fast"),
            words.say("try_wave_detail", last=f"{low:,.0f}", base="100"),
            {"pos_base": 100, "pos_width": 128},
        ),
        Try(
            words.say("try_slow"),
            words.say("try_wave_detail", last=f"{high:,.0f}", base="1,000,000"),
            {"pos_base": 1_000_000, "pos_width": 128},
        ),
        Try(
            words.say("try_odd"),
            words.say("try_odd_detail", width=odd, sines=(odd + 1) // 2, cosines=odd // 2),
            {"pos_width": odd},
        ),
        Try(words.say("try_shuffle"), words.say("try_shuffle_detail"), {"scheme": SHUFFLE}),
    ]


def _questions(width: int, base: float, words: Lesson) -> list[Question]:
    found = []
    pairs = (width + 1) // 2
    if pairs > 2:
        pair = pairs // 2
        wave = float(analysis.wavelengths(analysis.speeds(width, base))[pair])
        choices = sorted({wave / 10, wave, wave * 10, wave * 100})
        found.append(
            Question(
                "wave",
                words.say("ask_wave", pair=pair, width=width, base=f"{base:,.0f}"),
                [f"about {_positions(c)} positions" for c in choices],
                f"about {_positions(wave)} positions",
                words.say(
                    "because_wave", even=2 * pair, width=width, base=f"{base:,.0f}", wave=f"{wave:,.1f}"
                ),
                {"scheme": SINUSOIDAL},
                "section_pos_curves",
            )
        )
    slow, fast = (analysis.speeds(128, b)[0] for b in (1_000_000, 10_000))
    names = ("faster", "slower", "as fast as before")
    found.append(
        Question(
            "base",
            words.say("ask_base"),
            names,
            names[0] if slow > fast else names[1] if slow < fast else names[2],
            words.say("because_base", speed=f"{slow:g}"),
            {"pos_base": 1_000_000},
        )
    )
    return found


def _positions(wave: float) -> str:
    return f"{wave:,.0f}" if wave >= 10 else f"{wave:.1f}"
