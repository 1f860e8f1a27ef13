"""All heads of a model and of a layer: what the multi-head page shows of them, says of them, and asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app import cache, selection
from app.heatmaps import CLEAR, Heads
from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.attention_view import pooled
from attnviz.analysis.head_outputs import HeadOutputs, head_outputs
from attnviz.analysis.head_patterns import METRICS, Metric, Pattern, Strongest
from attnviz.figures.quantities import whole_percent
from attnviz.models.catalog import title_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from attnviz.figures.palette import Mode
    from attnviz.tracing.trace import AttentionCall, AttentionKind, Floats

MOST_CELLS = 48
"""Cells of a small matrix along each side; of a longer text neighbours are drawn as one."""

MOST_ROWS = 64
"""Tokens whose outputs are drawn: those of 500 tokens would weigh 3 MB at each press."""

_SEARCHED: tuple[Pattern, ...] = ("previous", "next", "same token", "first", "special", "itself")
"""Patterns in the order in which they are worth looking for."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of all heads, with one of its heads chosen."""

    heads: Heads
    layer: int
    head: int

    @property
    def strongest(self) -> Strongest | None:
        """The strongest pattern of the chosen head."""
        return self.heads.patterns.strongest(self.layer, self.head)

    @property
    def call(self) -> AttentionCall:
        """What the layer computed with."""
        return self.heads.trace.call(self.heads.kind, self.layer)

    @cached_property
    def outputs(self) -> HeadOutputs | None:
        """How the outputs of the heads come together, None where the model's projection is out of reach."""
        return outputs(self.heads.model_id, self.heads.text, self.heads.kind, self.layer)

    @cached_property
    def thumbnails(self) -> Floats:
        """The weights of each head, (head, row, column); of a long text the largest of neighbouring cells."""
        return pooled(self.heads.trace.weights(self.heads.kind, self.layer), MOST_CELLS)

    def map(self, words: Lesson, metric: Metric, mode: Mode) -> go.Figure:
        """All heads by one metric."""
        from attnviz.figures.multi_head import head_map

        values = self.heads.patterns.metric(metric)
        return head_map(
            values,
            mode,
            chosen=(self.layer, self.head),
            title=_capital(words.say(f"metric_{metric}")),
            written=[[_value(metric, float(v)) for v in row] for row in values],
            largest=_end(metric, values),
        )

    def map_alt(self, words: Lesson, metric: Metric) -> str:
        """The map in words."""
        values = self.heads.patterns.metric(metric)
        found = np.unravel_index(np.nan_to_num(values, nan=-np.inf).argmax(), values.shape)
        layer, head = int(found[0]), int(found[1])
        return words.say(
            "map_alt",
            title=title_of(self.heads.model_id),
            metric=words.say(f"metric_{metric}"),
            layer=layer,
            head=head,
            value=_value(metric, float(values[layer, head])),
        )

    def map_data(self) -> dict[str, list[object]]:
        """Every metric of every head."""
        layers, heads = self.heads.layers, self.heads.heads
        table: dict[str, list[object]] = {
            "layer": [layer for layer in range(layers) for _ in range(heads)],
            "head": [head for _ in range(layers) for head in range(heads)],
        }
        for metric in self.heads.patterns.metrics:
            table[metric] = list(self.heads.patterns.metric(metric).ravel().tolist())
            table[f"chance of {metric}"] = list(
                np.repeat(self.heads.patterns.metric_chance(metric), heads).tolist()
            )
        return table

    def small(self, words: Lesson, mode: Mode) -> go.Figure:
        """The heads of this layer side by side."""
        from attnviz.figures.multi_head import layer_heads

        captions = [self._caption(words, head) for head in range(self.heads.heads)]
        return layer_heads(self.thumbnails, captions, self.head, mode)

    def small_data(self) -> dict[str, Any]:
        """The weights of the layer as rows of a table."""
        weights = self.heads.trace.weights(self.heads.kind, self.layer)  # (head, query, key)
        heads, queries, keys = weights.shape
        asking = self.heads.tokens.unique_labels
        answering = self.heads.trace.key_tokens(self.heads.kind).unique_labels
        return {
            "head": np.repeat(np.arange(heads), queries * keys),
            "query": np.tile(np.repeat(asking, keys), heads),
            "key": np.tile(answering, heads * queries),
            "weight": weights.ravel(),
        }

    def aspect(self) -> float:
        """Height of the small matrices by their width."""
        from attnviz.figures.multi_head import layer_heads_aspect

        heads, rows, columns = self.thumbnails.shape
        return layer_heads_aspect(heads, rows, columns)

    def said(self, words: Lesson) -> str:
        """What the chosen head does, beside chance."""
        found = self.strongest
        if found is None:
            return words.say("said_none")
        entropy = float(self.heads.patterns.entropy[self.layer, self.head])
        return " ".join(
            [
                words.say(
                    "said_pattern" if found.score >= CLEAR else "said_weak",
                    head=self.head,
                    layer=self.layer,
                    share=whole_percent(found.share),
                    pattern=words.say(f"short_{found.pattern}"),
                    chance=whole_percent(found.chance),
                    score=_score(found.score),
                    counted=found.counted,
                    queries=len(self.heads.tokens),
                ),
                words.say(
                    "said_entropy",
                    entropy=f"{entropy:.1f}",
                    most=f"{float(self.heads.patterns.entropy_chance[self.layer]):.1f}",
                    keys=f"{2**entropy:.1f}",
                ),
            ]
        )

    def table(self, words: Lesson, every: bool) -> dict[str, list[object]]:
        """A row a head: its strongest pattern beside chance, and every metric; of this layer or of all."""
        patterns = self.heads.patterns
        rows = [
            (layer, head)
            for layer in (range(self.heads.layers) if every else [self.layer])
            for head in range(self.heads.heads)
        ]
        strongest = [patterns.strongest(*row) for row in rows]
        table: dict[str, list[object]] = {
            **({"Layer": [layer for layer, _ in rows]} if every else {}),
            "Head": [head for _, head in rows],
            "Strongest pattern": [_capital(words.say(f"short_{s.pattern}")) if s else "–" for s in strongest],
            "Share": [100 * s.share if s else None for s in strongest],
            "Chance": [100 * s.chance if s else None for s in strongest],
            "Score": [s.score if s else None for s in strongest],
            "Tokens": [s.counted if s else None for s in strongest],
        }
        for metric in patterns.metrics[1:]:
            values = patterns.metric(metric)
            factor = 1 if metric in ("entropy", "distance") else 100
            name = (
                "Entropy" if metric == "entropy" else "Distance" if metric == "distance" else f"To {metric}"
            )
            table[name] = [factor * float(values[row]) for row in rows]
        return table

    def facts(self, words: Lesson) -> list[tuple[str, str]]:
        """The shapes on the way from the heads to the stream."""
        queries, size = self.call.query.shape[1], self.call.value.shape[2]
        wide = self.call.heads * size
        width = self.heads.trace.hidden_states.shape[2]
        return [
            (words.say("fact_heads"), f"{self.call.heads}"),
            (words.say("fact_each"), f"{queries} × {size}"),
            (words.say("fact_wide"), f"{queries} × {wide:,}"),
            (words.say("fact_matrix"), f"{wide:,} × {width:,}"),
            (words.say("fact_out"), f"{queries} × {width:,}"),
        ]

    def together(self, words: Lesson, found: HeadOutputs, mode: Mode) -> go.Figure:
        """The outputs side by side, and what the projection makes of them."""
        from attnviz.figures.multi_head import put_together

        labels = self.heads.tokens.unique_labels[:MOST_ROWS]
        part = words.say("first_rows", rows=MOST_ROWS) if len(self.heads.tokens) > MOST_ROWS else ""
        return put_together(
            found.side_by_side[:MOST_ROWS],
            found.projected[:MOST_ROWS],
            labels,
            self.head,
            self.heads.heads,
            (
                words.say("side_by_side", shape=_shape(found.side_by_side.shape)) + part,
                words.say("projected", shape=_shape(found.projected.shape)),
            ),
            mode,
        )

    def together_data(self, found: HeadOutputs) -> dict[str, Any]:
        """How long the vector is that each head adds, token by token."""
        heads, queries = found.lengths.shape
        return {
            "head": np.repeat(np.arange(heads), queries),
            "query": np.tile(self.heads.tokens.unique_labels, heads),
            "length": found.lengths.ravel(),
        }

    def together_said(self, words: Lesson, found: HeadOutputs) -> str:
        """Which head adds most, and which least."""
        most, least = int(found.mean_lengths.argmax()), int(found.mean_lengths.argmin())
        wide = found.side_by_side.shape[1]
        return words.say(
            "together_say",
            heads=self.heads.heads,
            size=wide // self.heads.heads,
            wide=f"{wide:,}",
            width=f"{found.projected.shape[1]:,}",
            strongest=most,
            length=f"{found.mean_lengths[most]:.2f}",
            weakest=least,
            least=f"{found.mean_lengths[least]:.2f}",
        )

    def shared(self, words: Lesson) -> str:
        """Whether heads share keys and values, with numbers."""
        call = self.call
        stored, size = call.key.shape[0], call.key.shape[2]
        if call.group == 1:
            kept = stored * (size + call.value.shape[2])
            return words.say("ungrouped", heads=call.heads, kept=f"{kept:,}", size=size)
        own = self.head // call.group
        others = [i for i in range(own * call.group, (own + 1) * call.group) if i != self.head]
        return words.say(
            "grouped",
            heads=call.heads,
            stored=stored,
            group=call.group,
            head=self.head,
            own=own,
            others=" and ".join(f"head {i}" for i in others),
            kept=f"{stored * 2 * size:,}",
            full=f"{call.heads * 2 * size:,}",
        )

    def suggestions(self, words: Lesson) -> list[Try]:
        """Heads worth opening, each found by a search over all of them, and with its score."""
        patterns = self.heads.patterns
        found = []
        for pattern in _SEARCHED:
            if pattern not in patterns.patterns or (pattern == "first" and self.heads.starts_special):
                continue
            layer, head = patterns.best(pattern)
            if float(patterns.score(pattern)[layer, head]) < CLEAR:
                continue
            detail = words.say(
                "try_detail",
                layer=layer,
                head=head,
                share=whole_percent(float(patterns.share[pattern][layer, head])),
                chance=whole_percent(float(patterns.chance[pattern][layer])),
            )
            values = {"layer": layer, "head": head, "metric": pattern}
            found.append(Try(words.say(f"try_{pattern}"), detail, values))
        if patterns.patterns:
            layer, head = patterns.most_even()
            detail = words.say(
                "try_even_detail",
                layer=layer,
                head=head,
                entropy=f"{float(patterns.entropy[layer, head]):.1f}",
                most=f"{float(patterns.entropy_chance[layer]):.1f}",
            )
            even = Try(words.say("try_even"), detail, {"layer": layer, "head": head, "metric": "entropy"})
            found[3:] = [even]
        return found

    def questions(self, words: Lesson) -> list[Question]:
        """Predict where a pattern lives, what a head does that is not on screen, and a shape."""
        asked = [self._ask_layer(words), self._ask_does(words), self._ask_size(words)]
        return [question for question in asked if question is not None]

    def code(self, words: Lesson) -> str:
        """The lines that give the patterns of this layer in a notebook."""
        return words.code.format(
            model=self.heads.model_id, text=self.heads.text, kind=self.heads.kind, layer=self.layer
        )

    def _caption(self, words: Lesson, head: int) -> list[str]:
        found = self.heads.patterns.strongest(self.layer, head)
        if found is None or found.score < CLEAR:
            return [f"H{head}"]
        return [f"H{head} {whole_percent(found.share)}", words.say(f"tag_{found.pattern}")]

    def _ask_layer(self, words: Lesson) -> Question | None:
        """About the pattern with the clearest head that no suggestion names."""
        patterns = self.heads.patterns
        told = {one.values["metric"] for one in self.suggestions(words)}
        open_ones = [p for p in patterns.patterns if p not in told and p not in ("special", "first")]
        if self.heads.layers < 3 or not open_ones:
            return None
        pattern = max(open_ones, key=lambda p: float(np.nanmax(patterns.score(p))))
        layer, head = patterns.best(pattern)
        by_layer = np.nanmax(patterns.score(pattern), axis=1)
        choices = sorted({layer, *(int(i) for i in np.argsort(-by_layer)[:2]), 0, self.heads.layers - 1})
        return Question(
            "layer",
            words.say("ask_layer", pattern=words.say(f"short_{pattern}")),
            [f"Layer {i}" for i in choices],
            f"Layer {layer}",
            words.say(
                "because_layer",
                layer=layer,
                head=head,
                pattern=words.say(f"short_{pattern}"),
                share=whole_percent(float(patterns.share[pattern][layer, head])),
                chance=whole_percent(float(patterns.chance[pattern][layer])),
                score=_score(float(patterns.score(pattern)[layer, head])),
            ),
            {"layer": layer, "head": head, "metric": pattern},
        )

    def _ask_does(self, words: Lesson) -> Question | None:
        """About the clearest head of another layer, which is not on screen."""
        patterns = self.heads.patterns
        if len(patterns.patterns) < 2 or self.heads.layers < 2:
            return None
        told = {(one.values["layer"], one.values["head"]) for one in self.suggestions(words)}
        clear = [
            (found.score, layer, head, found)
            for layer in range(self.heads.layers)
            for head in range(self.heads.heads)
            if layer != self.layer and (layer, head) not in told
            if (found := patterns.strongest(layer, head)) is not None and found.score >= 0.4
        ]
        if not clear:
            return None
        _, layer, head, found = clear[
            len(self.heads.text) % len(clear)
        ]  # the same for all who read this text
        return Question(
            "does",
            words.say("ask_does", layer=layer, head=head),
            [_capital(words.say(f"short_{p}")) for p in patterns.patterns],
            _capital(words.say(f"short_{found.pattern}")),
            words.say(
                "because_does",
                share=whole_percent(found.share),
                pattern=words.say(f"short_{found.pattern}"),
                chance=whole_percent(found.chance),
            ),
            {"layer": layer, "head": head},
        )

    def _ask_size(self, words: Lesson) -> Question | None:
        heads, size = self.call.heads, self.call.value.shape[2]
        wide, width = heads * size, self.heads.trace.hidden_states.shape[2]
        numbers = sorted({heads, size, wide, heads * wide})
        if len(numbers) < 2:
            return None
        return Question(
            "size",
            words.say("ask_size", heads=heads),
            [f"{n:,}" for n in numbers],
            f"{wide:,}",
            words.say("because_size", heads=heads, size=size, wide=f"{wide:,}", width=f"{width:,}"),
            {"layer": self.layer, "head": self.head},
            "section_together",
        )


def choose_head(heads: Heads) -> Callable[[int], None]:
    """What to do when a head of the map is picked: the first layer's come first."""

    def pick(number: int) -> None:
        if 0 <= number < heads.layers * heads.heads:
            selection.choose(layer=number // heads.heads, head=number % heads.heads)

    return pick


def choose_in_layer(layer: Layer) -> Callable[[int], None]:
    """What to do when one of the small matrices is picked."""

    def pick(number: int) -> None:
        if 0 <= number < layer.heads.heads:
            selection.choose(layer=layer.layer, head=number)

    return pick


def metric(heads: Heads, words: Lesson) -> Metric:
    """By what the map is coloured, checked."""
    offered = heads.patterns.metrics or METRICS[1:2]
    chosen = selection.one_of("metric", offered, "measure")
    with st.container(key="many_metric"):
        answer = st.selectbox(
            words.say("metric"),
            offered,
            key="metric",
            bind="query-params",
            format_func=lambda name: _capital(words.say(f"metric_{name}")),
        )
    return answer or chosen


@st.cache_resource(max_entries=60, show_spinner=False)
def outputs(
    model_id: str, text: str | tuple[str, str], kind: AttentionKind, layer: int
) -> HeadOutputs | None:
    """The outputs of a layer's heads, through the model's own projection."""
    from attnviz.models.weights import weights

    model = cache.model(model_id)
    parts = weights(model.module, model.architecture).layers("encoder" if kind == "encoder" else "decoder")[
        layer
    ]
    crossing = kind == "cross"
    projection = parts.cross_output if crossing else parts.attention_output
    bias = parts.cross_output_bias if crossing else parts.attention_output_bias
    if projection is None:
        return None
    return head_outputs(cache.trace(model_id, text), kind, layer, projection, bias)


def _end(metric: Metric, values: Any) -> float:
    """Where the colours end: at all weight for shares and scores, at the largest for the rest."""
    if metric not in ("entropy", "distance"):
        return 1.0
    return max(float(np.nan_to_num(values).max()), 1e-6)


def _value(metric: Metric, value: float) -> str:
    if np.isnan(value):
        return "–"
    if metric == "strongest":
        return _score(value)
    return f"{value:.1f}" if metric in ("entropy", "distance") else whole_percent(value)


def _score(score: float) -> str:
    return f"{score:.2f}".replace("-", "−")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape)
