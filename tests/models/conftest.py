"""No test here reaches beyond this machine; each has its own settings and its own hub cache."""

import socket

import pytest
from huggingface_hub import close_session, constants

from attnviz.settings import settings


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    connect = socket.socket.connect

    def only_loopback(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a test tried to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)


@pytest.fixture
def configure(monkeypatch):
    """Sets fields of the settings for one test."""

    def change(**fields):
        for name, value in fields.items():
            monkeypatch.setenv(f"ATTNVIZ_{name.upper()}", str(value))
        settings.cache_clear()
        return settings()

    yield change
    settings.cache_clear()


@pytest.fixture
def hub_cache(monkeypatch, tmp_path):
    """An empty local hub cache, and no token or proxy of whoever runs the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    close_session()  # the client keeps the proxies that it found when it was made
    yield tmp_path / "hub-cache"
    close_session()
