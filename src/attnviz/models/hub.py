"""Models from the Hugging Face hub and its local cache. What may come in is decided before its first byte."""

from __future__ import annotations

import errno
import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils.tqdm import tqdm
from safetensors import SafetensorError

from attnviz.errors import HubUnreachable, ModelError, ModelNotFound, ModelRefused, ModelUnsupported
from attnviz.models.architecture import FAMILIES
from attnviz.models.catalog import catalog, entry, names_of, title_of
from attnviz.models.checkpoint import (
    CONFIG,
    MAX_CONFIG_BYTES,
    has_tokenizer,
    is_complete,
    needed_files,
    stored_parameters,
    weight_files,
)
from attnviz.settings import settings

Progress = Callable[[str, int, int], None]
T = TypeVar("T")

_HUB_ERRORS = (
    HfHubHTTPError,
    EntryNotFoundError,
    httpx2.HTTPError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
)
"""What a hub that is out of reach, or something else that answers in its place, leads to; the last three
come from reading an answer that is none of a hub, such as the log-in page of a wireless network."""

_NO_STORAGE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def check_allowed(model_id: str) -> None:
    """Raises :class:`ModelRefused` for a model that this server does not open."""
    if not _is_allowed(model_id):
        raise ModelRefused(
            f"This server does not open {title_of(model_id)}.", f"It offers {_names(usable_now())}."
        )


def _is_allowed(model_id: str) -> bool:
    limits = settings()
    if limits.hub_models == "any" or not set(limits.allowed_models).isdisjoint(names_of(model_id)):
        return True
    return limits.hub_models == "catalog" and entry(model_id) is not None


def usable_now() -> tuple[str, ...]:
    """Titles of the models that need no network: bundled ones, and those in the local hub cache."""
    return tuple(e.title for e in catalog() if e.bundled) + tuple(title_of(i) for i in cached_ids())


def cached_ids() -> tuple[str, ...]:
    """Ids of the models in the local hub cache that :func:`attnviz.load` would open: complete, of a family
    that can be traced, allowed and not too large; bundled ones left out.
    """
    folders = Path(constants.HF_HUB_CACHE).glob("models--*")
    ids = {folder.name.removeprefix("models--").replace("--", "/") for folder in folders}
    return tuple(sorted({_listed_id(i) for i in ids if _opens(i)}))


def _listed_id(model_id: str) -> str:
    known = entry(model_id)
    return known.id if known else model_id


def _opens(model_id: str) -> bool:
    known, folder = entry(model_id), cached_folder(model_id)
    if folder is None or (known and known.bundled) or not _is_allowed(model_id):
        return False
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        traced = config.get("model_type") in FAMILIES and not config.get("quantization_config")
        return traced and stored_parameters(weight_files(folder)) <= settings().max_parameters
    except (OSError, ValueError, AttributeError, RecursionError, SafetensorError):
        return False


def cached_folder(model_id: str) -> Path | None:
    """The folder of a model in the local hub cache, or None where it is not there or not complete.

    The version that the hub's main branch had when it was last asked is preferred; another complete one,
    newest first, is better than none.
    """
    for name in names_of(model_id):
        stored = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
        try:
            main = (stored / "refs" / "main").read_text("utf-8").strip()
        except (OSError, ValueError):
            main = ""
        versions = [v for v in (stored / "snapshots").glob("*") if v.is_dir()]
        versions.sort(key=lambda v: (v.name == main, v.stat().st_mtime), reverse=True)
        found = next((v for v in versions if is_complete(v)), None)
        if found:
            return found
    return None


def download(model_id: str, progress: Progress | None = None) -> Path:
    """Fetch a model into the local hub cache; returns its folder there.

    Format, family, number of parameters and size are checked before any weights are fetched. What broke off
    is not taken for a model later: every file appears under its name only when it is whole, and the weights
    come last. Raises :class:`HubUnreachable`, :class:`ModelNotFound`, :class:`ModelRefused` or
    :class:`ModelUnsupported`.
    """
    from attnviz.models.loading import check_parameters, no_safetensors, read_config
    from attnviz.models.parameters import count_parameters

    limits, title = settings(), title_of(model_id)
    _check_online(title)
    info = _asked(
        model_id, lambda: _api().model_info(model_id, files_metadata=True, timeout=limits.hub_timeout)
    )
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    texts, weights = needed_files(sizes)
    if CONFIG not in texts:
        raise _no_config(title)
    if not weights:
        raise no_safetensors(title)
    if not has_tokenizer(texts):
        raise ModelError(
            f"{title} comes without a tokenizer, which cuts text into tokens.", "Choose another model."
        )
    folder = _asked(model_id, lambda: _config_folder(model_id, info.sha))
    check_parameters(count_parameters(read_config(folder, title)).total, title)
    wanted = [(name, _size(model_id, name, sizes[name], info)) for name in texts + weights]
    _check_room(sum(size for _, size in wanted), title)
    _fetch_all(model_id, info.sha, wanted, progress)
    if not is_complete(folder):
        raise ModelError(f"The hub did not give all the files of {title}.", "Choose another model.")
    return folder


def download_config(model_id: str) -> Path:
    """Fetch a model's ``config.json`` alone into the local hub cache; returns its folder there.

    Raises what :func:`download` raises.
    """
    _check_online(title_of(model_id))
    return _asked(model_id, lambda: _config_folder(model_id, None))


def _check_online(title: str) -> None:
    if settings().offline:
        raise HubUnreachable(f"{title} is not on this machine, which does not ask the hub.", _way_out())


def _check_room(total: int, title: str) -> None:
    limit = settings().max_download_bytes
    if total > limit:
        raise ModelRefused(
            f"{title} weighs {_amount(total)}; this machine fetches at most {_amount(limit)}.",
            "Choose a smaller model.",
        )
    place = Path(constants.HF_HUB_CACHE)
    while not place.is_dir():
        place = place.parent
    free = shutil.disk_usage(place).free
    if total > free:
        raise ModelRefused(
            f"{title} weighs {_amount(total)}; the disk of this machine has {_amount(free)} left.",
            "Choose a smaller model.",
        )


def _size(model_id: str, name: str, size: int | None, info: ModelInfo) -> int:
    """Bytes of a file. Not every mirror of the hub lists them; then the file itself is asked."""
    if size is None:
        url = hf_hub_url(model_id, name, revision=info.sha, endpoint=settings().hub_endpoint)
        size = _asked(model_id, lambda: get_hf_file_metadata(url, timeout=settings().hub_timeout)).size
    if size is None:
        raise ModelRefused(
            f"The hub does not say how large {title_of(model_id)} is, so it is not fetched.",
            "Choose another model.",
        )
    return size


def _config_folder(model_id: str, revision: str | None) -> Path:
    url = hf_hub_url(model_id, CONFIG, revision=revision, endpoint=settings().hub_endpoint)
    size = get_hf_file_metadata(url, timeout=settings().hub_timeout).size
    if size is not None and size > MAX_CONFIG_BYTES:
        raise ModelUnsupported(
            f"The config.json of {title_of(model_id)} is too long for one.", "Choose another model."
        )
    return Path(_fetch(model_id, CONFIG, revision, None)).parent


def _fetch_all(
    model_id: str, revision: str | None, wanted: list[tuple[str, int]], progress: Progress | None
) -> None:
    title, total, done = title_of(model_id), sum(size for _, size in wanted), 0
    for name, size in wanted:
        try:
            _fetch(model_id, name, revision, _reporter(progress, f"Fetching {title}", done, total))
        except (HfHubHTTPError, httpx2.HTTPError, EntryNotFoundError, OSError) as error:
            if isinstance(error, GatedRepoError) or getattr(error, "errno", None) in _NO_STORAGE:
                raise _said(error, model_id) from error
            raise HubUnreachable(
                f"The download of {title} broke off.", f"Try again later, or use {_names(usable_now())}."
            ) from error
        done += size
        if progress:
            progress(f"Fetching {title}", done, total)  # a file that was there already reports nothing itself


def _fetch(model_id: str, name: str, revision: str | None, report: type[tqdm] | None) -> str:
    path: str = hf_hub_download(
        model_id,
        name,
        revision=revision,
        etag_timeout=settings().hub_timeout,
        tqdm_class=report,
        endpoint=settings().hub_endpoint,
    )
    return path


def _asked(model_id: str, ask: Callable[[], T]) -> T:
    """The hub's answer, or a clear error within ``settings().hub_timeout``.

    The client's own timeout does not cover looking up the hub's address, which can hang for long without a
    network. The thread is a daemon, so that one that hangs does not keep the process from ending.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except (ModelError, *_HUB_ERRORS) as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="attnviz-hub", daemon=True).start()
    try:
        return answer.result(settings().hub_timeout)
    except (FutureTimeout, *_HUB_ERRORS) as error:
        raise _said(error, model_id) from error


def _said(error: BaseException, model_id: str) -> ModelError:
    """What a user is told of an error of the hub's client."""
    title = title_of(model_id)
    if isinstance(error, GatedRepoError):
        return ModelRefused(
            f"{title} is given only to people who accepted its licence on the hub.",
            "Accept it there and set HF_TOKEN, or choose a model without a gate.",
        )
    if isinstance(error, RepositoryNotFoundError):
        return ModelNotFound(
            f"The hub has no model named {model_id}.", _way_out("Check the spelling, or use")
        )
    if isinstance(error, DisabledRepoError) or (
        isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403)
    ):
        return ModelRefused(
            f"The hub refuses to give {title} to this machine.",
            "Check the access token in HF_TOKEN, or choose another model.",
        )
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return _no_config(title)
    if getattr(error, "errno", None) in _NO_STORAGE:
        return ModelError(
            f"{title} cannot be stored on this machine: {getattr(error, 'strerror', '')}.",
            f"Make room in {constants.HF_HUB_CACHE}, or set HF_HOME to another folder.",
        )
    return HubUnreachable(f"{title} is not on this machine, and the hub cannot be reached.", _way_out())


def _no_config(title: str) -> ModelUnsupported:
    return ModelUnsupported(
        f"{title} has no config.json and is no Transformers model.", "Choose another model."
    )


def _api() -> HfApi:
    return HfApi(endpoint=settings().hub_endpoint)


def _reporter(progress: Progress | None, what: str, before: int, total: int) -> type[tqdm] | None:
    """A progress bar that draws nothing and tells ``progress`` the bytes of all files together."""
    if progress is None:
        return None
    tell, done = progress, before

    class Reporter(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            nonlocal done
            done += int(n or 0)
            tell(what, min(done, total), total)

        # with these two the client counts what it received apart from what it wrote, and not both together
        def update_transfer(self, n: float | None = 1) -> None:
            pass

        def set_transfer_postfix_str(self, text: str = "", refresh: bool = True) -> None:
            pass

    return Reporter


def _way_out(start: str = "You can use") -> str:
    return f"{start} {_names(usable_now())}."


def _names(titles: tuple[str, ...]) -> str:
    return (
        ", ".join(titles[:-1]) + (" and " if len(titles) > 1 else "") + titles[-1] if titles else "no model"
    )


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
