"""The files of a checkpoint: which are needed, whether a folder has them all, what their headers say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from math import prod
from pathlib import Path

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"

MAX_CONFIG_BYTES = 1_000_000
"""The longest published configs (with all their label names) have about 100,000."""

_ONE_FILE = "model.safetensors"
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_TOKENIZER = re.compile(r"tokenizer\.json|vocab\.(json|txt)|[a-z_.]+\.(spm|model)")
_TEXTS = re.compile(
    r"(config|generation_config|tokenizer_config|special_tokens_map|added_tokens)\.json|merges\.txt"
    rf"|{_TOKENIZER.pattern}|{re.escape(INDEX)}"
)


def needed_files(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Of a repository's files the texts (config, tokenizer) and the weights that are needed.

    No second format of the weights, no folder and no code is among them.
    """
    names = sorted(names)
    weights = [name for name in names if _WEIGHTS.fullmatch(name)]
    texts = [name for name in names if _TEXTS.fullmatch(name)]
    if _ONE_FILE in weights:  # some repositories hold one file and its shards as well
        weights = [_ONE_FILE]
        texts = [name for name in texts if name != INDEX]
    return texts, weights


def has_tokenizer(names: Iterable[str]) -> bool:
    """Whether there is a vocabulary among the files."""
    return any(_TOKENIZER.fullmatch(name) for name in names)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weights in a folder: one file, or the shards that its index names; empty where one is missing."""
    one = folder / _ONE_FILE
    if one.is_file():
        return (one,)
    try:
        shards = sorted(set(json.loads((folder / INDEX).read_text("utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()
    if not all(isinstance(name, str) and _WEIGHTS.fullmatch(name) for name in shards):
        return ()  # an index may not point at files elsewhere on this machine
    files = tuple(folder / name for name in shards)
    return files if all(file.is_file() for file in files) else ()


def is_complete(folder: Path) -> bool:
    """Whether the folder has a config, a tokenizer and all the weights."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return False
    return CONFIG in names and has_tokenizer(names) and bool(weight_files(folder))


def stored_parameters(files: Iterable[Path]) -> int:
    """How many numbers lie in safetensors files, from their headers: under a millisecond, no tensor is read.

    Raises OSError or safetensors' SafetensorError for a file that is damaged.
    """
    from safetensors import safe_open

    total = 0
    for file in files:
        with safe_open(file, framework="np") as tensors:
            total += sum(prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    return total
