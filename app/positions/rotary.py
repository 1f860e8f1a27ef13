"""Rotary positions: pairs of dimensions of every query and key turn as the position grows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from app.lessons import Lesson
from app.positions.here import (
    ROTARY,
    SHUFFLE,
    Here,
    Taught,
    choice,
    picked_token,
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
from attnviz.figures import position_scores, position_tables, position_waves
from attnviz.figures.quantities import signed
from attnviz.tracing.trace import Floats

BASES = (100, 1_000, 10_000, 100_000, 500_000, 1_000_000, 10_000_000)
LONGEST_SHOWN = 256


@dataclass(frozen=True, eq=False)
class Turning:
    """How pairs turn: the model's own speeds, or those of the formula for a model that does not turn."""

    own: Floats
    base: float
    width: int
    is_own: bool

    def speeds(self, base: float) -> Floats:
        """The speeds under another base; the model's own under its own base, which may be stretched for long texts."""
        return self.own if base == self.base else analysis.speeds(self.width, base)


def show(here: Here, words: Lesson) -> Taught:
    """Dials, angles, wavelengths, and a score that depends on the distance only."""
    with stage() as (margin, main):
        with margin:
            layer, head = _head(here, words)
            turning = _turning(here, layer)
            bases = sorted({*BASES, int(turning.base)})
            base = float(choice(words.say("base"), "pos_rope_base", bases, int(turning.base), "{:,}".format))
            position = slider(words.say("position"), "pos_at", 0, 511, min(10, 511))
            formula.show(words.words["rotary_formula"])
        speeds = turning.speeds(base)
        waves = analysis.wavelengths(speeds)
        longest = here.facts.max_positions or 512
        observed = words.say(
            "rotary_say" if turning.is_own else "rotary_say_other",
            title=here.title,
            pairs=len(speeds),
            width=2 * len(speeds),
            position=position,
            base=f"{base:,.0f}",
            fast=f"{position * speeds[0] / (2 * np.pi):.1f}",
            slow=f"{np.degrees(position * speeds[-1]):.2g}",
        )
        with main:
            figure.show(
                position_waves.dials(speeds, spread(len(speeds)), 0, position, figure.mode()),
                "positions",
                observed,
                {"pair": range(len(speeds)), "radians": position * speeds},
            )
            said(observed)
            html("<p class='av-source'>{}</p>", here.scheme(words))
    with blocks.section("pos_angles", words.say("angles"), words.say("angles_remark")):
        _angles(speeds, words)
    with blocks.section("pos_waves", words.say("waves"), words.say("waves_remark")):
        _waves(turning, base, longest, words)
    with blocks.section("pos_distance", words.say("distance"), words.say("distance_remark")):
        code = _distance(here, layer, head, speeds, base, words)
    return Taught(
        _suggestions(here, turning, longest, words), _questions(here, turning, waves, longest, words), code
    )


def _head(here: Here, words: Lesson) -> tuple[int, int]:
    layers, heads = here.trace.layers(here.kind), here.trace.heads(here.kind)
    left, right = st.columns(2)
    with left:
        layer = slider(words.say("layer"), "layer", 0, layers - 1, 0)
    with right:
        head = slider(words.say("head"), "head", 0, heads - 1, 0)
    return layer, head


def _turning(here: Here, layer: int) -> Turning:
    rotation = here.known.rotation(layer)
    if rotation is not None:
        return Turning(rotation.speeds, rotation.base, 2 * len(rotation.speeds), True)
    width = here.trace.call(here.kind, layer).query.shape[-1]
    return Turning(analysis.speeds(width), analysis.BASE, width, False)


def _angles(speeds: Floats, words: Lesson) -> None:
    length = slider(words.say("length"), "pos_length", 2, 512, 128)
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


def _waves(turning: Turning, base: float, longest: int, words: Lesson) -> None:
    waves = analysis.wavelengths(turning.speeds(base))
    observed = words.say(
        "waves_say",
        base=f"{base:,.0f}",
        slow=int((waves > longest).sum()),
        pairs=len(waves),
        longest=f"{longest:,}",
        first=f"{waves[0]:.1f}",
        last=f"{waves[-1]:,.0f}",
    )
    said(observed)
    other = analysis.wavelengths(turning.own) if base != turning.base else None
    figure.show(
        position_waves.wavelength_curve(waves, other, longest, figure.mode()),
        "position_wavelengths",
        observed,
        {"pair": range(len(waves)), "positions_for_one_turn": waves},
    )


def _distance(here: Here, layer: int, head: int, speeds: Floats, base: float, words: Lesson) -> str:
    query, key = _pair(here, words)
    turned_by = here.known.rotation(layer)
    undone = (
        turned_by.speeds if turned_by else np.zeros_like(speeds)
    )  # a model that does not turn: nothing to undo
    pair = analysis.unturned(here.trace, here.kind, layer, head, query, key, undone)
    moved = slider(words.say("both"), "pos_both", 0, 10_000, 1000, 100)
    distances = np.arange(min(LONGEST_SHOWN, here.facts.max_positions or LONGEST_SHOWN))
    scores = pair.score(speeds, distances, np.zeros_like(distances))
    elsewhere = pair.score(speeds, distances[::8] + moved, np.full(len(distances[::8]), moved))
    at, far = float(pair.score(speeds, query, key)), float(pair.score(speeds, query + moved, key + moved))
    alone = float(pair.score(speeds, query + 100, key))
    names = here.tokens.unique_labels
    observed = words.say(
        "distance_say",
        query=names[query],
        key=names[key],
        score=signed(at, 3),
        moved=f"{moved:,}",
        away=scientific(abs(at - far)),
        alone=signed(alone, 3),
    )
    said(observed)
    figure.show(
        position_scores.score_curve(
            distances, scores, max(query - key, 0), figure.mode(), _everywhere(elsewhere, len(distances))
        ),
        "position_distance",
        observed,
        {"distance": distances, "score": scores},
    )
    html("<p class='av-source'>{}</p>", words.say("distance_source"))
    return words.say(
        "rotary_code",
        model=here.model.id,
        text=repr(here.text),
        kind=here.kind,
        layer=layer,
        head=head,
        query=query,
        key=key,
        base=base,
        moved=moved,
    )


def _everywhere(some: Floats, count: int) -> Floats:
    """Every eighth value at its place, gaps between them."""
    found = np.full(count, np.nan, dtype=np.float32)
    found[::8] = some
    return found


def _pair(here: Here, words: Lesson) -> tuple[int, int]:
    """Two tokens of the text: a late one that asks, and an earlier one."""
    tokens = here.tokens
    spoken = [
        i for i in range(len(tokens)) if any(c.isalnum() for c in tokens.labels[i]) and not tokens.special[i]
    ]
    start = spoken[-1] if spoken else len(tokens) - 1
    before = spoken[max(0, len(spoken) - 4)] if spoken else 0
    left, right = st.columns(2)
    with left:
        query = picked_token(words.say("query"), "pos_query", here.tokens, start)
    with right:
        key = picked_token(words.say("key"), "pos_key", here.tokens, before)
    return query, key


def _suggestions(here: Here, turning: Turning, longest: int, words: Lesson) -> list[Try]:
    small, large = 100, 10_000_000
    counts = {
        base: int((analysis.wavelengths(turning.speeds(base)) > longest).sum()) for base in (small, large)
    }
    return [
        *(
            Try(
                words.say(f"try_base_{name}", base=f"{base:,}"),
                words.say(
                    "try_base_detail", slow=counts[base], pairs=len(turning.own), longest=f"{longest:,}"
                ),
                {"pos_rope_base": base},
                "section_pos_waves",
            )
            for name, base in (("small", small), ("large", large))
        ),
        Try(
            words.say("try_far"),
            words.say(
                "try_far_detail",
                turns=f"{500 * turning.own[0] / (2 * np.pi):.0f}",
                last=f"{np.degrees(500 * turning.own[-1]):.2g}",
            ),
            {"pos_at": 500},
        ),
        Try(words.say("try_shuffle"), words.say("try_shuffle_detail"), {"scheme": SHUFFLE}),
    ]


def _questions(here: Here, turning: Turning, waves: Floats, longest: int, words: Lesson) -> list[Question]:
    own = analysis.wavelengths(turning.own)
    slow = int((own > longest).sum())
    pairs = len(own)
    choices = sorted({0, slow, pairs // 2, pairs} | {min(slow + 5, pairs)})
    last = len(here.tokens) - 1
    vectors = analysis.unturned(here.trace, here.kind, 0, 0, last, 0, _own_or_still(here, turning))
    here_score = float(vectors.score(turning.own, last, 0))
    there = float(vectors.score(turning.own, last + 100, 100))
    names = ("it grows", "it shrinks", "it stays the same")
    change = abs(here_score - there) < 1e-3 * max(1.0, abs(here_score))
    tokens = here.tokens.unique_labels
    asked = [
        Question(
            "both",
            words.say("ask_both", query=tokens[last], key=tokens[0]),
            names,
            names[2] if change else names[0] if there > here_score else names[1],
            words.say("because_both", before=signed(here_score, 3), after=signed(there, 3)),
            {"scheme": ROTARY, "pos_query": tokens[last], "pos_key": tokens[0], "pos_both": 100},
            "section_pos_distance",
        )
    ]
    if slow != pairs:
        asked.append(
            Question(
                "slow",
                words.say("ask_slow", pairs=pairs, longest=f"{longest:,}", base=f"{turning.base:,.0f}"),
                [str(c) for c in choices],
                str(slow),
                words.say("because_slow", slow=slow, last=f"{own[-1]:,.0f}"),
                {"scheme": ROTARY, "pos_rope_base": int(turning.base)},
                "section_pos_waves",
            )
        )
    return asked


def _own_or_still(here: Here, turning: Turning) -> Floats:
    rotation = here.known.rotation(0)
    return rotation.speeds if rotation else np.zeros_like(turning.own)
