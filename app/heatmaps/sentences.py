"""What the heatmap page says of the heads of a model on the learner's text, in numbers of the moment."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.heads import Heads, Hidden
from app.lessons import Lesson
from attnviz.analysis.attention_view import AttentionView, strongest_keys
from attnviz.analysis.quadrants import quadrants
from attnviz.figures.quantities import whole_percent
from attnviz.tracing.trace import Floats
from attnviz.viewer.attention import LENSES, Choice, Lens


def said(heads: Heads, words: Lesson, choice: Choice) -> dict[str, Any]:
    """The sentence about the chosen row, in the parts that the viewer draws."""
    view = heads.chosen_view(choice)
    if view is None:
        return {"choice": choice.payload(), "parts": [[words.say("all_hidden"), ""]], "remarks": []}
    query, found = looks(heads, view, choice.token)
    reads = LENSES[choice.lens]
    parts = [[query, "query"]]
    if view.row_of(choice.token) is None:
        parts.append([f" {words.say('hidden')}", ""])
    elif not found:
        parts.append([f" {words.say('hidden_weight')}", ""])
    for number, (key, weight) in enumerate(found):
        before = f" {reads['verb']} " if number == 0 else " and " if number == len(found) - 1 else ", "
        parts.append([f"{before}{whole_percent(weight)} {reads['to']} ", ""])
        parts.append(["itself", ""] if key is None else [key, "key"])
    if found:
        parts.append([".", ""])
    remarks = remark(heads, words, view, choice.token, choice.least / 100)
    return {"choice": choice.payload(), "parts": parts, "remarks": [remarks] if remarks else []}


def explained(heads: Heads, words: Lesson, choice: Choice) -> list[str]:
    """Why weight is not explanation, in numbers of the chosen row with what is hidden and merged in it: what it carries,
    and what rollout makes of it. Nothing where the row is hidden, or all that it looks at."""
    hidden = Hidden(choice.first, choice.special, choice.merge)
    shown = heads.chosen_view(choice)
    row = shown.row_of(choice.token) if shown else None
    if shown is None or row is None:
        return []

    def seen(lens: Lens, head: int | tuple[int, ...] | None) -> Floats:
        return heads.view(choice.layer, head, hidden, lens=lens).weights[row]  # (key,)

    weights, answering = seen("weights", choice.shown_heads), shown.key_labels
    if not weights.any():
        return []
    gaps = {"query": shown.query_labels[row]}
    sentences = []
    if "value" in heads.lenses:
        shares = seen("value", choice.shown_heads)
        key = int(np.abs(shares - weights).argmax())
        numbers = {
            "weight": whole_percent(float(weights[key])),
            "share": whole_percent(float(shares[key])),
        }
        same = numbers["weight"] == numbers["share"]
        way = "same" if same else "less" if shares[key] < weights[key] else "more"
        sentences.append(words.say(f"carried_{way}", key=answering[key], **numbers, **gaps))
    if "rollout" in heads.lenses:
        rolled = seen("rollout", 0)
        key = int(weights.argmax())
        numbers = {"weight": whole_percent(float(weights[key])), "share": whole_percent(float(rolled[key]))}
        sentences.append(words.say("rolled", key=answering[key], layer=choice.layer, **numbers, **gaps))
    return sentences


def looks(heads: Heads, view: AttentionView, token: int) -> tuple[str, list[tuple[str | None, float]]]:
    """The query's label and at which keys it looks most, None for itself."""
    row = view.row_of(token)
    if row is None:
        return heads.tokens.unique_labels[token], []
    itself = view.queries[row] if heads.kind != "cross" else None
    found = strongest_keys(view, row)
    return view.query_labels[row], [
        (None if view.keys[column] == itself else view.key_labels[column], weight) for column, weight in found
    ]


def remark(heads: Heads, words: Lesson, view: AttentionView, token: int, threshold: float) -> str:
    """What was done to the row that is shown: weight shared out, or left out."""
    row = view.row_of(token)
    said = []
    if row is not None and view.masked_share[row] >= 0.005:
        said.append(words.say("renormalised", share=whole_percent(float(view.masked_share[row]))))
    if threshold:
        said.append(words.say("below", least=round(100 * threshold)))
    return " ".join(said)


def across(heads: Heads, words: Lesson, choice: Choice) -> str:
    """How much attention crosses from one text of a pair to the other; empty for one text."""
    if not any(heads.tokens.segments):
        return ""
    head = None if choice.mean else choice.head
    (_, there), (back, _) = quadrants(heads.trace, heads.kind, choice.layer, head)
    return words.say(
        "across",
        where=words.say("where", layer=choice.layer, head=head)
        if head is not None
        else words.say("where_mean", layer=choice.layer, heads=heads.heads),
        there=whole_percent(float(there)),
        back=whole_percent(float(back)),
    )


def code(heads: Heads, words: Lesson, choice: Choice) -> str:
    """The lines that give this row in a notebook."""
    named = {"hide_first": choice.first, "hide_special": choice.special, "merge_words": choice.merge}
    seen = words.say(f"code_{choice.lens}") if choice.lens != "weights" else ""
    return words.code.format(
        seen=f"{seen}\n" if seen else "",
        of="seen" if seen else "trace",
        model=heads.model_id,
        text=heads.text,
        kind=heads.kind,
        layer=choice.layer,
        head=choice.shown_heads,
        token=choice.token,
        options="".join(f", {name}=True" for name, on in named.items() if on),
    )
