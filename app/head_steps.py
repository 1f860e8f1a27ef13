"""One head step by step: what the self-attention page shows of it, says of it, and asks about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isclose, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app import cache, selection
from app.heatmaps import Heads, Hidden
from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.attention_steps import AttentionSteps, attention_steps, softmax, toy_attention
from attnviz.figures.quantities import whole_percent
from attnviz.viewer.flow import Box, chosen_step, payload

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from attnviz.figures.palette import Mode
    from attnviz.tracing.trace import AttentionKind, Floats

STEPS = 8
LONGEST_TABLE = 24
"""Keys up to which the table has a row for each."""

_STRONGEST = 12


@dataclass(frozen=True, eq=False)
class Walk:
    """The row of one query token in one head, through all steps."""

    heads: Heads
    layer: int
    head: int
    token: int

    @cached_property
    def steps(self) -> AttentionSteps:
        """All numbers of the head."""
        asking, answering = inputs(self.heads.model_id, self.heads.text, self.heads.kind, self.layer)
        return attention_steps(self.heads.trace, self.heads.kind, self.layer, self.head, asking, answering)

    @property
    def best(self) -> int:
        """The key with the largest weight."""
        return int(self.steps.weights[self.token].argmax())

    @property
    def query(self) -> str:
        """The chosen token's label."""
        return self.heads.tokens.unique_labels[self.token]

    @property
    def keys(self) -> tuple[str, ...]:
        """The labels of the tokens that answer."""
        return self.heads.trace.key_tokens(self.heads.kind).unique_labels

    @property
    def key(self) -> str:
        """The label of the strongest key."""
        return self.keys[self.best]

    def said(self, words: Lesson, step: int) -> str:
        """What this step does to the row, with its numbers."""
        return " ".join(filter(None, getattr(self, f"_say_{step}")(words)))

    def named(self, words: Lesson, step: int) -> str:
        """The step's place and name."""
        return words.say("step", number=step + 1, what=words.say(f"name_{step}"))

    def formula(self, step: int) -> str:
        """The step as a formula, with the sizes of this model."""
        size = self.steps.query.shape[1]
        if step == 5:
            scores = r"\Q\,\K^\top"
            if self._by_root and size > 1:
                scores = rf"\frac{{{scores}}}{{\sqrt{{{size}}}}}"
            elif not self._unscaled:
                scores = rf"{self.steps.scaling:.4g}\,{scores}"
            if self.steps.softcap is not None:
                scores = rf"{self.steps.softcap:g}\tanh\!\left({scores} / {self.steps.softcap:g}\right)"
            return (
                "S = "
                + scores
                + (" + B" if self.steps.has_bias else "")
                + (" + M" if self.steps.masks else "")
            )
        rows, width = self.steps.asking.shape
        made = {1: ("Q", "X"), 2: ("K", "X"), 3: ("V", "X")}
        if step in made:
            letter, x = made[step]
            if self.heads.kind == "cross":
                x = r"X_\text{target}" if step == 1 else r"X_\text{source}"
            bias = rf" + b_{{\{letter}}}" if self._has_bias(letter) else ""
            return rf"\{letter} = {x}\,W_{{\{letter}}}{bias}"
        return {
            0: rf"X \in \mathbb{{R}}^{{{rows} \times {width}}}",
            4: r"\Q\,\K^\top",
            6: r"A = \operatorname{softmax}(S)",
            7: r"Z = A\,\V",
        }[step]

    def figure(self, words: Lesson, step: int, mode: Mode) -> go.Figure:
        """The step as a picture."""
        from attnviz.figures.attention_steps import Panel, score_matrix, strips, weight_matrix, weighted_sum

        s, own, keys = self.steps, self.heads.tokens.unique_labels, self.keys
        if step == 0:
            crossing = self.heads.kind == "cross"
            panels = [
                Panel(
                    s.asking,
                    own,
                    "query",
                    "stream",
                    words.say("box_0_asking" if crossing else "box_0"),
                    self.token,
                )
            ]
            if crossing:
                panels.append(Panel(s.answering, keys, "key", "stream", words.say("box_0_answering")))
            return strips(panels, mode)
        if step == 1:
            return strips([Panel(s.query, own, "query", "query", "Q", self.token)], mode)
        if step == 2:
            return strips([Panel(s.key, keys, "key", "key", "K")], mode)
        if step == 3:
            return strips([Panel(s.value, keys, "key", "value", "V")], mode)
        if step in (4, 5):
            values = s.products if step == 4 else s.scores
            title = words.say(f"name_{step}").capitalize()
            return score_matrix(values, own, keys, mode, lit=self.token, best=self.best, title=title)
        if step == 6:
            view = self.heads.view(self.layer, self.head, Hidden())
            return weight_matrix(view, self.token, mode)
        return weighted_sum(s, self.token, own, keys, mode)

    def data(self, step: int) -> dict[str, Iterable[object]]:
        """The numbers of a step as columns: query or key, number, value."""
        s, own, keys = self.steps, self.heads.tokens.unique_labels, self.keys
        values: Floats
        rows, values = {
            0: (own, s.asking),
            1: (own, s.query),
            2: (keys, s.key),
            3: (keys, s.value),
            4: (own, s.products),
            5: (own, s.scores),
            6: (own, s.weights),
            7: (keys, s.carried(self.token)),
        }[step]
        columns: Iterable[object] = keys if step in (4, 5, 6) else range(values.shape[1])
        listed = list(columns)
        return {
            "query" if rows is own else "key": np.repeat(rows, len(listed)),
            "key" if step in (4, 5, 6) else "number": np.tile(np.array(listed), len(rows)),
            "value": values.ravel(),
        }

    def flow(self, words: Lesson, step: int) -> dict[str, Any]:
        """The diagram of all steps with this one marked."""
        s = self.steps
        sizes = ("asking", "query", "key", "value", "products", "scores", "weights", "output")
        shape = {name: _shape(getattr(s, name)) for name in (*sizes, "answering")}
        if self.heads.kind == "cross":
            boxes = [
                Box(0, words.say("box_0_asking"), shape["asking"], "stream", 0, 0, 0),
                Box(0, words.say("box_0_answering"), shape["answering"], "stream", 0, 1, 2),
            ]
        else:
            boxes = [Box(0, words.say("box_0"), shape["asking"], "stream", 0, 0, 2)]
        answers = len(boxes) - 1
        first = len(boxes)
        boxes += [
            Box(1, "Q", shape["query"], "query", 1, 0, 0, ((0, 0),)),
            Box(2, "K", shape["key"], "key", 1, 1, 1, ((answers, 1),)),
            Box(3, "V", shape["value"], "value", 1, 2, 2, ((answers, 2),)),
            Box(4, words.say("box_4"), shape["products"], "ink", 2, 0, 1, ((first, 0), (first + 1, 1))),
            Box(5, words.say("box_5"), shape["scores"], "ink", 3, 0, 1, ((first + 3, 0.5),)),
            Box(6, words.say("box_6"), shape["weights"], "ink", 4, 0, 1, ((first + 4, 0.5),)),
            Box(7, words.say("box_7"), shape["output"], "value", 5, 0, 2, ((first + 5, 0.5), (first + 2, 2))),
        ]
        title = f"{words.title}: layer {self.layer}, head {self.head}"
        return payload(boxes, step, title=title, alt=words.say("flow_alt"))

    def table(self, words: Lesson) -> dict[str, list[str]]:
        """The row of the query: for each key every number on the way to its weight."""
        s, row = self.steps, self.token
        count = len(self.keys)
        shown = list(range(count))
        if count > LONGEST_TABLE:
            shown = sorted(np.argsort(-s.weights[row], kind="stable")[:_STRONGEST].tolist())
        columns: dict[str, list[str]] = {
            "Key": [self.keys[i] for i in shown],
            "Q · K": [_number(s.products[row, i]) for i in shown],
            "Scaled": [_number(s.scaled[row, i]) for i in shown],
        }
        if s.has_bias:
            columns["Bias"] = [_number(s.bias[row, i]) for i in shown]
        if s.has_bias or s.masks:
            columns["Score"] = [_number(s.scores[row, i]) for i in shown]
        columns["Weight"] = [_percent(s.weights[row, i]) for i in shown]
        columns["Length of the value"] = [_number(float(np.linalg.norm(s.value[i]))) for i in shown]
        if count > len(shown):
            rest = 1 - float(s.weights[row, shown].sum())
            for name, column in columns.items():
                column.append(
                    words.say("rest", count=count - len(shown))
                    if name == "Key"
                    else _percent(max(rest, 0))
                    if name == "Weight"
                    else "–"
                )
        return columns

    def suggestions(self, words: Lesson, toy: Toy) -> list[Try]:
        """Places worth a look, each with what was measured there."""
        layer, head, token = self.heads.opening
        opening = Walk(self.heads, layer, head, token)
        there = {"layer": layer, "head": head, "query": opening.query}
        weight = whole_percent(opening._weight)
        found = [
            Try(
                words.say("try_follow", query=opening.query, key=opening.key),
                words.say("try_follow_detail", layer=layer, head=head, weight=weight),
                {**there, "step": 6},
            ),
            Try(
                words.say("try_scale"),
                words.say(
                    "try_scale_detail",
                    product=_number(opening._at(opening.steps.products)),
                    scaled=_number(opening._at(opening.steps.scaled)),
                    weight=weight,
                    unscaled=whole_percent(float(opening.unscaled().max())),
                ),
                {**there, "step": 5},
            ),
            Try(
                words.say("try_sum"),
                words.say("try_sum_detail", weight=weight, key=opening.key),
                {**there, "step": 7},
            ),
        ]
        middle = len(self.heads.tokens) // 2
        seen = int(opening.steps.allowed[middle].sum())
        if seen < len(self.keys):
            query = self.heads.tokens.unique_labels[middle]
            detail = words.say("try_mask_detail", query=query, seen=seen, count=len(self.keys))
            found[2:2] = [Try(words.say("try_mask"), detail, {**there, "query": query, "step": 5})]
        return [*found[:3], toy.suggestion(words)]

    def questions(self, words: Lesson) -> list[Question]:
        """Predict the work, what the scaling does, and which key fits another token best."""
        asked = [self._ask_key(words), self._ask_scaling(words), self._ask_shape(words)]
        return [question for question in asked if question is not None]

    def code(self, words: Lesson) -> str:
        """The lines that give this row in a notebook."""
        return words.code.format(
            model=self.heads.model_id,
            text=self.heads.text,
            kind=self.heads.kind,
            layer=self.layer,
            head=self.head,
            token=self.token,
        )

    def unscaled(self) -> Floats:
        """The weights of the row if products were not scaled: the same bias and mask, the softmax of larger scores."""
        s = self.steps
        scores = np.where(s.allowed, s.products.astype(np.float64) + s.bias, -np.inf)[self.token]
        return np.asarray(softmax(scores), dtype=np.float32)

    @property
    def _unscaled(self) -> bool:
        return isclose(self.steps.scaling, 1, rel_tol=1e-5)

    @property
    def _by_root(self) -> bool:
        return isclose(self.steps.scaling, 1 / sqrt(self.steps.query.shape[1]), rel_tol=1e-5)

    @property
    def _weight(self) -> float:
        return float(self._at(self.steps.weights))

    def _at(self, matrix: Floats) -> float:
        """The cell of the query and its strongest key."""
        return float(matrix[self.token, self.best])

    def _has_bias(self, letter: str) -> bool:
        from app.widgets.matrix import loaded_count

        stack = "encoder" if self.heads.kind == "encoder" else "decoder"
        name = {"Q": "query", "K": "key", "V": "value"}[letter]
        component = f"{'cross' if self.heads.kind == 'cross' else 'attention'}.{name}"
        return any(
            part.component == component and part.stack == stack and len(part.shape) == 1
            for part in loaded_count(self.heads.model_id).parts
        )

    def _shared(self, words: Lesson, what: str) -> str:
        call = self.heads.trace.call(self.heads.kind, self.layer)
        if call.group == 1:
            return ""
        first = self.head // call.group * call.group
        return words.say(
            "shared",
            first=first,
            last=first + call.group - 1,
            what=what,
            stored=call.key.shape[0],
            heads=call.heads,
        )

    @property
    def _rotates(self) -> bool:
        return cache.model(self.heads.model_id).architecture.positions == "rotary"

    def _say_0(self, words: Lesson) -> list[str]:
        row = self.steps.asking[self.token]
        gaps = {
            "query": self.query,
            "layer": self.layer,
            "width": row.size,
            "smallest": _number(float(row.min())),
            "largest": _number(float(row.max())),
        }
        if self.heads.kind == "cross":
            return [words.say("say_0_cross", **gaps)]
        normed = cache.model(self.heads.model_id).architecture.norm_placement in ("before", "both")
        which = "say_0_norm" if normed else "say_0_plain" if self.layer else "say_0_first"
        return [words.say("say_0", **gaps), words.say(which)]

    def _say_1(self, words: Lesson) -> list[str]:
        row = self.steps.query[self.token]
        said = words.say(
            "say_1",
            query=self.query,
            width=self.steps.asking.shape[1],
            size=row.size,
            length=_number(float(np.linalg.norm(row))),
        )
        return [said, words.say("rotated") if self._rotates else ""]

    def _say_2(self, words: Lesson) -> list[str]:
        return self._say_made(words, "say_2", self.steps.key, "keys")

    def _say_3(self, words: Lesson) -> list[str]:
        return self._say_made(words, "say_3", self.steps.value, "values")

    def _say_made(self, words: Lesson, sentence: str, made: Floats, what: str) -> list[str]:
        said = words.say(
            sentence,
            size=made.shape[1],
            count=_tokens(len(made)),
            key=self.key,
            length=_number(float(np.linalg.norm(made[self.best]))),
        )
        return [said, self._shared(words, what)]

    def _say_4(self, words: Lesson) -> list[str]:
        row = self.steps.products[self.token]
        rank = 1 + int((row > row[self.best]).sum())
        place = "largest" if rank == 1 else "smallest" if rank == row.size else "ranked"
        return [
            words.say(
                "say_4",
                query=self.query,
                key=self.key,
                size=self.steps.query.shape[1],
                product=_number(float(row[self.best])),
                rank=words.say(place, rank=rank),
                count=row.size,
            )
        ]

    def _say_5(self, words: Lesson) -> list[str]:
        s = self.steps
        size = s.query.shape[1]
        product = self._at(s.products)
        said = [
            words.say(
                "say_5_none" if self._unscaled else "say_5_root" if self._by_root else "say_5",
                product=_number(product),
                size=size,
                root=f"{sqrt(size):.2f}",
                scaling=f"{s.scaling:.4g}",
                scaled=_number(product * s.scaling),
            )
        ]
        if s.softcap is not None:
            said.append(
                words.say(
                    "capped",
                    cap=f"{s.softcap:g}",
                    before=_number(product * s.scaling),
                    scaled=_number(self._at(s.scaled)),
                )
            )
        if s.has_bias:
            said.append(
                words.say("biased", bias=_number(self._at(s.bias)), score=_number(self._at(s.scores)))
            )
        hidden = int((~s.allowed[self.token]).sum())
        which = "masked" if hidden else "unmasked"
        said.append(words.say(which, hidden=hidden, count=len(self.keys), query=self.query))
        return said

    def _say_6(self, words: Lesson) -> list[str]:
        said = words.say("say_6", key=self.key, query=self.query, weight=_percent(self._weight))
        return [said, words.say("sums", count=len(self.keys))]

    def _say_7(self, words: Lesson) -> list[str]:
        output, value = self.steps.output[self.token], self.steps.value[self.best]
        length = float(np.linalg.norm(output))
        said = words.say(
            "say_7",
            weight=_percent(self._weight),
            key=self.key,
            query=self.query,
            size=output.size,
            length=_number(length),
        )
        cosine = float(output @ value) / max(length * float(np.linalg.norm(value)), 1e-9)
        return [said, words.say("alike", cosine=_number(cosine), key=self.key)]

    def _ask_shape(self, words: Lesson) -> Question | None:
        queries, keys = self.steps.products.shape
        size = self.steps.query.shape[1]
        numbers = sorted({queries, queries * keys, queries * size, queries * keys * size})
        if len(numbers) < 2:
            return None
        return Question(
            "shape",
            words.say("ask_shape"),
            [f"{n:,}" for n in numbers],
            f"{queries * keys:,}",
            words.say("because_shape", queries=queries, keys=keys, product=f"{queries * keys:,}"),
            {"step": 4},
        )

    def _ask_scaling(self, words: Lesson) -> Question | None:
        if self.steps.softcap is not None or self.steps.allowed[self.token].sum() < 2:
            return None
        scaled, unscaled = self._weight, float(self.unscaled().max())
        which = "same" if self._unscaled else "sharper" if self.steps.scaling < 1 else "evener"
        return Question(
            "scaling",
            words.say("ask_scaling", query=self.query, layer=self.layer, head=self.head),
            [words.say(name) for name in ("sharper", "same", "evener")],
            words.say(which),
            words.say(
                "because_scaling",
                unscaled=_percent(unscaled),
                scaled=_percent(scaled),
                why=words.say(f"why_{which}", times=f"{1 / self.steps.scaling:.1f}"),
            ),
            {"step": 5},
        )

    def _ask_key(self, words: Lesson) -> Question | None:
        """About another token: the one whose largest product leads most clearly, at a word that is not itself."""
        keys = self.heads.trace.key_tokens(self.heads.kind)
        products = np.where(self.steps.allowed, self.steps.products, -np.inf)
        best, chosen = 0.0, None
        for row, of_row in enumerate(products):
            order = np.argsort(-of_row, kind="stable")
            if row == self.token or len(order) < 3 or not np.isfinite(of_row[order[1]]):
                continue
            lead = float(of_row[order[0]] - of_row[order[1]])
            if lead > best and not keys.special[order[0]]:
                best, chosen = lead, (row, order)
        if chosen is None:
            return None
        row, order = chosen
        choices = sorted(int(i) for i in order[:5] if np.isfinite(products[row, i]))
        query = self.heads.tokens.unique_labels[row]
        return Question(
            "key",
            words.say("ask_key", layer=self.layer, head=self.head, query=query),
            [self.keys[i] for i in choices],
            self.keys[order[0]],
            words.say(
                "because_key",
                query=query,
                key=self.keys[order[0]],
                product=_number(float(products[row, order[0]])),
                second=self.keys[order[1]],
                less=_number(float(products[row, order[1]])),
            ),
            {"step": 4, "query": query},
        )


@dataclass(frozen=True)
class Toy:
    """Attention from scratch, with these sizes."""

    tokens: int
    width: int
    size: int
    seed: int
    causal: bool

    @property
    def steps(self) -> AttentionSteps:
        """All its numbers."""
        return toy_attention(self.tokens, self.width, self.size, self.seed, causal=self.causal)

    def said(self, words: Lesson) -> str:
        """What the scaling does here."""
        scaled, unscaled = self._largest()
        return words.say("toy_say", scaled=_percent(scaled), unscaled=_percent(unscaled), size=self.size)

    def data(self) -> dict[str, list[object]]:
        """Every number of every step as a row: matrix, row, column, value."""
        s = self.steps
        matrices = {
            **{"x": s.asking, "Q": s.query, "K": s.key, "V": s.value},
            **{"products": s.products, "scores": s.scores, "weights": s.weights, "output": s.output},
        }
        rows = [
            (name, row, column, float(value))
            for name, matrix in matrices.items()
            for (row, column), value in np.ndenumerate(matrix)
        ]
        return dict(
            zip(("matrix", "row", "column", "value"), map(list, zip(*rows, strict=True)), strict=True)
        )

    def suggestion(self, words: Lesson) -> Try:
        """Long queries, where scaling matters most."""
        long = Toy(self.tokens, self.width, 16, self.seed, self.causal)
        scaled, unscaled = long._largest()
        detail = words.say("try_toy_detail", size=16, scaled=_percent(scaled), unscaled=_percent(unscaled))
        return Try(words.say("try_toy"), detail, {"d_k": 16}, "section_toy")

    def code(self) -> str:
        """The same in plain NumPy."""
        mask = ["scaled = np.where(np.tri(tokens, dtype=bool), scaled, -np.inf)"] if self.causal else []
        return "\n".join(
            [
                "import numpy as np",
                "",
                f"tokens, d_model, d_k = {self.tokens}, {self.width}, {self.size}",
                f"rng = np.random.default_rng({self.seed})",
                "x = rng.normal(size=(tokens, d_model))",
                "w_q, w_k, w_v = rng.normal(size=(3, d_model, d_k)) / np.sqrt(d_model)",
                "q, k, v = x @ w_q, x @ w_k, x @ w_v",
                "scaled = q @ k.T / np.sqrt(d_k)",
                *mask,
                "weights = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)",
                "output = weights @ v",
                "print(weights.round(2))",
                "print(output.round(2))",
            ]
        )

    def _largest(self) -> tuple[float, float]:
        """The largest weight with scaling, and without."""
        s = self.steps
        unscaled = softmax(np.where(s.allowed, s.products.astype(np.float64), -np.inf))
        return float(s.weights.max()), float(unscaled.max())


def present() -> int:
    """The step that is shown, from 0, kept in the address."""
    return selection.picked("step", STEPS, "step", 0, of="steps")


def choose_step(value: object) -> None:
    """A box of the diagram was pressed."""
    step = chosen_step(value, STEPS)
    if step is not None:
        selection.choose(step=step)


@st.cache_resource(max_entries=300, show_spinner=False)
def toy_picture(toy: Toy, mode: Mode) -> go.Figure:
    """The toy's eight matrices, kept: they stay as they are while the learner walks through the steps above."""
    from attnviz.figures.attention_steps import toy_figure

    return toy_figure(toy.steps, mode)


@st.cache_resource(max_entries=60, show_spinner=False)
def inputs(
    model_id: str, text: str | tuple[str, str], kind: AttentionKind, layer: int
) -> tuple[Floats, Floats]:
    """What queries, and what keys and values, are made of; for cross-attention the model runs once more."""
    from attnviz.tracing.inputs import attention_input

    return attention_input(cache.model(model_id), cache.trace(model_id, text), kind, layer)


def _shape(matrix: Floats) -> str:
    return " × ".join(f"{n:,}" for n in matrix.shape)


def _number(value: float) -> str:
    """Two digits after the point, fewer for what is large, with a true minus; −∞ where a score is masked."""
    if not np.isfinite(value):
        return "−∞"
    digits = 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    written = f"{value:,.{digits}f}"
    return (written.lstrip("-") if not float(written.replace(",", "")) else written).replace("-", "−")


def _percent(share: float) -> str:
    return whole_percent(share) if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count} tokens"
