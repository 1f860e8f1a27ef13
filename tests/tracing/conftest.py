"""Tiny models that several modules here trace."""

import pytest

import attnviz
from tests.tiny import save_tiny


@pytest.fixture(scope="session")
def load(tmp_path_factory):
    """Loads a tiny model of a type, once for all tests."""
    loaded = {}

    def load_one(model_type, **changes):
        key = (model_type, tuple(changes.items()))
        if key not in loaded:
            loaded[key] = attnviz.load(save_tiny(tmp_path_factory.mktemp(model_type), model_type, **changes))
        return loaded[key]

    return load_one
