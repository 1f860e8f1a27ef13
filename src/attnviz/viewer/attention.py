"""The attention viewer: every layer and head of a model, drawn by ``attention.js``.

``html(trace)`` is a whole page that works from disk. In the app the payload (small, JSON) and the messages that hold the
weights (``packing``, compressed) go to the browser apart, so that another choice does not send the weights again.
"""

from __future__ import annotations

import html as markup
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from attnviz.analysis.attention_view import Weighted, thumbnails
from attnviz.analysis.head_patterns import HeadPatterns, Pattern, head_patterns
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import AttentionKind, Trace
from attnviz.viewer import standalone
from attnviz.viewer.packing import Block, blocks, pack
from attnviz.viewer.text import is_right_to_left, well_formed

Scale = Literal["", "linear", "root", "row"]
View = Literal["matrix", "lines", "heads"]
Lens = Literal["weights", "value", "rollout"]

LENSES: dict[Lens, dict[str, str]] = {
    "weights": {"title": "Weights", "measure": "Attention weight", "verb": "looks", "to": "at"},
    "value": {"title": "Values", "measure": "Share of what is carried", "verb": "is brought", "to": "by"},
    "rollout": {"title": "Rollout", "measure": "Rollout up to this layer", "verb": "traces back", "to": "to"},
}
"""How each lens (``analysis.lenses``) is called, what it measures, and how a row of it reads."""

TITLES: dict[AttentionKind, str] = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}

PATTERN_WORDS: dict[Pattern, str] = {
    "itself": "the token itself",
    "previous": "the token before",
    "next": "the token after",
    "first": "the first token",
    "special": "special tokens",
    "same token": "the same token elsewhere",
}

LARGEST_WHOLE = 24_000_000
"""Weights of a trace up to which all are sent at once; of more, thumbnails and the layers that are asked for."""

LAYERS_A_MESSAGE = 3
"""Layers of a long text that are sent together."""

_CLEAR = 0.2
"""Score from which a head's strongest pattern is worth naming."""


@dataclass(frozen=True)
class Choice:
    """What is chosen in the viewer. ``heads`` are drawn together, each in its colour, and their mean is the matrix; empty
    for ``head`` alone. ``token`` counts the tokens that ask, also where words are merged. ``least`` (0 to 50) and ``mass``
    (50 to 100) are in per cent; ``view`` is what a narrow screen shows."""

    kind: AttentionKind
    layer: int = 0
    head: int = 0
    token: int = 0
    heads: tuple[int, ...] = ()
    mean: bool = False
    first: bool = False
    special: bool = False
    merge: bool = False
    least: int = 0
    mass: int = 100
    scale: Scale = ""
    view: View = "matrix"
    lens: Lens = "weights"

    def payload(self) -> dict[str, Any]:
        """The choice as the browser knows it."""
        return {**asdict(self), "heads": list(self.heads)}

    @property
    def shown_heads(self) -> int | tuple[int, ...] | None:
        """The head that is shown, several, or None for all of the layer: as ``attention_view`` takes it."""
        return None if self.mean else self.heads or self.head


def choice_of(value: object, trace: Trace) -> Choice | None:
    """What the viewer sent back as ``choice``, checked against the trace; None for anything that it could not have sent."""
    if not isinstance(value, Mapping) or value.get("kind") not in trace.kinds:
        return None
    kind: AttentionKind = value["kind"]
    limits = {
        "layer": trace.layers(kind),
        "head": trace.heads(kind),
        "token": len(trace.query_tokens(kind)),
        "least": 51,
        "mass": 101,
    }
    if not all(_below(value.get(name), limit) for name, limit in limits.items()) or value["mass"] < 50:
        return None
    heads = value.get("heads")
    if not isinstance(heads, list) or not all(_below(head, trace.heads(kind)) for head in heads):
        return None
    switches = ("mean", "first", "special", "merge")
    if not all(isinstance(value.get(name), bool) for name in switches):
        return None
    named = {"scale": get_args(Scale), "view": get_args(View), "lens": get_args(Lens)}
    if any(value.get(name) not in known for name, known in named.items()):
        return None
    several = tuple(sorted(set(heads)))
    return Choice(
        kind,
        heads=several if len(several) > 1 else (),
        **{name: value[name] for name in (*limits, *switches, *named)},
    )


def needed_layer(value: object, trace: Trace) -> tuple[AttentionKind, int] | None:
    """What the viewer sent back as ``need``: a kind and a layer whose weights it wants; None for anything else."""
    if not isinstance(value, Mapping) or value.get("kind") not in trace.kinds:
        return None
    kind: AttentionKind = value["kind"]
    return (kind, value["layer"]) if _below(value.get("layer"), trace.layers(kind)) else None


def _below(value: object, limit: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < limit


def payload(
    trace: Weighted,
    choice: Choice | None = None,
    *,
    title: str = "",
    of: str = "own",
    names: Mapping[AttentionKind, Sequence[Sequence[str]]] | None = None,
    messages: Iterable[bytes] = (),
    lenses: Sequence[Lens] = (),
    link: str = "",
    said: Mapping[str, Any] | None = None,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The viewer's data without the weights, JSON values only.

    ``of`` names the messages that hold the weights (their header's field ``of``); those in ``messages`` lie in the payload
    itself, for a saved page. ``names`` says what each head does (layer, head), "52 % to the token before". ``lenses`` are
    those that can be chosen; which one ``trace`` is seen through stands in the choice. Viewers with the same ``link``
    follow each other. ``said`` is the sentence about the chosen row in exact numbers: {"choice", "parts": [[text, role]],
    "remarks": [text]}.
    """
    kinds = [
        {
            "kind": kind,
            "title": TITLES[kind],
            "layers": trace.layers(kind),
            "heads": trace.heads(kind),
            "together": choice is not None and choice.lens == "rollout",
        }
        for kind in trace.kinds
    ]
    sides = {kind: (trace.query_tokens(kind), trace.key_tokens(kind)) for kind in trace.kinds}
    return document(
        kinds,
        [(axis(asking), axis(answering)) for asking, answering in sides.values()],
        choice or Choice(trace.kinds[0]),
        title=title or getattr(trace, "model_id", ""),
        of=of,
        lenses=lenses,
        messages=messages,
        link=link,
        said=said,
        names=names,
        theme=theme,
        partial=is_long(trace) and not messages,
    )


def document(
    kinds: Sequence[Mapping[str, Any]],
    sides: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    choice: Choice,
    *,
    title: str,
    of: str,
    lenses: Sequence[Lens] = (),
    messages: Iterable[bytes] = (),
    link: str = "",
    said: Mapping[str, Any] | None = None,
    names: Mapping[AttentionKind, Sequence[Sequence[str]]] | None = None,
    theme: Literal["light", "dark"] | None = None,
    partial: bool = False,
) -> dict[str, Any]:
    """The payload from its parts: one entry of ``kinds`` and of ``sides`` (query axis, key axis) for each kind."""
    axes: list[dict[str, Any]] = []
    facts = []
    for kind, (asking, answering) in zip(kinds, sides, strict=True):
        places = []
        for side in (asking, answering):
            if side not in axes:
                axes.append(side)
            places.append(axes.index(side))
        segments = [side["segments"] for side in (asking, answering)]
        facts.append({**kind, "queries": places[0], "keys": places[1], "segments": segments})
    title = well_formed(title)
    return {
        "title": title,
        "alt": f"Attention of {title}: a matrix with queries in rows and keys in columns, and lines from each to each.",
        "theme": theme,
        "of": of,
        "axes": axes,
        "kinds": facts,
        "choice": choice.payload(),
        "said": dict(said) if said else None,
        "names": {kind: [list(layer) for layer in layers] for kind, layers in (names or {}).items()},
        "lens": LENSES[choice.lens],
        "lenses": [[name, LENSES[name]["title"]] for name in lenses],
        "link": link,
        "partial": partial,
        "messages": [b64encode(message).decode() for message in messages],
    }


def axis(tokens: Tokens) -> dict[str, Any]:
    """The tokens of one side of a matrix, as the browser needs them."""
    return {
        "labels": [well_formed(label) for label in tokens.unique_labels],
        "rtl": [is_right_to_left(label) for label in tokens.labels],
        "special": list(tokens.special),
        "segments": list(tokens.segments),
        "words": [list(group) for group in tokens.word_groups],
        "wordLabels": [well_formed(label) for label in tokens.word_labels],
    }


def message(
    trace: Weighted,
    layers: range | None = None,
    of: str = "own",
    kinds: Sequence[AttentionKind] | None = None,
) -> bytes:
    """The weights of a trace, or of some of its layers and kinds, as one compressed message."""
    return pack(blocks(trace, layers, kinds), {"of": of})


def small_message(trace: Weighted, of: str) -> bytes:
    """Every head of a long text as a thumbnail of at most 32 cells a side, in one message."""
    parts = [Block(kind, thumbnails(trace, kind)) for kind in trace.kinds]
    return pack(parts, {"of": of, "small": True})


def is_long(trace: Weighted) -> bool:
    """Whether a trace has more weights than are sent at once."""
    return (
        sum(
            trace.layers(kind)
            * trace.heads(kind)
            * len(trace.query_tokens(kind))
            * len(trace.key_tokens(kind))
            for kind in trace.kinds
        )
        > LARGEST_WHOLE
    )


def pattern_names(patterns: HeadPatterns) -> list[list[str]]:
    """What each head (layer, head) does most, "52 % to the token before"; empty where nothing stands out."""

    def name(layer: int, head: int) -> str:
        found = patterns.strongest(layer, head)
        if found is None or found.score < _CLEAR:
            return ""
        return f"{round(100 * found.share)}\u00a0% to {PATTERN_WORDS[found.pattern]}"

    layers, heads = patterns.entropy.shape
    return [[name(layer, head) for head in range(heads)] for layer in range(layers)]


def html(
    trace: Trace,
    choice: Choice | None = None,
    *,
    title: str = "",
    theme: Literal["light", "dark"] | None = None,
) -> str:
    """A whole page that shows every layer and head of a trace, works from disk and asks no network for anything."""
    names = {kind: pattern_names(head_patterns(trace, kind)) for kind in trace.kinds}
    data = payload(trace, choice, title=title, names=names, messages=[message(trace)], theme=theme)
    return standalone("attention", data, data["title"])


def frame(page: str, height: int = 640) -> str:
    """A page inside another one, such as a notebook, which cannot reach into it nor it out."""
    escaped = markup.escape(page, quote=True)
    return (
        f'<iframe srcdoc="{escaped}" sandbox="allow-scripts allow-downloads" title="Attention viewer" loading="lazy"'
        f' style="width: 100%; height: {int(height)}px; border: 0"></iframe>'
    )
