"""The published models as points of the charts, by family, and the law that they follow."""

from __future__ import annotations

from itertools import combinations

import streamlit as st

from app.explored import counted
from attnviz.analysis.scaling import ModelSize, PowerLaw, fitted_law, model_size
from attnviz.errors import SelectionError
from attnviz.models.configs import published_configs

ALL = "All families"


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


@st.cache_resource(show_spinner=False)
def without_odd_one() -> tuple[str, PowerLaw]:
    """The family that bends the law of all models most, and the law of the others."""
    whole = fitted_law(sizes())
    laws = {family: fitted_law([s for s in sizes() if s.family != family]) for family in families()}
    odd = max(laws, key=lambda family: abs(laws[family].width.value - whole.width.value))
    return odd, laws[odd]


def alike(members: list[ModelSize]) -> tuple[ModelSize, ModelSize]:
    """The two models of one width and depth that differ most in size."""
    pairs = [
        sorted(pair, key=lambda size: size.rest)
        for pair in combinations(members, 2)
        if (pair[0].width, pair[0].layers) == (pair[1].width, pair[1].layers)
    ]
    small, large = max(pairs, key=lambda pair: pair[1].rest / pair[0].rest)
    return small, large
