"""Every limit and switch of AttnViz, read once from ``ATTNVIZ_*`` variables, the reason beside each."""

from functools import cache
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _bundled_folder() -> Path:
    """In a checkout the model packages lie in ``.models`` beside ``pyproject.toml``; elsewhere in the user's data."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".models"
    return platformdirs.user_data_path("attnviz") / "models"


class Settings(BaseSettings):
    """Limits are set for a shared server with two cores and 8 GiB; a notebook can lift each of them."""

    model_config = SettingsConfigDict(env_prefix="ATTNVIZ_", frozen=True)

    bundled_folder: Path = Field(default_factory=_bundled_folder)
    """Where the packages of ``requirements-models.txt`` are installed: data, never on the import path."""

    cache_folder: Path = Field(default_factory=lambda: platformdirs.user_cache_path("attnviz"))
    """Converted models. A container sets it to a folder that its image has filled."""

    offline: bool = False
    """Never ask the hub. For an exam room, a train, or a server without a way out."""

    hub_models: Literal["any", "catalog", "none"] = "any"
    """Which hub models a learner may open. A shared server sets "catalog": unknown ids cost disk and memory."""

    allowed_models: tuple[str, ...] = ()
    """Further ids that are allowed although ``hub_models`` is not "any"."""

    hub_endpoint: str | None = None
    """Address of a mirror of the hub, for a school that keeps one; None asks the hub itself."""

    hub_timeout: float = 3.0
    """Seconds until the hub counts as out of reach. Longer feels like a hang to somebody who waits."""

    max_download_bytes: int = 4_000_000_000
    """Size of weights that may be downloaded, checked before the first byte. 4 GB hold 1 B parameters in float32."""

    max_parameters: int = 800_000_000
    """Parameters that may be loaded: gpt2-large (774 M, 3.1 GB in float32) fits beside the bundled models into 8 GiB."""

    max_tokens: int = Field(default=512, ge=1)
    """Tokens traced at once: 512 take 1.6 s with SmolLM2 on two cores, and memory grows with the square."""

    max_text_bytes: int = 100_000
    """Longer texts are refused before the tokenizer sees them."""

    max_new_tokens: int = Field(default=64, ge=1)
    """Length of the target that an encoder-decoder model writes by itself when none is given."""

    threads: int = Field(default=0, ge=0)
    """Threads of one forward pass; 0 leaves it to PyTorch. A shared server sets 1, so that two learners share two cores."""

    workers: int = Field(default=2, ge=1)
    """Forward passes at the same time: one for each core."""

    queue_length: int = Field(default=100, ge=1)
    """Passes that may wait. A class of a hundred that presses at once just fits."""

    trace_cache_bytes: int = 1_000_000_000
    """Traces kept in memory: about 300 of a sentence with SmolLM2, 5 of 512 tokens."""

    model_cache_bytes: int = 4_000_000_000
    """Loaded models kept in memory: the bundled ones (0.54, 0.09 and 0.01 GB) and one large from the hub."""


@cache
def settings() -> Settings:
    """The settings of this process, read at the first call."""
    return Settings()
