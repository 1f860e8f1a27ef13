"""Rotary positions: pairs of dimensions of every query and key turn as the position grows."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from app.lessons import Lesson
from app.positions import rotary_score
from app.positions.here import (
    ROTARY,
    SHUFFLE,
    Here,
    Taught,
    choice,
    said,
    slider,
    spread,
    stage,
    table_columns,
)
from app.positions.turning import Turning, turning
from app.widgets import figure, formula
from app.widgets import lesson as blocks
from app.widgets.lesson import Question, Try
from app.widgets.markup import html
from attnviz.analysis import positions as analysis
from attnviz.figures import position_tables, position_waves
from attnviz.figures.position_waves import turned
from attnviz.tracing.trace import Floats

BASES = (100, 1_000, 10_000, 100_000, 500_000, 1_000_000, 10_000_000)


def show(here: Here, words: Lesson) -> Taught:
    """Dials, angles, wavelengths, and a score that depends on the distance only."""
    with stage() as (margin, main):
        with margin:
            layer = slider(words.say("layer"), "layer", 0, here.trace.layers(here.kind) - 1, 0)
            head = slider(words.say("head"), "head", 0, here.trace.heads(here.kind) - 1, 0)
            turns = turning(here, layer)
            bases = sorted({*BASES, int(turns.base)})
            base = float(choice(words.say("base"), "pos_rope_base", bases, int(turns.base), "{:,}".format))
            position = slider(words.say("position"), "pos_at", 0, 511, 10)
            formula.show(words.words["rotary_formula"])
            html("<p class='av-source'>{}</p>", words.say("rotary_letters"))
        with main:
            _dials(here, turns, base, position, words)
    speeds = turns.speeds(base)
    with blocks.section("pos_angles", words.say("angles"), words.say("angles_remark")):
        _angles(speeds, words)
    with blocks.section("pos_waves", words.say("waves"), words.say("waves_remark")):
        _waves(here, turns, base, words)
    with blocks.section("pos_distance", words.say("distance"), words.say("distance_remark")):
        code = rotary_score.show(here, layer, head, speeds, base, words)
    questions = [rotary_score.ask_both(here, layer, head, speeds, words), *_ask_slow(here, turns, words)]
    return Taught(_suggestions(here, turns, words), questions, code)


def _dials(here: Here, turns: Turning, base: float, position: int, words: Lesson) -> None:
    speeds = turns.speeds(base)
    lead = "rotary_other" if not turns.is_own else "rotary_own" if base == turns.base else "rotary_base"
    observed = words.say(
        "rotary_say",
        lead=words.say(
            lead, title=here.title, pairs=len(speeds), base=f"{base:,.0f}", own=f"{turns.base:,.0f}"
        ),
        position=position,
        fast=turned(position * speeds[0]),
        slow=turned(position * speeds[-1]),
    )
    with st.container(key="pos_dials"):
        figure.show(
            position_waves.dials(speeds, spread(len(speeds)), 0, position, figure.mode()),
            "positions",
            observed,
            {"pair": range(len(speeds)), "radians": position * speeds},
            fills=True,
        )
    said(observed)
    html("<p class='av-source'>{}</p>", here.scheme(words))


def _angles(speeds: Floats, words: Lesson) -> None:
    length = slider(words.say("length"), "pos_length", 8, 512, 128)
    angles = analysis.rotary_angles(speeds, np.arange(length))
    once = int((length * speeds >= 2 * np.pi).sum())
    observed = words.say("angles_say", once=once, pairs=len(speeds), length=length)
    said(observed)
    figure.show(
        position_tables.table_heatmap(
            np.cos(angles).astype(np.float32), figure.mode(), x="pair", bar="cosine of the angle"
        ).update_layout(height=360),
        "position_angles",
        observed,
        partial(table_columns, angles, "position", "pair"),
    )


def _waves(here: Here, turns: Turning, base: float, words: Lesson) -> None:
    waves = analysis.wavelengths(turns.speeds(base))
    within = f"{_longest(here):,}"
    observed = words.say(
        "waves_say",
        base=f"{base:,.0f}",
        slow=_slow(here, turns.speeds(base)),
        pairs=len(waves),
        within=words.say("within_text" if here.facts.max_positions else "within_any", longest=within),
        first=f"{waves[0]:.1f}",
        last=f"{waves[-1]:,.0f}",
    )
    said(observed)
    own = analysis.wavelengths(turns.own) if turns.is_own and base != turns.base else None
    figure.show(
        position_waves.wavelength_curve(waves, own, here.facts.max_positions, figure.mode()),
        "position_wavelengths",
        observed,
        {"pair": range(len(waves)), "positions_for_one_turn": waves},
    )


def _longest(here: Here) -> int:
    """Positions of the longest text that the model reads, or of a long one where it has no limit."""
    return here.facts.max_positions or 512


def _slow(here: Here, speeds: Floats) -> int:
    """How many pairs do not get round once within the longest text."""
    return int((analysis.wavelengths(speeds) > _longest(here)).sum())


def _suggestions(here: Here, turns: Turning, words: Lesson) -> list[Try]:
    bases = [
        Try(
            words.say(f"try_base_{name}", base=f"{base:,}"),
            words.say(
                "try_base_detail",
                slow=_slow(here, turns.speeds(base)),
                pairs=len(turns.own),
                longest=f"{_longest(here):,}",
            ),
            {"pos_rope_base": base},
            "section_pos_waves",
        )
        for name, base in (("small", BASES[0]), ("large", BASES[-1]))
    ]
    far = words.say("try_far_detail", fast=turned(500 * turns.own[0]), slow=turned(500 * turns.own[-1]))
    return [
        *bases,
        Try(words.say("try_far"), far, {"pos_at": 500, "pos_rope_base": int(turns.base)}),
        Try(words.say("try_shuffle"), words.say("try_shuffle_detail"), {"scheme": SHUFFLE}),
    ]


def _ask_slow(here: Here, turns: Turning, words: Lesson) -> list[Question]:
    slow, pairs = _slow(here, turns.own), len(turns.own)
    if slow == pairs:
        return []
    choices = sorted({0, slow, pairs // 2, pairs, min(slow + 5, pairs)})
    return [
        Question(
            "slow",
            words.say("ask_slow", pairs=pairs, longest=f"{_longest(here):,}", base=f"{turns.base:,.0f}"),
            [str(c) for c in choices],
            str(slow),
            words.say("because_slow", slow=slow, last=f"{analysis.wavelengths(turns.own)[-1]:,.0f}"),
            {"scheme": ROTARY, "pos_rope_base": int(turns.base)},
            "section_pos_waves",
        )
    ]
