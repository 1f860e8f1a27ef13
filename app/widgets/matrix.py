"""The real numbers of one matrix of the model at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app import cache, selection
from app.explored import Explored
from app.widgets import figure, waiting
from app.widgets.markup import html
from attnviz.analysis.weight_histogram import WeightHistogram, weight_histogram
from attnviz.figures.quantities import percent
from attnviz.figures.weight_histogram import histogram_table, weight_histogram_figure
from attnviz.models import bundled
from attnviz.models.catalog import title_of
from attnviz.models.parameter_count import COMPONENTS, ParameterCount, Part
from attnviz.models.parameters import count_parameters, values
from attnviz.viewer.block import chosen_part

if TYPE_CHECKING:
    from app.lessons import Lesson
    from attnviz.figures.theme import Mode


def show(model: Explored, words: Lesson, mode: Mode) -> None:
    """Choose a matrix and a layer, and see how its numbers are distributed."""
    if not model.has_weights:
        html("<p class='av-source'>{}</p>", words.say("weights_none", title=title_of(selection.model_id())))
        return
    if not _at_hand(model.described):
        html("<p>{}</p>", words.say("weights_away", title=model.title))
        if not st.button(words.say("weights_fetch"), key="fetch_weights"):
            return
    count = loaded_count(waiting.model(model.described).id)
    matrices = _matrices(count)
    two_stacks = len({layer.stack for layer in count.layers}) > 1
    left, right = st.columns(2)
    selection.one_of("matrix", list(matrices), "matrix", start=_first(matrices))
    name = left.selectbox(
        "Matrix", list(matrices), list(matrices).index(_first(matrices)), key="matrix", bind="query-params",
        format_func=lambda n: _label(n, two_stacks),
    )
    layers = matrices[name]
    layer = 0
    if len(layers) > 1:
        selection.whole_number("layer", len(layers), "layer")
        layer = right.slider("Layer", 0, len(layers) - 1, 0, key="layer", bind="query-params")
    part = layers[layer]
    numbers = histogram(model.described, part)
    said = _said(numbers, words)
    html("<p class='av-say'>{}</p>", said)
    alt = f"Histogram of {part.name}. {said}"
    fig = weight_histogram_figure(numbers, part.component, mode)
    figure.show(fig, "weights", alt=alt, data=histogram_table(numbers))
    html("<p class='av-source'>{} {}</p>", f"{part.name}, {' × '.join(f'{n:,}' for n in part.shape)}.", words.say("weights_lead"))


def choose_part(value: object) -> None:
    """A part was clicked in the picture: show its numbers below."""
    part = chosen_part(value)
    if part is None or "." not in part["part"]:
        return
    stack = part["stack"]
    wanted: dict[str, Any] = {"matrix": f"{stack}.{part['part']}" if stack else part["part"]}
    if part["layer"] is not None:
        wanted["layer"] = part["layer"]
    selection.choose(**wanted)


@st.cache_resource(max_entries=20, show_spinner=False)
def loaded_count(model_id: str) -> ParameterCount:
    """The count of the loaded model itself, whose parts carry the names that its weights have."""
    return count_parameters(cache.model(model_id))


@st.cache_resource(max_entries=500, show_spinner=False)
def histogram(model_id: str, part: Part) -> WeightHistogram:
    """The histogram of one matrix; a large token table takes 0.4 s."""
    return weight_histogram(values(cache.model(model_id), part))


def _at_hand(model_id: str) -> bool:
    return bundled.is_bundled(model_id) or cache.engine().has_model(model_id) or model_id in selection.cached_ids()


def _matrices(count: ParameterCount) -> dict[str, tuple[Part, ...]]:
    """Every kind of matrix by a name for the URL, with its layers; in a layer "decoder.attention.query"."""
    found: dict[str, tuple[Part, ...]] = {}
    for part in count.parts:
        if len(part.shape) == 2:
            name = f"{part.stack}.{part.component}" if part.stack else part.name.split(".")[-2]
            found[name] = (*found.get(name, ()), part)
    return found


def _first(matrices: dict[str, tuple[Part, ...]]) -> str:
    return next((name for name in matrices if name.endswith("attention.query")), next(iter(matrices)))


def _label(name: str, two_stacks: bool) -> str:
    stack, _, component = name.partition(".")
    if component not in COMPONENTS:
        return name
    return f"{stack.capitalize()}: {COMPONENTS[component].lower()}" if two_stacks else COMPONENTS[component]


def _said(numbers: WeightHistogram, words: Lesson) -> str:
    farthest = max(numbers.smallest, numbers.largest, key=abs)
    return words.say(
        "weights_say",
        inside=percent(numbers.near / numbers.size),
        size=f"{numbers.size:,}",
        deviation=f"{2 * numbers.deviation:.2g}",
        farthest=f"{farthest:.2g}".replace("-", "−"),
        times=f"{abs(farthest) / (numbers.deviation or 1):.1f}",
    )
