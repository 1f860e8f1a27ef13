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
from safetensors import SafetensorError
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

import attnviz.models.translator  # noqa: F401 - makes its type known to Transformers
from attnviz.errors import ModelError, ModelNotFound, ModelRefused, ModelUnsupported
from attnviz.models import bundled
from attnviz.models.architecture import Architecture, architecture, family
from attnviz.models.catalog import entry, title_of
from attnviz.models.checkpoint import CONFIG, MAX_CONFIG_BYTES, has_tokenizer, stored_parameters, weight_files
from attnviz.models.configs import build_errors, check_sizes
from attnviz.models.spelling import readable, sounds, spells
from attnviz.settings import settings
from attnviz.tracing.attention import register

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

Progress = Callable[[str, int, int], None]
"""Told what is being done, the bytes done and the bytes in all."""

_NAME = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_ID = re.compile(rf"(?!.*(\.\.|--))({_NAME}/)?{_NAME}")

_OPENING_ERRORS: tuple[type[Exception], ...] = (OSError, ImportError, SafetensorError, *build_errors())
"""What Transformers and the readers of files raise for files that do not make a model."""

_MENDS = {
    "bundled": bundled.MEND,
    "folder": "Save the model to its folder once more.",
    "cache": "Delete it from the local hub cache and open it again, or choose another model.",
    "hub": "Choose another model.",
}
"""What to do about weights that cannot be opened, by where they come from."""


_PATH_STARTS = ("/", "./", "../", "~", "\\", ".\\")


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

    def as_read(self, text: str) -> str:
        """The text as this model reads it. Raises :class:`TextError` for what it cannot read at all."""
        return readable(self.id, text)

    def as_written(self, target: str) -> str:
        """A target that somebody typed as this model would write it; raises :class:`TextError` as above."""
        return sounds(target, self.tokenizer.get_vocab()) if spells(self.id) else target


def load(model_id_or_folder: str | os.PathLike[str], progress: Progress | None = None) -> LoadedModel:
    """Open a model by its hub id, or from a folder: a ``Path``, or a string that starts with "/", "./", "../" or "~".

    A bundled copy is taken before the local hub cache, that before the hub. Float32 on the CPU; CUDA or MPS is used
    where there is one. Who passes on what a learner typed asks :func:`resolved_id` first, as the engine does: no id
    looks like a path. Raises subclasses of :class:`attnviz.errors.ModelError`.
    """
    model = model_id_or_folder
    if not isinstance(model, str) or model.startswith(_PATH_STARTS):
        folder = _folder(model)
        return _open(folder, folder.name, folder.name, "folder")
    model_id = resolved_id(model)
    title = title_of(model_id)
    if bundled.is_bundled(model_id):
        return _open(bundled.folder_of(model_id, progress), model_id, title, "bundled")
    from attnviz.models import hub

    hub.check_allowed(model_id)
    cached = hub.cached_folder(model_id)
    if cached:
        return _open(cached, model_id, title, "cache")
    return _open(hub.download(model_id, progress), model_id, title, "hub")


def config_of(model: str | os.PathLike[str]) -> PreTrainedConfig:
    """The config of a model, without its weights: from where :func:`load` would take the model, with the
    same checks.

    Of a model on the hub only ``config.json`` is fetched, a few kilobytes.
    """
    if not isinstance(model, str):
        folder = _folder(model)
        return read_config(folder, folder.name)
    model_id = resolved_id(model)
    title = title_of(model_id)
    if bundled.is_bundled(model_id):
        return read_config(bundled.folder_of(model_id), title)
    from attnviz.models import hub

    hub.check_allowed(model_id)
    return read_config(hub.cached_folder(model_id) or hub.download_config(model_id), title)


def tokenizer_of(model_id: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a model that is on this machine, without its weights.

    Raises :class:`ModelNotFound` for a model that would have to be fetched.
    """
    model_id = resolved_id(model_id)
    title = title_of(model_id)
    if bundled.is_bundled(model_id):
        return _tokenizer(bundled.folder_of(model_id), title)
    from attnviz.models import hub

    hub.check_allowed(model_id)
    folder = hub.cached_folder(model_id)
    if folder is None:
        raise ModelNotFound(f"{title} is not on this machine yet.", "Open it once, then compare it.")
    return _tokenizer(folder, title)


def _folder(path: str | os.PathLike[str]) -> Path:
    folder = Path(path).expanduser().resolve()
    if not (folder / CONFIG).is_file():
        raise ModelNotFound(
            f"There is no model in the folder {folder}.", "It needs a config.json and safetensors."
        )
    return folder


def resolved_id(text: str) -> str:
    """The id under which a model is known here: a catalog model has several names on the hub."""
    model_id = checked_id(text)
    known = entry(model_id)
    return known.id if known else model_id


def checked_id(text: str) -> str:
    """A model id as the hub writes them, without blanks around. Never a path: ids come from URLs as well.

    Raises :class:`ModelNotFound` for anything else.
    """
    model_id = text.strip().removeprefix("https://huggingface.co/").rstrip("/")
    if len(model_id) > 96 or not _ID.fullmatch(model_id) or model_id.endswith(".git"):
        looks_like_path = text.startswith(("/", ".", "~")) or "\\" in text
        way_out = "A name looks like gpt2 or google-bert/bert-base-uncased: letters, digits, dots and dashes."
        raise ModelNotFound(
            f"“{text[:60]}{'…' if len(text) > 60 else ''}” is not the name of a model.",
            f"{way_out} In Python, a folder is given as a Path." if looks_like_path else way_out,
        )
    return model_id


def _open(
    folder: Path, model_id: str, title: str, source: Literal["bundled", "folder", "cache", "hub"]
) -> LoadedModel:
    config = read_config(folder, title)
    _check_weights(folder, title, source)
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
            _check_loaded(info, title)
            module.eval().requires_grad_(False).to(device)
        except _OPENING_ERRORS as error:
            if _lacks_memory(error):
                raise ModelRefused(
                    f"{title} does not fit into the memory of this machine.", "Choose a smaller model."
                ) from error
            raise _damaged(title, source) from error
    return LoadedModel(model_id, title, tokenizer, module, register(module), device, source)


def read_config(folder: Path, title: str) -> PreTrainedConfig:
    """The config of a model folder, checked before Transformers builds anything from it.

    Raises :class:`ModelUnsupported` for a family that cannot be traced, :class:`ModelRefused` for weights
    in a compressed format, :class:`ModelError` for anything that is no config.
    """
    path = folder / CONFIG
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError("longer than any published config")
        raw = json.loads(path.read_text("utf-8"))
        if not raw.get("model_type"):
            raise ModelUnsupported(
                f"The config of {title} does not say of which family the model is.", "Choose another model."
            )
        family(str(raw["model_type"]))  # before Transformers sees it: it may not know the type at all
        check_sizes(raw)  # it would list a billion layers by name
        if raw.get("quantization_config"):
            raise ModelRefused(
                f"The weights of {title} are stored in a compressed format that is not opened here.",
                "Choose the original of this model.",
            )
        with quiet():
            config: PreTrainedConfig = AutoConfig.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True
            )
        architecture(config)
    except _OPENING_ERRORS as error:
        raise ModelError(f"The config of {title} cannot be read.", "Choose another model.") from error
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


def _check_weights(folder: Path, title: str, source: str) -> None:
    """What can be said against the weights before they are read."""
    if not any(folder.glob("*.safetensors")):
        raise no_safetensors(title)
    try:
        parameters = stored_parameters(weight_files(folder))
    except (OSError, SafetensorError) as error:
        raise _damaged(title, source) from error
    if not parameters:
        raise ModelError(f"The folder of {title} does not hold all of its weights.", _MENDS[source])
    if source != "bundled":
        check_parameters(parameters, title)


def check_parameters(parameters: int, title: str) -> None:
    """Raises :class:`ModelRefused` for more than ``settings().max_parameters``."""
    limit = settings().max_parameters
    if parameters > limit:
        raise ModelRefused(
            f"{title} has {parameters:,} parameters; this machine opens at most {limit:,}.",
            "Choose a smaller model.",
        )


def no_safetensors(title: str) -> ModelRefused:
    """What is said of a model that has weights only as pickle, or in a format of another program."""
    return ModelRefused(
        f"{title} is offered only in a format that can run code when it is opened.",
        "AttnViz opens safetensors only; choose another model.",
    )


def _damaged(title: str, source: str) -> ModelError:
    return ModelError(f"The weights of {title} do not fit its config or are damaged.", _MENDS[source])


def _lacks_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def _check_loaded(info: dict[str, Any], title: str) -> None:
    """Weights that the checkpoint lacks would be random numbers shown as a trained model's."""
    missing = sorted(key for key in info["missing_keys"] if "pooler" not in key)  # nothing here uses a pooler
    if missing or info["mismatched_keys"] or info["error_msgs"]:
        example = f", such as {missing[0]}" if missing else ""
        raise ModelError(
            f"The checkpoint of {title} lacks weights that the model needs{example}.", "Choose another model."
        )


def _tokenizer(folder: Path, title: str) -> PreTrainedTokenizerFast:
    if not has_tokenizer(path.name for path in folder.iterdir()):
        # without a vocabulary Transformers makes a tokenizer of the family that knows no pieces
        raise ModelError(f"{title} has no tokenizer that can be read.", "Choose another model.")
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except _OPENING_ERRORS as error:
            raise ModelError(
                f"{title} has no tokenizer that can be read.", "Choose another model."
            ) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelError(
            f"{title} has no fast tokenizer, which tells pieces from text.", "Choose another model."
        )
    return tokenizer


def _device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


_quiet_lock = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """One piece of Transformers' loading at a time, without its reports.

    While it builds a model it switches off initialisation for the whole process, so two loads must not
    meet. What matters of its reports is checked here and said to the user.
    """
    with _quiet_lock:
        verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
        transformers_logging.set_verbosity(logging.CRITICAL)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            transformers_logging.set_verbosity(verbosity)
            if bars:
                transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
