"""How right a pronunciation is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tqdm import trange
from transformers import PreTrainedTokenizerFast, T5ForConditionalGeneration

from training.spelling_to_sound.data import Lexicon

LONGEST_SOUND = 40
"""Phonemes of one word, with room to spare: beyond, an untrained model would go on for ever."""


@dataclass(frozen=True)
class Scores:
    """Shares of words that are exactly right, and phoneme error rates, with and without stress marks, 0 to 1."""

    words: int
    word_accuracy: float
    phoneme_errors: float
    word_accuracy_stressed: float
    phoneme_errors_stressed: float
    confusions: tuple[tuple[tuple[str, str], int], ...]


def without_stress(sound: str) -> str:
    """The phonemes without 0, 1 and 2."""
    return re.sub(r"\d", "", sound)


def alignment(given: Sequence[str], right: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of a cheapest edit from ``given`` to ``right`` (Levenshtein); "" stands for a gap."""
    rows, columns = len(given) + 1, len(right) + 1
    cost = [[i + j if i * j == 0 else 0 for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i][j] = min(
                cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (given[i - 1] != right[j - 1])
            )
    pairs, i, j = [], len(given), len(right)
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (given[i - 1] != right[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((given[i], right[j]))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            pairs.append((given[i], ""))
        else:
            j -= 1
            pairs.append(("", right[j]))
    return pairs[::-1]


def errors(given: str, listed: Sequence[str]) -> tuple[int, int, list[tuple[str, str]]]:
    """Edits to the nearest listed pronunciation, its length, and the pairs that differ."""
    best = min(
        (alignment(given.split(), right.split()) for right in listed),
        key=lambda pairs: sum(a != b for a, b in pairs),
    )
    wrong = [pair for pair in best if pair[0] != pair[1]]
    return len(wrong), sum(b != "" for _, b in best), wrong


def score(written: dict[str, str], lexicon: Lexicon) -> Scores:
    """Scores of what was written for each word of the lexicon; any listed pronunciation counts."""
    right = edits = length = right_stressed = edits_stressed = length_stressed = 0
    confusions: Counter[tuple[str, str]] = Counter()
    for word, sound in written.items():
        listed = lexicon[word]
        n, of, wrong = errors(without_stress(sound), [without_stress(s) for s in listed])
        right, edits, length = right + (n == 0), edits + n, length + of
        confusions.update(wrong)
        n, of, _ = errors(sound, listed)
        right_stressed, edits_stressed, length_stressed = (
            right_stressed + (n == 0),
            edits_stressed + n,
            length_stressed + of,
        )
    total = len(written)
    return Scores(
        total,
        right / total,
        edits / length,
        right_stressed / total,
        edits_stressed / length_stressed,
        tuple(confusions.most_common(12)),
    )


def write(
    model: T5ForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    words: Sequence[str],
    size: int = 256,
    progress: bool = False,
) -> dict[str, str]:
    """What the model writes for each word, greedy; leaves it in evaluation mode."""
    written: dict[str, str] = {}
    ordered = sorted(words, key=len)
    model.eval()
    for start in trange(0, len(ordered), size, disable=not progress, unit_scale=size, unit="word"):
        batch = ordered[start : start + size]
        encoded = tokenizer(batch, padding=True, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            ids = model.generate(
                input_ids=encoded.input_ids,
                attention_mask=encoded.attention_mask,
                do_sample=False,
                num_beams=1,
                max_new_tokens=LONGEST_SOUND,
            )
        written.update(zip(batch, tokenizer.batch_decode(ids, skip_special_tokens=True), strict=True))
    return written
