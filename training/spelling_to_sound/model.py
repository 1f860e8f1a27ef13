"""The tokenizer and the untrained model."""

from __future__ import annotations

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import GenerationConfig, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from training.spelling_to_sound.data import Lexicon

LETTERS = [*"abcdefghijklmnopqrstuvwxyz", "'", "-", " "]
BETWEEN_WORDS = "|"
LONGEST = 96
"""Tokens of the longest text: three of the longest words."""


def tokenizer(lexicon: Lexicon) -> PreTrainedTokenizerFast:
    """One token a letter and one a phoneme. Letters are small and phonemes capital, so one text is either.

    "|" stands between the words of a pronunciation, as the space does between those of a spelling.
    """
    phonemes = sorted({p for sounds in lexicon.values() for sound in sounds for p in sound.split()})
    vocabulary = ["<pad>", "</s>", "<unk>", *LETTERS, BETWEEN_WORDS, *phonemes]
    inner = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(vocabulary)}, unk_token="<unk>"))
    inner.normalizer = normalizers.Strip()
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"(?<=[A-Z0-9|]) +(?=[A-Z|])"), "removed"),  # spaces between phonemes
            pre_tokenizers.Split(Regex(r"[A-Z]+[0-9]?|[^A-Z]"), "isolated"),
        ]
    )
    inner.decoder = decoders.Sequence(  # a space before a phoneme, none before a letter
        [decoders.Replace(Regex(r"^(?=[A-Z|])"), " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=LONGEST,
        clean_up_tokenization_spaces=False,
    )


def untrained(vocabulary: int, seed: int = 0) -> T5ForConditionalGeneration:
    """A T5 built like t5-small, at a quarter of its width: 4 + 3 layers, 4 heads, 1.6 million parameters."""
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=vocabulary,
        d_model=128,
        d_kv=32,
        d_ff=512,
        num_layers=4,
        num_decoder_layers=3,
        num_heads=4,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=64,
        dropout_rate=0.0,
        feed_forward_proj="relu",
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )
    model = T5ForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        do_sample=False,
        num_beams=1,
        max_new_tokens=LONGEST,
    )
    return model


def set_dropout(model: T5ForConditionalGeneration, rate: float) -> None:
    """The share of numbers that is dropped in training, everywhere in the model."""
    model.config.dropout_rate = rate
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate
        elif isinstance(getattr(module, "dropout", None), float):
            module.dropout = rate
