"""The viewer for attention that comes from anywhere, called as BertViz 1.4 is: a notebook changes one import.

from attnviz.viewer import head_view, model_view

outputs = model(inputs, output_attentions=True)
head_view(outputs.attentions, tokens)
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from attnviz.tracing.trace import AttentionKind, Floats
from attnviz.viewer import standalone
from attnviz.viewer.attention import TITLES, Choice, View, document, frame
from attnviz.viewer.packing import Block, pack
from attnviz.viewer.text import is_right_to_left, well_formed


class Tensor(Protocol):
    """A tensor of torch, or an array of NumPy."""

    @property
    def shape(self) -> Any:
        """Its axes."""


Attention: TypeAlias = Sequence[Tensor]
"""One tensor for each layer: (1, head, query, key)."""

_SPECIAL = frozenset(
    (
        *("[CLS]", "[SEP]", "[PAD]", "[MASK]", "[BOS]", "[EOS]", "<s>", "</s>", "<pad>", "<cls>", "<sep>"),
        *("<mask>", "<bos>", "<eos>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        *("<|begin_of_text|>", "<|end_of_text|>"),
    )
)


class Page:
    """A page that a notebook shows; ``data`` is its HTML, as in IPython's own HTML objects."""

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_html_(self) -> str:
        return self.data


def head_view(
    attention: Attention | None = None,
    tokens: Sequence[str] | None = None,
    sentence_b_start: int | None = None,
    prettify_tokens: bool = True,
    layer: int | None = None,
    heads: Sequence[int] | None = None,
    encoder_attention: Attention | None = None,
    decoder_attention: Attention | None = None,
    cross_attention: Attention | None = None,
    encoder_tokens: Sequence[str] | None = None,
    decoder_tokens: Sequence[str] | None = None,
    include_layers: Sequence[int] | None = None,
    html_action: Literal["view", "return"] = "view",
) -> Page | None:
    """One layer's heads as lines and matrix, with all others at hand.

    Arguments as in BertViz's ``head_view``: each attention is a sequence of one (1, head, query, key) tensor a layer;
    ``sentence_b_start`` is where the second text of a pair begins; ``include_layers`` picks layers, which keep their
    numbers; ``layer`` and ``heads`` are what opens (all heads of the first layer otherwise). ``html_action="return"``
    gives the page back instead of showing it.

    Raises ValueError for attention that does not fit its tokens or is not there.
    """
    parts = _parts(
        attention,
        tokens,
        (encoder_attention, decoder_attention, cross_attention),
        (encoder_tokens, decoder_tokens),
        include_layers,
        None,
    )
    return _shown(parts, sentence_b_start, prettify_tokens, layer, heads, html_action, "lines", None)


def model_view(
    attention: Attention | None = None,
    tokens: Sequence[str] | None = None,
    sentence_b_start: int | None = None,
    prettify_tokens: bool = True,
    display_mode: Literal["dark", "light"] = "dark",
    encoder_attention: Attention | None = None,
    decoder_attention: Attention | None = None,
    cross_attention: Attention | None = None,
    encoder_tokens: Sequence[str] | None = None,
    decoder_tokens: Sequence[str] | None = None,
    include_layers: Sequence[int] | None = None,
    include_heads: Sequence[int] | None = None,
    html_action: Literal["view", "return"] = "view",
) -> Page | None:
    """Every layer and head as a thumbnail, the chosen one large beside them.

    Arguments as in BertViz's ``model_view``; ``include_heads`` picks heads, which keep their numbers, ``display_mode`` is
    "dark" or "light". The rest is as in :func:`head_view`.
    """
    parts = _parts(
        attention,
        tokens,
        (encoder_attention, decoder_attention, cross_attention),
        (encoder_tokens, decoder_tokens),
        include_layers,
        include_heads,
    )
    if display_mode not in ("dark", "light"):
        raise ValueError("'display_mode' must be 'dark' or 'light'")
    return _shown(parts, sentence_b_start, prettify_tokens, None, [0], html_action, "heads", display_mode)


class _Part:
    """One kind of attention: (layer, head, query, key), which layers and heads of the model these are, and its tokens."""

    def __init__(
        self,
        kind: AttentionKind,
        attention: Attention,
        asking: Sequence[str],
        answering: Sequence[str],
        layers: Sequence[int] | None,
        heads: Sequence[int] | None,
    ) -> None:
        self.kind: AttentionKind = kind
        self.layers = list(range(len(attention)) if layers is None else layers)
        missing = [layer for layer in self.layers if not 0 <= layer < len(attention)]
        if missing:
            raise ValueError(f"{kind} attention has {len(attention)} layers; there is no layer {missing[0]}")
        chosen = [_array(attention[layer]) for layer in self.layers]
        self.heads = list(range(chosen[0].shape[0]) if heads is None else heads)
        self.weights = np.stack([one[self.heads] for one in chosen])
        self.asking, self.answering = list(asking), list(answering)
        for side, count in ((self.asking, self.weights.shape[2]), (self.answering, self.weights.shape[3])):
            if len(side) != count:
                raise ValueError(
                    f"Attention has {count} positions, while number of tokens is {len(side)}: {' '.join(side)}"
                )


def _parts(
    attention: Attention | None,
    tokens: Sequence[str] | None,
    of_stacks: tuple[Attention | None, Attention | None, Attention | None],
    of_tokens: tuple[Sequence[str] | None, Sequence[str] | None],
    layers: Sequence[int] | None,
    heads: Sequence[int] | None,
) -> list[_Part]:
    if attention is not None:
        if tokens is None:
            raise ValueError("'tokens' is required")
        if any(given is not None for given in (*of_stacks, *of_tokens)):
            raise ValueError(
                "'attention' is for models of one stack: give it alone, without encoder or decoder"
            )
        return [_Part("encoder", attention, tokens, tokens, layers, heads)]
    encoder, decoder, cross = of_stacks
    source, target = of_tokens
    wanted: list[tuple[AttentionKind, Attention | None, Sequence[str] | None, Sequence[str] | None]] = [
        ("encoder", encoder, source, source),
        ("decoder", decoder, target, target),
        ("cross", cross, target, source),
    ]
    parts = []
    for kind, given, asking, answering in wanted:
        if given is None:
            continue
        if asking is None or answering is None:
            name = "decoder_tokens" if asking is None and kind != "encoder" else "encoder_tokens"
            raise ValueError(f"'{name}' required if '{kind}_attention' is not None")
        # a decoder may have fewer layers than the encoder: of those wanted, it shows the ones that it has
        own = None if layers is None else [layer for layer in layers if layer < len(given)]
        if own != []:
            parts.append(_Part(kind, given, asking, answering, own, heads))
    if not parts:
        raise ValueError("You must specify at least one attention argument.")
    return parts


def _shown(
    parts: list[_Part],
    second: int | None,
    prettify: bool,
    layer: int | None,
    heads: Sequence[int] | None,
    action: str,
    view: View,
    theme: Literal["dark", "light"] | None,
) -> Page | None:
    if action not in ("view", "return"):
        raise ValueError("'html_action' parameter must be 'view' or 'return'")
    first = parts[0]
    if layer is not None and layer not in first.layers:
        raise ValueError(f"Layer {layer} is not in include_layers: {first.layers}")
    kinds = [
        {
            "kind": part.kind,
            "title": TITLES[part.kind] if len(parts) > 1 else "Self",
            "layers": len(part.layers),
            "heads": len(part.heads),
            "layerNumbers": part.layers,
            "headNumbers": part.heads,
        }
        for part in parts
    ]
    sides = [(_axis(p.asking, second, prettify), _axis(p.answering, second, prettify)) for p in parts]
    every = range(len(first.heads))
    opening = tuple(every) if heads is None else tuple(i for i in every if first.heads[i] in heads)
    choice = Choice(
        first.kind,
        layer=0 if layer is None else first.layers.index(layer),
        head=opening[0] if opening else 0,
        heads=opening if len(opening) > 1 else (),
        view=view,
    )
    message = pack([Block(part.kind, part.weights, exact=(0,)) for part in parts], {"of": "own"})
    of = uuid.uuid4().hex  # two views in one notebook are apart
    title = " ".join(first.asking)
    data = document(kinds, sides, choice, title=title, of="own", messages=[message], theme=theme)
    tall = 660 + (24 * len(first.heads) if len(first.layers) > 12 else max(0, 31 * len(first.heads) - 380))
    page = Page(f"<div id='attnviz-{of}'>{frame(standalone('attention', data, data['title']), tall)}</div>")
    if action == "return":
        return page
    from IPython.display import display

    display(page)
    return None


def _array(tensor: Any) -> Floats:
    """One layer's attention (1, head, query, key) of torch or NumPy as (head, query, key)."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().to("cpu").float().numpy()
    array = np.asarray(tensor, dtype=np.float32)
    if array.ndim != 4 or array.shape[0] != 1:
        raise ValueError(
            f"The attention of a layer has the shape {array.shape}, expected (1, head, query, key). Ask the model for"
            " it with output_attentions=True and attn_implementation='eager', one text at a time."
        )
    return array[0]


def _axis(tokens: Sequence[str], second: int | None, prettify: bool) -> dict[str, Any]:
    """Tokens as the viewer needs them, from the strings alone: words by the marks of their tokenizer."""
    labels = [well_formed(_pretty(token) if prettify else token) for token in tokens]
    special = [token in _SPECIAL for token in tokens]
    words: list[list[int]] = []
    spaced = any(token.startswith(("Ġ", "▁")) for token in tokens)
    for i, token in enumerate(tokens):
        continued = token.startswith("##") or (spaced and not token.startswith(("Ġ", "▁")))
        if continued and words and not special[i] and not special[i - 1] and i != second:
            words[-1].append(i)
        else:
            words.append([i])
    joined = ["".join(tokens[i].removeprefix("##") for i in group) for group in words]
    return {
        "labels": _told_apart(labels),
        "rtl": [is_right_to_left(label) for label in labels],
        "special": special,
        "segments": [int(second is not None and i >= second) for i in range(len(tokens))],
        "words": words,
        "wordLabels": _told_apart([well_formed(_pretty(word)) for word in joined]),
    }


def _pretty(token: str) -> str:
    """A token as it is read: without the marks of its tokenizer for spaces and ends of words."""
    for mark in ("Ġ", "▁"):
        token = token.replace(mark, " ")
    return token.replace("</w>", "").replace("Ċ", "\n").strip(" ") or "␣"


def _told_apart(labels: Sequence[str]) -> list[str]:
    """Repeated labels with a number: "the", "the²"."""
    seen: dict[str, int] = {}
    result = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        number = "" if seen[label] == 1 else str(seen[label]).translate(_SUPERSCRIPTS)
        result.append(label + number)
    return result


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
