"""One safe way in: bundled, from a folder, from the local hub cache, or from the Hugging Face hub.

Only safetensors are read and no code of a model repository is run, wherever it comes from.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from attnviz.errors import ModelError, ModelNotFound, ModelRefused
from attnviz.models import bundled
from attnviz.models.architecture import Architecture, architecture
from attnviz.models.catalog import title_of
from attnviz.settings import settings
from attnviz.tracing.attention import register

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

Progress = Callable[[str, int, int], None]
"""Told what is being done, the bytes done and the bytes in all."""

_ID = re.compile(r"(?!.*(\.\.|--))[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?")


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready to be traced. ``module`` is in eval mode and shared: nobody may change it."""

    id: str
    title: str
    tokenizer: PreTrainedTokenizerFast
    module: PreTrainedModel
    architecture: Architecture
    device: torch.device
    source: Literal["bundled", "folder", "cache", "hub"]


def load(model_id_or_folder: str | os.PathLike[str], progress: Progress | None = None) -> LoadedModel:
    """Open a model by its hub id, or from a folder (a Path, or a string that starts with "/", "./" or "~").

    A bundled copy is taken before the local hub cache, that before the hub. Float32 on the CPU; CUDA or MPS is used
    where there is one. Raises subclasses of :class:`attnviz.errors.ModelError`.
    """
    if not isinstance(model_id_or_folder, str) or model_id_or_folder.startswith(("/", "./", "../", "~")):
        folder = _folder(model_id_or_folder)
        return _open(folder, folder.name, folder.name, "folder")
    model_id = checked_id(model_id_or_folder)
    if bundled.is_bundled(model_id):
        return _open(bundled.folder_of(model_id, progress), model_id, title_of(model_id), "bundled")
    from attnviz.models import hub

    hub.check_allowed(model_id)
    cached = hub.cached_folder(model_id)
    if cached:
        return _open(cached, model_id, title_of(model_id), "cache")
    return _open(hub.download(model_id, progress), model_id, title_of(model_id), "hub")


def config_of(model_id_or_folder: str | os.PathLike[str]) -> PreTrainedConfig:
    """The config of a model, without its weights: from where :func:`load` would take the model, with the same checks.

    Of a model on the hub only ``config.json`` is fetched, a few kilobytes.
    """
    if not isinstance(model_id_or_folder, str) or model_id_or_folder.startswith(("/", "./", "../", "~")):
        return read_config(_folder(model_id_or_folder))
    model_id = checked_id(model_id_or_folder)
    if bundled.is_bundled(model_id):
        return read_config(bundled.folder_of(model_id))
    from attnviz.models import hub

    hub.check_allowed(model_id)
    return read_config(hub.cached_folder(model_id) or hub.download_config(model_id))


def tokenizer_of(model_id: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a model that is on this machine, without its weights.

    Raises :class:`ModelNotFound` for a model that would have to be fetched.
    """
    model_id = checked_id(model_id)
    if bundled.is_bundled(model_id):
        return _tokenizer(bundled.folder_of(model_id), title_of(model_id))
    from attnviz.models import hub

    hub.check_allowed(model_id)
    folder = hub.cached_folder(model_id)
    if folder is None:
        raise ModelNotFound(f"{title_of(model_id)} is not on this machine yet.", "Open it once, then compare it.")
    return _tokenizer(folder, title_of(model_id))


def _folder(path: str | os.PathLike[str]) -> Path:
    folder = Path(path).expanduser()
    if not (folder / "config.json").is_file():
        raise ModelNotFound(f"There is no model in the folder {folder}.", "It needs a config.json and safetensors.")
    return folder


def checked_id(text: str) -> str:
    """A model id as the hub writes them, without blanks around. Never a path: ids come from URLs as well.

    Raises :class:`ModelNotFound` for anything else.
    """
    model_id = text.strip().removeprefix("https://huggingface.co/").rstrip("/")
    if len(model_id) > 96 or not _ID.fullmatch(model_id):
        raise ModelNotFound(
            f"“{text[:60]}{'…' if len(text) > 60 else ''}” is not the name of a model.",
            "A name looks like gpt2 or google-bert/bert-base-uncased: letters, digits, dots and dashes.",
        )
    return model_id


def _open(
    folder: Path, model_id: str, title: str, source: Literal["bundled", "folder", "cache", "hub"]
) -> LoadedModel:
    config = read_config(folder)
    check_weights(folder, title)
    tokenizer = _tokenizer(folder, title)
    device = _device()
    with quiet():
        try:
            module, info = model_class(config).from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise ModelError(
                f"The weights of {title} do not fit its config or are damaged.", "Choose another model."
            ) from error
    _check_loaded(info, title)
    module.eval().requires_grad_(False).to(device)
    return LoadedModel(model_id, title, tokenizer, module, register(module), device, source)


def read_config(folder: Path) -> PreTrainedConfig:
    """The config of a model folder. :class:`ModelUnsupported` names a family that cannot be traced."""
    from attnviz.models.architecture import family
    from attnviz.models.configs import check_sizes

    try:
        raw = json.loads((folder / "config.json").read_text("utf-8"))
        family(str(raw.get("model_type", "")))  # before Transformers sees it: it may not know the type at all
        check_sizes(raw)  # it would list a billion layers by name
        with quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        architecture(config)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise ModelError(f"The config of {folder.name} cannot be read.", "Choose another model.") from error
    return config


def model_class(config: PreTrainedConfig) -> Any:
    """Which of Transformers' classes opens a model: with its language head where the checkpoint has one."""
    kind = architecture(config).kind
    if kind == "decoder":
        return AutoModelForCausalLM
    if kind == "encoder-decoder":
        return AutoModelForSeq2SeqLM
    trained_as = " ".join(config.architectures or ())
    return AutoModelForMaskedLM if "ForMaskedLM" in trained_as else AutoModel


def check_weights(folder: Path, title: str) -> None:
    """Raises :class:`ModelRefused` when a folder has no safetensors."""
    if not any(folder.glob("*.safetensors")):
        raise ModelRefused(
            f"{title} is offered only in a format that can run code when it is opened.",
            "AttnViz opens safetensors only; choose another model.",
        )


def _check_loaded(info: dict[str, Any], title: str) -> None:
    """Weights that the checkpoint lacks would be random numbers shown as a trained model's."""
    missing = [key for key in info["missing_keys"] if "pooler" not in key]
    if missing or info["mismatched_keys"]:
        raise ModelError(
            f"The checkpoint of {title} lacks weights that the model needs, such as {(missing or ['?'])[0]}.",
            "Choose another model.",
        )


def _tokenizer(folder: Path, title: str) -> PreTrainedTokenizerFast:
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
            raise ModelError(f"{title} has no tokenizer that can be read.", "Choose another model.") from error
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{title} has no fast tokenizer, which tells pieces from text.", "Choose another model.")
    result: PreTrainedTokenizerFast = tokenizer
    return result


def _device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


_quiet_lock = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Transformers reports to its own developers; what matters of it is checked here and said to the user."""
    with _quiet_lock:
        verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
        transformers_logging.set_verbosity(logging.CRITICAL)
        transformers_logging.disable_progress_bar()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            transformers_logging.set_verbosity(verbosity)
            if bars:
                transformers_logging.enable_progress_bar()
