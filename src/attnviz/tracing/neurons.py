"""The record of what the neurons of every feed-forward network did with a text. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from attnviz.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attnviz.tracing.tokens import Tokens
    from attnviz.tracing.trace import Floats

Stack = Literal["encoder", "decoder"]


@dataclass(frozen=True, eq=False)
class Neurons:
    """What goes into the second matrix of each feed-forward network, (layer, token, neuron), for each stack.

    A neuron's activation is the activation function of its input; in a gated network times its second input. Row n of
    ``LayerWeights.feed_forward_out`` times it is what neuron n adds to the residual stream (before a norm of the
    network's output, where a model has one).
    """

    model_id: str
    tokens: Tokens
    target_tokens: Tokens | None
    activations: Mapping[Stack, Floats]

    def __post_init__(self) -> None:
        frozen = {}
        for stack, array in self.activations.items():
            expected = len(self.read_by(stack))
            if array.ndim != 3 or array.shape[1] != expected:
                raise ValueError(f"activations of the {stack} are {array.shape}, its tokens {expected}")
            view = np.asarray(array, dtype=np.float32).view()
            view.setflags(write=False)
            frozen[stack] = view
        object.__setattr__(self, "activations", MappingProxyType(frozen))

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The stacks that this model has, in the order in which they run."""
        return tuple(self.activations)

    def read_by(self, stack: Stack) -> Tokens:
        """The tokens that a stack reads: the decoder of an encoder-decoder its target, any other the text."""
        if stack == "decoder" and self.target_tokens is not None:
            return self.target_tokens
        return self.tokens

    def layer(self, stack: Stack, layer: int) -> Floats:
        """The activations of one layer, (token, neuron). :class:`SelectionError` for one that is not there."""
        if stack not in self.activations:
            raise SelectionError(f"This model has no {stack}.", f"It has an {' and a '.join(self.stacks)}.")
        found = self.activations[stack]
        if not 0 <= layer < len(found):
            raise SelectionError(
                f"There is no layer {layer} in the {stack} of this model.",
                f"Its layers are 0 to {len(found) - 1}.",
            )
        return cast("Floats", found[layer])

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return sum(array.nbytes for array in self.activations.values())
