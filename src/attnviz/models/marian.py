"""The binary format in which Marian stores a model: bytes in, named arrays and settings out.

All numbers are little-endian. A version (u64) and the number of items (u64) come first, then for each item four u64:
the length of its name with its NUL, its type, its rank and its bytes. Then all names, all shapes (i32 for each axis),
a padding (its length as u64, then as many bytes), and last the items themselves, back to back.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from attnviz.errors import ModelFileError

Floats = NDArray[np.float32]

VERSION = 1
FLOAT32, INT8, QUANTISED = 0x0404, 0x0101, 0x4101
"""Types of items: numbers, bytes (text, only for the settings), and 8-bit matrices with one factor."""

SETTINGS = "special:model.yml"

_ITEM = struct.Struct("<4Q")
_MAX_ITEMS, _MAX_RANK, _MAX_SETTINGS, _MAX_BRACKETS = 10_000, 8, 8192, 100
"""Far above real models (195 items of rank 2, a kilobyte of settings): what a damaged header must not ask for."""

_STORED_AS_DECLARED = "Wemb"
"""Embeddings are looked up row by row; every other 8-bit matrix lies transposed, ready for multiplication."""


@dataclass(frozen=True, eq=False)
class MarianFile:
    """What a file holds: arrays by name, float32, read-only, in the shape that the file declares, which for a matrix
    is (in, out); and the settings of ``special:model.yml`` as it writes them: texts, lists and mappings of texts."""

    arrays: Mapping[str, Floats]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class _Item:
    name: str
    type: int
    shape: tuple[int, ...]
    start: int
    size: int


def read(data: bytes) -> MarianFile:
    """The arrays and settings in the bytes of a file.

    Every size is checked against what is left of the file before anything is made of it, so the arrays take at most
    four times the bytes of ``data``. Raises :class:`ModelFileError` for a file that is cut short, damaged or of
    another format.
    """
    arrays: dict[str, Floats] = {}
    settings: Mapping[str, Any] = {}
    for item in _items(data):
        if item.name == SETTINGS:
            settings = _settings(data[item.start : item.start + item.size])
        else:
            arrays[item.name] = _array(data, item)
    return MarianFile(arrays, settings)


def _items(data: bytes) -> list[_Item]:
    """The table of contents, checked to cover the file from its first byte to its last."""
    version, count = _numbers(data, 0, "<u8", 2)
    if version != VERSION:
        raise _error("it does not begin like one")
    if count > _MAX_ITEMS:
        raise _error(f"it lists {count:,} items")
    headers = list(_ITEM.iter_unpack(_part(data, 16, _ITEM.size * count)))
    place = 16 + _ITEM.size * count
    names = []
    for length, *_ in headers:
        names.append(_name(_part(data, place, length)))
        place += length
    if len(set(names)) < len(names):
        raise _error("two of its items have one name")
    shapes = []
    for _, _, rank, _ in headers:
        if rank > _MAX_RANK:
            raise _error(f"one of its items has {rank:,} axes")
        shapes.append(_numbers(data, place, "<i4", rank))
        place += 4 * rank
    (padding,) = _numbers(data, place, "<u8", 1)
    place += 8 + padding
    items = []
    for name, (_, kind, _, size), shape in zip(names, headers, shapes, strict=True):
        if min(shape, default=1) < 1:
            raise _error(f"the shape of {name} is not one of an array")
        items.append(_Item(name, kind, shape, place, size))
        place += size
    if place != len(data):
        raise _error(f"it should have {place:,} bytes and has {len(data):,}")
    return items


def _array(data: bytes, item: _Item) -> Floats:
    numbers = math.prod(item.shape)
    if item.type == FLOAT32:
        if item.size < 4 * numbers:
            raise _error(f"{item.name} is shorter than its shape")
        array = np.frombuffer(data, "<f4", numbers, item.start).astype(np.float32).reshape(item.shape)
    elif item.type == QUANTISED:
        if item.size < numbers + 4:
            raise _error(f"{item.name} is shorter than its shape")
        (factor,) = struct.unpack_from("<f", data, item.start + numbers)
        if not (math.isfinite(factor) and factor):
            raise _error(f"the factor of {item.name} is {factor}")
        with np.errstate(over="ignore"):  # refused below
            array = np.frombuffer(data, np.int8, numbers, item.start).astype(np.float32) / np.float32(factor)
        transposed = len(item.shape) > 1 and item.name != _STORED_AS_DECLARED
        array = array.reshape(item.shape[::-1]).T if transposed else array.reshape(item.shape)
    else:
        raise _error(f"{item.name} is of a type that is not read here")
    if not np.isfinite(array).all():
        raise _error(f"{item.name} holds something that is no number")
    array.setflags(write=False)
    return array


def _settings(text: bytes) -> Mapping[str, Any]:
    # PyYAML takes seconds for thousands of open brackets; a real file has a handful
    if len(text) > _MAX_SETTINGS or text.count(b"[") + text.count(b"{") > _MAX_BRACKETS:
        raise _error("its settings are too long")
    try:
        # the base loader makes texts, lists and mappings, whatever tags a file carries
        settings = yaml.load(text.rstrip(b"\0").decode(), Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _error("its settings cannot be read") from error
    if not isinstance(settings, dict):
        raise _error("its settings are no list of names and values")
    return settings


def _name(raw: bytes) -> str:
    text = raw[:-1].decode("ascii", errors="replace")
    if len(raw) < 2 or raw[-1] != 0 or not text.isprintable() or not text.isascii():
        raise _error("one of its items has no readable name")
    return text


def _numbers(data: bytes, start: int, code: str, count: int) -> tuple[int, ...]:
    size = np.dtype(code).itemsize * count
    return tuple(np.frombuffer(_part(data, start, size), code).tolist())


def _part(data: bytes, start: int, size: int) -> bytes:
    """``size`` bytes from ``start``: Python's own numbers, which no size in a header can overflow."""
    if start + size > len(data):
        raise _error("it ends too early")
    return data[start : start + size]


def _error(reason: str) -> ModelFileError:
    return ModelFileError(f"This is not a whole Marian model file: {reason}.", "Fetch the model again.")
