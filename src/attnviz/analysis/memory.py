"""What a model costs: bytes for its weights and for its memory of the text, and floating-point operations per
token.

Everything here is arithmetic on a few whole numbers of the architecture; nothing is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attnviz.models.parameter_count import ParameterCount, Stack

BITS: dict[str, int] = {"float32": 32, "bfloat16": 16, "float16": 16, "int8": 8, "int4": 4}
"""Bits of one number by data type. Real 8- and 4-bit files are a few per cent larger: they also store scales.
"""


@dataclass(frozen=True)
class Flops:
    """Floating-point operations; a multiplication and the addition after it are two."""

    matrices: int
    attention: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.matrices + self.attention


def weight_bytes(parameters: int, dtype: str = "float32") -> int:
    """Bytes that ``parameters`` numbers take in ``dtype`` (a key of ``BITS``), rounded up."""
    return -(-parameters * BITS[dtype] // 8)


def key_value_bytes_per_token(layers: int, key_value_heads: int, d_head: int, dtype: str = "float16") -> int:
    """Bytes by which the key-value cache grows with each token: one key and one value in every layer.

    2 · layers · key_value_heads · d_head · bytes. Source: Kwon et al. 2023, section 3; grouped-query heads
    share keys and values (Ainslie et al. 2023), which divides it by query heads / key-value heads.
    """
    return weight_bytes(2 * layers * key_value_heads * d_head, dtype)


def key_value_bytes(
    length: int, windows: Sequence[int | None], key_value_heads: int, d_head: int, dtype: str = "float16"
) -> int:
    """Bytes of the key-value cache after ``length`` tokens.

    ``windows`` has one entry for each layer: how many tokens the layer keeps (a sliding window, Beltagy et
    al. 2020, Jiang et al. 2023), None where it keeps all. Grows with ``length``, and stops in a layer once
    its window is full.
    """
    kept = sum(length if window is None else min(length, window) for window in windows)
    return weight_bytes(2 * kept * key_value_heads * d_head, dtype)


def forward_flops(
    matrices: int,
    windows: Sequence[int | None],
    attention_width: int,
    length: int,
    both_sides: bool = False,
) -> Flops:
    """Operations of a forward pass for one token that sees ``length`` tokens, itself among them.

    Each parameter of a matrix takes part in one multiplication and one addition: 2 · ``matrices``. Each
    visible token adds a dot product with its key and a share of its value in every layer: 4 ·
    ``attention_width`` (heads · d_head). ``windows`` as in :func:`key_value_bytes`; with ``both_sides``
    (encoders) a window w reaches w tokens either way.

    Source: Kaplan et al. 2020, section 2.1, table 1 (there half of the attention term here, which is also its
    average over a causal text of ``length``). Softmax, norms and activations are left out, as there: under 1 % at
    usual widths.
    """
    seen = 0
    for window in windows:
        reach = length if window is None else (2 * window + 1 if both_sides else window)
        seen += min(length, reach)
    return Flops(2 * matrices, 4 * attention_width * seen)


def training_flops(parameters: int, tokens: int) -> int:
    """Operations to train: 6 · parameters · tokens, 2 forward and 4 backward (Kaplan et al. 2020)."""
    return 6 * parameters * tokens


def cache_bytes(count: ParameterCount, length: int, dtype: str = "float16") -> int:
    """Bytes that a counted model keeps of ``length`` tokens while it writes, 0 for an encoder.

    An encoder-decoder has read ``length`` tokens and written ``length``: it keeps the keys and values of
    both, those of the source once for each layer of the decoder. Layers without self-attention keep none.
    """
    shape = count.architecture
    if shape is None or not shape.decoder_layers:
        return 0
    layers = [layer.by_component for layer in count.layers if layer.stack == "decoder"]
    windows: list[int | None] = [
        window for window, layer in zip(shape.windows, layers, strict=True) if "attention.key" in layer
    ]
    windows += [None for layer in layers if "cross.key" in layer]
    return key_value_bytes(length, windows, shape.decoder_key_value_heads, shape.d_head, dtype)


def token_flops(count: ParameterCount, length: int) -> dict[Stack, Flops]:
    """Operations of a counted model for one token among (encoder) or after (decoder) ``length`` tokens, by
    stack.

    In an encoder-decoder the decoder's token sees ``length`` source tokens as well.
    """
    shape = count.architecture
    if shape is None:
        return {}
    found: dict[Stack, Flops] = {}
    if shape.encoder_layers:
        main = shape.kind == "encoder"
        windows = shape.windows if main else (None,) * shape.encoder_layers
        width = shape.encoder_heads * shape.d_head
        found["encoder"] = forward_flops(count.matrices["encoder"], windows, width, length, both_sides=True)
    if shape.decoder_layers:
        layers = [layer.by_component for layer in count.layers if layer.stack == "decoder"]
        windows = tuple(w for w, layer in zip(shape.windows, layers, strict=True) if "attention.key" in layer)
        width = shape.decoder_heads * shape.d_head
        own = forward_flops(count.matrices["decoder"], windows, width, length)
        crossing = (None,) * sum("cross.key" in layer for layer in layers)
        found["decoder"] = Flops(
            own.matrices, own.attention + forward_flops(0, crossing, width, length).attention
        )
    return found
