import re
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModel

from attnviz.errors import ConfigError, UserError
from attnviz.models.architecture import architecture
from attnviz.models.configs import published_configs, read_config
from attnviz.models.loading import LoadedModel
from attnviz.models.parameter_count import ModuleNode, ParameterCount, Part, formula
from attnviz.models.parameters import count_parameters, values
from tests.tiny import SETTINGS, save_tiny, tiny_model

PUBLISHED = {
    "gpt2": 124_439_808,
    "distilgpt2": 81_912_576,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "bert-base-uncased": 109_482_240,
    "t5-small": 60_506_624,
    "meta-llama/Meta-Llama-3-8B": 8_030_261_248,
    "meta-llama/Llama-2-7b-hf": 6_738_415_616,
    "mistralai/Mistral-7B-v0.1": 7_241_732_096,
    "sentence-transformers/all-MiniLM-L6-v2": 22_713_216,
    "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008,
    "google/gemma-2-2b": 2_614_341_888,
}


def loaded(module) -> LoadedModel:
    """A tiny model as if it had been opened from a folder."""
    return LoadedModel(
        "tiny", "Tiny", None, module, architecture(module.config), torch.device("cpu"), "folder"
    )


def evaluated(text: str) -> int:
    """The value of a formula, read as a learner would with a calculator."""
    assert re.fullmatch(r"[0-9,×+() ]+", text), text
    return eval(text.replace(",", "").replace("×", "*"))


@pytest.mark.parametrize("model_id", PUBLISHED)
def test_published_models_have_their_published_number(model_id):
    count = count_parameters(model_id)
    assert count.total == PUBLISHED[model_id]
    assert sum(count.by_component.values()) == count.total == count.trainable


REPORTED = {
    # Turc et al. 2019, table 1 (with the head that fills gaps, so a little more)
    **{
        "google/bert_uncased_L-2_H-128_A-2": (4.4e6, 0.02),
        "google/bert_uncased_L-4_H-256_A-4": (11.3e6, 0.02),
    },
    **{
        "google/bert_uncased_L-4_H-512_A-8": (29.1e6, 0.02),
        "google/bert_uncased_L-8_H-512_A-8": (41.7e6, 0.02),
    },
    "bert-large-uncased": (340e6, 0.02),  # Devlin et al. 2018, section 3
    # Raffel et al. 2019, section 3.7, in round numbers
    **{"t5-base": (220e6, 0.02), "t5-large": (770e6, 0.05), "t5-3b": (2.8e9, 0.02), "t5-11b": (11e9, 0.03)},
    # Zhang et al. 2022, table 1: the names of the models
    **{
        "facebook/opt-125m": (125e6, 0.01),
        "facebook/opt-350m": (350e6, 0.06),
        "facebook/opt-1.3b": (1.3e9, 0.02),
    },
    **{
        "facebook/opt-2.7b": (2.7e9, 0.02),
        "facebook/opt-6.7b": (6.7e9, 0.01),
        "facebook/opt-13b": (13e9, 0.02),
    },
    **{"facebook/opt-30b": (30e9, 0.01), "facebook/opt-66b": (66e9, 0.01)},
    # model cards of Pythia, which give every digit
    **{"EleutherAI/pythia-70m": (70_426_624, 0), "EleutherAI/pythia-160m": (162_322_944, 0)},
    **{"EleutherAI/pythia-410m": (405_334_016, 0), "EleutherAI/pythia-1b": (1_011_781_632, 0)},
    **{"EleutherAI/pythia-1.4b": (1_414_647_808, 0), "EleutherAI/pythia-2.8b": (2_775_208_960, 0)},
    **{"EleutherAI/pythia-6.9b": (6_857_302_016, 0), "EleutherAI/pythia-12b": (11_846_072_320, 0)},
    # Touvron et al. 2023, table 1; Llama Team 2024, section 3.2; model cards of Llama 3 and 3.2
    **{"meta-llama/Llama-2-13b-hf": (13e9, 0.002), "meta-llama/Llama-2-70b-hf": (70e9, 0.02)},
    **{"meta-llama/Meta-Llama-3-70B": (70.6e9, 0.001), "meta-llama/Llama-3.1-405B": (405e9, 0.003)},
    **{"meta-llama/Llama-3.2-1B": (1.23e9, 0.005), "meta-llama/Llama-3.2-3B": (3.21e9, 0.002)},
    # Ben Allal et al. 2025: the names of the models
    **{"HuggingFaceTB/SmolLM2-360M": (360e6, 0.006), "HuggingFaceTB/SmolLM2-1.7B": (1.7e9, 0.007)},
    # model cards of Qwen2.5 and Qwen3, in part cut off rather than rounded
    **{
        "Qwen/Qwen2.5-0.5B": (0.49e9, 0.01),
        "Qwen/Qwen2.5-1.5B": (1.54e9, 0.003),
        "Qwen/Qwen2.5-3B": (3.09e9, 0.002),
    },
    **{
        "Qwen/Qwen2.5-7B": (7.61e9, 0.001),
        "Qwen/Qwen2.5-14B": (14.7e9, 0.005),
        "Qwen/Qwen2.5-32B": (32.5e9, 0.01),
    },
    **{
        "Qwen/Qwen2.5-72B": (72.7e9, 0.001),
        "Qwen/Qwen3-0.6B": (0.6e9, 0.01),
        "Qwen/Qwen3-1.7B": (1.7e9, 0.013),
    },
    **{"Qwen/Qwen3-4B": (4.0e9, 0.006), "Qwen/Qwen3-8B": (8.2e9, 0.002), "Qwen/Qwen3-14B": (14.8e9, 0.003)},
    "Qwen/Qwen3-32B": (32.8e9, 0.002),
    # announcements of Mistral Nemo (12B) and Mistral Large 2 (123 billion)
    **{
        "mistralai/Mistral-Nemo-Base-2407": (12e9, 0.021),
        "mistralai/Mistral-Large-Instruct-2407": (123e9, 0.004),
    },
    # Gemma Team 2024 and 2025: the tables of parameters, embeddings and others together
    **{
        "google/gemma-2b": (1_981_884_416 + 256_000 * 2048, 0),
        "google/gemma-7b": (7_751_248_896 + 256_000 * 3072, 0),
    },
    **{
        "google/gemma-2-9b": (917_962_752 + 8_324_201_984, 1e-4),
        "google/gemma-2-27b": (27_227_128_320, 2e-5),
    },
    "google/gemma-3-1b-pt": (302e6 + 698e6, 0.001),
}
"""Parameters as their makers report them, and how exactly."""


@pytest.mark.parametrize("model_id", REPORTED)
def test_published_models_have_the_reported_number(model_id):
    reported, tolerance = REPORTED[model_id]
    assert count_parameters(model_id).total == pytest.approx(reported, rel=tolerance, abs=0)


def test_every_published_config_has_a_checked_number():
    assert {entry.id for entry in published_configs()} == {*PUBLISHED, *REPORTED}
    assert not {*PUBLISHED} & {*REPORTED}


@pytest.mark.parametrize("model_type", SETTINGS)
def test_a_deep_model_is_counted_as_if_all_of_it_were_built(model_type):
    """Only three layers of each stack are built; parts, names, tree and architecture are those of the whole model."""
    deep = {"num_hidden_layers": 6, "n_layer": 6, "n_layers": 6, "num_layers": 5, "num_decoder_layers": 7}
    deep |= {"encoder_layers": 7, "decoder_layers": 5}
    fields = {"vocab_size": 300, "pad_token_id": 0, **SETTINGS[model_type], "model_type": model_type}
    config = read_config({name: deep.get(name, value) for name, value in fields.items()})
    count, whole = count_parameters(config), count_parameters(_whole(config))
    assert count.parts == whole.parts and count.modules == whole.modules
    assert count.architecture == whole.architecture and len(count.layers) == len(whole.layers)


def _whole(config):
    """The model with every layer, without weights."""
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kinds = {"encoder": AutoModel, "decoder": AutoModelForCausalLM, "encoder-decoder": AutoModelForSeq2SeqLM}
    with torch.device("meta"):
        return kinds[architecture(config).kind].from_config(config)


def test_all_published_configs_are_counted_in_a_moment():
    """Once for all learners; three layers of each are built instead of up to 126."""
    start = time.thread_time()  # of this thread alone, whatever else the machine does
    for entry in published_configs():
        count_parameters(entry.id)
    assert len(published_configs()) >= 40 and time.thread_time() - start < 3


@pytest.mark.parametrize("model_type", SETTINGS)
def test_every_family_is_counted_exactly(model_type):
    model = tiny_model(model_type)
    count = count_parameters(model)
    assert count.total == sum(p.numel() for p in model.parameters())
    assert count.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert sum(count.by_component.values()) == count.total
    assert "other" not in count.by_component
    for line in count.arithmetic:
        assert evaluated(line.formula) == line.count, line
    assert sum(line.count for line in count.arithmetic) == count.total
    outside = sum(part.count for part in count.parts if part.layer is None)
    assert sum(layer.total for layer in count.layers) + outside == count.total


@pytest.mark.parametrize("model_type", SETTINGS)
def test_every_family_is_counted_alike_from_its_config(model_type):
    model = tiny_model(model_type, head=False)
    for source in (model.config, model.config.to_dict(), model.config.to_json_string(use_diff=False)):
        count = count_parameters(source)
        assert count.by_component == count_parameters(model).by_component
        assert count.parts == count_parameters(model).parts
        assert count.modules == count_parameters(model).modules


@pytest.mark.parametrize("model_type", SETTINGS)
def test_layers_hold_what_the_architecture_says(model_type):
    """The formulas of the textbook, from the architecture's facts alone, against the real tensors' shapes."""
    model = tiny_model(model_type)
    shape = architecture(model.config)
    count = count_parameters(model)
    width, decodes = shape.d_model, shape.kind == "encoder-decoder"
    for stack in ("encoder", "decoder"):
        layers = [layer for layer in count.layers if layer.stack == stack]
        deep = shape.encoder_layers if stack == "encoder" else shape.decoder_layers
        assert sum(layer.uses for layer in layers) == deep
        if not deep:
            continue
        crossed = decodes and stack == "decoder"
        recurs = shape.recurrent and stack == "decoder"
        kinds = (stack,) * (not recurs) + ("cross",) * crossed
        for layer in layers:
            found = {
                part.component: part.count for part in layer.parts if len(part.shape) == 2 and not part.table
            }
            for kind in kinds:
                name = "cross" if kind == "cross" else "attention"
                heads, shared = shape.heads(kind) * shape.d_head, shape.key_value_heads(kind) * shape.d_head
                assert found[f"{name}.query"] == found[f"{name}.output"] == width * heads
                assert found[f"{name}.key"] == found[f"{name}.value"] == width * shared
            assert ("cross.query" in found) == crossed
            assert ("attention.query" in found) != recurs
            assert found.get("recurrence", 0) == recurs * width * width  # of each of its two matrices
            assert ("feed_forward.gate" in found) == shape.gated
            if shape.gated:
                assert found["feed_forward.gate"] == found["feed_forward.in"]
            assert found["feed_forward.in"] == found["feed_forward.out"]
            if stack == "encoder" or not decodes:
                assert found["feed_forward.in"] == width * shape.d_ff
    tokens = [part for part in count.parts if part.component == "embeddings" and part.table]
    assert max(part.count for part in tokens) == shape.vocabulary * tokens[0].shape[1]


def test_fused_matrices_are_split():
    by_component = count_parameters("gpt2").by_component
    assert by_component["attention.query"] == 12 * (768 * 768 + 768)
    assert by_component["attention.query"] == by_component["attention.key"] == by_component["attention.value"]
    modern = count_parameters(tiny_model("modernbert"))
    assert modern.by_component["feed_forward.gate"] == modern.by_component["feed_forward.in"]


def test_grouped_queries_share_keys_and_values():
    by_component = count_parameters("HuggingFaceTB/SmolLM2-135M-Instruct").by_component
    assert by_component["attention.key"] * 3 == by_component["attention.query"] == 30 * 576 * 576


def test_tied_weights_count_once_and_say_so():
    config = {**SETTINGS["llama"], "model_type": "llama", "vocab_size": 300}
    tied = count_parameters({**config, "tie_word_embeddings": True})
    own = count_parameters({**config, "tie_word_embeddings": False})
    assert own.total - tied.total == 300 * 32 == own.by_component["head"] == tied.tied_head
    assert "head" not in tied.by_component and own.tied_head == 0
    nodes = {node.name: node for _, node in tied.modules.walk()}
    assert nodes["lm_head"].tied_to == "model.embed_tokens.weight" and nodes["lm_head"].count == 0
    assert tied.matrices == own.matrices


def test_shared_layers_count_once_but_work_each_time():
    shared = count_parameters(tiny_model("albert", head=False))
    (layer,) = shared.layers
    assert layer.uses == 3
    inside = sum(part.count for part in layer.parts if len(part.shape) == 2)
    outside = 16 * 32  # the projection of the narrow embeddings
    assert shared.matrices == {"encoder": 3 * inside + outside}


def test_fixed_position_tables_are_not_trainable():
    count = count_parameters(tiny_model("marian"))
    assert count.total - count.trainable == count.by_component["positions"] == 2 * 64 * 32


def test_a_model_frozen_to_be_read_counts_as_it_was_trained():
    module = tiny_model("marian").requires_grad_(False)
    assert count_parameters(module).trainable == count_parameters(tiny_model("marian")).trainable


def test_a_folder_and_a_bundled_id_are_counted_from_their_config(tmp_path):
    save_tiny(tmp_path, "qwen3")
    count = count_parameters(tmp_path)
    assert count.total == sum(p.numel() for p in tiny_model("qwen3").parameters())
    assert count_parameters("sentence-transformers/all-MiniLM-L6-v2").architecture.name == "BERT"


@pytest.mark.parametrize("name", ["", "no such model", "../../etc", "a/b/c", "<script>", "gpt2; rm -rf"])
def test_what_is_no_name_is_one_clear_sentence(name):
    with pytest.raises(UserError):
        count_parameters(name)


def test_the_student_translators_recurrence_is_a_component_of_its_own():
    fields = {**SETTINGS["marian"], "model_type": "marian-ssru", "vocab_size": 300, "pad_token_id": 0}
    count = count_parameters(fields)
    assert "recurrence" in count.by_component and "other" not in count.by_component
    assert count.by_component["recurrence"] == 2 * (
        2 * 32 * 32 + 32
    )  # two layers: gate with bias, candidate without
    kinds = {part.component.split(".")[0] for part in count.parts if part.stack == "decoder"}
    assert kinds == {"recurrence", "cross", "feed_forward", "norm"}
    assert [line for line in count.arithmetic if evaluated(line.formula) != line.count] == []


def test_the_tree_is_folded_and_keeps_the_sum():
    count = count_parameters("t5-small")
    blocks = [node for _, node in count.modules.walk() if node.class_name == "T5Block"]
    assert [(node.name, node.last, node.repeats) for node in blocks] == [("0", "", 1), ("1", "5", 5)] * 2
    assert blocks[0].count - blocks[1].count == 32 * 8  # the first layer alone has the table of distances
    assert count.modules.count == count.total

    def unfolded(node: ModuleNode) -> int:
        return len(node.shapes) + sum(child.repeats * unfolded(child) for child in node.children)

    assert unfolded(count.modules) == len([*_built("t5-small").named_parameters(remove_duplicate=False)])


def _built(name: str) -> torch.nn.Module:
    from transformers import AutoModelForSeq2SeqLM

    with torch.device("meta"):
        return AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model("t5", **dict(_config(name))))


def _config(name: str) -> dict:
    (entry,) = [entry for entry in published_configs() if entry.id == name]
    return {k: v for k, v in entry.config.items() if k != "model_type"}


def test_a_model_without_a_config_is_counted_too():
    count = count_parameters(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4)))
    assert count.total == 3 * 4 + 4 + 2 * 4
    assert count.by_component == {"norm": 8, "other": 16} and count.architecture is None


def test_a_loaded_model_counts_its_own_module():
    module = tiny_model("bert")
    model = loaded(module)
    count = count_parameters(model)
    assert count.total == sum(p.numel() for p in module.parameters())
    assert "head" in count.by_component and "pooler" not in count.by_component


@pytest.mark.parametrize("model_type", ["gpt2", "modernbert", "gpt_neox", "phi3", "llama", "t5"])
def test_values_are_the_models_own(model_type):
    """Queries, keys and values that the split matrices give equal those of the fused projection."""
    module = tiny_model(model_type)
    shape = architecture(module.config)
    model = loaded(module)
    parts = [part for part in count_parameters(module).parts if part.layer == 1 and part.stack != "encoder"]
    if shape.kind == "encoder":
        parts = [part for part in count_parameters(module).parts if part.layer == 1]
    for part in parts:
        array = values(model, part)
        assert array.shape == part.shape and array.dtype == np.float32 and not array.flags.writeable
    by_name: dict[str, list[Part]] = {}
    for part in parts:
        by_name.setdefault(part.name, []).append(part)
    for name, shares in by_name.items():
        whole = module.get_parameter(name).detach().numpy()
        together = np.concatenate([values(model, part).ravel() for part in shares])
        np.testing.assert_array_equal(np.sort(together), np.sort(whole.ravel()))


def test_values_of_interleaved_heads_are_the_queries_that_are_used():
    module = tiny_model("gpt_neox")
    model = loaded(module)
    (part,) = [
        part
        for part in count_parameters(module).parts
        if part.layer == 0 and part.component == "attention.query" and len(part.shape) == 2
    ]
    # (head × 3 × d_head, d)
    fused = module.gpt_neox.layers[0].attention.query_key_value.weight.detach().numpy()
    expected = np.concatenate([fused[head * 24 : head * 24 + 8] for head in range(4)])
    np.testing.assert_array_equal(values(model, part), expected)


@pytest.mark.parametrize(
    "source",
    [
        "{",
        "",
        '{"model_type": "gpt2", "n_layer": 1000000, "n_embd": 8, "n_head": 2, "vocab_size": 9}',
        {"model_type": "gpt2"},
        {"model_type": "bert", **SETTINGS["bert"], "vocab_size": 10, "pad_token_id": 99},
        {"model_type": "bert", **SETTINGS["bert"], "vocab_size": 10, "hidden_act": "no such function"},
        {"model_type": "gemma2", **SETTINGS["gemma2"], "vocab_size": 10, "layer_types": ["full_attention"]},
        {
            "model_type": "llama",
            **SETTINGS["llama"],
            "vocab_size": 10,
            "rope_scaling": {"rope_type": "no such"},
        },
        {"model_type": "llama", **SETTINGS["llama"], "vocab_size": 10, "rope_theta": "fast"},
        {"model_type": "t5", **SETTINGS["t5"], "vocab_size": 10, "feed_forward_proj": "very-gated-relu"},
    ],
)
def test_what_cannot_be_counted_is_one_clear_sentence(source):
    with pytest.raises(ConfigError) as error:
        count_parameters(source)
    assert error.value.message.endswith(".") and error.value.way_out.endswith(".")


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["gpt2", "bert", "t5", "llama", "modernbert"]),
    st.fixed_dictionaries(
        {},
        optional={
            "pad_token_id": st.integers(-5, 500),
            "num_hidden_layers": st.integers(0, 5),
            "hidden_size": st.integers(0, 65),
            "num_attention_heads": st.integers(0, 9),
            "type_vocab_size": st.integers(-1, 4),
            "hidden_act": st.sampled_from(["gelu", "relu", "", "swiglu"]),
            "rope_scaling": st.sampled_from(
                [None, {}, {"type": "linear"}, {"factor": 2.0, "rope_type": "yarn"}]
            ),
        },
    ),
)
def test_any_config_is_counted_or_refused_in_one_sentence(model_type, changes):
    config = {"model_type": model_type, **SETTINGS[model_type], "vocab_size": 300, **changes}
    try:
        count = count_parameters(config)
    except UserError as error:
        said = error
    else:
        assert sum(evaluated(line.formula) for line in count.arithmetic) == count.total
        return
    assert said.message.endswith(".")


def test_counting_leaves_other_threads_alone():
    """Building on the meta device must not reach a model that another thread is loading."""
    devices, failed = set(), []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            config = AutoConfig.for_model("bert", **{**SETTINGS["bert"], "vocab_size": 300})
            devices.update(p.device.type for p in AutoModel.from_config(config).parameters())
            if torch.get_default_dtype() is not torch.float32:
                failed.append("dtype")

    thread = threading.Thread(target=load)
    thread.start()
    for _ in range(10):
        count_parameters("gpt2")
    stop.set()
    thread.join()
    assert devices == {"cpu"} and not failed


def test_a_count_that_does_not_add_up_is_refused():
    part = Part("a.weight", "norm", (3,))
    with pytest.raises(ValueError, match="tree holds 4 parameters, the parts 3"):
        ParameterCount((part,), ModuleNode("", "Model", 4))
    with pytest.raises(ValueError, match="unknown components"):
        ParameterCount((Part("a.weight", "nose", (3,)),), ModuleNode("", "Model", 3))


def test_formula_by_hand():
    def layer(index: int, *shapes: tuple[int, ...]) -> list[Part]:
        return [Part(f"{index}.{i}.w", "other", shape, "encoder", index) for i, shape in enumerate(shapes)]

    assert formula([]) == "0"
    assert formula([Part("a.weight", "head", (1000, 20))]) == "1,000 × 20"
    assert formula(layer(0, (4, 5), (4,)) + layer(1, (4, 5), (4,))) == "2 × (4 × 5 + 4)"
    assert formula(layer(0, (4, 5)) + layer(1, (4, 6))) == "4 × 5 + 4 × 6"
    assert formula(layer(0, (7,), (7,))) == "2 × 7"
    table = Part("embed.tokens.weight", "embeddings", (30, 4), table=True)
    places = Part("embed.places.weight", "positions", (9, 4), table=True)
    norm = [Part(f"embed.norm.{leaf}", "norm", (4,)) for leaf in ("weight", "bias")]
    assert formula([table, places, *norm]) == "(30 + 9 + 2) × 4"
