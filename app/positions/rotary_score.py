"""The score of a real query and a real key under rotary turning: it depends on their distance only."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.lessons import Lesson
from app.positions.here import ROTARY, Here, picked_token, said, scientific, slider
from app.widgets import figure
from app.widgets.lesson import Question
from app.widgets.markup import html
from attnviz.analysis.positions import Unturned, unturned
from attnviz.figures import position_scores
from attnviz.figures.quantities import signed
from attnviz.tracing.trace import Floats

LONGEST_SHOWN = 256


def show(here: Here, layer: int, head: int, speeds: Floats, base: float, words: Lesson) -> str:
    """Choose two tokens, and move them; returns the code that gives their score."""
    query, key = _pair(here, words)
    pair = _unturned(here, layer, head, query, key, speeds)
    moved = slider(words.say("both"), "pos_both", 0, 10_000, 1000, 100)
    at, far = float(pair.score(speeds, query, key)), float(pair.score(speeds, query + moved, key + moved))
    names = here.tokens.unique_labels
    observed = words.say(
        "distance_say",
        query=names[query],
        key=names[key],
        score=signed(at, 3),
        moved=f"{moved:,}",
        away=scientific(abs(at - far)),
        alone=signed(float(pair.score(speeds, query + 100, key)), 3),
    )
    said(observed)
    distances = _distances(here, query - key)
    scores = pair.score(speeds, distances, np.zeros_like(distances))
    elsewhere = pair.score(speeds, distances + moved, np.full_like(distances, moved))
    elsewhere[distances % 8 != 0] = np.nan
    figure.show(
        position_scores.score_curve(distances, scores, query - key, figure.mode(), elsewhere),
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


def ask_both(here: Here, layer: int, head: int, speeds: Floats, words: Lesson) -> Question:
    """What happens to a score when both tokens move on, in the head at hand."""
    last = len(here.tokens) - 1
    pair = _unturned(here, layer, head, last, 0, speeds)
    before, after = float(pair.score(speeds, last, 0)), float(pair.score(speeds, last + 100, 100))
    names = ("it grows", "it shrinks", "it stays the same")
    stays = abs(before - after) < 1e-3 * max(1.0, abs(before))
    tokens = here.tokens.unique_labels
    return Question(
        "both",
        words.say("ask_both", query=tokens[last], key=tokens[0], layer=layer, head=head),
        names,
        names[2] if stays else names[0] if after > before else names[1],
        words.say("because_both", before=signed(before, 3), after=signed(after, 3)),
        {"scheme": ROTARY, "pos_query": tokens[last], "pos_key": tokens[0], "pos_both": 100},
        "section_pos_distance",
    )


def _unturned(here: Here, layer: int, head: int, query: int, key: int, speeds: Floats) -> Unturned:
    """The vectors before turning; in a model that does not turn there is nothing to undo."""
    rotation = here.known.rotation(layer)
    undone = np.zeros_like(speeds) if rotation is None else rotation.speeds
    return unturned(here.trace, here.kind, layer, head, query, key, undone)


def _distances(here: Here, here_apart: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """From key to query, that of the text among them; negative where the key comes after the query."""
    longest = min(LONGEST_SHOWN, here.facts.max_positions or LONGEST_SHOWN)
    return np.arange(min(0, here_apart), max(longest, here_apart + 1))


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
        query = picked_token(words.say("query"), "pos_query", tokens, start)
    with right:
        key = picked_token(words.say("key"), "pos_key", tokens, before)
    return query, key
