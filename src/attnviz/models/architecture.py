"""Facts of a model read from its config. What differs between families is data in ``FAMILIES``, not branches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from attnviz.errors import ModelUnsupported, SelectionError
from attnviz.tracing.trace import RECURRENCE_INSTEAD, AttentionKind

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

ModelKind = Literal["encoder", "decoder", "encoder-decoder"]
Positions = Literal["learned", "sinusoidal", "rotary", "relative bias"]
NormPlacement = Literal["before", "after", "both", "output"]
"""Where a layer normalises: the input of each sublayer ("before": Xiong et al. 2020, pre-LN), the sum with the
residual stream ("after": Vaswani et al. 2017), input and output of the sublayer ("both": Gemma 2), or its output
before it is added ("output": OLMo 2)."""


@dataclass(frozen=True)
class Family:
    """What a config does not say, because every model of its type is built so."""

    name: str
    kind: ModelKind
    positions: Positions
    norm_placement: NormPlacement = "before"
    norm: Literal["LayerNorm", "RMSNorm"] = "LayerNorm"
    gated: bool = False
    parallel: bool = False
    recurrent: bool = False
    """In the decoder a recurrence stands where self-attention would be."""


def _encoder(name: str, positions: Positions = "learned") -> Family:
    return Family(name, "encoder", positions, norm_placement="after")


def _llama_like(name: str, norm_placement: NormPlacement = "before") -> Family:
    return Family(name, "decoder", "rotary", norm_placement, norm="RMSNorm", gated=True)


FAMILIES: dict[str, Family] = {
    "albert": _encoder("ALBERT"),
    "bert": _encoder("BERT"),
    "camembert": _encoder("CamemBERT"),
    "distilbert": _encoder("DistilBERT"),
    "electra": _encoder("ELECTRA"),
    "modernbert": Family("ModernBERT", "encoder", "rotary", gated=True),
    "roberta": _encoder("RoBERTa"),
    "xlm-roberta": _encoder("XLM-RoBERTa"),
    "gemma": _llama_like("Gemma"),
    "gemma2": _llama_like("Gemma 2", "both"),
    "gemma3_text": _llama_like("Gemma 3", "both"),
    "gpt2": Family("GPT-2", "decoder", "learned"),
    "gpt_neox": Family("GPT-NeoX", "decoder", "rotary", parallel=True),
    "granite": _llama_like("Granite"),
    "llama": _llama_like("Llama"),
    "mistral": _llama_like("Mistral"),
    "olmo": Family("OLMo", "decoder", "rotary", gated=True),
    "olmo2": _llama_like("OLMo 2", "output"),
    "opt": Family("OPT", "decoder", "learned"),
    "phi": Family("Phi", "decoder", "rotary", parallel=True),
    "phi3": _llama_like("Phi-3"),
    "qwen2": _llama_like("Qwen2"),
    "qwen3": _llama_like("Qwen3"),
    "smollm3": _llama_like("SmolLM3"),
    "starcoder2": Family("StarCoder2", "decoder", "rotary"),
    "bart": Family("BART", "encoder-decoder", "learned", "after"),
    "m2m_100": Family("M2M-100", "encoder-decoder", "sinusoidal"),
    "marian": Family("Marian", "encoder-decoder", "sinusoidal", "after"),
    "marian-ssru": Family("Marian student", "encoder-decoder", "sinusoidal", "after", recurrent=True),
    "mbart": Family("mBART", "encoder-decoder", "learned"),
    "mt5": Family("mT5", "encoder-decoder", "relative bias", norm="RMSNorm"),
    "pegasus": Family("Pegasus", "encoder-decoder", "sinusoidal"),
    "t5": Family("T5", "encoder-decoder", "relative bias", norm="RMSNorm"),
    "umt5": Family("UMT5", "encoder-decoder", "relative bias", norm="RMSNorm"),
}
"""Transformers' ``model_type`` to the facts of the family. Each is tested with a tiny random model."""

_UNTRACEABLE = {
    "bloom": "BLOOM",
    "deberta": "DeBERTa",
    "deberta-v2": "DeBERTa-v2",
    "falcon": "Falcon",
    "gpt_neo": "GPT-Neo",
    "gptj": "GPT-J",
    "longformer": "Longformer",
    "mpnet": "MPNet",
    "xlnet": "XLNet",
}
"""Well-known families whose code in Transformers has no exchangeable attention function, by their usual names."""

_WITHOUT_ATTENTION = {"mamba": "Mamba", "mamba2": "Mamba-2", "rwkv": "RWKV"}

_ACTIVATIONS = {
    "gelu": "GELU",
    "gelu_new": "GELU",
    "gelu_pytorch_tanh": "GELU",
    "gelu_fast": "GELU",
    "quick_gelu": "GELU",
    "relu": "ReLU",
    "silu": "SiLU",
    "swish": "SiLU",
    "tanh": "tanh",
}


@dataclass(frozen=True)
class Architecture:
    """The shape of a model: counts, widths and schemes. Zero where a model has no such stack.

    ``windows`` holds, for each layer of the main stack (decoder, or encoder of an encoder-only model), how many
    positions back (and, in encoders, ahead) a token can look, or None where it sees everything. ``recurrent`` says that
    the decoder has a recurrence where self-attention would be; its heads are then those of cross-attention. ``classes`` are
    the names of the classes that the config gives (its field "architectures"), such as LlamaForCausalLM; empty where it
    gives none.
    """

    model_type: str
    name: str
    kind: ModelKind
    encoder_layers: int
    decoder_layers: int
    encoder_heads: int
    decoder_heads: int
    encoder_key_value_heads: int
    decoder_key_value_heads: int
    d_model: int
    d_head: int
    d_ff: int
    vocabulary: int
    positions: Positions
    max_positions: int | None
    norm_placement: NormPlacement
    norm: str
    activation: str
    gated: bool
    parallel: bool
    tied: bool
    windows: tuple[int | None, ...] = field(default=())
    recurrent: bool = False
    classes: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[AttentionKind, ...]:
        """The kinds of attention in the order in which they run."""
        if self.kind == "encoder-decoder":
            return ("encoder", "cross") if self.recurrent else ("encoder", "decoder", "cross")
        return (self.kind,)

    def layers(self, kind: AttentionKind) -> int:
        """Number of layers with this kind of attention."""
        self._check(kind)
        return self.encoder_layers if kind == "encoder" else self.decoder_layers

    def heads(self, kind: AttentionKind) -> int:
        """Number of query heads in a layer of this kind."""
        self._check(kind)
        return self.encoder_heads if kind == "encoder" else self.decoder_heads

    def key_value_heads(self, kind: AttentionKind) -> int:
        """Number of key and value heads; fewer than query heads where queries share them (Ainslie et al. 2023)."""
        self._check(kind)
        return self.encoder_key_value_heads if kind == "encoder" else self.decoder_key_value_heads

    def _check(self, kind: AttentionKind) -> None:
        if kind not in self.kinds:
            raise SelectionError(
                f"{self.name} has no {kind} attention{self.why_without(kind)}.",
                f"It has {' and '.join(self.kinds)} attention.",
            )

    def why_without(self, kind: AttentionKind) -> str:
        """What a sentence about a missing kind of attention goes on with; empty where there is no more to say."""
        return RECURRENCE_INSTEAD if self.recurrent and kind == "decoder" else ""


def family(model_type: str) -> Family:
    """The family of Transformers' ``model_type``. Raises :class:`ModelUnsupported`, which says why, for any other."""
    if model_type in FAMILIES:
        return FAMILIES[model_type]
    if model_type in _UNTRACEABLE:
        why = f"{_UNTRACEABLE[model_type]} models cannot be opened here: their attention cannot be read from the outside."
    elif model_type in _WITHOUT_ATTENTION:
        why = f"{_WITHOUT_ATTENTION[model_type]} models cannot be opened here: they have no attention."
    else:
        why = f"“{model_type[:40]}” models cannot be opened here: this family is none of the {len(FAMILIES)} that can."
    raise ModelUnsupported(
        why,
        "Choose a GPT-2, Llama, BERT, T5 or BART model instead, or one of their relatives.",
    )


def architecture(config: PreTrainedConfig) -> Architecture:
    """The architecture that a Transformers config describes.

    Raises :class:`ModelUnsupported` for a family that cannot be traced.
    """
    facts = family(config.model_type)
    encodes, decodes = "encoder" in facts.kind, "decoder" in facts.kind
    both = facts.kind == "encoder-decoder"
    heads = config.num_attention_heads
    encoder_heads = getattr(config, "encoder_attention_heads", heads)
    decoder_heads = getattr(config, "decoder_attention_heads", heads)
    shared = getattr(config, "num_key_value_heads", None) or heads
    layers = config.num_hidden_layers
    encoder_layers = getattr(config, "encoder_layers", layers) if encodes else 0
    decoder_layers = (
        _first(config, "decoder_layers", "num_decoder_layers", "num_hidden_layers") if decodes else 0
    )
    return Architecture(
        model_type=config.model_type,
        name=facts.name,
        kind=facts.kind,
        encoder_layers=encoder_layers,
        decoder_layers=decoder_layers,
        encoder_heads=encoder_heads if encodes else 0,
        decoder_heads=decoder_heads if decodes else 0,
        encoder_key_value_heads=(encoder_heads if both else shared) if encodes else 0,
        decoder_key_value_heads=(decoder_heads if both else shared) if decodes else 0,
        d_model=config.hidden_size,
        d_head=_first(config, "d_kv", "head_dim", default=config.hidden_size // heads),
        d_ff=_first(
            config,
            *("n_inner", "intermediate_size", "hidden_dim", "d_ff", "ffn_dim", "encoder_ffn_dim"),
            default=4 * config.hidden_size,  # GPT-2 leaves n_inner empty and means four times the width
        ),
        vocabulary=config.vocab_size,
        positions=facts.positions,
        max_positions=_max_positions(config),
        norm_placement="after"
        if getattr(config, "do_layer_norm_before", True) is False
        else facts.norm_placement,
        norm=facts.norm,
        activation=_activation(config),
        gated=bool(getattr(config, "is_gated_act", facts.gated)),
        parallel=bool(getattr(config, "use_parallel_residual", facts.parallel)) and facts.parallel,
        tied=bool(config.tie_word_embeddings),
        windows=_windows(config, decoder_layers if decodes else encoder_layers),
        recurrent=facts.recurrent,
        classes=_classes(config),
    )


def _classes(config: PreTrainedConfig) -> tuple[str, ...]:
    """What a config calls its classes; anybody can have written it, so only what can be a name counts."""
    named = getattr(config, "architectures", None)
    names = named if isinstance(named, list | tuple) else ()
    return tuple(n for n in names[:3] if isinstance(n, str) and len(n) <= 48 and n.isidentifier())


def _first(config: PreTrainedConfig, *names: str, default: int | None = None) -> int:
    for name in names:
        value = getattr(config, name, None)
        if value is not None:
            return int(value)
    if default is None:
        raise ModelUnsupported(
            f"The config of this model has none of {', '.join(names)}.", "Choose another model."
        )
    return default


def _max_positions(config: PreTrainedConfig) -> int | None:
    limit = getattr(config, "max_position_embeddings", None)
    if limit is not None and config.model_type in ("roberta", "camembert", "xlm-roberta"):
        return limit - config.pad_token_id - 1  # their first positions belong to padding
    return limit


def _activation(config: PreTrainedConfig) -> str:
    for name in ("dense_act_fn", "hidden_act", "hidden_activation", "activation_function", "activation"):
        value = getattr(config, name, None)
        if value:
            return _ACTIVATIONS.get(value, value)
    return "unknown"


def _windows(config: PreTrainedConfig, layers: int) -> tuple[int | None, ...]:
    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None)
    if types is not None:
        return tuple(window if kind == "sliding_attention" else None for kind in types)
    return (window,) * layers
