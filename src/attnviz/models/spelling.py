"""What the spelling-to-sound model reads: one to three words of small Latin letters, apostrophe and hyphen."""

from __future__ import annotations

import unicodedata
from collections.abc import Container

from attnviz.errors import TextError
from attnviz.models.bundled import SPELLING

LETTERS = "abcdefghijklmnopqrstuvwxyz'-"
MOST_WORDS = 3
LONGEST_WORD = 30
"""Letters; the longest common words of the dictionary have 28, and nothing longer was learnt from."""

_ALIKE = {
    **dict.fromkeys("’‘ʼ`´′", "'"),
    **dict.fromkeys("‐‑–—−", "-"),
    "\u00ad": "",  # a soft hyphen is not seen
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
}
_SIGNS = "'-"


def spells(model_id: str) -> bool:
    """Whether this is the spelling-to-sound model, at any moment of its training."""
    return model_id.startswith(SPELLING)


def readable(model_id: str, text: str) -> str:
    """The text as this model reads it: as it is, but for the spelling-to-sound model. Raises as :func:`normalise`."""
    return normalise(text)[0] if spells(model_id) else text


def sounds(text: str, known: Container[str]) -> str:
    """A pronunciation as the model writes it: sounds in capitals, one space between them.

    Raises :class:`TextError` for a sound that is not ``known``.
    """
    typed = text.upper().split()
    for sound in typed:
        if sound not in known or sound.startswith("<"):
            raise TextError(
                f"“{sound[:12]}” is not a sound that this model writes.",
                "Its sounds are such as K, NG or AY1, with a space between them and | between words.",
            )
    return " ".join(typed)


def normalise(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as the model reads it, and a sentence about each letter that was replaced.

    Capitals become small letters and runs of white space one space, silently; accents are taken off and that is
    noted. The result holds only :data:`LETTERS` and single spaces between words; normalising it again changes
    nothing. Raises :class:`TextError` for text without a letter, with any other character, of more than
    :data:`MOST_WORDS` words or with a word of more than :data:`LONGEST_WORD` letters.
    """
    plain: list[str] = []
    replaced: dict[str, str] = {}
    refused: dict[str, None] = {}
    # put together first: an accent typed as a character of its own belongs to its letter
    for character in unicodedata.normalize("NFC", text):
        if character.isspace():
            plain.append(" ")
            continue
        small = character.lower()
        spelt = small if small in LETTERS else _plain(small)
        if not spelt and small not in _ALIKE:
            refused[character] = None
            continue
        if spelt != small and any(letter.isalpha() for letter in small):
            replaced[small] = spelt
        plain.append(spelt)
    if refused:
        named = ", ".join(_named(character) for character in list(refused)[:4])
        raise TextError(
            f"This model reads letters from a to z, apostrophe and hyphen, and your text has {named}.",
            "Write numbers as words, and leave other signs out.",
        )
    words = "".join(plain).split()
    if not any(letter.isalpha() for word in words for letter in word):
        raise TextError("There is no letter to read.", "Type a word, such as knight.")
    for word in words:
        if not word.strip(_SIGNS):
            raise TextError(
                f"“{word}” stands alone, and this model reads words.", "Join it to a word or leave it out."
            )
        if len(word) > LONGEST_WORD:
            raise TextError(
                f"“{word[:12]}…” has {len(word)} letters, and this model reads words of at most {LONGEST_WORD}.",
                "Type a shorter word, or two words with a space between them.",
            )
    if len(words) > MOST_WORDS:
        raise TextError(
            f"Your text has {len(words)} words, and this model reads at most {MOST_WORDS} at a time.",
            f"Take {MOST_WORDS} of them, such as “{' '.join(words[:MOST_WORDS])}”.",
        )
    notes = tuple(
        f"This model knows no accents: it reads {was} as {spelt}." for was, spelt in replaced.items()
    )
    return " ".join(words), notes


def _plain(small: str) -> str:
    """Small Latin letters for a character, or nothing where there are none."""
    if small in _ALIKE:
        return _ALIKE[small]
    letters = "".join(c for c in unicodedata.normalize("NFKD", small) if not unicodedata.combining(c))
    letters = "".join(_ALIKE.get(c, c) for c in letters)
    return letters if letters and all(c in LETTERS for c in letters) else ""


def _named(character: str) -> str:
    """The character as it can be shown; one that cannot be seen by its number."""
    if unicodedata.category(character)[0] in "CMZ":
        return f"U+{ord(character):04X}"
    return f"“{character}”"
