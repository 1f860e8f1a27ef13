"""How a text falls into tokens, in numbers that can be compared between tokenizers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from attnviz.tracing.pieces import is_word_break
from attnviz.tracing.tokens import Tokens


@dataclass(frozen=True)
class TokenCount:
    """What a tokenizer makes of a text.

    ``tokens`` counts those that stand for text, ``special`` those that the model adds, ``unknown`` those of
    the first that the vocabulary has no piece for. ``split_words`` are the different words that take several.
    ``words`` and ``bytes`` (UTF-8) are of the text, the same for every tokenizer.
    """

    tokens: int
    special: int
    unknown: int
    split_words: int
    words: int
    bytes: int

    @property
    def tokens_per_word(self) -> float | None:
        """How many tokens a word takes, signs counted with the words; None for a text without a word.

        The "fertility" of Rust et al. 2021, "How Good is Your Tokenizer?", section 3. 1 is the least where
        words are whole and there are no other signs.
        """
        return self.tokens / self.words if self.words else None

    @property
    def bytes_per_token(self) -> float:
        """How much text a token holds: the higher, the longer a text fits into the same number of tokens."""
        return self.bytes / self.tokens if self.tokens else 0.0


def token_count(tokens: Tokens) -> TokenCount:
    """The counts of a text's tokens, which must have been made with their text."""
    special = sum(tokens.special)
    return TokenCount(
        tokens=len(tokens) - special,
        special=special,
        unknown=sum(tokens.unknown),
        split_words=sum(map(is_word, dict(split_words(tokens)))),
        words=word_count(tokens.text),
        bytes=len(tokens.text.encode()),
    )


def word_count(text: str) -> int:
    """The number of words that hold a letter or digit, by the rules of :func:`is_word_break`."""
    breaks = [place for place in range(len(text) + 1) if is_word_break(text, place)]
    return sum(is_word(text[start:end]) for start, end in pairwise(breaks))


def is_word(text: str) -> bool:
    """Whether it holds a letter or digit; other signs are none."""
    return any(map(str.isalnum, text))


def split_words(tokens: Tokens) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Words and signs that take several tokens, each with the positions of these; the most pieces first, a word once."""
    found: dict[str, tuple[int, ...]] = {}
    for label, group in zip(tokens.word_labels, tokens.word_groups, strict=True):
        text = "".join(tokens.surfaces[i] for i in group).strip() or label
        if len(group) > 1 and text not in found:
            found[text] = group
    return tuple(sorted(found.items(), key=lambda item: -len(item[1])))
