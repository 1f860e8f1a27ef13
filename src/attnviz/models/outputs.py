"""The output projections of a model's attention, as the lens of values needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.models.weights import Floats, weights

if TYPE_CHECKING:
    from attnviz.models.loading import LoadedModel
    from attnviz.tracing.trace import AttentionKind


def output_projections(model: LoadedModel) -> dict[AttentionKind, tuple[Floats, ...]]:
    """For each kind of attention the output projection of each layer, (head, d_value, d_model); without the kinds whose
    projection is not known. They share memory with the model."""
    found = weights(model.module, model.architecture)
    result: dict[AttentionKind, tuple[Floats, ...]] = {}
    for kind in model.architecture.kinds:
        layers = found.layers("encoder" if kind == "encoder" else "decoder")
        known = tuple(layer.cross_output if kind == "cross" else layer.attention_output for layer in layers)
        outputs = tuple(output for output in known if output is not None)
        if outputs and len(outputs) == len(known):
            result[kind] = outputs
    return result
