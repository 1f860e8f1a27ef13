"""The bundled models: the real packages, their conversion, and what becomes of a damaged copy."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from attnviz.errors import ModelError
from attnviz.models import bundled
from attnviz.models.bundled import MINILM, PACKAGES, SMOLLM2, TRANSLATE_EN_PT, Package, folder_of, prepare
from attnviz.models.loading import load
from attnviz.settings import settings

TINY = "attnviz-test/tiny"
SOURCE = b"weights of a package"


def source_of(model_id):
    return settings().bundled_folder / PACKAGES[model_id].weights


@pytest.fixture
def package(configure, monkeypatch, tmp_path):
    """A package whose conversion takes no time, alone in folders of its own; lists each conversion."""
    configure(bundled_folder=tmp_path / "packages", cache_folder=tmp_path / "cache")
    source = tmp_path / "packages" / "tiny" / "tiny.gguf"
    source.parent.mkdir(parents=True)
    source.write_bytes(SOURCE)
    made = []

    def convert(source, folder, package, progress):
        made.append(folder)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"converted " * 1000)
        (folder / "model.safetensors").chmod(0o600)

    monkeypatch.setattr(bundled, "_convert", convert)
    only = Package("Tiny", "tiny/tiny.gguf", hashlib.sha256(SOURCE).hexdigest())
    for model_id in list(PACKAGES):
        monkeypatch.delitem(PACKAGES, model_id)
    monkeypatch.setitem(PACKAGES, TINY, only)
    return made


def weights():
    return settings().cache_folder / "models" / "tiny" / "model.safetensors"


def aged(path, **changes):
    """The file with other content or none, but the time that it had."""
    stat = path.stat()
    if "content" in changes:
        path.write_bytes(changes["content"])
    os.utime(path, (stat.st_atime + changes.get("later", 0), stat.st_mtime + changes.get("later", 0)))


def test_minilm_is_opened_where_its_package_put_it():
    folder = folder_of(MINILM)
    assert folder == source_of(MINILM).parent
    model = load(MINILM)
    assert (model.title, model.source) == ("MiniLM", "bundled")
    stored = load_file(folder / "model.safetensors")
    assert sum(p.numel() for p in model.module.parameters()) == 22_713_216
    state = model.module.state_dict()
    assert all(torch.equal(state[name].cpu(), stored[name]) for name in state)


def test_smollm2_holds_the_numbers_of_its_package():
    """The file keeps queries and keys in another order of rotary pairs, so those are compared as sets of numbers."""
    stored = load_file(folder_of(SMOLLM2) / "model.safetensors")
    assert sum(t.numel() for t in stored.values()) == 134_515_008
    assert {t.dtype for t in stored.values()} == {torch.float16}
    names = {
        **{"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"},
        **{"blk.0.ffn_gate.weight": "model.layers.0.mlp.gate_proj.weight"},
        **{"blk.29.attn_v.weight": "model.layers.29.self_attn.v_proj.weight"},
        **{"blk.7.attn_q.weight": "model.layers.7.self_attn.q_proj.weight"},
    }
    found = {t.name: t for t in gguf.GGUFReader(str(source_of(SMOLLM2))).tensors}
    for name, ours in names.items():
        theirs = gguf.dequantize(found[name].data, found[name].tensor_type).astype(np.float16)
        own = stored[ours].numpy()
        if "attn_q" in name:
            assert own.shape == theirs.shape and not np.array_equal(own, theirs)
            own, theirs = np.sort(own, axis=None), np.sort(theirs, axis=None)
        assert np.array_equal(own, theirs), name


def test_smollm2_knows_the_capital_of_france():
    model = load(SMOLLM2)
    assert (model.title, model.source, model.architecture.decoder_layers) == ("SmolLM2", "bundled", 30)
    ids = model.tokenizer("The capital of France is", return_tensors="pt").to(model.device)
    with torch.no_grad():
        next_id = int(model.module(**ids).logits[0, -1].argmax())
    assert model.tokenizer.decode([next_id]) == " Paris"


@pytest.mark.timeout(900)  # half a minute where nothing else runs
def test_two_processes_that_prepare_at_once_convert_once(tmp_path):
    """The real conversion, from an empty cache."""
    environment = {
        **os.environ,
        **{"ATTNVIZ_CACHE_FOLDER": str(tmp_path), "ATTNVIZ_BUNDLED_FOLDER": str(settings().bundled_folder)},
    }
    command = [sys.executable, "-m", "attnviz.models.bundled"]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=800) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all(err == "" for _, err in said), said
    assert sum("Converting SmolLM2, once: done" in out for out, _ in said) == 1, said
    assert all(out.endswith(f"The bundled models are ready in {tmp_path / 'models'}.\n") for out, _ in said)
    folder = tmp_path / "models" / "smollm2"
    names = ["english-to-portuguese", "portuguese-to-english", "smollm2"]
    assert sorted(path.name for path in folder.parent.iterdir()) == sorted(
        [*names, *(f"{name}.lock" for name in names)]
    )
    assert (folder / "model.safetensors").stat().st_mode & 0o777 == 0o644
    assert (folder / "model.safetensors").read_bytes() == (
        folder_of(SMOLLM2) / "model.safetensors"
    ).read_bytes()


def test_a_copy_is_made_once_and_serves_without_its_package(package):
    folder = folder_of(TINY)
    assert folder_of(TINY) == folder == weights().parent
    assert len(package) == 1 and package[0] != folder  # made elsewhere and moved as a whole
    assert sorted(path.name for path in folder.parent.iterdir()) == ["tiny", "tiny.lock"]
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}  # readable for another user
    (settings().bundled_folder / PACKAGES[TINY].weights).unlink()
    assert folder_of(TINY) == folder
    prepare()
    assert len(package) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: aged(path, content=b"x" * 10_000, later=5),
        lambda path: (path.parent / "manifest.json").unlink(),
        lambda path: (path.parent / "manifest.json").write_text("{"),
        lambda path: (path.parent / "manifest.json").write_text("[]"),
        lambda path: (path.parent / "manifest.json").write_text('{"format": 2}'),
        lambda path: rewrite(path.parent / "manifest.json", format=1),
        lambda path: rewrite(path.parent / "manifest.json", source="0" * 64),
        lambda path: rewrite(path.parent / "manifest.json", files={}),
        lambda path: rewrite(path.parent / "manifest.json", files={"config.json": 5}),
    ],
)
def test_a_damaged_or_old_copy_is_made_again(package, damage):
    folder_of(TINY)
    damage(weights())
    folder_of(TINY)
    assert len(package) == 2
    assert weights().read_bytes() == b"converted " * 1000
    folder_of(TINY)
    assert len(package) == 2


def rewrite(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_bytes_that_changed_unnoticed_are_found_when_all_is_prepared(package):
    folder_of(TINY)
    aged(weights(), content=b"x" * 10_000)
    folder_of(TINY)
    assert len(package) == 1  # size and time are as noted: the everyday look sees nothing
    prepare()
    assert len(package) == 2
    assert weights().read_bytes() == b"converted " * 1000


def test_a_copy_that_was_moved_is_kept(package):
    folder_of(TINY)
    aged(weights(), later=1000)
    folder_of(TINY)
    assert len(package) == 1


def test_a_conversion_that_fails_or_is_killed_leaves_nothing(package, monkeypatch):
    convert = bundled._convert

    def fail(source, folder, package, progress):
        (folder / "config.json").write_text("{}")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundled, "_convert", fail)
    with pytest.raises(ModelError, match=r"copy of Tiny cannot be stored in .*: No space left on device"):
        folder_of(TINY)
    models = weights().parents[1]
    assert [path.name for path in models.iterdir()] == ["tiny.lock"]
    killed = models / ".tiny-of-a-killed-process"
    killed.mkdir()
    (killed / "model.safetensors").write_bytes(b"half")
    monkeypatch.setattr(bundled, "_convert", convert)
    folder_of(TINY)
    assert sorted(path.name for path in models.iterdir()) == ["tiny", "tiny.lock"]


def test_a_package_with_another_checksum_is_refused(package):
    source = settings().bundled_folder / PACKAGES[TINY].weights
    source.write_bytes(SOURCE[:-1] + b"!")
    for ask in (lambda: folder_of(TINY), prepare):
        with pytest.raises(
            ModelError, match=r"Tiny are damaged: their checksum .* Delete the folder .* “make models”"
        ):
            ask()
    assert not package and not weights().exists()


def test_the_checksum_of_a_package_that_needs_no_conversion_is_compared_too(package, monkeypatch, tmp_path):
    path = tmp_path / "packages" / "plain" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(SOURCE)
    plain = Package("Plain", "plain/model.safetensors", PACKAGES[TINY].sha256)
    monkeypatch.setitem(PACKAGES, "attnviz-test/plain", plain)
    told = []
    assert folder_of("attnviz-test/plain", progress=lambda *parts: told.append(parts)) == path.parent
    assert told == [("Checking Plain", len(SOURCE), len(SOURCE))]
    assert folder_of("attnviz-test/plain", progress=lambda *parts: told.append(parts)) == path.parent
    assert len(told) == 1  # once in a process
    path.write_bytes(SOURCE[:-1] + b"!")
    os.utime(path, (0, 0))
    with pytest.raises(ModelError, match="Plain are damaged"):
        folder_of("attnviz-test/plain")


def test_a_package_that_is_not_installed_says_how_to_install_it(configure, tmp_path):
    configure(bundled_folder=tmp_path / "none", cache_folder=tmp_path / "cache")
    for model_id, title in (
        (MINILM, "MiniLM"),
        (SMOLLM2, "SmolLM2"),
        (TRANSLATE_EN_PT, "English to Portuguese"),
    ):
        with pytest.raises(ModelError, match=rf"{title} is not installed in .*none.* “make models”"):
            load(model_id)
    found = subprocess.run(
        [sys.executable, "-m", "attnviz.models.bundled"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1 and "“make models”" in found.stderr and "Traceback" not in found.stderr


def test_those_who_wait_are_told_and_do_not_convert_again(package):
    (settings().cache_folder / "models").mkdir(parents=True)
    held = FileLock(settings().cache_folder / "models" / "tiny.lock")
    held.acquire()
    told, found = [], []
    waiting = threading.Thread(
        target=lambda: found.append(folder_of(TINY, lambda what, *_: told.append(what)))
    )
    waiting.start()
    deadline = time.monotonic() + 10
    while not told and time.monotonic() < deadline:
        time.sleep(0.01)
    assert told == ["Waiting for another process that prepares Tiny"] and not found
    with bundled._replacing(weights().parent) as fresh:  # what the other process does meanwhile
        bundled._convert(Path(), fresh, PACKAGES[TINY], None)
        bundled._write_manifest(fresh, PACKAGES[TINY])
    held.release()
    waiting.join(10)
    assert found == [weights().parent] and len(package) == 1


def test_threads_convert_once(package):
    threads = [threading.Thread(target=folder_of, args=(TINY,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(package) == 1


def test_which_models_are_bundled():
    assert bundled.is_bundled(MINILM) and bundled.is_bundled(SMOLLM2)
    assert not bundled.is_bundled("gpt2")
    with pytest.raises(KeyError):
        folder_of("gpt2")
