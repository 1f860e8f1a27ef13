"""The one way in: what opens, as what, and what is said of the rest."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BartModel,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    GPT2Model,
)
from transformers.utils import logging as transformers_logging

from attnviz.engine import Engine
from attnviz.errors import ModelError, ModelNotFound, ModelRefused, ModelUnsupported
from attnviz.models import loading
from attnviz.models.loading import checked_id, config_of, load, resolved_id
from attnviz.tracing.attention import ATTENTION
from tests.tiny import SETTINGS, save_tiny, tiny_model, tiny_tokenizer

WEIGHTS = "model.safetensors"
KINDS = {"gpt2": "decoder", "llama": "decoder", "bert": "encoder", "t5": "encoder-decoder"}
IDS = torch.tensor([[5, 17, 6, 250, 41]])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    return {model_type: save_tiny(folder / model_type, model_type) for model_type in KINDS}


@pytest.fixture
def copied(saved, tmp_path):
    """A copy of a saved tiny model that a test may spoil."""

    def copy(model_type="gpt2", **texts):
        folder = tmp_path / model_type
        shutil.copytree(saved[model_type], folder)
        for name, text in texts.items():
            (folder / name.replace("__", ".")).write_text(text)
        return folder

    return copy


def with_weights(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def with_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return folder


def reference(model_type, **options):
    """The model before it was saved, with Transformers' own attention in the same order of operations."""
    model = tiny_model(model_type, **options)
    model.set_attn_implementation("eager")
    if (
        model_type == "marian"
    ):  # its sine waves are made anew and not saved; tiny_model took four times their values
        for stack in (model.model.encoder, model.model.decoder):
            stack.embed_positions.weight.data.div_(4)
    return model


def run(module):
    inputs = {"input_ids": IDS} | (
        {"decoder_input_ids": IDS[:, :2]} if module.config.is_encoder_decoder else {}
    )
    with torch.no_grad():
        return module(**inputs)


@pytest.mark.parametrize("model_type", [t for t in SETTINGS if t != "marian-ssru"])
def test_a_saved_model_opens_as_it_was(model_type, tmp_path):
    model = load(save_tiny(tmp_path / "own", model_type))
    original = reference(model_type)
    assert type(model.module) is type(original)
    assert (model.id, model.title, model.source) == ("own", "own", "folder")
    assert model.architecture.model_type == model_type
    expected = original.state_dict()
    assert expected.keys() == model.module.state_dict().keys()
    assert all(torch.equal(expected[name], value.cpu()) for name, value in model.module.state_dict().items())
    assert not model.module.training and not any(p.requires_grad for p in model.module.parameters())
    assert model.module.config._attn_implementation == ATTENTION
    assert model.device == next(model.module.parameters()).device
    assert torch.equal(run(model.module).logits, run(original).logits)


def test_half_precision_is_opened_as_float32(tmp_path):
    folder = save_tiny(tmp_path, "llama")
    tiny_model("llama").half().save_pretrained(folder)
    model = load(folder)
    assert {p.dtype for p in model.module.parameters()} == {torch.float32}
    assert torch.equal(
        model.module.get_input_embeddings().weight,
        tiny_model("llama").get_input_embeddings().weight.half().float(),
    )


@pytest.mark.parametrize(
    "saved_as, opened_as",
    [(BertForMaskedLM, BertForMaskedLM), (BertModel, BertModel), (BertForSequenceClassification, BertModel)],
)
def test_an_encoder_has_a_language_head_where_its_checkpoint_has_one(tmp_path, saved_as, opened_as):
    folder = save_tiny(tmp_path, "bert")
    config = tiny_model("bert").config
    torch.manual_seed(1)
    saved_as(config).save_pretrained(folder)
    assert type(load(folder).module) is opened_as


def test_a_decoder_saved_without_its_head_gets_it_back_from_the_embeddings(tmp_path):
    folder = save_tiny(tmp_path, "gpt2")
    original = reference("gpt2")
    base = GPT2Model(original.config)
    base.load_state_dict(original.transformer.state_dict())
    base.save_pretrained(folder)
    assert torch.equal(run(load(folder).module).logits, run(original).logits)


def test_an_encoder_decoder_saved_without_its_head_gets_it_back_from_the_embeddings(tmp_path):
    folder = save_tiny(tmp_path, "bart")
    original = reference("bart")
    base = BartModel(original.config)
    base.load_state_dict(original.model.state_dict())
    base.save_pretrained(folder)
    assert torch.equal(run(load(folder).module).logits, run(original).logits)


def test_names_of_old_checkpoints_are_understood(copied):
    """BERT's own checkpoint calls the norms' parameters gamma and beta."""

    def age(tensors):
        for name in [n for n in tensors if "LayerNorm" in n]:
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            )
            tensors[old] = tensors.pop(name)

    model = load(with_weights(copied("bert"), age))
    assert torch.equal(run(model.module).logits, run(reference("bert")).logits)


def test_a_pooler_that_is_missing_is_no_matter(tmp_path):
    folder = save_tiny(tmp_path, "bert", head=False)
    with_weights(folder, lambda tensors: [tensors.pop(n) for n in list(tensors) if "pooler" in n])
    model, original = load(folder), reference("bert", head=False)
    assert torch.equal(run(model.module).last_hidden_state, run(original).last_hidden_state)


@pytest.mark.parametrize(
    "model_type, name",
    [
        ("gpt2", "transformer.h.1.attn.c_attn.weight"),
        ("bert", "cls.predictions.transform.dense.bias"),
        ("llama", "model.norm.weight"),
        ("t5", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
    ],
)
def test_missing_weights_are_not_replaced_by_random_ones(copied, model_type, name):
    folder = with_weights(copied(model_type), lambda tensors: tensors.pop(name))
    with pytest.raises(ModelError, match=f"lacks weights that the model needs, such as {name}"):
        load(folder)


def test_an_encoder_whose_config_promises_a_head_must_have_it(tmp_path):
    folder = save_tiny(tmp_path, "bert", head=False)
    with pytest.raises(ModelError, match=r"such as cls\.predictions"):
        load(with_config(folder, architectures=["BertForMaskedLM"]))


def test_weights_of_another_shape(copied):
    def widen(tensors):
        tensors["transformer.ln_f.weight"] = torch.ones(33)

    with pytest.raises(ModelError, match="do not fit its config or are damaged"):
        load(with_weights(copied(), widen))


@pytest.mark.parametrize("keep", [0, 5, 300, -1000])
def test_a_damaged_file(copied, keep):
    path = copied() / WEIGHTS
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="damaged"):
        load(path.parent)


def test_a_header_that_is_none(copied):
    folder = copied()
    (folder / WEIGHTS).write_bytes((2**62).to_bytes(8, "little") + b"{" * 100)
    with pytest.raises(ModelError, match="damaged"):
        load(folder)


class Trap:
    """Unpickled, it writes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.system, (f"touch {self.path}",))


def test_a_pickle_is_refused_and_not_read(copied, tmp_path):
    folder = copied()
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ModelRefused, match="format that can run code"):
        load(folder)
    shutil.copy(copied("llama") / WEIGHTS, folder / "adapter.safetensors")  # not the weights themselves
    with pytest.raises(ModelError, match="does not hold all of its weights"):
        load(folder)
    assert not (tmp_path / "sprung").exists()


def test_code_that_comes_with_a_model_is_not_run(copied, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *a: pytest.fail("asked whether to run code"))
    folder = with_config(
        copied(),
        auto_map=dict.fromkeys(
            ("AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoTokenizer"), "own.Own"
        ),
    )
    sprung = tmp_path / "sprung"
    (folder / "own.py").write_text(f"open({str(sprung)!r}, 'w')\nclass Own: pass\n")
    tokenizer = folder / "tokenizer_config.json"
    fields = json.loads(tokenizer.read_text())
    model = load(folder)
    assert model.module.config.model_type == "gpt2"
    for own in (["own.Own", "own.Own"], "own.Own"):
        tokenizer.write_text(
            json.dumps({**fields, "auto_map": {"AutoTokenizer": own}, "tokenizer_class": "Own"})
        )
        with suppress(ModelError):
            load(folder)
    assert not sprung.exists()


def test_shards(copied, tmp_path):
    folder = copied()
    (folder / WEIGHTS).unlink()
    tiny_model("gpt2").save_pretrained(folder, max_shard_size="60KB")
    assert torch.equal(run(load(folder).module).logits, run(reference("gpt2")).logits)
    first = min(folder.glob("model-*.safetensors"))
    index = folder / "model.safetensors.index.json"
    elsewhere = tmp_path / "model-00001-of-00001.safetensors"
    shutil.move(first, elsewhere)
    with pytest.raises(ModelError, match="does not hold all of its weights"):
        load(folder)
    index.write_text(index.read_text().replace(first.name, f"../{elsewhere.name}"))
    with pytest.raises(ModelError, match="does not hold all of its weights"):
        load(folder)


def test_a_model_without_a_tokenizer_that_can_be_used(copied):
    folder = copied()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
        with pytest.raises(ModelError, match="gpt2 has no tokenizer that can be read"):
            load(folder)
    (folder / "vocab.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    with pytest.raises(ModelError, match="gpt2 has no fast tokenizer"):
        load(folder)
    (folder / "tokenizer_config.json").unlink()
    (folder / "tokenizer.json").write_text('{"model": 5}')
    with pytest.raises(ModelError, match="gpt2 has no tokenizer that can be read"):
        load(folder)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "The config of gpt2 cannot be read"),
        ("[1, 2]", "The config of gpt2 cannot be read"),
        ("[" * 100_000, "The config of gpt2 cannot be read"),
        ('{"model_type": "gpt2", "n_layer": "three"}', "must be a whole number"),
        ('{"model_type": "gpt2", "n_layer": 1000000000}', "1,000,000,000"),
        ('{"model_type": "gpt2", "activation_function": 7}', "The config of gpt2 cannot be read"),
        ('{"n_layer": 3}', "does not say of which family"),
        ('{"model_type": ["gpt2"]}', "cannot be opened here"),
        ('{"model_type": "gpt2", "quantization_config": {"quant_method": "awq"}}', "compressed format"),
        (" " * 1_000_001 + "{}", "The config of gpt2 cannot be read"),
    ],
)
def test_a_config_that_is_none(copied, text, said):
    folder = copied(config__json=text)
    for ask in (load, config_of):
        with pytest.raises(ModelError, match=said):
            ask(folder)


@pytest.mark.parametrize(
    "model_type, name",
    [
        ("bloom", "BLOOM"),
        ("falcon", "Falcon"),
        ("gpt_neo", "GPT-Neo"),
        ("deberta-v2", "DeBERTa-v2"),
        ("mamba", "Mamba"),
    ],
)
def test_families_that_cannot_be_traced_are_named(copied, model_type, name):
    with pytest.raises(ModelUnsupported, match=name):
        load(with_config(copied(), model_type=model_type))


def test_more_parameters_than_this_machine_opens(saved, configure):
    stored = sum(p.numel() for p in tiny_model("gpt2").parameters())
    configure(max_parameters=stored)
    assert load(saved["gpt2"]).source == "folder"
    configure(max_parameters=stored - 1)
    with pytest.raises(
        ModelRefused, match=f"has {stored:,} parameters; this machine opens at most {stored - 1:,}"
    ):
        load(saved["gpt2"])


@pytest.mark.parametrize(
    "said", ["DefaultCPUAllocator: can't allocate memory: you tried", "CUDA out of memory"]
)
def test_a_machine_without_enough_memory(saved, monkeypatch, said):
    kind = torch.OutOfMemoryError if "CUDA" in said else RuntimeError

    def fail(*arguments):
        raise kind(said)

    monkeypatch.setattr("transformers.GPT2LMHeadModel.to", fail)
    with pytest.raises(ModelRefused, match="does not fit into the memory"):
        load(saved["gpt2"])


@pytest.mark.parametrize(
    "text", ["gpt2", "a/b", "_a/b_", "google-bert/bert-base-uncased", "Qwen/Qwen2.5-0.5B", "a" * 96]
)
def test_names_of_models(text):
    assert checked_id(f"  https://huggingface.co/{text}/ ") == checked_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "/",
            ".",
            "..",
            "~",
            "a/b/c",
            "a//b",
            "/a",
            "a/.b",
            "-a/b",
            "a/b-",
            "a..b",
            "a--b",
            "a/b.git",
        ),
        *("a" * 97, "a b", "a/b\n", "a\0b", "ä/b", "a:b", "a\\b", "a?b", "a#b", "a%2fb", "../../etc/passwd"),
        *("https://huggingface.co/", "https://example.org/a/b", "C:\\models", "file:///etc", "<b>"),
    ],
)
def test_what_is_no_name(text):
    if text == "a/b\n":
        assert checked_id(text) == "a/b"  # blanks around it are pasted along
        return
    with pytest.raises(ModelNotFound, match="is not the name of a model"):
        checked_id(text)


def test_a_folder_is_opened_by_path_or_by_a_string_that_can_be_nothing_else(saved, monkeypatch):
    folder = saved["gpt2"]
    monkeypatch.chdir(folder.parent)
    for text in (folder, str(folder), "./gpt2", f"{folder}/"):
        assert load(text).source == "folder"
    with pytest.raises(ModelNotFound, match="There is no model in the folder"):
        load(str(folder.parent))


def test_what_a_learner_types_never_looks_into_the_folders_of_the_server(saved, monkeypatch):
    folder = saved["gpt2"]
    monkeypatch.chdir(folder.parent)
    engine = Engine()
    for text in (str(folder), "./gpt2", "~", f"{folder}/"):
        for ask in (engine.model, engine.tokenizer, config_of):
            with pytest.raises(ModelNotFound, match=r"is not the name of a model"):
                ask(text)
    engine.close()


def test_a_folder_of_the_name_of_a_model_is_not_taken_for_it(saved, monkeypatch, hub_cache, configure):
    monkeypatch.chdir(saved["gpt2"].parent)
    configure(offline=True)
    with pytest.raises(ModelError, match="GPT-2 is not on this machine"):
        load("gpt2")


def test_other_names_of_known_models():
    assert resolved_id("openai-community/gpt2") == resolved_id("gpt2") == "gpt2"
    assert resolved_id("all-MiniLM-L6-v2") == "sentence-transformers/all-MiniLM-L6-v2"
    assert resolved_id("someone/gpt2") == "someone/gpt2"


def test_loading_says_nothing_and_leaves_no_trace(saved, capfd):
    before = (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled())
    load(saved["bert"])
    with pytest.raises(ModelError):
        load(saved["bert"].parent / "none")
    assert (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()) == before
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_many_load_at_once(saved, monkeypatch):
    """Each gets its own model, and no two are built at once: building changes Transformers for the whole process."""
    building, most = [], []
    choose = loading.model_class

    def watched(config):
        chosen = choose(config)

        def build(*arguments, **options):
            building.append(1)
            most.append(len(building))
            time.sleep(0.05)  # long enough for the others to come along
            try:
                return chosen.from_pretrained(*arguments, **options)
            finally:
                building.pop()

        return SimpleNamespace(from_pretrained=build)

    monkeypatch.setattr(loading, "model_class", watched)
    expected = {model_type: run(reference(model_type)).logits for model_type in KINDS}
    wrong = []

    def open_all(order):
        for model_type in order:
            if not torch.equal(run(load(saved[model_type]).module).logits, expected[model_type]):
                wrong.append(model_type)

    kinds = list(KINDS)
    threads = [threading.Thread(target=open_all, args=(kinds[i:] + kinds[:i],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(most) == 4 * len(KINDS) and max(most) == 1


def test_the_front_door_is_light():
    """What Home imports must not bring PyTorch along: it takes seconds."""
    code = (
        "import sys, attnviz, attnviz.models.catalog as c; c.catalog(); import attnviz.models.hub;"
        "print(sorted({'torch', 'transformers', 'plotly', 'streamlit'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_tiny_models_are_tiny(saved):
    for folder in saved.values():
        assert (folder / WEIGHTS).stat().st_size < 1_000_000
    assert len(tiny_tokenizer()) <= 300
