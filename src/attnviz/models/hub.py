"""Models from the Hugging Face hub and its local cache. What may come in is decided before the first byte of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from huggingface_hub import HfApi, hf_hub_download, scan_cache_dir, try_to_load_from_cache
from huggingface_hub.errors import (
    CacheNotFound,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import tqdm

from attnviz.errors import HubUnreachable, ModelError, ModelNotFound, ModelRefused, ModelUnsupported
from attnviz.models.catalog import catalog, title_of
from attnviz.settings import settings

Progress = Callable[[str, int, int], None]
T = TypeVar("T")

_INDEX = "model.safetensors.index.json"
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_TEXT_FILES = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|merges\.txt|vocab\.txt|[a-z_]+\.(spm|model)|" + re.escape(_INDEX)
)


def check_allowed(model_id: str) -> None:
    """Raises :class:`ModelRefused` for a model that this server does not open."""
    limits = settings()
    known = {e.id for e in catalog()} if limits.hub_models != "none" else set()
    if limits.hub_models == "any" or model_id in known or model_id in limits.allowed_models:
        return
    raise ModelRefused(f"This server does not open {model_id}.", f"It offers {_names(usable_now())}.")


def usable_now() -> tuple[str, ...]:
    """Titles of the models that need no network: bundled ones, and those in the local hub cache."""
    return tuple(e.title for e in catalog() if e.bundled) + tuple(title_of(i) for i in cached_ids())


def cached_ids() -> tuple[str, ...]:
    """Ids of the models in the local hub cache that are complete and of a family that can be traced."""
    try:
        repos = scan_cache_dir().repos
    except (CacheNotFound, OSError):
        return ()
    return tuple(sorted(r.repo_id for r in repos if r.repo_type == "model" and cached_folder(r.repo_id)))


def cached_folder(model_id: str) -> Path | None:
    """The folder of a model in the local hub cache, or None where it is not there or not complete."""
    config = try_to_load_from_cache(model_id, "config.json")
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return folder if _is_complete(folder) else None


def download(model_id: str, progress: Progress | None = None) -> Path:
    """Fetch a model into the local hub cache; returns its folder there.

    Size, format, family and number of parameters are checked before any weights are fetched. Raises
    :class:`HubUnreachable`, :class:`ModelNotFound`, :class:`ModelRefused` or :class:`ModelUnsupported`.
    """
    from attnviz.models.loading import read_config
    from attnviz.models.parameters import count_parameters

    limits, title = settings(), title_of(model_id)
    if limits.offline:
        raise HubUnreachable(f"{title} is not on this machine, and it does not ask the hub.", _way_out())
    info = _asked(model_id, lambda: _api().model_info(model_id, files_metadata=True, timeout=limits.hub_timeout))
    if info.gated:
        raise ModelRefused(
            f"{title} is given only to people who accepted its licence on the hub.", "Choose a model without a gate."
        )
    files = _wanted(info, title)
    total = sum(f.size or 0 for f in files)
    if total > limits.max_download_bytes:
        raise ModelRefused(
            f"{title} weighs {_gigabytes(total)}; this machine fetches at most {_gigabytes(limits.max_download_bytes)}.",
            "Choose a smaller model.",
        )
    revision = info.sha
    config = Path(_asked(model_id, lambda: _fetch(model_id, "config.json", revision, None)))
    facts = read_config(config.parent)
    parameters = count_parameters(facts).total
    if parameters > limits.max_parameters:
        raise ModelRefused(
            f"{title} has {parameters:,} parameters; this machine opens at most {limits.max_parameters:,}.",
            "Choose a smaller model.",
        )
    done = 0
    for file in files:
        report = _reporter(progress, f"Fetching {title}", done, total)
        try:
            _fetch(model_id, file.rfilename, revision, report)
        except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
            _forget_unfinished(config)
            raise HubUnreachable(f"The download of {title} broke off.", f"Try again later, or use {_names(usable_now())}.") from error
        done += file.size or 0
    if not _is_complete(config.parent):
        raise ModelError(f"The hub did not give all the weights of {title}.", "Choose another model.")
    return config.parent


def download_config(model_id: str) -> Path:
    """Fetch a model's ``config.json`` alone into the local hub cache; returns its folder there."""
    if settings().offline:
        raise HubUnreachable(f"{title_of(model_id)} is not on this machine, and it does not ask the hub.", _way_out())
    try:
        return Path(_asked(model_id, lambda: _fetch(model_id, "config.json", None, None))).parent
    except EntryNotFoundError as error:
        raise ModelUnsupported(
            f"{title_of(model_id)} has no config.json and is no Transformers model.", "Choose another model."
        ) from error


def _wanted(info: ModelInfo, title: str) -> list[RepoSibling]:
    """The files that are needed and no others: no second format, no folder, no code."""
    files = info.siblings or []
    names = {f.rfilename for f in files}
    if "config.json" not in names:
        raise ModelUnsupported(f"{title} has no config.json and is no Transformers model.", "Choose another model.")
    if not any(_WEIGHTS.fullmatch(name) for name in names):
        raise ModelRefused(
            f"{title} is offered only in a format that can run code when it is opened.",
            "AttnViz opens safetensors only; choose another model.",
        )
    one = "model.safetensors" in names  # some repositories hold one file and its shards as well
    weights = {n for n in names if _WEIGHTS.fullmatch(n) and (not one or n == "model.safetensors")}
    texts = {n for n in names if _TEXT_FILES.fullmatch(n) and not (one and n == _INDEX)}
    return [f for f in files if f.rfilename in weights | texts]


def _is_complete(folder: Path) -> bool:
    index = folder / _INDEX
    if (folder / "model.safetensors").is_file():
        return True
    try:
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError):
        return False
    return all("/" not in name and (folder / name).is_file() for name in shards)


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


def _forget_unfinished(config: Path) -> None:
    """Half a file would be resumed by the next attempt, but nobody may ever try again: leave nothing behind."""
    for path in (config.parents[2] / "blobs").glob("*.incomplete"):
        path.unlink(missing_ok=True)


def _asked(model_id: str, ask: Callable[[], T]) -> T:
    """The hub's answer, or a clear error within ``settings().hub_timeout``.

    The client's own timeout does not cover looking up the hub's address, which can hang for long without a network.
    """
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(ask).result(settings().hub_timeout)
    except GatedRepoError as error:
        raise ModelRefused(
            f"{title_of(model_id)} is given only to people who accepted its licence on the hub.",
            "Choose a model without a gate.",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(f"The hub has no model named {model_id}.", _way_out("Check the spelling, or use")) from error
    except EntryNotFoundError:
        raise
    except (FutureTimeout, HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise HubUnreachable(
            f"{title_of(model_id)} is not on this machine, and the hub cannot be reached.", _way_out()
        ) from error
    finally:
        pool.shutdown(wait=False)


def _api() -> HfApi:
    return HfApi(endpoint=settings().hub_endpoint)


def _reporter(progress: Progress | None, what: str, before: int, total: int) -> type[tqdm] | None:
    """A progress bar that draws nothing and tells ``progress`` the bytes of all files together."""
    if progress is None:
        return None
    done = before

    class Reporter(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            nonlocal done
            done += int(n or 0)
            progress(what, min(done, total), total)

    return Reporter


def _way_out(start: str = "You can use") -> str:
    return f"{start} {_names(usable_now())}."


def _names(titles: tuple[str, ...]) -> str:
    return ", ".join(titles[:-1]) + (" and " if len(titles) > 1 else "") + titles[-1] if titles else "no model"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
