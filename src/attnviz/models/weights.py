"""What analysis needs of a model's parameters, as read-only views without a copy.

Where a family keeps a part is data in ``LAYOUTS``; a part that a family lacks is None.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

    from attnviz.models.architecture import Architecture

Floats = NDArray[np.float32]
Stack = Literal["encoder", "decoder"]


@dataclass(frozen=True, eq=False)
class Norm:
    """A normalisation: ``weight`` and ``bias`` (d_model), or None where it has none."""

    kind: Literal["LayerNorm", "RMSNorm"]
    weight: Floats | None
    bias: Floats | None
    epsilon: float

    def __call__(self, x: Floats) -> Floats:
        """``x`` (…, d_model) normalised over its last axis. Ba et al. 2016; Zhang & Sennrich 2019 for RMSNorm."""
        if self.kind == "LayerNorm":
            x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self.epsilon))
        if self.weight is not None:
            x = x * self.weight
        return x if self.bias is None else x + self.bias


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer. Output projections are (head, d_head, d_model): ``trace.head_outputs`` times them is what each head
    adds to the residual stream, up to the bias, which belongs to the layer.

    ``feed_forward_in`` and ``feed_forward_gate`` (d_ff, d_model) read the stream: row n is what neuron n looks for; in
    a gated network the gate is the branch that goes through the activation. ``feed_forward_out`` (d_ff, d_model)
    writes: row n is what neuron n adds (Geva et al. 2021).
    """

    attention_output: Floats | None
    attention_output_bias: Floats | None
    attention_norm: Norm | None
    attention_output_norm: Norm | None
    cross_output: Floats | None
    cross_output_bias: Floats | None
    cross_norm: Norm | None
    feed_forward_in: Floats
    feed_forward_in_bias: Floats | None
    feed_forward_gate: Floats | None
    feed_forward_gate_bias: Floats | None
    feed_forward_out: Floats
    feed_forward_out_bias: Floats | None
    feed_forward_norm: Norm | None
    feed_forward_output_norm: Norm | None


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters of a model. ``embedding`` (vocabulary, width), where width is d_model but for ALBERT and ELECTRA;
    ``unembedding`` (vocabulary, d_model) with its bias, or None without a plain language head."""

    embedding: Floats
    unembedding: Floats | None
    unembedding_bias: Floats | None
    encoder: tuple[LayerWeights, ...]
    decoder: tuple[LayerWeights, ...]
    encoder_final_norm: Norm | None
    decoder_final_norm: Norm | None

    def layers(self, stack: Stack) -> tuple[LayerWeights, ...]:
        """The layers of one stack; empty where the model has no such stack."""
        return self.encoder if stack == "encoder" else self.decoder


@dataclass(frozen=True)
class Layout:
    """Where a family keeps its parts: ``layers`` and ``final_norm`` from the base model on ("{stack}" stands for
    encoder or decoder), the rest from a layer on. "a|b" takes the first that is there."""

    layers: str
    attention_output: str
    feed_forward_in: str
    feed_forward_out: str
    attention_norm: str = ""
    feed_forward_norm: str = ""
    feed_forward_gate: str = ""
    feed_forward_fused: str = ""
    """A matrix with the gate in its first half and the input in its second."""
    attention_output_norm: str = ""
    feed_forward_output_norm: str = ""
    cross_output: str = ""
    cross_norm: str = ""
    final_norm: str = ""


_BERT = Layout(
    layers="encoder.layer",
    attention_output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    feed_forward_in="intermediate.dense",
    feed_forward_out="output.dense",
    feed_forward_norm="output.LayerNorm",
)
_LLAMA = Layout(
    layers="layers",
    attention_output="self_attn.o_proj",
    attention_norm="input_layernorm",
    feed_forward_in="mlp.up_proj",
    feed_forward_gate="mlp.gate_proj",
    feed_forward_out="mlp.down_proj",
    feed_forward_norm="post_attention_layernorm",
    final_norm="norm",
)
_GEMMA_2 = replace(
    _LLAMA,
    attention_output_norm="post_attention_layernorm",
    feed_forward_norm="pre_feedforward_layernorm",
    feed_forward_output_norm="post_feedforward_layernorm",
)
_BART = Layout(
    layers="{stack}.layers",
    attention_output="self_attn.out_proj",
    attention_norm="self_attn_layer_norm",
    cross_output="encoder_attn.out_proj",
    cross_norm="encoder_attn_layer_norm",
    feed_forward_in="fc1",
    feed_forward_out="fc2",
    feed_forward_norm="final_layer_norm",
    final_norm="{stack}.layer_norm",
)
_T5 = Layout(
    layers="{stack}.block",
    attention_output="layer.0.SelfAttention.o",
    attention_norm="layer.0.layer_norm",
    cross_output="layer.1.EncDecAttention.o",
    cross_norm="layer.1.layer_norm",
    feed_forward_in="layer.-1.DenseReluDense.wi|layer.-1.DenseReluDense.wi_1",
    feed_forward_gate="layer.-1.DenseReluDense.wi_0",
    feed_forward_out="layer.-1.DenseReluDense.wo",
    feed_forward_norm="layer.-1.layer_norm",
    final_norm="{stack}.final_layer_norm",
)

LAYOUTS: dict[str, Layout] = {
    **dict.fromkeys(("bert", "camembert", "electra", "roberta", "xlm-roberta"), _BERT),
    "albert": Layout(
        layers="encoder.albert_layer_groups",
        attention_output="albert_layers.0.attention.dense",
        attention_norm="albert_layers.0.attention.LayerNorm",
        feed_forward_in="albert_layers.0.ffn",
        feed_forward_out="albert_layers.0.ffn_output",
        feed_forward_norm="albert_layers.0.full_layer_layer_norm",
    ),
    "distilbert": Layout(
        layers="transformer.layer",
        attention_output="attention.out_lin",
        attention_norm="sa_layer_norm",
        feed_forward_in="ffn.lin1",
        feed_forward_out="ffn.lin2",
        feed_forward_norm="output_layer_norm",
    ),
    "modernbert": Layout(
        layers="layers",
        attention_output="attn.Wo",
        attention_norm="attn_norm",
        feed_forward_in="",
        feed_forward_fused="mlp.Wi",
        feed_forward_out="mlp.Wo",
        feed_forward_norm="mlp_norm",
        final_norm="final_norm",
    ),
    **dict.fromkeys(("gemma", "granite", "llama", "mistral", "olmo", "qwen2", "qwen3", "smollm3"), _LLAMA),
    **dict.fromkeys(("gemma2", "gemma3_text"), _GEMMA_2),
    "olmo2": replace(
        _LLAMA,
        attention_norm="",
        attention_output_norm="post_attention_layernorm",
        feed_forward_norm="",
        feed_forward_output_norm="post_feedforward_layernorm",
    ),
    "phi3": replace(_LLAMA, feed_forward_in="", feed_forward_gate="", feed_forward_fused="mlp.gate_up_proj"),
    "starcoder2": replace(
        _LLAMA,
        feed_forward_gate="",
        feed_forward_in="mlp.c_fc",
        feed_forward_out="mlp.c_proj",
        final_norm="norm",
    ),
    "gpt2": Layout(
        layers="h",
        attention_output="attn.c_proj",
        attention_norm="ln_1",
        feed_forward_in="mlp.c_fc",
        feed_forward_out="mlp.c_proj",
        feed_forward_norm="ln_2",
        final_norm="ln_f",
    ),
    "gpt_neox": Layout(
        layers="layers",
        attention_output="attention.dense",
        attention_norm="input_layernorm",
        feed_forward_in="mlp.dense_h_to_4h",
        feed_forward_out="mlp.dense_4h_to_h",
        feed_forward_norm="post_attention_layernorm",
        final_norm="final_layer_norm",
    ),
    "opt": replace(
        _BART, layers="decoder.layers", cross_output="", cross_norm="", final_norm="decoder.final_layer_norm"
    ),
    "phi": Layout(
        layers="layers",
        attention_output="self_attn.dense",
        attention_norm="input_layernorm",
        feed_forward_in="mlp.fc1",
        feed_forward_out="mlp.fc2",
        feed_forward_norm="input_layernorm",  # attention and feed-forward read the same normalised stream
        final_norm="final_layernorm",
    ),
    **dict.fromkeys(("bart", "m2m_100", "marian", "marian-ssru", "mbart", "pegasus"), _BART),
    **dict.fromkeys(("mt5", "t5", "umt5"), _T5),
}


def weights(module: PreTrainedModel, architecture: Architecture) -> Weights:
    """The parameters of a loaded model as NumPy; shares memory with float32 parameters on the CPU."""
    layout = LAYOUTS[architecture.model_type]
    base = getattr(module, module.base_model_prefix, module)
    head = module.get_output_embeddings()
    stacks: dict[Stack, tuple[LayerWeights, ...]] = {"encoder": (), "decoder": ()}
    norms: dict[Stack, Norm | None] = {"encoder": None, "decoder": None}
    counts: dict[Stack, int] = {
        "encoder": architecture.encoder_layers,
        "decoder": architecture.decoder_layers,
    }
    for stack, count in counts.items():
        if not count:
            continue
        layers = find(base, layout.layers.format(stack=stack))
        heads = architecture.encoder_heads if stack == "encoder" else architecture.decoder_heads
        # ALBERT has one layer that runs again and again
        own = [_layer(layer, layout, heads, stack == "decoder") for layer in layers]
        stacks[stack] = tuple(own[i * len(own) // count] for i in range(count))
        norms[stack] = _norm(find(base, layout.final_norm.format(stack=stack)))
    return Weights(
        embedding=_array(module.get_input_embeddings().weight),  # type: ignore[arg-type]
        unembedding=None if head is None else _array(head.weight),  # type: ignore[arg-type]
        unembedding_bias=None if head is None else _bias(module, head),
        encoder=stacks["encoder"],
        decoder=stacks["decoder"],
        encoder_final_norm=norms["encoder"],
        decoder_final_norm=norms["decoder"],
    )


def _layer(layer: nn.Module, layout: Layout, heads: int, decodes: bool) -> LayerWeights:
    inner, inner_bias = _linear(find(layer, layout.feed_forward_in))
    gate, gate_bias = _linear(find(layer, layout.feed_forward_gate))
    if layout.feed_forward_fused:
        fused, fused_bias = _linear(find(layer, layout.feed_forward_fused))
        assert fused is not None
        gate, inner = np.split(fused, 2)
        gate_bias, inner_bias = (None, None) if fused_bias is None else np.split(fused_bias, 2)
    attention, attention_bias = _linear(find(layer, layout.attention_output))
    cross, cross_bias = _linear(find(layer, layout.cross_output)) if decodes else (None, None)
    outer, outer_bias = _linear(find(layer, layout.feed_forward_out))
    assert inner is not None and outer is not None
    return LayerWeights(
        attention_output=_per_head(attention, heads),
        attention_output_bias=attention_bias,
        attention_norm=_norm(find(layer, layout.attention_norm)),
        attention_output_norm=_norm(find(layer, layout.attention_output_norm)),
        cross_output=_per_head(cross, heads),
        cross_output_bias=cross_bias,
        cross_norm=_norm(find(layer, layout.cross_norm)) if decodes else None,
        feed_forward_in=inner,
        feed_forward_in_bias=inner_bias,
        feed_forward_gate=gate,
        feed_forward_gate_bias=gate_bias,
        feed_forward_out=outer.T,
        feed_forward_out_bias=outer_bias,
        feed_forward_norm=_norm(find(layer, layout.feed_forward_norm)),
        feed_forward_output_norm=_norm(find(layer, layout.feed_forward_output_norm)),
    )


def find(root: Any, paths: str) -> Any:
    """The module at the first of the paths (see :class:`Layout`) that leads somewhere, or None.

    "-1" counts from the end of a list.
    """
    for path in filter(None, paths.split("|")):
        module = root
        for name in path.split("."):
            module = module[int(name)] if name.lstrip("-").isdigit() else getattr(module, name, None)
            if module is None:
                break
        else:
            return module
    return None


def _linear(module: Any) -> tuple[Floats | None, Floats | None]:
    """Weight (out, in) and bias (out) of a linear map. GPT-2's Conv1D keeps (in, out)."""
    if module is None:
        return None, None
    weight = _array(module.weight)
    if type(module).__name__ == "Conv1D":
        weight = weight.T
    return weight, None if module.bias is None else _array(module.bias)


def _per_head(weight: Floats | None, heads: int) -> Floats | None:
    """(d_model, heads * d_head) to (head, d_head, d_model)"""
    return None if weight is None else weight.T.reshape(heads, -1, weight.shape[0])


def _norm(module: Any) -> Norm | None:
    if module is None or type(module).__name__ == "Identity":
        return None
    name = type(module).__name__
    weight = getattr(module, "weight", None)
    bias = getattr(module, "bias", None)
    epsilon = getattr(
        module, "variance_epsilon", getattr(module, "eps", 1e-5)
    )  # OLMo's is written in its code
    array = None if weight is None else _array(weight)
    if name.startswith("Gemma") and array is not None:
        array = 1 + array  # Gemma stores the difference to one
    return Norm(
        "RMSNorm" if "RMS" in name or name.endswith("T5LayerNorm") else "LayerNorm",
        array,
        None if bias is None else _array(bias),
        float(epsilon),
    )


def _bias(module: PreTrainedModel, head: nn.Module) -> Floats | None:
    """The bias of the language head: its own, or the final_logits_bias of BART's relatives."""
    bias = getattr(head, "bias", None)
    if bias is None:
        bias = getattr(module, "final_logits_bias", None)
    return None if bias is None else _array(bias).reshape(-1)


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().float().cpu().numpy().view()
    array.setflags(write=False)
    return array
