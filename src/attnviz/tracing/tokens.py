"""What a model reads instead of a text: ids, and what each of them stands for. No torch here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from attnviz.errors import TextError, TooManyTokens
from attnviz.settings import settings
from attnviz.tracing.pieces import (
    Character,
    Piece,
    Vocabulary,
    characters,
    continues_word,
    is_word_break,
    readable,
    visible,
)

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerFast

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text, all tuples of one length.

    ``labels`` are for reading: "the", "-bel" for a piece that goes on with the word before it, "␣", "⏎",
    "[CLS]". A character that several tokens share is "🙂 1/3", "🙂 2/3", "🙂 3/3"; bytes of no character are
    "⟨F0 9F⟩". ``pieces`` are the vocabulary's own strings ("Ġthe"), ``raw_bytes`` the bytes they stand
    for (none for special and unknown tokens). ``surfaces`` are the parts of the text, spaces included;
    joined, they are the text. A character that several tokens share is with the first of them. ``words``
    counts words from 0 (-1 for special tokens), ``segments`` is 1 for the second text of a pair.
    """

    ids: tuple[int, ...]
    labels: tuple[str, ...]
    pieces: tuple[str, ...]
    surfaces: tuple[str, ...]
    raw_bytes: tuple[bytes, ...]
    special: tuple[bool, ...]
    words: tuple[int, ...]
    segments: tuple[int, ...]
    unknown: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if not self.unknown:
            object.__setattr__(self, "unknown", (False,) * len(self.ids))
        for name in self.__dataclass_fields__:
            value = tuple(getattr(self, name))
            object.__setattr__(self, name, value)
            if len(value) != len(self.ids):
                raise ValueError(f"{name} has {len(value)} entries for {len(self.ids)} tokens")
        for special, word in zip(self.special, self.words, strict=True):
            if special != (word == -1):
                raise ValueError(f"special tokens, and only they, belong to word -1; words are {self.words}")
        if any(segment not in (0, 1) for segment in self.segments):
            raise ValueError(f"segments are 0 or 1, not {self.segments}")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def unique_labels(self) -> tuple[str, ...]:
        """The labels with repeated ones told apart: "the", "the²", "the³"."""
        return _told_apart(self.labels)

    @cached_property
    def word_groups(self) -> tuple[tuple[int, ...], ...]:
        """The positions of each word's tokens, in order; a special token is a group of its own."""
        keys = [
            (w, s, i if w == -1 else -1)
            for i, (w, s) in enumerate(zip(self.words, self.segments, strict=True))
        ]
        return tuple(tuple(group) for _, group in groupby(range(len(self)), key=keys.__getitem__))

    @cached_property
    def word_labels(self) -> tuple[str, ...]:
        """One label for each of ``word_groups``; repeated ones are told apart."""
        return _told_apart(tuple(self._word_label(group) for group in self.word_groups))

    @property
    def text(self) -> str:
        """The text that the tokens were made from."""
        return "".join(self.surfaces)

    def _word_label(self, group: tuple[int, ...]) -> str:
        if len(group) == 1 or any(self.unknown[i] for i in group):
            return "".join(self.labels[i] for i in group)
        return readable(b"".join(self.raw_bytes[i] for i in group).strip(b" "))


def tokens(
    tokenizer: PreTrainedTokenizerFast,
    ids: Sequence[int],
    segments: Sequence[int] | None = None,
    text: str | tuple[str, str] | None = None,
) -> Tokens:
    """What the ids stand for, in any kind of tokenizer.

    With the ``text`` that gave the ids, ``surfaces`` joined are that text exactly, also where the tokenizer
    changes it (lower case, spaces thrown away). Without it they are what the tokenizer would write: for
    tokenizers that lose the spaces, one before every word.
    """
    vocabulary = Vocabulary(tokenizer)
    ids = tuple(int(i) for i in ids)
    pieces = [vocabulary[i] for i in ids]
    segments = tuple(segments) if segments is not None else (0,) * len(ids)
    spans = _spans(tokenizer, ids, text) if text is not None else None
    surfaces = _cut(text, spans) if text is not None and spans else _written(pieces, vocabulary)
    return Tokens(
        ids=ids,
        labels=_labels(pieces, ids, vocabulary),
        pieces=tuple(piece.string for piece in pieces),
        surfaces=surfaces,
        raw_bytes=tuple(piece.data for piece in pieces),
        special=tuple(piece.special for piece in pieces),
        words=_words(pieces, surfaces, segments),
        segments=segments,
        unknown=tuple(piece.unknown for piece in pieces),
    )


def encode(
    tokenizer: PreTrainedTokenizerFast,
    text: str | tuple[str, str],
    limit: int,
    *,
    as_target: bool = False,
    reader: str = "this model",
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids of a text or a pair of texts, with the model's special tokens; and the segment of each, 0 or 1.

    ``as_target`` reads the text as what an encoder-decoder should write. ``reader`` is named in the refusal.

    Raises :class:`TextError` for text that is blank, too long, or holds nothing that the tokenizer knows, and
    :class:`TooManyTokens` for more than ``limit``.
    """
    for part in text if isinstance(text, tuple) else (text,):
        _check(part)
    encoding = _encoding(tokenizer, text, as_target=as_target)
    ids = tuple(encoding["input_ids"])
    if len(ids) > limit:
        raise TooManyTokens(len(ids), limit, reader)
    if set(ids) <= set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}:
        raise TextError("There is nothing in your text that this model can read.", "Write a word or two.")
    second = _sequences(encoding).index(1) if isinstance(text, tuple) else len(ids)
    return ids, tuple(int(place >= second) for place in range(len(ids)))


def shortened(tokenizer: PreTrainedTokenizerFast, text: str, limit: int) -> str:
    """The longest beginning of the text that has at most ``limit`` tokens; no word is cut but the first."""
    text = text.encode()[: settings().max_text_bytes].decode(errors="ignore")

    def count(length: int) -> int:
        return len(_encoding(tokenizer, text[:length])["input_ids"])

    if count(len(text)) <= limit:
        return text
    # the count grows with the text but for small dips where a word becomes whole: then step back
    length = bisect_right(range(len(text) + 1), limit, key=count) - 1
    while length > 0 and count(length) > limit:
        length -= 1
    cut = text[:length]
    at_a_word = (
        cut if is_word_break(text, length) else cut[: max((cut.rfind(s) for s in " \n\t"), default=-1) + 1]
    )
    return at_a_word.rstrip() or cut


def _check(text: str) -> None:
    if not text.strip():
        raise TextError("There is no text to read yet.", "Write a sentence, or take one of the examples.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise TextError(
            "Your text holds half a character.", "Delete the sign that shows as a box and type it again."
        ) from None
    if size > settings().max_text_bytes:
        raise TextError(
            f"Your text has {size:,} bytes; at most {settings().max_text_bytes:,} are read here.",
            "Take a part of it.",
        )


def _encoding(
    tokenizer: PreTrainedTokenizerFast,
    text: str | tuple[str, str],
    *,
    as_target: bool = False,
    offsets: bool = False,
) -> BatchEncoding:
    options: dict[str, Any] = {
        "verbose": False,
        "return_attention_mask": False,
        "return_offsets_mapping": offsets,
    }
    first, second = text if isinstance(text, tuple) else (text, None)
    encoding: BatchEncoding = (
        tokenizer(text_target=first, **options) if as_target else tokenizer(first, second, **options)
    )
    return encoding


def _spans(
    tokenizer: PreTrainedTokenizerFast, ids: tuple[int, ...], text: str | tuple[str, str]
) -> list[tuple[int, int, int]] | None:
    """The text each token is from and between which characters; None where the ids are not of this text."""
    encoding = _encoding(tokenizer, text, offsets=True)
    if tuple(encoding["input_ids"]) != ids:
        return None
    return [(s, *o) for s, o in zip(_sequences(encoding), encoding["offset_mapping"], strict=True)]


def _sequences(encoding: BatchEncoding) -> list[int]:
    """Which text each token is from, 0 or 1; -1 for special tokens."""
    return [-1 if sequence is None else sequence for sequence in encoding.sequence_ids(0)]


def _cut(text: str | tuple[str, str], spans: list[tuple[int, int, int]]) -> tuple[str, ...]:
    """The text cut into surfaces: what lies between two tokens, mostly a space, goes to the second."""
    surfaces = [""] * len(spans)
    for sequence, part in enumerate(text if isinstance(text, tuple) else (text,)):
        mine = [i for i, span in enumerate(spans) if span[0] == sequence]
        done = 0
        for i in mine:
            end = max(done, spans[i][2])
            surfaces[i] = part[done:end]
            done = end
        if mine:
            surfaces[mine[-1]] += part[done:]
    return tuple(surfaces)


def _written(pieces: list[Piece], vocabulary: Vocabulary) -> tuple[str, ...]:
    """The surfaces as the tokenizer would write them."""
    surfaces = [""] * len(pieces)
    writing = vocabulary.writing
    for run in _runs(pieces):
        spaced = [_spaced(pieces[i], vocabulary) for i in run]
        starts = _starts(spaced)
        for character in characters(b"".join(spaced)):
            surfaces[run[bisect_right(starts, character.start) - 1]] += character.text or "\ufffd"
    ordinary = [i for i, piece in enumerate(pieces) if not piece.special]
    if ordinary and (writing.drops_first_space or writing.drops_spaces):
        surfaces[ordinary[0]] = surfaces[ordinary[0]].removeprefix(" ")
    if ordinary and writing.suffix:  # the space after the last word
        surfaces[ordinary[-1]] = surfaces[ordinary[-1]].removesuffix(" ")
    return tuple(surfaces)


def _spaced(piece: Piece, vocabulary: Vocabulary) -> bytes:
    """The bytes of a piece with the space that stands between words where pieces do not hold it."""
    writing = vocabulary.writing
    if writing.suffix:
        return piece.data + (b" " if piece.string.endswith(writing.suffix) else b"")
    return b" " + piece.data if writing.drops_spaces and not piece.continues else piece.data


def _labels(pieces: list[Piece], ids: tuple[int, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    labels = [piece.string or f"#{i}" for piece, i in zip(pieces, ids, strict=True)]
    by_character = vocabulary.writing.by_character
    for run in _runs(pieces):
        spaced = [_spaced(pieces[i], vocabulary) for i in run]
        starts = _starts(spaced)
        found = characters(b"".join(spaced))
        places = [c.start for c in found]
        text = "".join(c.text or "\ufffd" for c in found)
        for n, i in enumerate(run):
            if pieces[i].unknown:
                continue
            first = bisect_right(places, starts[n]) - 1  # the character that this token begins with or in
            last = bisect_left(places, starts[n + 1])
            label = _shared(found[first:last], starts, n) or readable(spaced[n])
            inside = not by_character and places[first] == starts[n] and continues_word(text, first)
            labels[i] = f"-{label}" if pieces[i].continues or inside else label
    return tuple(labels)


def _shared(mine: list[Character], starts: list[int], n: int) -> str | None:
    """The label "🙂 1/3" where token ``n`` is part of one of ``mine``, what it touches; else None."""
    split = [c for c in mine if not (starts[n] <= c.start and c.end <= starts[n + 1])]
    others = [c for c in mine if c not in split]
    if len(split) != 1 or any(c.text != " " for c in others):
        return None
    character = split[0]
    first = bisect_right(starts, character.start) - 1
    parts = [k for k in range(first, bisect_left(starts, character.end)) if starts[k] < starts[k + 1]]
    return f"{visible(character.text)} {parts.index(n) + 1}/{len(parts)}"


def _words(pieces: list[Piece], surfaces: tuple[str, ...], segments: tuple[int, ...]) -> tuple[int, ...]:
    words = [-1] * len(pieces)
    word = -1
    for run in _runs(pieces, segments):
        text = "".join(surfaces[i] for i in run)
        position = 0
        for n, i in enumerate(run):
            shares = not surfaces[i] and n > 0 and not pieces[i].unknown  # the character of the token before
            if n == 0 or pieces[i].unknown or (not shares and is_word_break(text, position)):
                word += 1
            words[i] = word
            position += len(surfaces[i])
    return tuple(words)


def _runs(pieces: list[Piece], segments: tuple[int, ...] | None = None) -> Iterator[list[int]]:
    """Positions of neighbouring tokens that are not special, of one text."""
    keys = [(piece.special, segments[i] if segments else 0) for i, piece in enumerate(pieces)]
    for (special, _), group in groupby(range(len(pieces)), key=keys.__getitem__):
        if not special:
            yield list(group)


def _starts(parts: list[bytes]) -> list[int]:
    """Where each part begins when all are joined, and where the last ends."""
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part))
    return starts


def _told_apart(labels: tuple[str, ...]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        unique.append(label if seen[label] == 1 else label + str(seen[label]).translate(_SUPERSCRIPTS))
    return tuple(unique)
