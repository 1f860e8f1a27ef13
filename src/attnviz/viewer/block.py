"""The diagram of one layer of a model, with the residual stream as a line and all widths to scale.

Drawn by ``block.js``. It is built from the facts of the model at hand, so it differs where models differ:
where the norm stands, gated or not, how many heads share a key, cross-attention.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from attnviz.models.parameter_count import COMPONENTS
from attnviz.viewer.text import well_formed

if TYPE_CHECKING:
    from attnviz.models.architecture import Architecture
    from attnviz.models.parameter_count import ParameterCount

PARTS = frozenset(COMPONENTS) | {name.partition(".")[0] for name in COMPONENTS}
"""What can be pointed at: every component, and "attention", "cross", "feed_forward" for all of their
matrices."""

Place = Literal["before", "after", "both", "output"]
Kind = Literal["attention", "recurrence", "cross", "feed_forward"]


@dataclass(frozen=True)
class Sublayer:
    """One branch off the residual stream. Widths and heads are 0 where the kind has none."""

    kind: Kind
    title: str
    detail: str
    heads: int = 0
    key_value_heads: int = 0
    d_head: int = 0
    d_model: int = 0
    d_ff: int = 0
    gated: bool = False
    activation: str = ""
    causal: bool = False

    def __post_init__(self) -> None:
        if self.kind in ("attention", "cross"):
            if min(self.heads, self.key_value_heads, self.d_head) < 1:
                raise ValueError("attention needs heads, key/value heads and their width")
            if self.heads % self.key_value_heads:
                raise ValueError(
                    f"{self.heads} heads cannot share {self.key_value_heads} keys and values equally"
                )
        if self.kind == "feed_forward" and min(self.d_model, self.d_ff) < 1:
            raise ValueError("a feed-forward network needs its widths")


@dataclass(frozen=True)
class Box:
    """What stands once before or after the layers: embeddings, pooler, head."""

    part: str
    title: str
    detail: str

    def __post_init__(self) -> None:
        if self.part not in COMPONENTS:
            raise ValueError(f"unknown part {self.part!r}")


@dataclass(frozen=True)
class Stack:
    """The layers that stand above each other, all alike, with what is before and after them."""

    stack: Literal["encoder", "decoder"]
    title: str
    source: str
    result: str
    before: tuple[Box, ...]
    sublayers: tuple[Sublayer, ...]
    after: tuple[Box, ...]
    layers: int
    placement: Place
    norm: str
    first_norm: bool
    final_norm: bool
    parallel: bool

    def __post_init__(self) -> None:
        if self.layers < 1 or not self.sublayers:
            raise ValueError("a stack has at least one layer, and a layer at least one sublayer")


def payload(
    architecture: Architecture,
    count: ParameterCount | None = None,
    *,
    title: str,
    chosen: Mapping[str, Any] | None = None,
    theme: Literal["light", "dark"] | None = None,
) -> dict[str, Any]:
    """The layer diagram's data, JSON values only.

    ``count`` tells what the config does not: whether there is a pooler, a norm after the embeddings, a
    recurrence in place of self-attention. Without it the usual form of the model's kind is drawn. ``chosen``
    is the part that is held lit, as :func:`chosen_part` returns it.

    Fields: ``title``, ``stacks`` (those of :class:`Stack`), ``chosen``, ``hint``, ``note``, ``alt``, ``csv``
    (empty), ``theme``. Raises ValueError for facts that do not fit together.
    """
    stacks = stacks_of(architecture, count)
    return {
        "title": well_formed(title),
        "stacks": [_plain(stack) for stack in stacks],
        "alt": "; ".join(_told(stack) for stack in stacks) + ".",
        "chosen": None if chosen is None else dict(chosen),
        "hint": "",
        "note": "",
        "csv": "",
        "theme": theme,
    }


def stacks_of(architecture: Architecture, count: ParameterCount | None = None) -> tuple[Stack, ...]:
    """What is drawn of a model: its encoder, its decoder, or both in this order. ``count`` as in :func:`payload`."""
    return tuple(_stacks(architecture, count))


def chosen_part(value: object) -> dict[str, Any] | None:
    """What a picture sent back as ``part``: {part, stack, layer}, checked; None for anything else.

    ``part`` is a key of ``COMPONENTS`` or the beginning of several ("attention"), ``stack`` "", "encoder" or
    "decoder", ``layer`` an index or None for all layers.
    """
    if not isinstance(value, dict):
        return None
    part, stack, layer = value.get("part"), value.get("stack", ""), value.get("layer")
    if (
        not isinstance(part, str)
        or part not in PARTS
        or stack not in ("", "encoder", "decoder")
        or not (layer is None or (type(layer) is int and layer >= 0))
    ):
        return None
    return {"part": part, "stack": stack, "layer": layer}


def _plain(stack: Stack) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(stack).items()}


def _told(stack: Stack) -> str:
    inside = ", then ".join(f"{sublayer.title.lower()} ({sublayer.detail})" for sublayer in stack.sublayers)
    where = {
        "before": "a norm before each",
        "after": "a norm after each",
        "both": "a norm before and after each",
        "output": "a norm on the output of each",
    }[stack.placement]
    return f"{stack.title}: {stack.layers} layers of {inside}, {where}"


def _stacks(model: Architecture, count: ParameterCount | None) -> Iterable[Stack]:
    both = model.kind == "encoder-decoder"
    if model.encoder_layers:
        result = f"one vector of {model.d_model:,} for each token"
        yield _stack(model, count, "encoder", "Encoder", "token ids", result, not both)
    if model.decoder_layers:
        yield _stack(
            model,
            count,
            "decoder",
            "Decoder",
            "target token ids" if both else "token ids",
            "the next token",
            True,
        )


def _stack(
    model: Architecture,
    count: ParameterCount | None,
    stack: Literal["encoder", "decoder"],
    title: str,
    source: str,
    result: str,
    last: bool,
) -> Stack:
    parts = count.parts if count is not None else ()
    return Stack(
        stack=stack,
        title=title,
        source=source,
        result=result,
        before=tuple(_before(model)),
        sublayers=tuple(_sublayers(model, count, stack)),
        after=tuple(_after(model, count)) if last else (),
        layers=model.encoder_layers if stack == "encoder" else model.decoder_layers,
        placement=model.norm_placement,
        norm=model.norm,
        first_norm=any(part.at_the_input and part.component == "norm" for part in parts),
        final_norm=(
            any(part.component == "norm" and part.layer is None and not part.at_the_input for part in parts)
            if count is not None
            else model.norm_placement != "after"
        ),
        parallel=model.parallel,
    )


def _before(model: Architecture) -> Iterable[Box]:
    yield Box("embeddings", "Embeddings", f"{model.vocabulary:,} × {model.d_model:,}")
    if model.positions == "learned":
        yield Box("positions", "Positions", f"{model.max_positions:,} × {model.d_model:,}")
    elif model.positions == "sinusoidal":
        yield Box("positions", "Positions", "sine and cosine, not learned")


def _sublayers(
    model: Architecture, count: ParameterCount | None, stack: Literal["encoder", "decoder"]
) -> Iterable[Sublayer]:
    found = {part.component for part in count.parts if part.stack == stack} if count is not None else set()
    if "recurrence" in found:
        yield Sublayer("recurrence", "Recurrence", "in place of self-attention")
    if count is None or "attention.query" in found:
        yield _attention(model, "attention", "Self-attention", stack, causal=stack == "decoder")
    if stack == "decoder" and model.kind == "encoder-decoder":
        yield _attention(model, "cross", "Cross-attention", stack, causal=False)
    yield Sublayer(
        "feed_forward",
        "Feed-forward",
        f"{model.d_model:,} to {model.d_ff:,} to {model.d_model:,}, {model.activation}",
        d_model=model.d_model,
        d_ff=model.d_ff,
        gated=model.gated,
        activation=model.activation,
    )


def _attention(
    model: Architecture, kind: Kind, title: str, stack: Literal["encoder", "decoder"], *, causal: bool
) -> Sublayer:
    encoder = stack == "encoder"
    heads = model.encoder_heads if encoder else model.decoder_heads
    shared = model.encoder_key_value_heads if encoder else model.decoder_key_value_heads
    detail = f"{heads} heads × {model.d_head}"
    if shared != heads:
        detail += f", {shared} keys and values"
    if kind == "attention" and model.positions in ("rotary", "relative bias"):
        detail += ", rotary positions" if model.positions == "rotary" else ", bias by distance"
    return Sublayer(
        kind, title, detail, heads=heads, key_value_heads=shared, d_head=model.d_head, d_model=model.d_model,
        causal=causal,
    )  # fmt: skip


def _after(model: Architecture, count: ParameterCount | None) -> Iterable[Box]:
    components = count.by_component if count is not None else {}
    if "pooler" in components:
        yield Box("pooler", "Pooler", "the first token's vector")
    if "head" in components:
        yield Box("head", "Head", f"{model.d_model:,} × {model.vocabulary:,}")
    elif model.kind != "encoder" and (count is None or count.tied_head):
        tied = model.tied or (count is not None and count.tied_head)
        yield Box(
            "head", "Head", "the embeddings again" if tied else f"{model.d_model:,} × {model.vocabulary:,}"
        )
