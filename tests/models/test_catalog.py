"""What can be chosen, against the published configs and the real packages."""

import json

import pytest

from attnviz.models import bundled
from attnviz.models.architecture import FAMILIES, architecture
from attnviz.models.catalog import catalog, entry, names_of, title_of
from attnviz.models.configs import published_config, read_config
from attnviz.models.loading import checked_id, config_of
from attnviz.models.parameters import count_parameters
from attnviz.settings import settings

ENTRIES = {e.id: e for e in catalog()}
PUBLISHED = [i for i in ENTRIES if published_config(i)]


@pytest.fixture
def fresh_catalog():
    catalog.cache_clear()
    yield
    catalog.cache_clear()


def test_bundled_models_come_first():
    order = [e.bundled for e in catalog()]
    assert order == sorted(order, reverse=True)
    assert set(bundled.PACKAGES) <= {e.id for e in catalog() if e.bundled}


def test_every_entry_is_whole():
    names = [name for e in catalog() for name in names_of(e.id)]
    assert len(names) == len(set(names)) and len({e.title for e in catalog()}) == len(catalog())
    for e in catalog():
        assert all(checked_id(name) == name for name in names_of(e.id))
        assert e.kind in {family.kind for family in FAMILIES.values()}
        assert e.about.endswith(".") and e.licence
        assert e.short == f"{e.title}  {e.layers} × {e.heads}"


@pytest.mark.parametrize("model_id", PUBLISHED)
def test_facts_are_those_of_the_published_config(model_id):
    known, shape = ENTRIES[model_id], architecture(read_config(published_config(model_id).config))
    kind = shape.kinds[0]
    assert (known.kind, known.layers, known.heads) == (shape.kind, shape.layers(kind), shape.heads(kind))
    assert known.parameters in (None, count_parameters(model_id).total)
    assert set(known.also) <= {*published_config(model_id).also}


@pytest.mark.parametrize("model_id", bundled.PACKAGES)
def test_facts_are_those_of_the_package(model_id):
    known, shape = ENTRIES[model_id], architecture(config_of(model_id))
    kind = shape.kinds[0]
    assert (known.kind, known.layers, known.heads) == (shape.kind, shape.layers(kind), shape.heads(kind))
    assert known.parameters in (None, count_parameters(model_id).total)
    if known.bytes:
        assert known.bytes == (settings().bundled_folder / bundled.PACKAGES[model_id].weights).stat().st_size


def test_names():
    assert entry("openai-community/gpt2") is entry("gpt2") is ENTRIES["gpt2"]
    assert entry("all-MiniLM-L6-v2") is ENTRIES[bundled.MINILM]
    assert entry("someone/gpt2") is None and entry("") is None
    assert names_of("gpt2") == ("gpt2", "openai-community/gpt2")
    assert names_of("someone/gpt2") == ("someone/gpt2",)
    assert title_of("google-bert/bert-base-uncased") == "BERT"
    assert title_of("someone/gpt2-tuned") == "gpt2-tuned"
    assert ENTRIES["gpt2"].source_url == "https://huggingface.co/gpt2"
    source_url = ENTRIES[bundled.TRANSLATE_EN_PT].source_url
    assert source_url is not None and "translations-models" in source_url


def test_the_model_of_this_project_is_listed_where_its_weights_are(fresh_catalog, monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "_SPELLING_WEIGHTS", tmp_path)
    assert entry(bundled.SPELLING) is None
    (tmp_path / "model.safetensors").write_bytes(b"")
    catalog.cache_clear()
    own = entry(bundled.SPELLING)
    assert own is not None and own.bundled and own.source_url is None
    assert json.dumps(own.title) == '"Spelling to sound"'
    order = [e.bundled for e in catalog()]
    assert order == sorted(order, reverse=True)
