"""The student translator: a Marian model whose decoder has a recurrence where self-attention would be.

Small translators for browsers and phones are built so (Kim et al. 2019, "From Research to Production and Back:
Ludicrously Fast Neural Machine Translation"): an encoder of ordinary layers learns from a large teacher, and the
decoder, which runs once for each word written, gets the cheapest layers that still translate well.

Importing this module makes its type, "marian-ssru", known to Transformers' Auto classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    Cache,
    EncoderDecoderCache,
    GenerationConfig,
    MarianConfig,
    MarianMTModel,
    PreTrainedTokenizerFast,
)
from transformers.models.marian.modeling_marian import MarianDecoderLayer, MarianSinusoidalPositionalEmbedding

from attnviz.errors import ModelFileError, ModelUnsupported
from attnviz.models.marian import Floats, MarianFile, read
from attnviz.tracing.attention import record_gates

MODEL_TYPE = "marian-ssru"

_NORM_EPSILON = 1e-6
_NEVER = -1e9
"""The logit of a token that must not be written."""


class MarianSsruConfig(MarianConfig):
    """Marian's config under a type of its own, so that nobody opens the weights as a plain Marian model."""

    model_type = MODEL_TYPE


class SimpleRecurrence(nn.Module):
    """The simpler simple recurrent unit (SSRU) of Kim et al. 2019: one state of ``d_model`` channels.

    f_t = sigmoid(W_f x_t + b_f)                what share of its state each channel keeps
    c_t = f_t * c_(t-1) + (1 - f_t) * W x_t     the state, a moving mean of what was read
    o_t = relu(c_t)
    """

    def __init__(self, d_model: int, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.forget_gate = nn.Linear(d_model, d_model)
        self.candidate = nn.Linear(d_model, d_model, bias=False)

    def forward(
        self, hidden_states: torch.Tensor, past_key_values: Cache | None = None, **ignored: Any
    ) -> tuple[torch.Tensor, None]:
        """What the layer adds to the residual stream, (batch, position, d_model), and no attention weights.

        The states of all earlier positions lie in the cache as its keys (and values), where Transformers counts, orders
        and crops them; the last of them is where this call goes on. A mask is not needed: a state knows nothing of
        later positions. Padding may follow a text and must not precede it.
        """
        gates = torch.sigmoid(self.forget_gate(hidden_states))  # (batch, position, d_model)
        new = (1 - gates) * self.candidate(hidden_states)  # (batch, position, d_model)
        own = past_key_values
        if isinstance(own, EncoderDecoderCache):
            own = own.self_attention_cache
        state = torch.zeros_like(new[:, 0])  # (batch, d_model)
        if own is not None and own.get_seq_length(self.layer):
            kept: Any = own.layers[self.layer]
            state = kept.keys[:, 0, -1]
        states = []
        for t in range(new.size(1)):
            state = gates[:, t] * state + new[:, t]
            states.append(state)
        stacked = torch.stack(states, dim=1)  # (batch, position, d_model)
        if own is not None:
            one_head = stacked[:, None]  # (batch, 1, position, d_model)
            own.update(one_head, one_head, self.layer)
        record_gates(gates)
        return torch.relu(stacked), None


class RecurrentDecoderLayer(MarianDecoderLayer):
    """Marian's decoder layer: recurrence, cross-attention, feed-forward."""

    def __init__(self, config: MarianSsruConfig, layer: int) -> None:
        super().__init__(config, layer)
        del self.self_attn
        self.recurrence = SimpleRecurrence(config.d_model, layer)

    @property
    def self_attn(self) -> SimpleRecurrence:  # type: ignore[override]
        """The recurrence, under the name by which Marian's ``forward`` calls what comes first in a layer."""
        return self.recurrence


class SinusoidalPositionalEmbedding(MarianSinusoidalPositionalEmbedding):
    """Sines, then cosines, of position / 10000^(i / (d/2 - 1)), as Marian itself computes them.

    The other implementation in Transformers divides by d/2: it was made for models with other tables.
    """

    def create_weight(self) -> torch.Tensor:
        """(position, d_model)"""
        positions, width = self.weight.shape
        rates = 10000.0 ** (-np.arange(width // 2) / (width // 2 - 1))
        angles = np.arange(positions)[:, None] * rates  # (position, d_model / 2)
        table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)  # (position, d_model)
        return torch.tensor(table, dtype=self.weight.dtype)


class MarianSsruModel(MarianMTModel):
    """The whole translator. ``generate``, caches, padded batches, saving and loading are Transformers' own."""

    config_class = MarianSsruConfig
    _can_compile_fullgraph = False

    def __init__(self, config: MarianSsruConfig) -> None:
        super().__init__(config)
        decoder = self.model.decoder
        decoder.layers = nn.ModuleList(RecurrentDecoderLayer(config, i) for i in range(config.decoder_layers))
        for stack in (self.model.encoder, decoder):
            stack.embed_positions = SinusoidalPositionalEmbedding(
                config.max_position_embeddings, config.d_model
            )
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = _NORM_EPSILON
        self.post_init()


AutoConfig.register(MODEL_TYPE, MarianSsruConfig)
AutoModelForSeq2SeqLM.register(MarianSsruConfig, MarianSsruModel)


_BUILT_SO = {
    "type": "transformer",
    "transformer-decoder-autoreg": "rnn",
    "dec-cell": "ssru",
    "transformer-preprocess": "",
    "transformer-postprocess": "dan",
    "transformer-ffn-activation": "relu",
    "transformer-ffn-depth": "2",
    "transformer-train-position-embeddings": "false",
    "tied-embeddings-all": "true",
}
"""Settings without which the numbers of a file would mean something else."""

_EMBEDDINGS, _OUTPUT_BIAS, _SCALES = "Wemb", "decoder_ff_logit_out_b", "_QuantMultA"
"""Of 8-bit files: the factors of what goes into a matrix. Weights are used as full numbers here, so are inputs."""

_IN_A_LAYER = re.compile(r"(encoder|decoder)_l([1-9]\d{0,2})_(\w+)")


def _layer_names() -> dict[str, str]:
    """From Marian's name for a part of a layer to the one that it has here."""
    names = {
        "rnn_W": "recurrence.candidate.weight",
        "rnn_Wf": "recurrence.forget_gate.weight",
        "rnn_bf": "recurrence.forget_gate.bias",
    }
    for theirs, ours in (("self", "self_attn"), ("context", "encoder_attn")):
        for letter, projection in zip("qkvo", ("q_proj", "k_proj", "v_proj", "out_proj"), strict=True):
            names[f"{theirs}_W{letter}"] = f"{ours}.{projection}.weight"
            names[f"{theirs}_b{letter}"] = f"{ours}.{projection}.bias"
    for number in (1, 2):
        names[f"ffn_W{number}"] = f"fc{number}.weight"
        names[f"ffn_b{number}"] = f"fc{number}.bias"
    for theirs, ours in (
        ("self_Wo_ln", "self_attn_layer_norm"),
        ("rnn_ffn_ln", "self_attn_layer_norm"),
        ("context_Wo_ln", "encoder_attn_layer_norm"),
        ("ffn_ffn_ln", "final_layer_norm"),
    ):
        names[f"{theirs}_scale"] = f"{ours}.weight"
        names[f"{theirs}_bias"] = f"{ours}.bias"
    return names


def convert(weights: Path, tokenizer: Path, folder: Path) -> None:
    """Write a translator as ``from_pretrained`` opens it: config, safetensors (float32) and tokenizer.

    ``weights`` is a Marian file, ``tokenizer`` the ``tokenizer.json`` that belongs to it. Raises
    :class:`ModelFileError` or :class:`ModelUnsupported`, as :func:`from_marian` does.
    """
    model = from_marian(read(weights.read_bytes()))
    model.save_pretrained(folder)
    translator_tokenizer(tokenizer, model.config).save_pretrained(folder)


def from_marian(file: MarianFile) -> MarianSsruModel:
    """The model of a Marian file, in eval mode. All its sizes are those of the arrays, but the number of heads.

    Raises :class:`ModelUnsupported` for a model that is built in another way, :class:`ModelFileError` for one whose
    arrays do not make a whole.
    """
    for name, value in _BUILT_SO.items():
        if file.settings.get(name) != value:
            raise ModelUnsupported(
                f"This Marian model is built in another way: its setting {name} is not “{value}”.",
                "Choose a student model whose decoder has an SSRU.",
            )
    arrays = _renamed(file.arrays)
    model = MarianSsruModel(_config(arrays, file.settings)).eval()
    parts = dict(model.named_parameters()) | dict(model.named_buffers())
    parts = {name: tensor for name, tensor in parts.items() if "embed_positions" not in name}
    if set(parts) != set(arrays):
        raise ModelFileError(
            f"This Marian model is not whole: {min(set(parts) ^ set(arrays))} is missing or has no place.",
            "Fetch the model again.",
        )
    with torch.no_grad():
        for name, tensor in parts.items():
            array = arrays[name]
            if array.shape != tensor.shape:
                raise ModelFileError(
                    f"In this Marian model {name} is {array.shape} instead of {tuple(tensor.shape)}.",
                    "Fetch the model again.",
                )
            tensor.copy_(torch.from_numpy(array.copy()))
    config = model.config
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        max_new_tokens=config.max_position_embeddings // 2,
    )
    return model


def _renamed(arrays: Mapping[str, Floats]) -> dict[str, Floats]:
    """The arrays as the model names and turns them, with one more token in the vocabulary.

    Marian starts to write from a vector of zeros. Transformers starts from a token: one that reads as zeros and is
    never written, which is padding as well.
    """
    names = _layer_names()
    renamed = {}
    for name, array in arrays.items():
        found = _IN_A_LAYER.fullmatch(name)
        if name.endswith(_SCALES):
            continue
        if found and found[3] in names:
            # (1, out) to (out,), (in, out) to (out, in)
            turned = array.reshape(-1) if len(array) == 1 else array.T
            renamed[f"model.{found[1]}.layers.{int(found[2]) - 1}.{names[found[3]]}"] = turned
        elif name == _EMBEDDINGS and array.ndim == 2:
            renamed["model.shared.weight"] = np.pad(array, ((0, 1), (0, 0)))  # (vocabulary + 1, d_model)
        elif name == _OUTPUT_BIAS:
            renamed["final_logits_bias"] = np.append(array, np.float32(_NEVER))[None]  # (1, vocabulary + 1)
        else:
            raise ModelUnsupported(
                f"This Marian model has a part that is not known here: {name}.", "Choose another model."
            )
    return renamed


def _config(arrays: Mapping[str, Floats], settings: Mapping[str, Any]) -> MarianSsruConfig:
    try:
        vocabulary, d_model = arrays["model.shared.weight"].shape
        inner = {stack: len(arrays[f"model.{stack}.layers.0.fc1.weight"]) for stack in ("encoder", "decoder")}
        heads = int(settings["transformer-heads"])
    except (KeyError, ValueError, TypeError) as error:
        raise ModelFileError(
            "This Marian model does not say how large it is.", "Fetch the model again."
        ) from error
    if heads < 1 or d_model % heads or d_model % 2:
        raise ModelFileError(
            f"A width of {d_model:,} cannot be divided among {heads:,} heads.", "Fetch the model again."
        )
    layers = {
        stack: len({name.split(".")[3] for name in arrays if name.startswith(f"model.{stack}.layers.")})
        for stack in inner
    }
    return MarianSsruConfig(
        vocab_size=vocabulary,
        d_model=d_model,
        encoder_layers=layers["encoder"],
        decoder_layers=layers["decoder"],
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=inner["encoder"],
        decoder_ffn_dim=inner["decoder"],
        activation_function="relu",
        scale_embedding=True,
        eos_token_id=0,
        forced_eos_token_id=None,
        pad_token_id=vocabulary - 1,
        decoder_start_token_id=vocabulary - 1,
        dropout=0.0,
    )


def translator_tokenizer(path: Path, config: MarianConfig) -> PreTrainedTokenizerFast:
    """The pieces of a ``tokenizer.json`` with what the model expects around them: an end, and padding."""
    pieces = Tokenizer.from_file(str(path))
    end, unknown, pad = "</s>", "<unk>", "<pad>"
    pieces.post_processor = TemplateProcessing(
        single=f"$A {end}", pair=f"$A $B {end}", special_tokens=[(end, pieces.token_to_id(end))]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        eos_token=end,
        unk_token=unknown,
        pad_token=pad,  # not among the pieces, so it gets the next id
        model_max_length=config.max_position_embeddings,
        clean_up_tokenization_spaces=False,
    )
    if (tokenizer.eos_token_id, tokenizer.pad_token_id) != (config.eos_token_id, config.pad_token_id):
        raise ModelFileError("This tokenizer does not belong to this model.", "Fetch the model again.")
    return tokenizer
