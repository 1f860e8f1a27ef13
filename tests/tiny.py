"""Tiny random models of every supported family, made from their configs. Nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

import attnviz.models.translator  # noqa: F401 - makes its type known to Transformers
from attnviz.models.architecture import FAMILIES

MAX_PARAMETERS = 200_000
VOCABULARY = 300

_SPECIAL = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_ONE_STACK = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
_BART_LIKE = {
    **{"d_model": 32, "encoder_layers": 3, "decoder_layers": 2, "decoder_start_token_id": 2},
    **{
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 40,
    },
    **{"max_position_embeddings": 64, "forced_eos_token_id": None},
}
_T5_LIKE = {
    **{"d_model": 32, "d_kv": 6, "d_ff": 48, "num_layers": 3, "num_decoder_layers": 2, "num_heads": 4},
    **{"decoder_start_token_id": 0},
}
_GROUPED = {**_ONE_STACK, "num_key_value_heads": 2}

SETTINGS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("bert", "roberta", "camembert", "xlm-roberta", "gpt_neox", "opt"), _ONE_STACK),
    "albert": {**_ONE_STACK, "embedding_size": 16},
    "distilbert": {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48},
    "electra": {**_ONE_STACK, "embedding_size": 16},
    "modernbert": {**_ONE_STACK, "cls_token_id": 1, "sep_token_id": 2, "local_attention": 4},
    **dict.fromkeys(
        ("llama", "qwen2", "granite", "phi", "phi3", "olmo", "olmo2", "smollm3", "starcoder2"), _GROUPED
    ),
    "mistral": {**_GROUPED, "sliding_window": 3},
    "qwen3": {**_GROUPED, "head_dim": 12},
    "gemma": {**_GROUPED, "head_dim": 12},
    "gemma2": {**_GROUPED, "head_dim": 12, "sliding_window": 3, "query_pre_attn_scalar": 20},
    "gemma3_text": {**_GROUPED, "head_dim": 12, "sliding_window": 3, "sliding_window_pattern": 2},
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4},
    **dict.fromkeys(("bart", "mbart", "marian", "marian-ssru", "pegasus", "m2m_100"), _BART_LIKE),
    **dict.fromkeys(("t5", "mt5", "umt5"), _T5_LIKE),
}
SETTINGS["opt"] = {**_ONE_STACK, "ffn_dim": 48, "word_embed_proj_dim": 32, "max_position_embeddings": 64}
assert set(SETTINGS) == set(FAMILIES)


def tiny_model(model_type: str, *, seed: int = 0, head: bool = True, **changes: Any) -> PreTrainedModel:
    """A random model of this type with a few ten thousand parameters, in eval mode."""
    config = AutoConfig.for_model(model_type, **{**_SPECIAL, **SETTINGS[model_type], **changes})
    kind = FAMILIES[model_type].kind
    make = {
        "encoder": AutoModelForMaskedLM if head else AutoModel,
        "decoder": AutoModelForCausalLM,
        "encoder-decoder": AutoModelForSeq2SeqLM,
    }[kind]
    torch.manual_seed(seed)
    model = make.from_config(config).eval()
    with torch.no_grad():
        for (
            parameter
        ) in model.parameters():  # the usual initialisation gives nearly uniform weights: too easy to match
            parameter.mul_(4 if parameter.ndim > 1 else 1)
    if kind == "encoder-decoder":
        start = config.decoder_start_token_id
        model.generation_config = GenerationConfig(
            decoder_start_token_id=start, eos_token_id=2, pad_token_id=0, bos_token_id=1
        )
    size = sum(p.numel() for p in model.parameters())
    assert size < MAX_PARAMETERS, f"{model_type} has {size:,} parameters and is no tiny model"
    return model


def tiny_tokenizer(kind: str = "decoder") -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of 300 pieces; encoders get <s> … </s>, encoder-decoders … </s>, decoders nothing."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(
        ["the cat sat on the mat and the dog ran to the other side of the street"] * 9, trainer
    )
    if kind != "decoder":
        single = "<s> $A </s>" if kind == "encoder" else "$A </s>"
        pair = "<s> $A </s> $B:1 </s>:1" if kind == "encoder" else "$A $B </s>"
        tokenizer.post_processor = processors.TemplateProcessing(
            single=single, pair=pair, special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **dict(zip(("pad_token", "bos_token", "eos_token", "unk_token"), special, strict=True)),
        **({"cls_token": "<s>", "sep_token": "</s>"} if kind == "encoder" else {}),
    )


def save_tiny(folder: Path, model_type: str, **changes: Any) -> Path:
    """A tiny model with its tokenizer as ordinary Hugging Face files in ``folder``."""
    tiny_model(model_type, **changes).save_pretrained(folder)
    tiny_tokenizer(FAMILIES[model_type].kind).save_pretrained(folder)
    return folder
