"""What the scaling page says: published models side by side, the learner's own among them, and the laws between them."""

from __future__ import annotations

import json
import pprint
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import log
from typing import Any

import streamlit as st

from app.explored import Explored, counted, doubled, own_config, own_sizes
from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.analysis.scaling import (
    TOKENS_PER_PARAMETER,
    Exponent,
    ModelSize,
    PowerLaw,
    TrainingBudget,
    compute_optimal_tokens,
    fitted_law,
    growth,
    model_size,
)
from attnviz.errors import SelectionError
from attnviz.figures.quantities import amount, percent
from attnviz.models.configs import published_config, published_configs

ALL = "All families"
OPEN = 4.0
"""An interval of an exponent that is wider than this settles nothing."""

TOKENS = (*(digit * 10**power for power in range(8, 14) for digit in (1, 2, 5)), 10**14)
"""Training tokens to choose from: 100 million to 100 trillion."""


@st.cache_resource(show_spinner=False)
def sizes() -> tuple[ModelSize, ...]:
    """Every published config, counted once for all learners."""
    return tuple(
        model_size(counted(entry.id), entry.name, entry.family, entry.tokens) for entry in published_configs()
    )


def families() -> dict[str, list[ModelSize]]:
    """The published models by family."""
    found: dict[str, list[ModelSize]] = {}
    for size in sizes():
        found.setdefault(size.family, []).append(size)
    return found


def among(family: str | None) -> list[ModelSize]:
    """The models of a family, or all."""
    return [size for size in sizes() if family in (None, size.family)]


@st.cache_resource(show_spinner=False)
def law(family: str | None) -> PowerLaw | None:
    """The law that these models follow, None where there are too few of them."""
    try:
        return fitted_law(among(family))
    except SelectionError:
        return None


def law_said(words: Lesson, family: str | None) -> str:
    """The fitted exponents in a sentence, or why there are none."""
    found, members = law(family), among(family)
    if found is None:
        return words.say("law_few", family=family, models=len(members))
    if found.width.high - found.width.low > OPEN:
        small, large = _alike(members)
        return words.say(
            "law_open",
            family=family,
            low=_power(found.width.low),
            high=_power(found.width.high),
            small=small.name,
            large=large.name,
            width=f"{small.width:,}",
            layers=small.layers,
            times=f"{large.rest / small.rest:.1f}",
        )
    return words.say(
        "law_say" if family else "law_all",
        family=family,
        models=found.models,
        **_gaps(found),
    )


def surprise_said(words: Lesson, family: str | None) -> str:
    """Which model is farthest from the law."""
    found = law(family)
    if found is None or found.width.high - found.width.low > OPEN:
        return ""
    farthest = max(among(family), key=lambda size: abs(log(found.surprise(size))))
    times = found.surprise(farthest)
    if 0.9 < times < 1.1:
        return words.say("law_close", percent=percent(abs(times - 1)), model=farthest.name)
    said = words.say("law_far", model=farthest.name, times=f"{times:.2g}")
    if family is not None:
        return said
    left_out, others = without_odd_one()
    return f"{said} {words.say('law_without', family=left_out, **_gaps(others))}"


@st.cache_resource(show_spinner=False)
def without_odd_one() -> tuple[str, PowerLaw]:
    """The family that bends the law of all models most, and the law of the others."""
    whole = fitted_law(sizes())
    laws = {family: fitted_law([s for s in sizes() if s.family != family]) for family in families()}
    odd = max(laws, key=lambda family: abs(laws[family].width.value - whole.width.value))
    return odd, laws[odd]


def _gaps(found: PowerLaw) -> dict[str, str]:
    """Both exponents and the ends of their intervals, as sentences take them."""
    named = {"width": found.width, "layers": found.layers}
    return {
        f"{name}_{end}": _power(getattr(power, end))
        for name, power in named.items()
        for end in ("value", "low", "high")
    }


def share_said(words: Lesson, family: str | None) -> str:
    """How the share of the embeddings falls from the smallest to the largest."""
    by_size = sorted(among(family), key=lambda size: size.parameters)
    small, large = by_size[0], by_size[-1]
    return words.say(
        "share_say" if small.share > large.share else "share_up",
        small=small.name,
        large=large.name,
        most=percent(small.share),
        least=percent(large.share),
        times=f"{large.parameters / small.parameters:,.0f}",
    )


def described(chart: str, family: str | None) -> str:
    """A chart in words."""
    members = among(family)
    smallest, largest = (pick(members, key=lambda size: size.parameters) for pick in (min, max))
    what = {
        "width": "width",
        "layers": "number of layers",
        "heads": "heads in a layer",
        "shape": "width and layers",
    }
    return (
        f"{len(members)} models, {what[chart]} against "
        f"{'each other, area is parameters' if chart == 'shape' else 'parameters'}: from {smallest.name} "
        f"(width {smallest.width:,}, {smallest.layers} layers, {smallest.heads} heads, "
        f"{amount(smallest.parameters)} parameters) to {largest.name} (width {largest.width:,}, "
        f"{largest.layers} layers, {largest.heads} heads, {amount(largest.parameters)} parameters)."
    )


@dataclass(frozen=True)
class Scaled:
    """The learner's own model among the published ones."""

    model: Explored

    @cached_property
    def size(self) -> ModelSize:
        """It as a point in the charts. Raises :class:`ConfigError` for a config that cannot be read."""
        entry = (
            published_config(self.model.described) if self.model.source in ("model", "published") else None
        )
        return model_size(self.model.count, self.model.title, "", entry.tokens if entry else None)

    def lead(self, words: Lesson) -> str:
        """The sentence below the title."""
        return words.say(
            "lead",
            models=len(sizes()),
            families=len(families()),
            title=self.size.name,
            total=amount(self.size.parameters),
        )

    def growth_said(self, words: Lesson) -> str:
        """What twice the width and twice the depth do to this very model."""
        before, wide, deep = (
            self._built(**changes).rest for changes in ({}, self._doubled, {"layers": self._deeper})
        )
        return words.say(
            "own_growth",
            title=self.size.name,
            wide=f"{wide / before:.2f}",
            deep=f"{deep / before:.2f}",
            width=_power(growth(before, wide)),
            layers=_power(growth(before, deep, self._deeper / self._sizes["layers"])),
        )

    def budget(self, tokens: int) -> TrainingBudget:
        """What it takes to train this model on so many tokens."""
        return TrainingBudget(self.size.parameters, tokens)

    def usual_tokens(self) -> int:
        """The number of tokens to begin with: what it was trained on, or what suits it."""
        wanted = self.size.tokens or compute_optimal_tokens(self.size.parameters)
        return min(TOKENS, key=lambda tokens: abs(log(tokens / wanted)))

    def training_said(self, words: Lesson, tokens: int) -> tuple[str, str]:
        """What the training takes, and what the same compute would be spent on best."""
        budget = self.budget(tokens)
        best = budget.optimal
        return words.say(
            "training_say",
            title=self.size.name,
            parameters=amount(budget.parameters),
            tokens=amount(tokens),
            flops=power_of_ten(budget.flops),
        ), words.say(
            "training_best",
            each=_few(budget.tokens_per_parameter),
            parameters=amount(best.parameters),
            tokens=amount(best.tokens),
            rule=TOKENS_PER_PARAMETER,
        )

    def code(self, words: Lesson) -> str:
        """The lines that give the exponents and this model's size in a notebook."""
        model = self.model
        text = (
            pprint.pformat(json.loads(model.described), sort_dicts=False, width=88)
            if model.source in ("config", "own")
            else f'"{model.described}"'
        )
        return words.code.format(described=text)

    def read(self, tokens: int) -> ModelSize:
        """This model as if it had been trained on so many tokens."""
        return replace(self.size, tokens=tokens)

    def suggestions(self) -> list[Try]:
        """States worth seeing, each with what is found there."""
        small, large = _alike(families()["T5"])
        giant = max(sizes(), key=lambda size: size.parameters)
        even = law("Pythia")
        assert even is not None
        wide = self._built(**self._doubled).rest / self._built().rest
        return [
            Try(
                "Look at Pythia alone",
                f"width to the power {_power(even.width.value)}, depth {_power(even.layers.value)}",
                {"among": "Pythia"},
                "section_law",
            ),
            Try(
                "Find the family that breaks the law",
                f"{large.name} has {large.rest / small.rest:.1f} times the layers' parameters of {small.name}, at one width",
                {"among": "T5"},
                "section_law",
            ),
            Try(
                f"Put {giant.name} among them",
                f"{amount(giant.parameters)} parameters, {percent(giant.share)} of them embeddings",
                {"source": "Published", "published": giant.name},
            ),
            Try(
                f"Double the width of {self.size.name}",
                f"its layers grow {wide:.2f} times",
                {"source": "Own sizes", **self._sizes, **self._doubled},
            ),
        ]

    @property
    def _sizes(self) -> dict[str, Any]:
        return own_sizes(self.model.shape)

    @property
    def _doubled(self) -> dict[str, Any]:
        return doubled(self.model.shape)

    @property
    def _deeper(self) -> int:
        return 2 * int(self._sizes["layers"])

    def _built(self, **changes: Any) -> ModelSize:
        """A model with the sizes of this one, but for the changes."""
        fields = own_config({**self._sizes, **changes})
        return model_size(counted(json.dumps(fields), is_config=True), "", "")


def questions() -> list[Question]:
    """Predictions about models that can be looked up in the charts."""
    by_name = {size.name: size for size in sizes()}
    small, large = by_name["Pythia 1B"], by_name["Pythia 1.4B"]
    ratio = large.rest / small.rest
    asked = [by_name[name] for name in ("Gemma 3 1B", "BERT large", "Llama 2 7B", "Qwen2.5 72B")]
    most = max(asked, key=lambda size: size.share)
    shares = ", ".join(f"{size.name} {percent(size.share)}" for size in asked)
    budget = TrainingBudget(10**9, compute_optimal_tokens(10**9))
    more = TrainingBudget(10**9, 10 * budget.tokens).optimal
    times = more.parameters / budget.parameters
    choices = ["10 times the parameters, equal tokens", "equal parameters, 10 times the tokens"]
    answer = f"about {times:.1f} times both"
    return [
        Question(
            "depth",
            f"{small.name} and {large.name} are both {small.width:,} wide; one has {small.layers} layers, the other "
            f"{large.layers}. How many times as many parameters do the layers of {large.name} have?",
            ["1.2 times", "1.5 times", "2.3 times", "3.4 times"],
            f"{ratio:.1f} times",
            f"{amount(large.rest)} against {amount(small.rest)}: at equal width only the depth counts, and "
            f"{large.layers} is {large.layers / small.layers:.1f} times {small.layers}.",
            {"among": "Pythia"},
        ),
        Question(
            "share",
            "Which of these spends the largest share of its parameters on embeddings?",
            [size.name for size in asked],
            most.name,
            f"{shares}. The embeddings grow with the width, the layers with its square, and {most.name} knows many tokens.",
            {"among": most.family},
            "section_share",
        ),
        Question(
            "compute",
            "You have 10 times the compute. What do you train, if you want the lowest loss?",
            [*choices, answer],
            answer,
            f"{budget.parameters / 1e9:g} billion parameters on {amount(budget.tokens)} tokens become "
            f"{amount(more.parameters)} on {amount(more.tokens)}: compute is a product, and both factors grow alike.",
            {"tokens_read": TOKENS[-1]},
            "section_training",
        ),
    ]


def readers_said(words: Lesson) -> str:
    """Which published model has read most, and which least, for its size."""
    told = [size for size in sizes() if size.tokens]
    most, least = (pick(told, key=lambda s: (s.tokens or 0) / s.parameters) for pick in (max, min))
    return words.say(
        "readers",
        most=most.name,
        least=least.name,
        much=_few((most.tokens or 0) / most.parameters),
        little=_few((least.tokens or 0) / least.parameters),
    )


def interval(words: Lesson, power: Exponent) -> str:
    """An exponent with its interval: "2.00 (1.98 to 2.02)"."""
    if power.high - power.low > OPEN:
        return words.say("law_unsettled")
    return f"{_power(power.value)} ({_power(power.low)} to {_power(power.high)})"


def power_of_ten(number: float) -> str:
    """A very large number: "3.8 × 10²⁵"."""
    digits, _, power = f"{number:.1e}".partition("e")
    return f"{digits}\u00a0×\u00a010{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(d)] for d in str(int(power)))}"


def _alike(members: list[ModelSize]) -> tuple[ModelSize, ModelSize]:
    """The two models of one width and depth that differ most in size."""
    pairs = [
        sorted(pair, key=lambda size: size.rest)
        for pair in combinations(members, 2)
        if (pair[0].width, pair[0].layers) == (pair[1].width, pair[1].layers)
    ]
    small, large = max(pairs, key=lambda pair: pair[1].rest / pair[0].rest)
    return small, large


def _power(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def _few(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"
