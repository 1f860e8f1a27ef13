"""How a tokenizer writes its pieces, and how they are read.

Tokenizers write spaces and continued words in their own ways: GPT-2 as "Ġthe", BERT as "##bel", T5 as "▁the",
Llama as "▁the" and "<0x0A>". Which way is told by the tokenizer's own decoder and pre-tokenizer, never by the
model's name.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_UNUSED = re.compile(r"[\[<]unused_?\d+[\]>]|<extra_id_\d+>")
_SPACED_OUT = {"Whitespace", "WhitespaceSplit", "BertPreTokenizer", "CharDelimiterSplit"}
_APOSTROPHES = "'’"
_JOINERS = "\u200c\u200d"
_VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "\x7f": "␡"}


@dataclass(frozen=True)
class Piece:
    """One entry of a vocabulary: the string it is written as, and the bytes of text it stands for.

    ``continues`` is True where the string itself says that it goes on with the word before.
    """

    string: str
    data: bytes
    special: bool = False
    unknown: bool = False
    continues: bool = False


@dataclass(frozen=True)
class Writing:
    """How the pieces of one vocabulary are written."""

    byte_level: bool = False
    """Each character of a piece is one byte (GPT-2, RoBERTa, Llama 3, Qwen, SmolLM2)."""

    byte_pieces: bool = False
    """<0x0A> stands for the byte 10 (Llama 2, Mistral, Gemma)."""

    space: str = ""
    """The character that stands for a space (T5, ALBERT, Pegasus, Marian, Llama 2, Gemma)."""

    prefix: str = ""
    """What a continued piece begins with (BERT)."""

    suffix: str = ""
    """What the last piece of a word ends with (XLM)."""

    drops_spaces: bool = False
    """The pieces know nothing of the spaces between words (BERT)."""

    drops_first_space: bool = False
    """A space is put before the text, and taken away again when it is decoded."""

    @property
    def by_character(self) -> bool:
        """Pieces are plain strings one after another, as where every letter is a token."""
        return not (
            self.byte_level
            or self.byte_pieces
            or self.space
            or self.prefix
            or self.suffix
            or self.drops_spaces
        )

    def read(self, string: str) -> tuple[bytes, bool]:
        """The bytes that the string stands for, and whether it says that it continues a word."""
        if self.byte_level:
            if all(character in _byte_of() for character in string):
                return bytes(_byte_of()[character] for character in string), False
            return string.encode(), False
        if self.byte_pieces and (byte := _BYTE_PIECE.fullmatch(string)):
            return bytes([int(byte[1], 16)]), False
        if self.prefix and string.startswith(self.prefix) and string != self.prefix:
            return string[len(self.prefix) :].encode(), True
        if self.suffix:
            return string.removesuffix(self.suffix).encode(), False
        return (string.replace(self.space, " ") if self.space else string).encode(), False


class Vocabulary:
    """Reads the pieces of a tokenizer by their ids."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.writing = writing(tokenizer)
        self._tokenizer = tokenizer
        self._added = tokenizer.added_tokens_decoder
        self._special = {i for i, token in self._added.items() if token.special} | set(
            tokenizer.all_special_ids
        )
        self._unknown = tokenizer.unk_token_id
        # in GPT-2 one token is start, end and "unknown" at once; byte-level pieces know no unknown
        if self._unknown in (tokenizer.bos_token_id, tokenizer.eos_token_id) or self.writing.byte_level:
            self._unknown = None

    def rank(self, index: int) -> int | None:
        """The place of a piece in the vocabulary, from 1; None for special and unused entries.

        Vocabularies are written in the order in which their pieces were chosen, which is roughly from common
        to rare.
        """
        if index in self._set_apart or not 0 <= index < len(self._tokenizer):
            return None
        return 1 + index - sum(other < index for other in self._set_apart)

    @cached_property
    def size(self) -> int:
        """How many pieces have a rank."""
        return len(self._tokenizer) - len(self._set_apart)

    @cached_property
    def _set_apart(self) -> frozenset[int]:
        """Ids of entries that are no pieces of text: special, unknown, and places kept free."""
        unused = {i for string, i in self._tokenizer.get_vocab().items() if _UNUSED.fullmatch(string)}
        return frozenset(self._special | unused | ({self._unknown} - {None}))

    def __getitem__(self, index: int) -> Piece:
        string = self._tokenizer.convert_ids_to_tokens(index) if index >= 0 else None
        if not isinstance(string, str) or not string:
            return Piece("", b"", unknown=True)  # the model's table is often longer than the vocabulary
        if index == self._unknown:
            return Piece(string, b"", unknown=True)
        if index in self._special:
            return Piece(string, b"", special=True)
        if (
            index in self._added
        ):  # added tokens are written as they are, but for the sign that stands for a space
            space = self.writing.space
            return Piece(string, (string.replace(space, " ") if space else string).encode())
        data, continues = self.writing.read(string)
        return Piece(string, data, continues=continues)


def writing(tokenizer: PreTrainedTokenizerFast) -> Writing:
    """How the tokenizer writes its pieces, told by its decoder, its pre-tokenizer and its model."""
    backend = tokenizer.backend_tokenizer
    decoding, splitting = _steps(backend.decoder), _steps(backend.pre_tokenizer)
    by_type = {step["type"]: step for step in (*splitting, *decoding)}
    if "ByteLevel" in by_type:
        return Writing(byte_level=True, drops_first_space=_adds_space(splitting))
    metaspace = by_type.get("Metaspace")
    replaced = [
        s["pattern"].get("String", "") for s in decoding if s["type"] == "Replace" and s["content"] == " "
    ]
    strips = any(s["type"] == "Strip" and s["content"] == " " and s["start"] for s in decoding)
    space = metaspace["replacement"] if metaspace else next(iter(replaced), "")
    if space or "ByteFallback" in by_type:
        adds = metaspace is not None and metaspace.get("prepend_scheme", "always") != "never"
        return Writing(byte_pieces="ByteFallback" in by_type, space=space, drops_first_space=adds or strips)
    prefix = (
        by_type.get("WordPiece", {}).get("prefix")
        or getattr(backend.model, "continuing_subword_prefix", "")
        or ""
    )
    suffix = (
        by_type.get("BPEDecoder", {}).get("suffix") or getattr(backend.model, "end_of_word_suffix", "") or ""
    )
    spaced = bool(_SPACED_OUT.intersection(by_type)) and "Fuse" not in by_type
    return Writing(prefix=prefix, suffix=suffix, drops_spaces=spaced)


def _adds_space(splitting: list[dict[str, Any]]) -> bool:
    return any(step["type"] == "ByteLevel" and step.get("add_prefix_space") for step in splitting)


def _steps(part: Any) -> list[dict[str, Any]]:
    """The settings of a decoder or pre-tokenizer, as a flat list in order."""
    if part is None:
        return []
    settings = json.loads(part.__getstate__())
    return list(settings.get("decoders") or settings.get("pretokenizers") or [settings])


@cache
def _byte_of() -> dict[str, int]:
    """The byte that each character of a byte-level piece stands for (Radford et al. 2019, section 2.2).

    Printable bytes stand for themselves, the others count up from U+0100, so that no piece holds a blank.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}


@dataclass(frozen=True)
class Character:
    """A character in a row of bytes; ``text`` is empty for a byte that belongs to no character."""

    start: int
    end: int
    text: str


def characters(data: bytes) -> list[Character]:
    """The characters that UTF-8 bytes hold, in order, without a gap."""
    found, start = [], 0
    while start < len(data):
        lead = data[start]
        length = 1 if lead < 0x80 else 2 if lead >> 5 == 0b110 else 3 if lead >> 4 == 0b1110 else 4
        try:
            text = data[start : start + length].decode()
        except UnicodeDecodeError:
            length, text = 1, ""
        found.append(Character(start, start + length, text))
        start += length
    return found


@lru_cache(maxsize=100_000)  # pieces of a vocabulary come again and again
def readable(data: bytes) -> str:
    """Bytes as text with everything visible; those that are no character as ⟨F0 9F⟩."""
    shown = ""
    for is_text, group in groupby(characters(data), key=lambda c: bool(c.text)):
        run = list(group)
        if is_text:
            shown += visible("".join(c.text for c in run))
        else:
            shown += f"⟨{data[run[0].start : run[-1].end].hex(' ').upper()}⟩"
    return shown


def visible(text: str) -> str:
    """The text with everything visible: white space, control characters, lone marks, signs that turn a line.

    One space before a word is left out; readable labels need no space between them.
    """
    if len(text) > 1 and text[0] == " " and not text[1].isspace():
        text = text[1:]
    if len(text) > 4 and len(set(text)) == 1 and text[0].isspace():
        return f"{_visible_character(text[0], alone=True)}×{len(text)}"
    alone = all(_is_extending(character) for character in text)
    shown = "".join(_visible_character(character, alone) for character in text)
    return f"◌{shown}" if shown and unicodedata.category(shown[0]).startswith("M") else shown


def _visible_character(character: str, alone: bool) -> str:
    if character in _VISIBLE:
        return _VISIBLE[character]
    category = unicodedata.category(character)
    if ord(character) < 0x20:
        return chr(0x2400 + ord(character))  # the control pictures of Unicode
    if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs") or (
        category == "Cf" and (alone or character not in _JOINERS)
    ):
        return f"⟨U+{ord(character):04X}⟩"
    return character


def is_word_break(text: str, position: int) -> bool:
    """Whether a new word begins at this position of the text.

    The rules of Unicode's annex 29 in short: letters, digits and their marks stay together, an apostrophe
    joins letters, a point or comma joins digits; every other sign, and every character of a script that
    writes no spaces, is a word of its own. White space is no part of a word.
    """
    if position <= 0 or position >= len(text):
        return True
    before, after = text[position - 1], text[position]
    if before.isspace() or after.isspace():
        return True
    if _is_extending(after) or (before == "\u200d" and not _is_letter(after)):
        return False
    last = position - 1
    while last > 0 and _is_extending(text[last]):
        last -= 1
    before = text[last]
    following = text[position + 1 : position + 2]
    if _is_letter(before) and _is_letter(after):
        return False
    if _is_letter(before) and _joins(after, before, following):
        return False
    if _is_letter(after) and last > 0 and _joins(before, text[last - 1], after):
        return False
    if _is_flag_half(before) and _is_flag_half(after):
        run = len(text[: last + 1]) - len(text[: last + 1].rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
        return run % 2 == 0  # two halves make one flag
    return True


def continues_word(text: str, position: int) -> bool:
    """Whether this position of the text lies between two letters or digits of one word."""
    return (
        0 < position < len(text)
        and not is_word_break(text, position)
        and (_is_letter(text[position]) or _is_extending(text[position]))
        and (_is_letter(text[position - 1]) or _is_extending(text[position - 1]))
    )


def _joins(sign: str, before: str, after: str) -> bool:
    if sign in _APOSTROPHES:
        return before.isalpha() and after.isalpha()
    return sign in ".," and before.isdigit() and after.isdigit()


def _is_letter(character: str) -> bool:
    return (character.isalnum() or character == "_") and not _is_unspaced(ord(character))


def _is_extending(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
        or 0x1F3FB <= ord(character) <= 0x1F3FF  # skin tones
    )


def _is_flag_half(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x30A0),  # CJK radicals to Hiragana
    (0x3100, 0x312F),  # Bopomofo
    (0x31A0, 0x31EF),
    (0x3400, 0x9FFF),  # Chinese characters
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def _is_unspaced(code: int) -> bool:
    """Whether the character belongs to a script that writes words without spaces between them."""
    return any(first <= code <= last for first, last in _UNSPACED)
