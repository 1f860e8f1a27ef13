"""The learner's own model among the published ones: its size, how it would grow, and what its training takes."""

from __future__ import annotations

import json
import pprint
from dataclasses import dataclass, replace
from functools import cached_property
from math import log

from app.explored import Explored
from app.lessons import Lesson
from app.scaled import published
from app.scaled.sentences import power_of_ten, short, two_digits
from attnviz.analysis.scaling import (
    TOKENS_PER_PARAMETER,
    ModelSize,
    TrainingBudget,
    compute_optimal_tokens,
    growth,
    model_size,
)
from attnviz.figures.quantities import amount
from attnviz.models.configs import published_config

_STEPS = (10, 11, 13, 15, 18, 20, 25, 30, 36, 40, 50, 60, 70, 80, 90)
TOKENS = (*(step * 10**power for power in range(7, 13) for step in _STEPS), 10**14)
"""Training tokens to choose from: 100 million to 100 trillion, with steps at what the published models were trained on."""


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
            models=len(published.sizes()),
            families=len(published.families()),
            title=self.size.name,
            total=amount(self.size.parameters),
        )

    def growth_said(self, words: Lesson) -> str:
        """What twice the width and twice the depth do to this very model."""
        grown = self.model.grown(width=2), self.model.grown(depth=2)
        if None in grown:
            return ""
        before = self.size.rest
        wide, deep = (Scaled(model).size.rest for model in grown if model)
        return words.say(
            "own_growth",
            title=self.size.name,
            wide=f"{wide / before:.2f}",
            deep=f"{deep / before:.2f}",
            width=two_digits(growth(before, wide)),
            layers=two_digits(growth(before, deep)),
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
        kind = self.model.shape.kind
        found = words.say(
            "training_best",
            each=short(budget.tokens_per_parameter),
            parameters=amount(best.parameters),
            tokens=amount(best.tokens),
            rule=TOKENS_PER_PARAMETER,
        )
        if kind != "decoder":
            found += " " + words.say("training_other", title=self.size.name, kind=kind)
        return words.say(
            "training_say_stacks" if kind == "encoder-decoder" else "training_say",
            title=self.size.name,
            parameters=amount(budget.parameters),
            tokens=amount(tokens),
            flops=power_of_ten(budget.flops),
        ), found

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
