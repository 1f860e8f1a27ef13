"""Models from a hub: what is fetched, what is refused before anything is fetched, and what happens when it fails."""

import json
import shutil
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

from attnviz.errors import HubUnreachable, ModelError, ModelNotFound, ModelRefused, ModelUnsupported
from attnviz.models import hub as hub_module
from attnviz.models.catalog import catalog
from attnviz.models.hub import cached_folder, cached_ids, usable_now
from attnviz.models.loading import config_of, load, tokenizer_of
from tests.models.hub import Hub, Repository
from tests.tiny import save_tiny, tiny_model

TINY = "someone/tiny-gpt2"
BUNDLED = [e.title for e in catalog() if e.bundled]
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files of a tiny GPT-2, with a README and a pickle as repositories have them."""
    folder = save_tiny(tmp_path_factory.mktemp("gpt2"), "gpt2")
    (folder / "README.md").write_text("A model.")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04 a pickle, never asked for")
    (folder / "modeling_own.py").write_text("raise SystemExit('this must not run')")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(configure, hub_cache, files):
    served = Hub()
    served.repositories[TINY] = Repository(dict(files))
    configure(hub_endpoint=served.address, hub_timeout=5)
    yield served
    served.close()


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def with_config(files, **fields):
    config = {**json.loads(files["config.json"]), **fields}
    return {**files, "config.json": json.dumps(config).encode()}


def refused(kind, model_id, *parts):
    with pytest.raises(kind) as caught:
        load(model_id)
    said = str(caught.value)
    for part in parts:
        assert part in said
    assert caught.value.message.endswith(".") and caught.value.way_out.endswith(".")
    return said


def test_a_model_is_fetched_once_and_opened_from_the_cache_afterwards(hub, hub_cache):
    told = []
    model = load(TINY, progress=lambda what, done, total: told.append((what, done, total)))
    assert (model.id, model.title, model.source) == (TINY, "tiny-gpt2", "hub")
    original = tiny_model("gpt2").state_dict()
    assert all(torch.equal(original[name], value) for name, value in model.module.state_dict().items())

    fetched = hub.fetched(TINY)
    assert fetched[-1] == WEIGHTS  # last, so that what breaks off before is no model
    assert not {"README.md", "pytorch_model.bin", "modeling_own.py"} & set(fetched)
    total = sum(len(hub.repositories[TINY].files[name]) for name in set(fetched))
    assert {what for what, _, _ in told} == {"Fetching tiny-gpt2"}
    assert {most for _, _, most in told} == {total}
    counts = [done for _, done, _ in told]
    assert counts == sorted(counts) and counts[-1] == total

    assert cached_ids() == (TINY,)
    assert usable_now() == (*BUNDLED, "tiny-gpt2")
    hub.requests.clear()
    assert load(TINY).source == "cache"
    assert tokenizer_of(TINY).get_vocab() == model.tokenizer.get_vocab()
    assert not hub.requests


def test_the_progress_of_a_large_file_comes_while_it_is_fetched(hub, files, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    told = []
    load(TINY, progress=lambda what, done, total: told.append(done))
    assert len(set(told)) > len(files[WEIGHTS]) // 10_000


def test_the_client_for_chunked_storage_counts_bytes_once():
    told = []
    report = hub_module._reporter(lambda what, done, total: told.append(done), "Fetching", 50, 150)
    with XetDownloadProgressReporter(
        reconstruction_desc="a", total=100, log_level=30, tqdm_class=report, name="test"
    ) as bars:
        for written, received in ((0, 30), (40, 60), (100, 80)):
            bars.update_progress(
                SimpleNamespace(
                    total_bytes_completed=written,
                    total_transfer_bytes_completed=received,
                    total_bytes_completion_rate=1.0,
                    total_transfer_bytes_completion_rate=1.0,
                    total_bytes=100,
                )
            )
    assert told == [90, 150]


def test_a_model_in_shards(hub, tmp_path):
    model = tiny_model("gpt2")
    folder = save_tiny(tmp_path / "sharded", "gpt2")
    (folder / WEIGHTS).unlink()
    model.save_pretrained(folder, max_shard_size="60KB")
    shards = sorted(path.name for path in folder.glob("model-*.safetensors"))
    assert len(shards) > 2
    hub.repositories["someone/shards"] = Repository.of(folder)
    opened = load("someone/shards").module.state_dict()
    assert all(torch.equal(opened[name], value) for name, value in model.state_dict().items())
    assert hub.fetched("someone/shards")[-len(shards) :] == shards

    hub.repositories["someone/gap"] = Repository.of(folder)
    del hub.repositories["someone/gap"].files[shards[1]]
    refused(ModelError, "someone/gap", "did not give all the files of gap")
    assert cached_folder("someone/gap") is None


def test_one_file_is_taken_where_shards_lie_beside_it(hub, files):
    index = json.dumps({"weight_map": {"a": "model-00001-of-00001.safetensors"}}).encode()
    doubled = {
        **files,
        "model.safetensors.index.json": index,
        "model-00001-of-00001.safetensors": b"x" * 1000,
    }
    hub.repositories["someone/twice"] = Repository(doubled)
    load("someone/twice")
    assert not {"model.safetensors.index.json", "model-00001-of-00001.safetensors"} & set(
        hub.fetched("someone/twice")
    )


def test_only_the_config_is_fetched_for_a_config(hub):
    assert config_of(TINY).n_layer == 3
    assert set(hub.fetched(TINY)) == {"config.json"}
    assert cached_folder(TINY) is None
    with pytest.raises(ModelNotFound, match="not on this machine yet"):
        tokenizer_of(TINY)
    assert load(TINY).source == "hub"


def test_pickles_are_refused_before_anything_is_fetched(hub, files):
    pickled = {name: content for name, content in files.items() if name != WEIGHTS}
    hub.repositories["someone/pickle"] = Repository(pickled)
    refused(
        ModelRefused, "someone/pickle", "pickle is offered only in a format that can run code", "safetensors"
    )
    assert not hub.fetched("someone/pickle")


def test_a_family_that_cannot_be_traced_is_named_before_its_weights_are_fetched(hub, files):
    hub.repositories["someone/flower"] = Repository(with_config(files, model_type="bloom"))
    refused(ModelUnsupported, "someone/flower", "BLOOM")
    with pytest.raises(ModelUnsupported, match="BLOOM"):
        config_of("someone/flower")
    hub.repositories["someone/new"] = Repository(with_config(files, model_type="architecture_of_tomorrow"))
    refused(ModelUnsupported, "someone/new", "architecture_of_tomorrow")
    hub.repositories["someone/none"] = Repository({n: c for n, c in files.items() if n != "config.json"})
    refused(ModelUnsupported, "someone/none", "none has no config.json")
    with pytest.raises(ModelUnsupported, match=r"no config\.json"):
        config_of("someone/none")
    asked = {name for owner in ("flower", "new", "none") for name in hub.fetched(f"someone/{owner}")}
    assert asked == {"config.json"}


def test_compressed_weights_are_refused_before_they_are_fetched(hub, files):
    hub.repositories["someone/small"] = Repository(
        with_config(files, quantization_config={"quant_method": "gptq"})
    )
    refused(ModelRefused, "someone/small", "small are stored in a compressed format")
    assert WEIGHTS not in hub.fetched("someone/small")


def test_too_many_bytes_or_parameters_are_refused_before_they_are_fetched(hub, configure, files):
    hub.repositories["someone/large"] = Repository(dict(files), claims={WEIGHTS: 5_300_000_000})
    refused(ModelRefused, "someone/large", "large weighs 5.3 GB", "at most 4.0 GB")
    hub.repositories["someone/wide"] = Repository(with_config(files, n_embd=8192, n_layer=96, n_head=64))
    refused(ModelRefused, "someone/wide", "parameters; this machine opens at most 800,000,000")
    hub.repositories["someone/deep"] = Repository(with_config(files, n_layer=10**9))
    refused(ModelError, "someone/deep", "1,000,000,000")
    configure(max_parameters=1000)
    refused(ModelRefused, TINY, "opens at most 1,000")
    for owner in ("someone/large", "someone/wide", "someone/deep", TINY):
        assert WEIGHTS not in hub.fetched(owner)


def test_the_config_is_no_way_around_the_limits(hub, files):
    hub.repositories["someone/long"] = Repository(dict(files), claims={"config.json": 3_000_000_000})
    refused(ModelUnsupported, "someone/long", "too long")
    assert not hub.fetched("someone/long")


def test_a_full_disk_is_noticed_before(hub, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    refused(ModelRefused, TINY, "the disk of this machine has 0.0 MB left")
    assert WEIGHTS not in hub.fetched(TINY)


def test_a_cache_that_cannot_be_written_is_not_called_a_broken_connection(hub, monkeypatch):
    def fail(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(hub_module, "hf_hub_download", fail)
    refused(ModelError, TINY, "cannot be stored on this machine: Permission denied", "HF_HOME")


def test_a_hub_that_lists_no_sizes_is_asked_for_each(hub, files, configure):
    hub.repositories["mirror/tiny"] = Repository(dict(files), lists_sizes=False)
    configure(max_download_bytes=len(files[WEIGHTS]))
    refused(ModelRefused, "mirror/tiny", "weighs")
    assert WEIGHTS not in hub.fetched("mirror/tiny")
    configure(max_download_bytes=10**9)
    assert load("mirror/tiny").source == "hub"


def test_a_model_without_tokenizer(hub, files):
    names = ("config.json", "generation_config.json", WEIGHTS)
    hub.repositories["someone/dumb"] = Repository({name: files[name] for name in names})
    refused(ModelError, "someone/dumb", "without a tokenizer")
    assert not hub.fetched("someone/dumb")


def test_gates(hub, files):
    hub.repositories["meta/gate"] = Repository(dict(files), gated="manual", accepted=False)
    refused(ModelRefused, "meta/gate", "gate is given only to people who accepted its licence", "HF_TOKEN")
    with pytest.raises(ModelRefused, match="licence"):
        config_of("meta/gate")
    assert not hub.fetched("meta/gate")
    hub.repositories["meta/open"] = Repository(dict(files), gated="manual", accepted=True)
    assert load("meta/open").source == "hub"


def test_a_model_that_is_not_there(hub):
    said = refused(ModelNotFound, "someone/nobody", "no model named someone/nobody", "Check the spelling")
    assert all(title in said for title in BUNDLED)
    with pytest.raises(ModelNotFound, match="someone/nobody"):
        config_of("someone/nobody")


def test_a_download_that_breaks_off_leaves_no_model(hub, hub_cache):
    hub.repositories[TINY].breaks_after = 5_000
    hub.repositories[TINY].serves_after_break = False
    refused(HubUnreachable, TINY, "The download of tiny-gpt2 broke off", "MiniLM")
    assert cached_folder(TINY) is None and cached_ids() == ()
    assert not list(hub_cache.rglob("*.incomplete")) and not list(hub_cache.rglob(WEIGHTS))
    hub.repositories[TINY].breaks_after = None
    assert load(TINY).source == "hub"


def test_a_short_break_is_survived_and_counted_once(hub, files):
    hub.repositories[TINY].breaks_after = 5_000
    told = []
    load(TINY, progress=lambda what, done, total: told.append((done, total)))
    counts = [done for done, _ in told]
    assert counts == sorted(counts) and told[-1][0] == told[-1][1]
    assert hub.fetched(TINY).count(WEIGHTS) > 1


def test_what_broke_off_here_does_not_disturb_another_who_fetches_the_same(hub, hub_cache):
    """Half files of other processes lie in the same folder; they are not ours to remove."""
    config_of(TINY)
    other = next(hub_cache.rglob("blobs")) / "of-another-process.incomplete"
    other.write_bytes(b"half")
    hub.repositories[TINY].breaks_after = 5_000
    hub.repositories[TINY].serves_after_break = False
    refused(HubUnreachable, TINY, "broke off")
    assert other.read_bytes() == b"half"


@pytest.mark.parametrize("ask", [load, config_of])
def test_no_hub_at_the_address(hub_cache, configure, ask):
    configure(hub_endpoint=f"http://127.0.0.1:{closed_port()}")
    start = time.monotonic()
    with pytest.raises(HubUnreachable) as caught:
        ask(TINY)
    assert time.monotonic() - start < 4
    assert caught.value.message == "tiny-gpt2 is not on this machine, and the hub cannot be reached."
    assert all(title in caught.value.way_out for title in BUNDLED)


@pytest.mark.parametrize("ask", [load, config_of])
def test_a_hub_that_does_not_answer(hub, configure, ask):
    hub.repositories[TINY].seconds = 3
    configure(hub_timeout=0.3)
    start = time.monotonic()
    with pytest.raises(HubUnreachable):
        ask(TINY)
    assert time.monotonic() - start < 1.5


def test_an_address_that_nobody_looks_up(hub_cache, configure, monkeypatch):
    """Without a network the question for the address itself hangs, which no timeout of the client covers."""
    end = threading.Event()

    def hang(*arguments, **options):
        end.wait(20)
        raise socket.gaierror("nobody answered")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    configure(hub_endpoint="http://hub.invalid", hub_timeout=0.3)
    start = time.monotonic()
    try:
        refused(HubUnreachable, TINY, "the hub cannot be reached")
        assert time.monotonic() - start < 1.5
        hanging = [t for t in threading.enumerate() if t.name == "attnviz-hub"]
        assert hanging and all(t.daemon for t in hanging)  # the process can end
    finally:
        end.set()
        for thread in threading.enumerate():
            if thread.name == "attnviz-hub":
                thread.join(5)


@pytest.mark.parametrize("page", [b"<html>Please log in</html>", b"[]", b"{}"])
def test_a_log_in_page_is_not_the_hub(hub, page):
    hub.page = page
    for ask in (load, config_of):
        with pytest.raises(HubUnreachable):
            ask(TINY)
    assert cached_ids() == ()


def test_offline_nothing_is_asked(hub, configure):
    configure(offline=True)
    for ask in (load, config_of):
        with pytest.raises(
            HubUnreachable, match=r"not on this machine, which does not ask the hub\. You can use"
        ):
            ask(TINY)
    assert not hub.requests


def test_a_server_opens_what_it_is_told_to(hub, configure):
    load(TINY)
    configure(hub_models="none")
    hub.requests.clear()
    for ask in (load, config_of, tokenizer_of):
        with pytest.raises(ModelRefused, match="This server does not open tiny-gpt2"):
            ask(TINY)
    assert cached_ids() == () and usable_now() == tuple(BUNDLED)
    refused(ModelRefused, "gpt2", "does not open GPT-2")
    configure(hub_models="catalog")
    refused(ModelRefused, TINY, "MiniLM")
    refused(ModelNotFound, "openai-community/gpt2", "no model named gpt2")  # allowed, but not on this hub
    configure(hub_models="none", allowed_models=json.dumps([TINY, "openai-community/gpt2"]))
    assert load(TINY).source == "cache" and cached_ids() == (TINY,)
    refused(ModelNotFound, "gpt2", "no model named gpt2")
    assert {owner for _, owner, _ in hub.requests} == {"gpt2"}


def test_one_model_under_its_several_names(hub, files):
    hub.repositories["gpt2"] = Repository(dict(files))
    model = load("openai-community/gpt2")
    assert (model.id, model.title) == ("gpt2", "GPT-2")
    assert cached_ids() == ("gpt2",)


def test_a_copy_under_an_old_or_new_name_is_found(hub, hub_cache):
    load(TINY)
    (hub_cache / "models--someone--tiny-gpt2").rename(hub_cache / "models--openai-community--gpt2")
    hub.requests.clear()
    assert cached_ids() == ("gpt2",)
    assert load("gpt2").source == "cache"
    assert not hub.requests


def test_an_older_whole_version_is_better_than_a_newer_half_one(hub, files):
    load(TINY)
    newer = with_config(files, resid_pdrop=0.2)
    hub.repositories[TINY] = Repository(newer)
    assert cached_folder(TINY) is not None
    config = hub_module.download_config(TINY)  # as the model explorer does
    assert config != cached_folder(TINY)
    assert load(TINY).source == "cache"


def test_the_list_of_cached_models_holds_only_what_opens(hub, hub_cache, configure, tmp_path):
    folder = cached_folder(TINY) or Path(hub_module.download(TINY))

    def stored(name, **changes):
        copy = hub_cache / f"models--someone--{name}" / "snapshots" / "0"
        shutil.copytree(folder, copy)
        for file, content in changes.items():
            path = copy / file.replace("__", ".")
            path.unlink()
            if content is not None:
                path.write_text(content)

    config = (folder / "config.json").read_text()
    stored("whole")
    stored("untraced", config__json=config.replace('"gpt2"', '"bloom"'))
    stored("weightless", model__safetensors=None)
    stored("damaged", model__safetensors="no header")
    stored("speechless", tokenizer__json=None)
    stored("nonsense", config__json="{")
    (hub_cache / "models--empty").mkdir()
    (hub_cache / "models--someone--odd" / "snapshots").mkdir(parents=True)
    (hub_cache / "models--someone--odd" / "snapshots" / "file").write_text("")
    shutil.copytree(folder, hub_cache / "models--sentence-transformers--all-MiniLM-L6-v2" / "snapshots" / "0")
    assert cached_ids() == (TINY, "someone/whole")
    assert usable_now() == (*BUNDLED, "tiny-gpt2", "whole")
    configure(max_parameters=1000)
    assert cached_ids() == ()


def test_two_who_want_the_same_model_at_once(hub):
    results = []
    threads = [threading.Thread(target=lambda: results.append(load(TINY))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    first = results[0].module.state_dict()
    assert all(torch.equal(first[n], v) for m in results for n, v in m.module.state_dict().items())
