"""Configs: the published ones that come with the library, and the careful reading of any other.

A config is somebody else's text. It is checked field by field before Transformers builds anything from it: a
config that asks for a billion layers would otherwise keep the machine busy even where no weight is ever
stored.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from attnviz.errors import ConfigError
from attnviz.models.architecture import FAMILIES, Family, architecture, family

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

MAX_JSON_CHARACTERS = 200_000
"""The longest published configs (with all their label names) have about 100,000."""


@dataclass(frozen=True)
class _Size:
    """A number that a config may hold: what it is, and the range that can be built here within a second."""

    title: str
    most: int
    least: int = 1


_LAYERS = _Size("number of layers", 512)  # the deepest published: 126 (Llama 3.1 405B); 512 take 0.8 s
_HEADS = _Size("number of heads", 4_096)
_SHARED = _Size("number of key and value heads", 4_096)
_WIDTH = _Size("width", 131_072)  # the widest published: 18,432
_NEURONS = _Size("feed-forward width", 2_097_152)
_HEAD_WIDTH = _Size("width of a head", 16_384)
_VOCABULARY = _Size("vocabulary", 10_000_000)  # the largest published: 1,048,576
_POSITIONS = _Size("number of positions", 100_000_000)
_WINDOW = _Size("attention window", 100_000_000)

_SIZES: dict[str, _Size] = {
    **dict.fromkeys(("vocab_size",), _VOCABULARY),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), _LAYERS),
    **dict.fromkeys(("encoder_layers", "decoder_layers", "num_decoder_layers"), _LAYERS),
    **dict.fromkeys(("num_hidden_groups", "inner_group_num"), _Size("number of layer groups", 512)),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), _HEADS),
    "num_key_value_heads": _SHARED,
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), _HEADS),
    **dict.fromkeys(
        ("hidden_size", "n_embd", "dim", "d_model", "embedding_size", "word_embed_proj_dim"), _WIDTH
    ),
    **dict.fromkeys(("intermediate_size", "n_inner", "hidden_dim", "d_ff", "ffn_dim"), _NEURONS),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), _NEURONS),
    **dict.fromkeys(("head_dim", "d_kv"), _HEAD_WIDTH),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx"), _POSITIONS),
    **dict.fromkeys(("sliding_window", "local_attention"), _WINDOW),
    **dict.fromkeys(
        ("global_attn_every_n_layers", "sliding_window_pattern"), _Size("spacing of layers", 512)
    ),
    "max_window_layers": _Size("number of layers", 512, least=0),
    "type_vocab_size": _Size("number of segments", 100_000, least=0),
    "relative_attention_num_buckets": _Size("number of distance buckets", 1_000_000),
    "relative_attention_max_distance": _Size("largest distance", 100_000_000),
}
"""Every field of the supported families from whose number something is built."""

_ACROSS = frozenset({_WIDTH, _HEADS, _SHARED, _NEURONS})
"""What grows with the width of a model, where a head stays as wide as it is."""

_REQUIRED = _ACROSS | {_VOCABULARY, _LAYERS, _HEAD_WIDTH}
"""Without these a config would silently mean its family's defaults: another model than the one meant."""

# What the weights are stored or run as, and the labels of classifiers: none of it changes the shape, and
# some would change the process (``dtype`` sets PyTorch's default for all threads) or blow it up (a billion labels).
_IGNORED = frozenset(
    {
        *("dtype", "torch_dtype", "quantization_config", "attn_implementation", "transformers_version"),
        *("id2label", "label2id", "num_labels", "problem_type"),
        *("output_hidden_states", "output_attentions", "return_dict"),
    }
)
_ROTARY = frozenset(
    {"rope_theta", "rope_scaling", "rotary_pct", "rotary_emb_base", "partial_rotary_factor"},
)
"""Names for rotary positions that published configs use and that Transformers turns into ``rope_parameters``.
"""


@dataclass(frozen=True)
class PublishedConfig:
    """The config of a well-known model as its makers published it.

    ``source`` is where it was published, ``checked`` another place that gives the same sizes. ``tokens`` is how many
    tokens the model was trained on, repetitions counted, where its makers say so in ``tokens_source``; ``tokens_said`` is
    the word with which they bound it ("over", "up to", "about").
    """

    id: str
    also: tuple[str, ...]
    name: str
    family: str
    date: str
    source: str
    config: Mapping[str, Any]
    checked: str = ""
    tokens: int | None = None
    tokens_said: str = ""
    tokens_source: str = ""


@cache
def published_configs() -> tuple[PublishedConfig, ...]:
    """The configs that come with the library, in the order of the file."""
    text = resources.files(__package__).joinpath("configs.json").read_text(encoding="utf-8")
    return tuple(PublishedConfig(**{**entry, "also": tuple(entry["also"])}) for entry in json.loads(text))


def published_config(model_id: str) -> PublishedConfig | None:
    """The published config of ``model_id`` (or of another name for it), None where it is not in the file."""
    for entry in published_configs():
        if model_id == entry.id or model_id in entry.also:
            return entry
    return None


def read_config(source: str | Mapping[str, Any] | PreTrainedConfig) -> PreTrainedConfig:
    """A Transformers config from JSON text, a mapping or another config, checked and safe to build a model
    from.

    The result is independent of ``source``, names no data type and holds only fields its family knows.
    Raises :class:`ConfigError` for what is no config, :class:`ModelUnsupported` for a family that is not
    supported.
    """
    if isinstance(source, str):
        source = _parsed(source)
    if isinstance(source, Mapping):
        fields = dict(source)
        _check_not_nested(fields)
        facts = family(_model_type(fields))
        check_sizes(fields)
        config = _built(fields, facts)
    else:
        facts = family(source.model_type)
        check_sizes({name: getattr(source, name) for name in _SIZES if hasattr(source, name)})
        config = copy.deepcopy(source)
        config.dtype = None
    _check_proportions(config, facts)
    return config


def _parsed(text: str) -> Mapping[str, Any]:
    way_out = "Paste the whole config.json of a model, from the first brace to the last."
    if not text.strip():
        raise ConfigError("There is no config here yet.", way_out)
    if len(text) > MAX_JSON_CHARACTERS:
        raise ConfigError(
            f"This text has {len(text):,} characters; a config has at most {MAX_JSON_CHARACTERS:,}.", way_out
        )
    try:
        data = json.loads(text.removeprefix("\ufeff"))  # some editors begin a file with this mark
    except json.JSONDecodeError as error:
        raise ConfigError(f"This is not JSON: line {error.lineno}, column {error.colno}.", way_out) from None
    except (RecursionError, ValueError):
        raise ConfigError("This is not JSON that can be read.", way_out) from None
    if not isinstance(data, dict):
        raise ConfigError(
            "This is JSON, but not a config: a config is a list of named fields in braces.", way_out
        )
    return data


def _check_not_nested(fields: Mapping[str, Any]) -> None:
    inner = fields.get("text_config")
    if (
        fields.get("model_type") not in FAMILIES
        and isinstance(inner, Mapping)
        and inner.get("model_type") in FAMILIES
    ):
        raise ConfigError(
            f"This config holds more than a text model: its {FAMILIES[inner['model_type']].name} stands in text_config.",
            "Paste what the field text_config holds, with its braces.",
        )


def _model_type(fields: Mapping[str, Any]) -> str:
    model_type = fields.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise ConfigError(
            "This config does not say of which family the model is.",
            'Add the field "model_type", for example "gpt2", "bert", "llama" or "t5".',
        )
    if not re.fullmatch(r"[\w.-]{1,64}", model_type):
        raise ConfigError(
            "The field model_type of this config is no name of a family.", 'Write, for example, "gpt2".'
        )
    return model_type


def check_sizes(fields: Mapping[str, Any]) -> None:
    """Raises :class:`ConfigError` for a size that cannot be built, before Transformers tries to."""
    for name, size in _SIZES.items():
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(
                f"The {size.title} ({name}) must be a whole number, not {_shown(value)}.",
                f"Write a number from {size.least:,} to {size.most:,}.",
            )
        if not size.least <= value <= size.most:
            raise ConfigError(
                f"The {size.title} ({name}) is {_shown(value)}, not from {size.least:,} to {size.most:,}.",
                "Correct this field and try again.",
            )
    groups, inner = (fields.get(name) or 1 for name in ("num_hidden_groups", "inner_group_num"))  # of ALBERT
    if groups * inner > _LAYERS.most:
        raise ConfigError(
            f"{groups:,} groups of {inner:,} layers are {groups * inner:,}, more than {_LAYERS.most:,}.",
            "Correct num_hidden_groups or inner_group_num and try again.",
        )


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return f"{value:,}"
    if isinstance(value, int) and not isinstance(value, bool):
        return "a number of more than 18 digits"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _built(fields: Mapping[str, Any], facts: Family) -> PreTrainedConfig:
    from transformers import CONFIG_MAPPING

    if facts.recurrent:
        import attnviz.models.translator  # noqa: F401 - makes its type known to Transformers

    config_class = CONFIG_MAPPING[fields["model_type"]]
    aliases: dict[str, str] = config_class.attribute_map
    _check_complete(fields, config_class, facts)
    known = {f.name for f in dataclasses.fields(config_class)} | set(aliases)
    if "rope_parameters" in known:
        known |= _ROTARY
    head_width = fields.get("head_dim") or fields.get("d_kv")
    if not head_width:
        width, heads = (
            fields.get(name) or fields[aliases[name]] for name in ("hidden_size", "num_attention_heads")
        )
        _check_division(width, heads)
        head_width = width // heads
    _check_rotation(facts, head_width)
    arguments = {name: value for name, value in fields.items() if name in known - _IGNORED}
    try:
        return config_class(**arguments)
    except build_errors() as error:
        raise unbuildable(facts.name, error) from None


def _check_complete(fields: Mapping[str, Any], config_class: type[PreTrainedConfig], facts: Family) -> None:
    """Every size for which the family has a number of its own must be there, under its name or another one for it."""
    aliases: dict[str, str] = config_class.attribute_map
    given = {aliases.get(name, name) for name, value in fields.items() if value is not None}
    filled = {f.name for f in dataclasses.fields(config_class) if isinstance(f.default, int)}
    for name, size in _SIZES.items():
        if size in _REQUIRED and name in filled - given:
            raise ConfigError(
                f"This config does not give the {size.title} ({name}).",
                f"Add the field {name}, as in a published config of {facts.name}.",
            )


def build_errors() -> tuple[type[Exception], ...]:
    """What Transformers and PyTorch raise, according to the family, when the fields of a config do not go
    together."""
    from huggingface_hub.errors import StrictDataclassError

    return (
        *(ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError),
        StrictDataclassError,
    )


def unbuildable(name: str, error: BaseException) -> ConfigError:
    """The one sentence for a config from which Transformers cannot build a model of the family ``name``."""
    found = re.search(r"[Ff]ield '(\w+)'", str(error))
    if found:
        message = f"The field {found[1]} of this config has a value that {name} does not know."
    else:
        message = f"The fields of this config do not make a {name} model."
    return ConfigError(message, f"Compare it with a published config of {name}.")


def _check_proportions(config: PreTrainedConfig, facts: Family) -> None:
    try:
        shape = architecture(config)
    except build_errors() as error:
        raise unbuildable(facts.name, error) from None
    stacks = []
    if shape.encoder_layers:
        stacks.append((shape.encoder_heads, shape.encoder_key_value_heads))
    if shape.decoder_layers:
        stacks.append((shape.decoder_heads, shape.decoder_key_value_heads))
    for heads, shared in stacks:
        if shape.d_head == shape.d_model // heads:  # the width of a head follows from the others
            _check_division(shape.d_model, heads)
        if heads % shared:
            raise ConfigError(
                f"{heads:,} query heads cannot share {shared:,} key and value heads evenly.",
                "Choose a number of key and value heads that divides the number of heads.",
            )


def _check_division(width: int, heads: int) -> None:
    if width % heads:
        raise ConfigError(
            f"A width of {width:,} cannot be divided among {heads:,} heads.",
            "Choose a width that is a multiple of the number of heads.",
        )


def _check_rotation(facts: Family, head_width: int) -> None:
    if facts.positions == "rotary" and head_width % 2:
        raise ConfigError(
            f"Rotary positions turn numbers in pairs, and a head here has {head_width:,}.",
            "Choose a width and a number of heads that leave each head an even number.",
        )


def grown_config(config: PreTrainedConfig, width: int = 1, depth: int = 1) -> dict[str, Any]:
    """The fields of a config with every width, and the number of heads, ``width`` times as large and ``depth`` times as
    many layers. A head keeps its width, and which layers have a window follows from the other fields. Nothing is checked
    yet.
    """
    times = {**dict.fromkeys(_ACROSS, width), _LAYERS: depth}
    sizes = {
        name: times.get(_SIZES[name], 1) * n for name, n in config.to_dict().items() if name in _SIZES and n
    }
    left_out = {*_IGNORED, "layer_types"}
    return {name: value for name, value in {**config.to_diff_dict(), **sizes}.items() if name not in left_out}


def sized_config(
    model_type: str,
    *,
    layers: int,
    heads: int,
    key_value_heads: int,
    d_head: int,
    d_ff: int,
    vocabulary: int,
    max_positions: int = 1024,
) -> dict[str, Any]:
    """The fields of a config with these sizes; the width is ``heads`` times ``d_head``.

    ``model_type`` is "gpt2", "llama", "bert" or "t5" (whose two stacks then have ``layers`` each); only Llama uses
    ``key_value_heads``. Raises KeyError for another type.
    """
    common = {"model_type": model_type, "vocab_size": vocabulary}
    width = heads * d_head
    one_stack = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": d_ff,
        "max_position_embeddings": max_positions,
    }
    fields: dict[str, dict[str, Any]] = {
        "gpt2": {
            "n_embd": width,
            "n_layer": layers,
            "n_head": heads,
            "n_inner": d_ff,
            "n_positions": max_positions,
            "bos_token_id": None,
            "eos_token_id": None,
        },
        "llama": {**one_stack, "num_key_value_heads": key_value_heads, "tie_word_embeddings": True},
        "bert": one_stack,
        "t5": {"d_model": width, "d_kv": d_head, "d_ff": d_ff, "num_layers": layers, "num_heads": heads},
    }
    return {**common, **fields[model_type]}
