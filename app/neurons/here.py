"""The neurons of a model on the learner's text: what every part of the feed-forward page starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from app import cache, selection
from app.explored import counted
from app.widgets import neuron_controls, waiting
from attnviz.analysis import feed_forward as analysis

if TYPE_CHECKING:
    from app.lessons import Lesson
    from attnviz.analysis.feed_forward import Fired, Peak, Promoted, Sparsity
    from attnviz.models.architecture import Architecture
    from attnviz.models.loading import LoadedModel
    from attnviz.models.weights import LayerWeights, Weights
    from attnviz.tracing.neurons import Neurons, Stack
    from attnviz.tracing.tokens import Tokens
    from attnviz.tracing.trace import Floats

BARS, ROWS, WORDS = 12, 20, 8
"""Neurons shown of a token and of a layer, and words of a neuron."""


@dataclass(frozen=True, eq=False)
class Read:
    """A model that has read a text, with all its neurons recorded."""

    model: LoadedModel
    text: str
    record: Neurons

    @property
    def first(self) -> Here:
        """The first stack, whose widths are those of the other."""
        return self.stack(self.record.stacks[0])

    def stack(self, stack: Stack) -> Here:
        """All feed-forward networks of a stack."""
        return Here(self.model, self.text, self.record, weights_of(self.model.id), stack)


@dataclass(frozen=True, eq=False)
class Here:
    """All feed-forward networks of one stack, for one text."""

    model: LoadedModel
    text: str
    record: Neurons
    weights: Weights
    stack: Stack

    @property
    def facts(self) -> Architecture:
        """The shape of the model."""
        return self.model.architecture

    @property
    def tokens(self) -> Tokens:
        """What this stack reads."""
        return self.record.read_by(self.stack)

    @property
    def activations(self) -> Floats:
        """(layer, token, neuron)"""
        return self.record.activations[self.stack]

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.activations)

    @property
    def neurons(self) -> int:
        """Neurons in each layer."""
        return int(self.activations.shape[-1])

    @property
    def gated(self) -> bool:
        """Whether a second matrix reads the stream, as a gate."""
        return self.own(0).feed_forward_gate is not None

    @cached_property
    def peak(self) -> Peak:
        """The strongest neuron of all."""
        return _peak(self.model.id, self.text, self.stack)

    @cached_property
    def spoken(self) -> tuple[int, ...] | None:
        """The words after the first: first and special tokens often stand apart from all others. None without any."""
        tokens = self.tokens
        places = (i for i in range(1, len(tokens)) if not tokens.special[i])
        return tuple(i for i in places if any(map(str.isalnum, tokens.labels[i]))) or None

    @cached_property
    def opening(self) -> Peak:
        """The strongest neuron at a word after the first."""
        return _peak(self.model.id, self.text, self.stack, self.spoken)

    def prepare(self) -> None:
        """Measure all layers now, while the page says so; for 500 tokens it takes seconds."""
        _ = self.opening, self.peak, self.sparsity

    @cached_property
    def sparsity(self) -> Sparsity:
        """How many neurons work in each layer."""
        return _sparsity(self.model.id, self.text, self.stack)

    def own(self, layer: int) -> LayerWeights:
        """The parameters of a layer."""
        return self.weights.layers(self.stack)[layer]

    def strongest(self, layer: int, token: int) -> tuple[Fired, ...]:
        """The neurons that add most at a token."""
        return analysis.strongest(self.activations[layer, token], self.own(layer).feed_forward_out, BARS)

    def busiest(self, layer: int) -> tuple[tuple[int, ...], Floats]:
        """The neurons that add most anywhere in the text, and their activations (neuron, token)."""
        out = self.own(layer).feed_forward_out
        chosen = analysis.busiest(self.activations[layer], out, ROWS, self.spoken)
        return chosen, self.activations[layer][:, list(chosen)].T

    def fires(self, layer: int, neuron: int) -> Floats:
        """A neuron's activation at each token, (token,)."""
        values: Floats = self.activations[layer, :, neuron]
        return values

    def promotes(self, layer: int, neuron: int) -> Promoted | None:
        """What a neuron's output vector does to the vocabulary."""
        return analysis.promotes(self.weights, self.stack, layer, neuron, WORDS)

    def share(self) -> float:
        """The share of all parameters that sit in feed-forward networks."""
        return share(self.model.id)


def read(words: Lesson) -> Read:
    """Open the model, read the text and record its neurons."""
    model = waiting.model(selection.model_id())
    text = selection.text()
    waiting.trace(model.id, text, height=380)
    with waiting.skeleton(words.say("recording", title=model.title), height=380):
        record = cache.engine().feed_forward(model.id, text)
    return Read(model, text, record)


def chosen(of: Read, words: Lesson) -> Here:
    """One stack of them; forgets choices that belong to another model, text or stack."""
    stack = neuron_controls.stack(of.record.stacks, words)
    _forget((of.model.id, of.text, stack))
    found = of.stack(stack)
    with waiting.skeleton(words.say("measuring"), height=380):
        found.prepare()
    return found


def _forget(now: tuple[Any, ...]) -> None:
    before = st.session_state.get("_feed_forward", now)
    st.session_state["_feed_forward"] = now
    gone = (
        ()
        if before == now
        else ("ff_token", "ff_neuron")
        if before[0] == now[0]
        else ("ff_token", "ff_neuron", "layer")
    )
    for key in gone:
        st.session_state.pop(key, None)
        if key in st.query_params:
            selection.forget(key)


def weights_of(model_id: str) -> Weights:
    """The parameters as NumPy: views of the model's own memory, not kept, so that the engine can let a model go."""
    from attnviz.models.weights import weights

    model = cache.model(model_id)
    return weights(model.module, model.architecture)


def share(model_id: str) -> float:
    """The share of all parameters of a model that sit in its feed-forward networks."""
    count = counted(model_id)
    return sum(n for name, n in count.by_component.items() if name.startswith("feed_forward.")) / count.total


@st.cache_resource(max_entries=100, show_spinner=False)
def _peak(model_id: str, text: str, stack: Stack, among: tuple[int, ...] | None = None) -> Peak:
    return analysis.peak(cache.engine().feed_forward(model_id, text), weights_of(model_id), stack, among)


@st.cache_resource(max_entries=100, show_spinner=False)
def _sparsity(model_id: str, text: str, stack: Stack) -> Sparsity:
    return analysis.sparsity(cache.engine().feed_forward(model_id, text).activations[stack])
