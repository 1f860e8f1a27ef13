"""The neurons of a model on the learner's text: what the feed-forward page shows of them and can ask about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app import cache, selection
from app.explored import counted
from app.lessons import Lesson
from app.widgets import waiting
from app.widgets.lesson import Question, Try
from attnviz.analysis import feed_forward as analysis
from attnviz.figures.quantities import percent
from attnviz.models.catalog import title_of

if TYPE_CHECKING:
    from attnviz.analysis.feed_forward import Fired, Peak, Promoted, Sparsity
    from attnviz.models.architecture import Architecture
    from attnviz.models.loading import LoadedModel
    from attnviz.models.weights import LayerWeights, Weights
    from attnviz.tracing.neurons import Neurons, Stack
    from attnviz.tracing.tokens import Tokens
    from attnviz.tracing.trace import Floats

BARS, ROWS, WORDS = 12, 20, 8
"""Neurons shown of a token and of a layer, and words of a neuron."""

WITH_UNEMBEDDING = "HuggingFaceTB/SmolLM2-135M-Instruct"


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

    def words_of(self, layer: int, neuron: int) -> dict[str, list[str]] | None:
        """The promoted and suppressed words as columns of a table; None where the model has none."""
        from attnviz.tracing.tokens import tokens

        found = self.promotes(layer, neuron)
        if found is None:
            return None
        label = {i: tokens(self.model.tokenizer, (i,)).labels[0] for i, _ in (*found.up, *found.down)}
        return {
            "Promotes": [label[i] for i, _ in found.up],
            "Logit, up": [_signed(v, 3) for _, v in found.up],
            "Suppresses": [label[i] for i, _ in found.down],
            "Logit, down": [_signed(v, 3) for _, v in found.down],
        }

    def widths(self, words: Lesson) -> list[tuple[str, str]]:
        """The row of facts beside the picture."""
        shape = self.facts
        return [
            (words.say("expansion"), f"{self.neurons / shape.d_model:.2f} ×"),
            (words.say("matrices"), "3, gated" if self.gated else "2"),
            (words.say("function"), shape.activation),
            (words.say("share"), percent(self.share())),
        ]

    def share(self) -> float:
        """The share of all parameters that sit in feed-forward networks."""
        return _share(self.model.id)

    def lead(self, words: Lesson) -> str:
        """What the picture shows, in a sentence."""
        shape = self.facts
        return words.say(
            "widths_gated" if self.gated else "widths_plain",
            title=self.model.title,
            d_model=f"{shape.d_model:,}",
            d_ff=f"{self.neurons:,}",
            factor=f"{self.neurons / shape.d_model:.3g}",
            share=percent(self.share()),
            layers=shape.encoder_layers + shape.decoder_layers,
            activation=shape.activation,
        )

    def in_text(self, words: Lesson, layer: int, token: int, fired: tuple[Fired, ...]) -> str:
        """The strongest neuron of a token, in a sentence."""
        first = fired[0]
        row = self.activations[layer, token]
        over = int((np.abs(row) > abs(first.activation) / 2).sum())
        return words.say(
            "text_say",
            token=self.tokens.unique_labels[token],
            layer=layer,
            neuron=first.neuron,
            activation=_signed(first.activation),
            added=f"{first.added:,.2f}",
            over=over,
            neurons=f"{self.neurons:,}",
        )

    def one(self, words: Lesson, layer: int, neuron: int) -> str:
        """At which token a neuron fires most, in a sentence."""
        values = self.fires(layer, neuron)
        most = int(np.abs(values).argmax())
        told = words.say(
            "neuron_say",
            neuron=neuron,
            layer=layer,
            token=self.tokens.unique_labels[most],
            most=_signed(float(values[most])),
            half=int((np.abs(values) > abs(float(values[most])) / 2).sum()),
            tokens=len(values),
        )
        if values[most] >= 0 or self.weights.unembedding is None or self.stack == "encoder":
            return told
        return f"{told} {words.say('neuron_negative')}"

    def sparse(self, words: Lesson, layer: int) -> str:
        """How many neurons of a layer work, in a sentence."""
        found = self.sparsity
        return words.say(
            "sparse_zero" if found.zero[layer] > 0.01 else "sparse_say",
            layer=layer,
            half=f"{found.half[layer]:.0f}",
            neurons=f"{self.neurons:,}",
            share=percent(float(found.half[layer]) / self.neurons),
            positive=percent(float(found.positive[layer])),
            zero=percent(float(found.zero[layer])),
            least=int(found.half.argmin()),
            fewest=f"{found.half.min():.0f}",
        )

    def without_words(self, words: Lesson) -> str:
        """Why no words can be read from this stack's neurons."""
        return words.say(
            "words_none_encoder" if self.stack == "encoder" else "words_none",
            title=self.model.title,
            other=title_of(WITH_UNEMBEDDING),
        )

    def code(self, words: Lesson, layer: int, token: int, neuron: int) -> str:
        """The lines that give these neurons in a notebook."""
        read = (
            ""
            if self.stack == "encoder"
            else words.say("code_words", stack=self.stack, layer=layer, neuron=neuron)
        )
        return words.code.format(
            model=self.model.id,
            text=self.text,
            stack=self.stack,
            layer=layer,
            token=token,
            neuron=neuron,
            words="" if self.weights.unembedding is None else read,
            imports="" if self.stack == "encoder" or self.weights.unembedding is None else "promotes, ",
        )

    def suggestions(self, words: Lesson) -> list[Try]:
        """Neurons and layers worth seeing, with what was measured there."""
        peak, found = self.peak, self.sparsity
        label = self.tokens.unique_labels[peak.token]
        values = {"layer": peak.layer, "ff_token": label}
        sparse, even = int(found.half.argmin()), int(found.half.argmax())
        tried = [
            Try(
                words.say("try_peak"),
                words.say(
                    "try_peak_detail",
                    layer=peak.layer,
                    neuron=peak.neuron,
                    token=label,
                    activation=_signed(peak.activation),
                ),
                {**values, "ff_neuron": peak.neuron},
                "section_ff_text",
            )
        ]
        tried += [
            Try(
                words.say(name),
                words.say(
                    "try_sparse_detail",
                    layer=layer,
                    half=f"{found.half[layer]:.0f}",
                    neurons=f"{self.neurons:,}",
                ),
                {"layer": layer},
                "section_ff_sparse",
            )
            for name, layer in (("try_sparse", sparse), ("try_even", even))
            if sparse != even
        ]
        gelu = float(analysis.gelu(np.array([-0.75]))[0])
        tried.append(
            Try(
                words.say("try_dip"),
                words.say("try_dip_detail", value=_signed(gelu)),
                {"ff_x": -0.75},
                "section_ff_functions",
            )
        )
        return tried

    def questions(self, words: Lesson, layer: int, token: int) -> list[Question]:
        """A share, a function, and a neuron, each asked before it is looked at."""
        other = WITH_UNEMBEDDING if self.model.id != WITH_UNEMBEDDING else selection.DEFAULT_MODEL
        share = _share(other)  # this model's own stands above
        shares = (0.1, 0.3, 0.6, 0.8)
        nearest = min(shares, key=lambda s: abs(s - share))
        x = np.array([-2.0])
        at = {name: float(function(x)[0]) for name, function in analysis.ACTIVATIONS.items()}
        most = max(at, key=lambda name: abs(at[name]))
        asked = [
            Question(
                "share",
                words.say("ask_share", title=title_of(other)),
                [f"about {100 * s:.0f} %" for s in shares],
                f"about {100 * nearest:.0f} %",
                words.say("because_share", share=percent(share)),
                {"model": other},
            ),
            Question(
                "function",
                words.say("ask_function"),
                list(at),
                most,
                words.say(
                    "because_function", listed=", ".join(f"{n} {_signed(v, 3)}" for n, v in at.items())
                ),
                {"ff_x": -2.0},
                "section_ff_functions",
            ),
        ]
        question = self._which_token(words, layer, token)
        return [*asked, question] if question else asked

    def _which_token(self, words: Lesson, layer: int, token: int) -> Question | None:
        """At which token the strongest neuron of another layer fires."""
        other = (layer + max(1, self.layers // 2)) % self.layers
        values = self.activations[other]  # (token, neuron)
        places = [i for i in range(len(self.tokens)) if not self.tokens.special[i]]
        if len(places) < 4 or other == layer:
            return None
        out = analysis.lengths(self.own(other).feed_forward_out)
        neuron = int((np.abs(values[places[1:]]).max(axis=0) * out).argmax())
        fires = np.abs(values[:, neuron])
        ranked = sorted(places, key=lambda i: -fires[i])
        some = sorted({ranked[0], ranked[1], ranked[len(ranked) // 2], ranked[-1]})
        names = self.tokens.unique_labels
        return Question(
            "token",
            words.say("ask_token", neuron=neuron, layer=other),
            [names[i] for i in some],
            names[ranked[0]],
            words.say(
                "because_token",
                token=names[ranked[0]],
                value=_signed(float(values[ranked[0], neuron])),
                other=names[ranked[1]],
                second=_signed(float(values[ranked[1], neuron])),
            ),
            {"layer": other, "ff_neuron": neuron, "ff_token": names[ranked[0]]},
            "section_ff_neuron",
        )


def here(words: Lesson) -> Here:
    """Open the model, read the text, record its neurons; forget choices that belong to another model or text."""
    model = waiting.model(selection.model_id())
    text = selection.text()
    waiting.trace(model.id, text, height=380)
    with waiting.skeleton(words.say("recording", title=model.title), height=380):
        record = cache.engine().feed_forward(model.id, text)
    stack = _stack(record.stacks, words)
    _forget((model.id, text, stack))
    found = Here(model, text, record, weights_of(model.id), stack)
    with waiting.skeleton(words.say("measuring"), height=380):
        found.prepare()
    return found


def asked() -> tuple[str, str]:
    """What the page's model and stack are asked to be at this moment."""
    return selection.model_id(), str(st.session_state.get("ff_stack", ""))


def _stack(stacks: tuple[Stack, ...], words: Lesson) -> Stack:
    """Which stack's networks; asked only where there are two."""
    chosen = selection.one_of("ff_stack", stacks, "stack")
    if len(stacks) == 1:
        return chosen
    answer = st.segmented_control(
        words.say("stack"),
        stacks,
        default=stacks[0],
        key="ff_stack",
        bind="query-params",
        format_func=str.capitalize,
        required=True,
        label_visibility="collapsed",
    )
    return answer or chosen


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
        st.query_params.pop(key, None)


def weights_of(model_id: str) -> Weights:
    """The parameters as NumPy: views of the model's own memory, not kept, so that the engine can let a model go."""
    from attnviz.models.weights import weights

    model = cache.model(model_id)
    return weights(model.module, model.architecture)


def _share(model_id: str) -> float:
    count = counted(model_id)
    return sum(n for name, n in count.by_component.items() if name.startswith("feed_forward.")) / count.total


@st.cache_resource(max_entries=100, show_spinner=False)
def _peak(model_id: str, text: str, stack: Stack, among: tuple[int, ...] | None = None) -> Peak:
    return analysis.peak(cache.engine().feed_forward(model_id, text), weights_of(model_id), stack, among)


@st.cache_resource(max_entries=100, show_spinner=False)
def _sparsity(model_id: str, text: str, stack: Stack) -> Sparsity:
    return analysis.sparsity(cache.engine().feed_forward(model_id, text).activations[stack])


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f}".replace("-", "−")
