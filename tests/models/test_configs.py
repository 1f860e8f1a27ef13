import json
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz.errors import ConfigError, ModelUnsupported, UserError
from attnviz.models.architecture import architecture
from attnviz.models.configs import grown_config, published_config, published_configs, read_config

GPT2 = {"model_type": "gpt2", "n_embd": 64, "n_head": 4, "n_layer": 2, "vocab_size": 100, "n_positions": 32}
LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": 100,
}


def test_published_configs_say_where_and_when():
    names = [entry.id for entry in published_configs()]
    assert len(names) == len(set(names))
    for entry in published_configs():
        assert entry.source.startswith("https://") and entry.source.endswith("config.json")
        assert len(entry.date) == 7 and entry.date[4] == "-" and 2017 < int(entry.date[:4]) < 2100
        assert not entry.checked or entry.checked.startswith("https://")
        assert (entry.tokens is None) == (not entry.tokens_source)
        assert not entry.tokens_said or entry.tokens
        assert not entry.tokens_source or entry.tokens_source.startswith("https://")
        assert entry.family and read_config(entry.config).model_type == entry.config["model_type"]


def test_published_config_is_found_by_its_other_names():
    entry = published_config("openai-community/gpt2")
    assert entry is not None and entry.id == "gpt2"
    assert published_config("gpt3") is None


def test_a_config_reads_alike_from_text_mapping_and_config():
    config = read_config(GPT2)
    for other in (read_config(json.dumps(GPT2)), read_config(config)):
        assert other.to_dict() == config.to_dict()
    assert config.hidden_size == 64 and config.dtype is None


def test_the_source_is_left_alone():
    source = read_config({**GPT2, "dtype": "float16"})
    source.dtype = "float16"
    read_config(source).n_embd = 5
    assert source.n_embd == 64 and source.dtype == "float16"


def test_a_config_cannot_change_the_process_or_hide_methods():
    import torch

    config = read_config(
        {**LLAMA, "torch_dtype": "float16", "to_dict": 1, "num_labels": 10**9, "auto_map": {"a": "b"}}
    )
    assert torch.get_default_dtype() is torch.float32
    assert callable(config.to_dict) and config.num_labels == 2 and not hasattr(config, "auto_map")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no config"),
        ("   \n", "no config"),
        ("{", "not JSON: line 1"),
        ("{'model_type': 'gpt2'}", "not JSON"),
        ("[1, 2]", "not a config"),
        ("3", "not a config"),
        ("{" * 5000, "not JSON"),
        ("[" * 150_000, "not JSON"),
        ('{"a": ' + "9" * 6000 + "}", "not JSON"),
        (" " * 300_000 + "{}", "characters"),
        ("{}", "which family"),
        ('{"model_type": 5}', "which family"),
        ('{"model_type": null}', "which family"),
        ('{"model_type": "<script>alert(1)</script>"}', "no name of a family"),
    ],
)
def test_text_that_is_no_config(text, words):
    with pytest.raises(ConfigError, match=words) as error:
        read_config(text)
    assert error.value.way_out and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("model_type", "why"),
    [
        ("falcon", "Falcon models cannot be opened here: their attention cannot be read"),
        ("mamba", "Mamba models cannot be opened here: they have no attention"),
        ("mamba9", "“mamba9” models cannot be opened here: this family is none of the"),
        ("vit", "“vit” models cannot be opened here: this family is none of the"),
    ],
)
def test_another_family_is_refused_with_the_reason(model_type, why):
    with pytest.raises(ModelUnsupported, match=why):
        read_config({"model_type": model_type})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_head": 0}, r"number of heads \(n_head\) is 0"),
        ({"n_layer": 10**9}, r"number of layers \(n_layer\) is 1,000,000,000"),
        ({"n_layer": 10**40}, "more than 18 digits"),
        ({"vocab_size": 10**12}, "vocabulary"),
        ({"n_embd": -64}, "width"),
        ({"n_embd": "64"}, 'whole number, not "64"'),
        ({"n_embd": 64.0}, "whole number, not 64.0"),
        ({"n_embd": True}, "whole number, not true"),
        ({"n_embd": [64]}, r"whole number, not \[64\]"),
        ({"n_embd": "x" * 10_000}, "whole number"),
        ({"n_embd": None}, r"does not give the width \(n_embd\)"),
        ({"n_head": 5}, "width of 64 cannot be divided among 5 heads"),
        ({"n_inner": 10**10}, "feed-forward width"),
        ({"n_positions": 10**12}, "positions"),
        ({"activation_function": 5}, "activation_function"),
        ({"layer_norm_epsilon": "small"}, "layer_norm_epsilon"),
    ],
)
def test_absurd_fields_of_gpt2(changes, words):
    with pytest.raises(ConfigError, match=words) as error:
        read_config({**GPT2, **changes})
    assert error.value.way_out and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_key_value_heads": 3}, "4 query heads cannot share 3"),
        ({"num_key_value_heads": 8}, "4 query heads cannot share 8"),
        ({"num_attention_heads": 7}, "cannot be divided among 7"),
        ({"hidden_size": 12, "num_attention_heads": 4}, "Rotary positions turn numbers in pairs"),
        ({"hidden_size": 66, "num_attention_heads": 2}, "numbers in pairs, and a head here has 33"),
        ({"head_dim": 17}, "numbers in pairs, and a head here has 17"),
        ({"head_dim": 10**9}, "width of a head"),
    ],
)
def test_absurd_fields_of_llama(changes, words):
    with pytest.raises(ConfigError, match=words):
        read_config({**LLAMA, **changes})


def without(fields, name):
    return {field: value for field, value in fields.items() if field != name}


@pytest.mark.parametrize("name", [name for name in LLAMA if name != "model_type"])
def test_a_missing_size_is_named_rather_than_taken_from_the_defaults(name):
    with pytest.raises(ConfigError, match=name):
        read_config(without(LLAMA, name))


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("mistralai/Mistral-7B-v0.1", "num_key_value_heads"),
        ("google/gemma-2-2b", "head_dim"),
        ("t5-small", "d_kv"),
        ("bert-base-uncased", "intermediate_size"),
    ],
)
def test_every_family_names_what_it_would_fill_in(model_id, name):
    entry = published_config(model_id)
    assert entry is not None
    with pytest.raises(ConfigError, match=rf"does not give the .* \({name}\)"):
        read_config(without(entry.config, name))


def test_what_a_family_derives_can_be_left_out():
    assert read_config(GPT2).n_inner is None  # GPT-2 means four times the width
    assert read_config(LLAMA).num_key_value_heads == 4


@pytest.mark.parametrize("entry", published_configs(), ids=lambda entry: entry.name)
def test_a_model_grows_as_it_is_built(entry):
    """Twice the width is twice in every width and in the heads, which stay as wide; twice the depth is all layers again."""
    config = read_config(entry.config)
    shape, same, wide, deep = (
        architecture(read_config(fields))
        for fields in (
            entry.config,
            grown_config(config),
            grown_config(config, width=2),
            grown_config(config, depth=2),
        )
    )
    assert same == shape
    for name in ("d_model", "d_ff", "encoder_heads", "decoder_heads", "decoder_key_value_heads"):
        assert getattr(wide, name) == 2 * getattr(shape, name) and getattr(deep, name) == getattr(shape, name)
    assert (wide.d_head, wide.encoder_layers, wide.decoder_layers, wide.windows) == (
        *(shape.d_head, shape.encoder_layers, shape.decoder_layers),
        shape.windows,
    )
    assert deep.encoder_layers + deep.decoder_layers == 2 * (shape.encoder_layers + shape.decoder_layers)


def test_a_model_of_text_and_pictures_says_where_its_text_model_stands():
    """As Gemma 3 is published."""
    with pytest.raises(ConfigError, match="Gemma 3 stands in text_config"):
        read_config({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}})


def test_refusing_an_enormous_config_costs_nothing():
    tracemalloc.start()
    start = time.perf_counter()
    for field in (
        "num_hidden_layers",
        "vocab_size",
        "hidden_size",
        "num_attention_heads",
        "max_window_layers",
    ):
        with pytest.raises(ConfigError):
            read_config({**LLAMA, "model_type": "qwen2", field: 10**15})
    assert time.perf_counter() - start < 2
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=9),
    st.lists(st.integers()),
)

_FIELDS = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"),
    *("n_embd", "n_layer", "d_model", "d_kv", "head_dim", "rope_theta", "rope_scaling", "layer_types"),
    *("hidden_act", "is_gated_act", "feed_forward_proj", "sliding_window", "pad_token_id", "use_cache"),
    *("architectures", "tie_word_embeddings"),
)


@settings(max_examples=60, deadline=2000)
@given(
    st.sampled_from(["gpt2", "bert", "llama", "t5", "bart", "gemma3_text", "modernbert", "albert"]),
    st.dictionaries(
        st.sampled_from(_FIELDS),
        _VALUES,
    ),
)
def test_any_fields_give_a_config_or_one_clear_sentence(model_type, fields):
    try:
        read_config({"model_type": model_type, **fields})
    except UserError as error:
        said = error
    else:
        return
    assert said.message.endswith(".") and said.way_out.endswith(".")


def test_layers_in_groups_are_counted_together():
    """512 groups are allowed and 512 layers in a group are; 262,144 layers would be built for minutes."""
    albert = {**LLAMA, "model_type": "albert", "embedding_size": 16}
    layers = {"num_hidden_layers": 2, "num_hidden_groups": 512, "inner_group_num": 512}
    with pytest.raises(ConfigError, match="512 groups of 512 layers are 262,144"):
        read_config({**albert, **layers})
    assert (
        read_config({**albert, **layers, "num_hidden_groups": 2, "inner_group_num": 2}).inner_group_num == 2
    )


def test_a_mark_at_the_beginning_of_a_file_does_not_hide_its_config():
    assert read_config("\ufeff" + json.dumps(GPT2)).n_embd == 64
