"""The real numbers of one matrix of the model at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

_FIRST_OF = {"attention": "attention.query", "cross": "cross.query", "feed_forward": "feed_forward.in"}
"""Which matrix is shown when a whole sublayer is chosen."""


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
    left, right = st.columns(2)
    selection.one_of("matrix", list(matrices), "matrix", start=_first(matrices))
    names = list(matrices)
    name = left.selectbox("Matrix", names, names.index(_first(matrices)), key="matrix", bind="query-params")
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
    place = f"{part.name}, {' × '.join(f'{n:,}' for n in part.shape)}."
    html("<p class='av-source'>{} {}</p>", place, words.say("weights_lead"))


def choose_part(model: Explored, value: object) -> None:
    """A part was clicked in the picture: show its numbers below, where the model has them."""
    part = chosen_part(value)
    if part is None or not part["stack"] or not model.has_weights:
        return
    component = _FIRST_OF.get(part["part"], part["part"])
    if component not in COMPONENTS:
        return
    stack = part["stack"] if model.shape.kind == "encoder-decoder" else ""
    wanted = {"matrix": matrix_name(component, stack)}
    selection.choose(**wanted, **({} if part["layer"] is None else {"layer": part["layer"]}))


@st.cache_resource(max_entries=20, show_spinner=False)
def loaded_count(model_id: str) -> ParameterCount:
    """The count of the loaded model itself, whose parts carry the names that its weights have."""
    return count_parameters(cache.model(model_id))


@st.cache_resource(max_entries=500, show_spinner=False)
def histogram(model_id: str, part: Part) -> WeightHistogram:
    """The histogram of one matrix; a large token table takes 0.4 s."""
    return weight_histogram(values(cache.model(model_id), part))


def _at_hand(model_id: str) -> bool:
    here = bundled.is_bundled(model_id) or cache.engine().has_model(model_id)
    return here or model_id in selection.cached_ids()


def _matrices(count: ParameterCount) -> dict[str, tuple[Part, ...]]:
    """Every kind of matrix by its name on screen and in the URL, with its layers: "Query", "Decoder query", "Pooler"."""
    two_stacks = len({layer.stack for layer in count.layers}) > 1
    found: dict[str, tuple[Part, ...]] = {}
    for part in count.parts:
        if len(part.shape) == 2:
            name = (
                matrix_name(part.component, part.stack if two_stacks else "")
                if part.stack
                else _outside(part)
            )
            if part.layer is None and name in found:
                name = part.name
            found[name] = (*found.get(name, ()), part)
    return found


def _outside(part: Part) -> str:
    """How a matrix that belongs to no layer is called."""
    if not part.table:
        return COMPONENTS[part.component]
    if part.component == "positions":
        return "Position table"
    return "Segment table" if "type" in part.name else "Token table"


def matrix_name(component: str, stack: str) -> str:
    """How a matrix of every layer is called where it is chosen."""
    title = COMPONENTS[component]
    return f"{stack.capitalize()} {title[0].lower()}{title[1:]}" if stack else title


def _first(matrices: dict[str, tuple[Part, ...]]) -> str:
    return next((name for name in matrices if name.lower().endswith("query")), next(iter(matrices)))


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
