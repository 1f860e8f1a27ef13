"""Heads worth opening on the heatmap page, and questions about others, each answered by what was measured."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from app.heads import CLEAR, Heads, Hidden
from app.heatmaps.sentences import looks
from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.attention_view import row_weights
from attnviz.figures.quantities import whole_percent
from attnviz.tracing.tokens import Tokens
from attnviz.viewer.attention import PATTERN_WORDS

CLEARLY_MORE = 0.05
"""By how much a share is above the next before the reader is asked which is larger."""


def suggestions(heads: Heads, words: Lesson) -> list[Try]:
    """Heads worth opening, each with what was measured there."""
    layer, head, token = heads.opening
    query, seen = looks(heads, heads.view(layer, head, Hidden()), token)
    found = []
    if seen and seen[0][0] is not None:
        key, weight = seen[0]
        action = words.say("follow", query=query, key=key)
        found.append(Try(action, _at(layer, head, whole_percent(weight)), _open(layer, head, heads, token)))
    for pattern in ("previous", "special", "first"):
        if pattern not in heads.patterns.patterns or (pattern == "first" and heads.starts_special):
            continue
        layer, head = heads.patterns.best(pattern)
        if float(heads.patterns.score(pattern)[layer, head]) < CLEAR:
            continue
        share = float(heads.patterns.share[pattern][layer, head])
        detail = f"{whole_percent(share)} to {PATTERN_WORDS[pattern]}"
        found.append(Try(words.say(f"try_{pattern}"), _at(layer, head, detail), _open(layer, head, heads)))
    if heads.patterns.patterns:
        layer, head = heads.patterns.most_even()
        most = float(heads.patterns.entropy_chance[layer])
        detail = f"{float(heads.patterns.entropy[layer, head]):.1f} of {most:.1f} bits"
        found.append(Try(words.say("even"), _at(layer, head, detail), _open(layer, head, heads)))
    return found[:4]


def questions(heads: Heads, words: Lesson, layer: int, head: int | None, token: int) -> list[Question]:
    """What another head does with the chosen token, and what a third one does most."""
    told = {(t.values["layer"], t.values["head"]) for t in suggestions(heads, words)} | {(layer, head)}
    asked = [_where_it_looks(heads, words, (layer, head), token, told), _what_it_does(heads, words, told)]
    return [question for question in asked if question is not None]


def _where_it_looks(
    heads: Heads, words: Lesson, shown: tuple[int, int | None], token: int, told: set[tuple[int, int | None]]
) -> Question | None:
    rows = row_weights(heads.trace, heads.kind, token)  # (layer, head, key)
    answering = heads.trace.key_tokens(heads.kind)
    worth = [i for i in _worth_asking(heads, answering, token) if rows[..., i].max() > 0]
    if len(worth) < 2:
        return None
    best = rows.argmax(axis=-1)
    strength = np.where(np.isin(best, worth), rows.max(axis=-1), 0)
    for place in told:
        if place[1] is not None:
            strength[place] = 0
    layer, head = (int(i) for i in np.unravel_index(strength.argmax(), strength.shape))
    if strength[layer, head] == 0:
        return None
    answer = int(best[layer, head])
    row = rows[layer, head]
    here = rows[shown[0], shown[1] or 0]
    others = [
        int(here.argmax()),
        0,
        token if heads.kind != "cross" else 0,
        *np.argsort(-row)[1:4].tolist(),
    ]
    choices = sorted(dict.fromkeys((answer, *(i for i in others if here[i] > 0 or row[i] > 0))))[:6]
    if answer not in choices:
        choices[-1] = answer
    query = heads.tokens.unique_labels[token]
    names = {i: _choice(heads, answering, i, token) for i in choices}
    return Question(
        "looks",
        words.say("ask_looks", layer=layer, head=head, query=query),
        list(names.values()),
        names[answer],
        words.say(
            "because_looks",
            query=query,
            share=whole_percent(float(row[answer])),
            key=answering.unique_labels[answer],
        ),
        {"layer": layer, "head": head, "heads": "", "mean": False},
    )


def _what_it_does(heads: Heads, words: Lesson, told: set[tuple[int, int | None]]) -> Question | None:
    """About a head most of whose weight goes to one of the patterns that most tokens can show. Of a first token that is
    special, only the latter is offered: both would be true."""
    patterns = heads.patterns
    known = [
        p
        for p in patterns.patterns
        if patterns.common(p).all() and not (p == "first" and heads.starts_special)
    ]
    if len(known) < 2:
        return None
    shares = np.stack([patterns.share[p] for p in known])  # (pattern, layer, head)
    second, most = np.sort(shares, axis=0)[-2:]
    clear = [
        (int(layer), int(head))
        for layer, head in np.argwhere((most >= 0.5) & (most - second >= CLEARLY_MORE))
        if (layer, head) not in told
    ]
    if not clear:
        return None
    layer, head = clear[len(heads.text) % len(clear)]  # the same for everybody who reads this text
    answer = known[int(shares[:, layer, head].argmax())]
    return Question(
        "does",
        words.say("ask_does", layer=layer, head=head),
        [PATTERN_WORDS[p] for p in known],
        PATTERN_WORDS[answer],
        words.say(
            "because_does",
            share=whole_percent(float(patterns.share[answer][layer, head])),
            pattern=PATTERN_WORDS[answer],
            chance=whole_percent(float(patterns.chance[answer][layer])),
        ),
        {"layer": layer, "head": head, "heads": "", "mean": False},
    )


def _worth_asking(heads: Heads, answering: Tokens, token: int) -> Iterable[int]:
    """Keys that make a good answer: words, not the token itself and not the first one, where most heads rest."""
    for i in range(1, len(answering)):
        if not answering.special[i] and (heads.kind == "cross" or i != token):
            yield i


def _choice(heads: Heads, answering: Tokens, i: int, token: int) -> str:
    label = answering.unique_labels[i]
    return f"{label} (itself)" if i == token and heads.kind != "cross" else label


def _at(layer: int, head: int, measured: str) -> str:
    return f"layer {layer}, head {head}: {measured}"


def _open(layer: int, head: int, heads: Heads, token: int | None = None) -> dict[str, object]:
    chosen = {} if token is None else {"query": heads.tokens.unique_labels[token]}
    return {"layer": layer, "head": head, "heads": "", "mean": False, **chosen}
