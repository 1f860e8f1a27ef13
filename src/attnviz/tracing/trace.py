"""The record of one forward pass: causes are stored, effects derived. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from attnviz.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from attnviz.tracing.tokens import Tokens

AttentionKind = Literal["encoder", "decoder", "cross"]
Floats = NDArray[np.float32]

ATTENTION_KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)

RECURRENCE_INSTEAD = ": a recurrence stands where self-attention would be"
"""Why the decoder of a student translator has no attention of its own, to end a sentence."""


@dataclass(frozen=True)
class Edits:
    """Changes to a forward pass. Frozen and hashable, so that a trace can be cached by them.

    All but ``ablate_heads`` and ``positions`` act on self-attention and leave cross-attention as it is.
    """

    ablate_heads: tuple[tuple[AttentionKind, int, int], ...] = ()
    """(kind, layer, head) of heads whose output is zero before the output projection."""

    scaling: float | None = None
    """Factor on query-key products instead of the model's own, which is mostly 1 / sqrt(d_head)."""

    window: int | None = None
    """A token sees only keys at a distance below this number; 1 leaves it only itself."""

    local_bias: float = 0.0
    """Subtracted from the score for each position of distance between query and key."""

    alibi: bool = False
    """Per-head linear distance bias with the slopes of Press et al. 2022, section 3."""

    positions: bool = True
    """False takes the position encoding away: learned and sinusoidal vectors and relative biases become zero,
    rotary angles become zero."""

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "ablate_heads", tuple(sorted({(k, int(i), int(h)) for k, i, h in self.ablate_heads}))
        )
        for kind, layer, head in self.ablate_heads:
            if kind not in ATTENTION_KINDS or layer < 0 or head < 0:
                raise SelectionError(f"There is no {kind} head L{layer}H{head} to switch off.")
        if self.window is not None and self.window < 1:
            raise SelectionError(
                "A window must leave a token at least itself.", "Choose a window of 1 or more."
            )

    def ablated(self, kind: AttentionKind, layer: int) -> tuple[int, ...]:
        """The heads switched off in this layer, ascending."""
        return tuple(h for k, i, h in self.ablate_heads if (k, i) == (kind, layer))


NO_EDITS = Edits()


@dataclass(frozen=True, eq=False)
class AttentionCall:
    """What one attention layer computed with: its inputs after projections and rotary positions, and its mask.

    ``query`` is (head, query, d_head), ``key`` (key/value head, key, d_head), ``value`` (key/value head, key,
    d_value). Query head h reads key/value head ``h // group``. ``bias`` is (1 or head, query, key) and holds mask,
    position bias and edits, added to the scaled products (after the soft cap, where a model has one).
    """

    kind: AttentionKind
    layer: int
    query: Floats
    key: Floats
    value: Floats
    scaling: float
    bias: Floats | None = None
    softcap: float | None = None
    ablated: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("query", "key", "value", "bias"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, _frozen(array, 3, f"{name} of {self.kind} layer {self.layer}"))
        q, k, v = self.query.shape, self.key.shape, self.value.shape
        if k[:2] != v[:2] or q[2] != k[2] or q[0] % k[0]:
            raise ValueError(f"query {q}, key {k} and value {v} do not belong to one attention layer")
        if self.bias is not None and (
            self.bias.shape[1:] != (q[1], k[1]) or self.bias.shape[0] not in (1, q[0])
        ):
            raise ValueError(f"bias {self.bias.shape} does not fit query {q} and key {k}")
        if any(not 0 <= head < q[0] for head in self.ablated):
            raise SelectionError(
                f"Layer {self.layer} has the heads 0 to {q[0] - 1}; head {max(self.ablated)} cannot be switched off."
            )

    @property
    def heads(self) -> int:
        """Number of query heads."""
        return self.query.shape[0]

    @property
    def group(self) -> int:
        """Number of query heads that share one key/value head."""
        return self.query.shape[0] // self.key.shape[0]

    def scores(self, head: int | None = None) -> Floats:
        """Scores before the softmax, (query, key) of one head or (head, query, key); -inf where masked."""
        heads = slice(None) if head is None else slice(head, head + 1)
        query = self.query[heads]
        key = self.key[np.arange(self.heads)[heads] // self.group]  # (head, key, d_head)
        scores = np.matmul(
            query, key.swapaxes(1, 2)
        )  # (head, query, key); in place from here on: it is large
        scores *= np.float32(self.scaling)
        if self.softcap is not None:
            scores /= np.float32(self.softcap)
            np.tanh(scores, out=scores)
            scores *= np.float32(self.softcap)
        if self.bias is not None:
            scores += self.bias if self.bias.shape[0] == 1 else self.bias[heads]
            # models write "masked" as the lowest float; -inf says it plainly and gives the same softmax
            scores[scores < np.finfo(np.float32).min / 2] = -np.inf
        return scores if head is None else scores[0]

    def weights(self, head: int | None = None) -> Floats:
        """Attention weights, (query, key) of one head or (head, query, key). Rows sum to 1."""
        scores = self.scores(head)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return scores

    def outputs(self, head: int | None = None) -> Floats:
        """Weighted sums of values before the output projection, (query, d_value) or (head, query, d_value).

        Zero for a head that was switched off.
        """
        heads = np.arange(self.heads) if head is None else np.array([head])
        weights = self.weights() if head is None else self.weights(head)[None]
        outputs = np.matmul(weights, self.value[heads // self.group])  # (head, query, d_value)
        outputs[np.isin(heads, self.ablated)] = 0
        return outputs if head is None else outputs[0]


@dataclass(frozen=True, eq=False)
class Trace:
    """One text through one model.

    ``hidden_states`` is (layer + 1, position, d_model): the residual stream before each layer and after the last, of
    the decoder where there is one; ``source_hidden_states`` the same of an encoder-decoder's encoder.
    ``last_is_normalised`` says that the last entry has passed the final norm already. ``logits`` is (position,
    vocabulary), or None for a model without a language head. The tokens of an encoder-decoder are its source tokens;
    its target tokens are what the decoder read, so the row of a target token is where the next one was chosen.

    ``gates`` is (layer, target token, channel), None but for a decoder with a recurrence where self-attention would be:
    the share of its state that each channel kept when this token was read, from 0 (all replaced) to 1 (all kept).
    """

    model_id: str
    tokens: Tokens
    calls: tuple[AttentionCall, ...]
    hidden_states: Floats
    logits: Floats | None = None
    target_tokens: Tokens | None = None
    source_hidden_states: Floats | None = None
    gates: Floats | None = None
    last_is_normalised: bool = False
    edits: Edits = NO_EDITS

    notebook: ClassVar[Callable[[Trace], str] | None] = None
    """How a notebook shows a trace, as HTML. The package sets it: a record knows no pictures."""

    def _repr_html_(self) -> str | None:
        return Trace.notebook(self) if Trace.notebook else None

    def __post_init__(self) -> None:
        for name, ndim in (("hidden_states", 3), ("source_hidden_states", 3), ("gates", 3), ("logits", 2)):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, _frozen(array, ndim, name))
        for call in self.calls:
            asked, answered = call.query.shape[1], call.key.shape[1]
            expected = len(self.query_tokens(call.kind)), len(self.key_tokens(call.kind))
            if (asked, answered) != expected:
                raise ValueError(
                    f"{call.kind} layer {call.layer}: attention is {asked} x {answered}, tokens are {expected}"
                )
        if self.gates is not None and self.gates.shape[1] != len(self.target_tokens or ()):
            raise ValueError(f"gates are {self.gates.shape}, target tokens {len(self.target_tokens or ())}")
        for kind in self.kinds:
            if [c.layer for c in self._calls[kind]] != list(range(len(self._calls[kind]))):
                raise ValueError(
                    f"the {kind} layers are not in order: {[c.layer for c in self._calls[kind]]}"
                )

    @cached_property
    def _calls(self) -> dict[AttentionKind, tuple[AttentionCall, ...]]:
        return {k: calls for k in ATTENTION_KINDS if (calls := tuple(c for c in self.calls if c.kind == k))}

    @property
    def kinds(self) -> tuple[AttentionKind, ...]:
        """The kinds of attention that this model has."""
        return tuple(self._calls)

    def layers(self, kind: AttentionKind) -> int:
        """Number of layers with this kind of attention."""
        return len(self._of(kind))

    def heads(self, kind: AttentionKind) -> int:
        """Number of heads in a layer of this kind."""
        return self._of(kind)[0].heads

    def call(self, kind: AttentionKind, layer: int) -> AttentionCall:
        """What this layer computed with. :class:`SelectionError` for a layer that is not there."""
        calls = self._of(kind)
        if not 0 <= layer < len(calls):
            raise SelectionError(
                f"There is no {kind} layer {layer} in this model.", f"Its layers are 0 to {len(calls) - 1}."
            )
        return calls[layer]

    def weights(self, kind: AttentionKind, layer: int, head: int | None = None) -> Floats:
        """Attention weights (after the softmax), (query, key) or (head, query, key). Rows sum to 1."""
        return self._call_with(kind, layer, head).weights(head)

    def scores(self, kind: AttentionKind, layer: int, head: int | None = None) -> Floats:
        """Attention scores (before the softmax), (query, key) or (head, query, key); -inf where masked."""
        return self._call_with(kind, layer, head).scores(head)

    def head_outputs(self, kind: AttentionKind, layer: int, head: int | None = None) -> Floats:
        """Outputs before the output projection, (query, d_value) or (head, query, d_value)."""
        return self._call_with(kind, layer, head).outputs(head)

    def query_tokens(self, kind: AttentionKind) -> Tokens:
        """The tokens that ask, the rows of a matrix of this kind."""
        if kind == "encoder" or self.target_tokens is None:
            return self.tokens
        return self.target_tokens

    def key_tokens(self, kind: AttentionKind) -> Tokens:
        """The tokens that answer, the columns of a matrix of this kind."""
        return self.query_tokens(kind) if kind != "cross" else self.tokens

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes; arrays that layers share count once."""
        arrays = [self.hidden_states, self.source_hidden_states, self.gates, self.logits]
        for call in self.calls:
            arrays += [call.query, call.key, call.value, call.bias]
        return sum({id(_owner(a)): _owner(a).nbytes for a in arrays if a is not None}.values())

    def _of(self, kind: AttentionKind) -> tuple[AttentionCall, ...]:
        if kind not in self._calls:
            why = RECURRENCE_INSTEAD if kind == "decoder" and self.gates is not None else ""
            raise SelectionError(
                f"This model has no {kind} attention{why}.", f"It has {' and '.join(self.kinds)} attention."
            )
        return self._calls[kind]

    def _call_with(self, kind: AttentionKind, layer: int, head: int | None) -> AttentionCall:
        call = self.call(kind, layer)
        if head is not None and not 0 <= head < call.heads:
            raise SelectionError(
                f"There is no head {head} in the {kind} layers of this model.",
                f"Its heads are 0 to {call.heads - 1}.",
            )
        return call


def _frozen(array: NDArray[np.generic], ndim: int, name: str) -> Floats:
    """The array as float32 that nobody can write to, without a copy where it is float32 already."""
    if array.ndim != ndim:
        raise ValueError(f"{name} has the shape {array.shape}, expected {ndim} axes")
    frozen = np.asarray(array, dtype=np.float32).view()
    frozen.setflags(write=False)
    return frozen


def _owner(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """The array that holds the memory: a view of a larger one keeps all of it alive."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
