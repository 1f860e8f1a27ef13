"""The model explorer on the real bundled models, on published configs, on pasted ones and on own sizes."""

import contextlib
import io
import json
import re

import pytest

from app.explored import Explored, costs, counted, questions
from app.explored.own_sizes import divisors, own_config
from app.lessons import lesson
from attnviz.analysis.memory import token_flops
from attnviz.models.configs import published_configs
from attnviz.models.parameters import count_parameters
from tests.app.conftest import charts, errors, markup, notes

SCRIPT = "model_explorer"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"


def seen(app):
    """All HTML of the page as one text."""
    return "\n".join(markup(app))


def control(app, key):
    """The control of this key, whatever its kind."""
    kinds = ("selectbox", "slider", "select_slider", "segmented_control", "text_area")
    return next(e for kind in kinds for e in app.get(kind) if e.key == key)


@pytest.mark.parametrize(
    ("model", "total", "facts"),
    [
        (MINILM, "22,713,216", ("Encoder, BERT", "after each", "30,522")),
        (
            SMOLLM2,
            "134,515,008",
            ("Decoder, Llama", "9 share 3 keys", "1,536 gated", "8,192, rotary", "tied"),
        ),
    ],
)
def test_bundled_models(open_page, model, total, facts):
    app = open_page(SCRIPT, model=model)
    assert not errors(app)
    page = seen(app)
    assert f"{total} numbers. Here they are" in page
    assert all(f"<dd>{fact}</dd>" in page for fact in facts)
    (picture,) = [e for e in app.get("bidi_component") if "explorer" in e.proto.component_name]
    assert picture is not None


def test_the_arithmetic_is_written_out(open_page):
    page = seen(open_page(SCRIPT, model=MINILM))
    assert "(30,522 + 512 + 2 + 2) × 384" in page and "11,918,592" in page and "52.5 %" in page


def test_the_largest_part_is_said(open_page):
    page = seen(open_page(SCRIPT, model=MINILM))
    assert (
        "52.5 % of MiniLM is how tokens come in: 51.6 % is one table, a row of 384 numbers for each of"
        in page
    )
    assert "59.2 % of SmolLM2 is feed-forward" in seen(open_page(SCRIPT, model=SMOLLM2))


def test_the_treemap_is_the_other_view(open_page):
    app = open_page(SCRIPT, view="Treemap")
    assert not errors(app)
    assert "parameters" in charts(app)


@pytest.mark.parametrize("name", ["GPT-2 XL", "T5 small", "Mistral 7B", "Gemma 2 2B"])
def test_published_configs(open_page, name):
    (entry,) = (entry for entry in published_configs() if entry.name == name)
    app = open_page(SCRIPT, source="Published", published=entry.name)
    assert not errors(app)
    assert f"{entry.name} is {count_parameters(entry.id).total:,} numbers" in seen(app)
    assert "A config has no weights" in seen(app)


GOOD = {"model_type": "gpt2", "n_embd": 64, "n_head": 4, "n_layer": 2, "vocab_size": 100, "n_positions": 32}


def pasted(open_page, text):
    app = open_page(SCRIPT, source="Pasted")
    return app.text_area(key="config").set_value(text).run()


def test_a_pasted_config(open_page):
    app = pasted(open_page, json.dumps(GOOD))
    assert not errors(app)
    assert f"Your config is {count_parameters(GOOD).total:,} numbers" in seen(app)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no config here yet"),
        ("{", "not JSON: line 1"),
        ("hello", "not JSON"),
        ("[]", "not a config"),
        ("{}", "does not say of which family"),
        ('{"model_type": "mamba"}', "Mamba"),
        ('{"model_type": "<script>alert(1)</script>"}', "no name of a family"),
        (json.dumps({**GOOD, "n_head": 0}), "number of heads"),
        (json.dumps({**GOOD, "n_head": 5}), "cannot be divided among 5 heads"),
        (json.dumps({**GOOD, "n_layer": 10**9}), "number of layers"),
        (json.dumps({**GOOD, "vocab_size": 10**12}), "vocabulary"),
        (json.dumps({**GOOD, "n_embd": "64"}), "whole number"),
        ('{"model_type": "mamba9"}', "“mamba9” models cannot be opened here"),
        ('{"model_type": "gpt2"}', "does not give the vocabulary"),
        ("x" * 300_000, "characters"),
    ],
)
def test_a_bad_config_is_one_sentence_with_a_way_out(open_page, text, words):
    app = pasted(open_page, text)
    (error,) = errors(app)
    assert words in error and "Something went wrong" not in error and "<script>" not in error
    next(b for b in app.button if (b.key or "").startswith("go_source")).click().run()
    assert not errors(app)
    assert "MiniLM is 22,713,216 numbers" in seen(app)


def test_a_bad_config_can_be_mended(open_page):
    app = pasted(open_page, "{")
    assert errors(app)
    app.text_area(key="config").set_value(json.dumps(GOOD)).run()
    assert not errors(app)


@pytest.mark.parametrize("family", ["GPT-2", "Llama", "BERT", "T5"])
def test_own_sizes(open_page, family):
    app = open_page(SCRIPT, source="Own sizes", family=family)
    before = seen(app)
    app.slider(key="layers").set_value(24).run()
    assert not errors(app)
    sizes = {
        "family": family,
        **{"layers": 24, "heads": 12, "head_width": 64, "shared": 12, "ff": 3072, "vocabulary": 50_257},
    }
    assert f"Your model is {count_parameters(own_config(sizes)).total:,} numbers" in seen(app) != before


def test_every_number_of_heads_can_share_evenly(open_page):
    app = open_page(SCRIPT, source="Own sizes", family="Llama")
    for heads in (12, 7, 128, 1):
        app.slider(key="heads").set_value(heads).run()
        assert not errors(app)
    assert divisors(12) == [1, 2, 3, 4, 6, 12] and divisors(1) == [1] and divisors(49) == [1, 7, 49]


def test_the_length_changes_the_cache(open_page):
    app = open_page(SCRIPT, model=SMOLLM2, length="4096")
    assert "After 4,096 tokens the cache takes 94.4 MB" in seen(app)
    app.select_slider(key="length").set_value(8192).run()
    assert "After 8,192 tokens the cache takes 189 MB" in seen(app)
    assert "From 3,892 tokens on" in seen(app)


def test_a_length_that_the_model_cannot_read_falls_back(open_page):
    app = open_page(SCRIPT, model=MINILM, length="8192")
    assert not errors(app)
    assert app.select_slider(key="length").value == 512


def test_histograms_are_of_the_real_weights(open_page):
    app = open_page(SCRIPT, model=MINILM, matrix="Key", layer="5")
    page = seen(app)
    assert "encoder.layer.5.attention.self.key.weight, 384 × 384" in page
    assert "of the 147,456 numbers lie within" in page


def test_every_matrix(open_page):
    app = open_page(SCRIPT, model=MINILM)
    names = app.selectbox(key="matrix").options
    assert len(names) == 3 + 6 + 1  # three tables, six matrices of a layer, the pooler
    assert not any("." in name for name in names)
    for name in names:
        app.selectbox(key="matrix").set_value(name).run()
        assert not errors(app), name


def test_a_model_that_is_elsewhere_is_counted_but_not_fetched(open_page, no_hub):
    app = open_page(SCRIPT, model="gpt2")
    assert not errors(app)
    assert "GPT-2 is 124,439,808 numbers" in seen(app)
    assert "The weights of GPT-2 are not on this machine" in seen(app)
    app.button(key="fetch_weights").click().run()
    assert len(errors(app)) == 1 and "hub" in errors(app)[0]
    assert "GPT-2 is 124,439,808 numbers" in seen(app)


def test_the_modules_are_folded_with_the_first_layer_open(open_page):
    page = seen(open_page(SCRIPT, model=MINILM))
    assert "0 to 5" in page and "1,774,464 each" in page
    assert page.count("<details open>") > 5


def test_try_this_leads_to_what_it_says(open_page):
    for number in range(4):
        app = open_page(SCRIPT, model=SMOLLM2)
        button = app.button(key=f"row_try_{number}")
        button.click().run()
        assert not errors(app), button.label


@pytest.mark.parametrize(
    ("number", "right", "wrong"),
    [(0, "Feed-forward", "Embeddings"), (1, "4 times", "2 times"), (2, "8 times", "16 times")],
)
def test_answers_are_checked_against_the_count(open_page, number, right, wrong):
    for answer, verdict in ((right, "Right."), (wrong, "Not this time.")):
        app = open_page(SCRIPT, model=MINILM)
        pills = [e for e in app.get("button_group") if e.key and e.key.startswith("answer_")]
        assert len(pills) == 3
        shown = next(o for o in pills[number].options if o.replace("\\", "") == answer)  # Markdown is escaped
        pills[number].set_value([shown]).run()
        assert seen(app).count(f"<b>{verdict}</b>") == 1


WORDS = lesson("model_explorer")
SIZES = {
    **{"family": "Llama", "layers": 30, "heads": 9, "head_width": 64, "shared": 3},
    **{"ff": 1536, "vocabulary": 49_152},
}
"""Those of SmolLM2."""
EXPLORED = [
    Explored("model", "MiniLM", MINILM),
    Explored("published", "T5 small", "t5-small"),
    Explored("own", "Yours", json.dumps(own_config(SIZES))),
]


@pytest.mark.parametrize("model", EXPLORED, ids=lambda model: model.title)
def test_the_code_gives_the_counts(model):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(model.code(WORDS), {})
    lines = printed.getvalue().splitlines()
    assert lines[0] == f"{model.count.total:,}"
    assert len(lines) == 1 + len(model.count.arithmetic)


def test_own_sizes_can_be_those_of_a_real_model():
    rebuilt = counted(json.dumps(own_config(SIZES)), is_config=True)
    assert rebuilt.by_component == counted(SMOLLM2).by_component


def test_sizes_that_no_slider_has_are_mended_with_a_note(open_page):
    app = open_page(SCRIPT, source="Own sizes", heads="999", layers="0")
    assert not errors(app) and len(notes(app)) == 2
    assert "Number of heads cannot be 999 here: it goes from 1 to 128. You see 12." in seen(app)
    assert "Your model is" in seen(app)


@pytest.mark.parametrize("name", ["Llama 3.1 405B", "OPT 66B", "T5 11B", "Mistral Large 2", "Gemma 2 27B"])
def test_the_largest_models_can_be_doubled(open_page, name):
    app = open_page(SCRIPT, source="Published", published=name)
    app.button(key="row_try_3").click().run()
    assert not errors(app)
    (entry,) = (entry for entry in published_configs() if entry.name == name)
    assert f"<dd>{2 * counted(entry.id).architecture.d_model:,}</dd>" in seen(app)
    config = app.query_params["config"]  # a copied link opens the same
    config = config if isinstance(config, str) else config[0]
    again = open_page(SCRIPT, source="Pasted", config=config)
    assert f"{counted(config, is_config=True).total:,} numbers" in seen(again) and not errors(again)


@pytest.mark.parametrize(
    ("model", "before", "after"),
    [("attnviz/translate-en-pt", "1,184,256", "4,727,808"), ("t5-3b", "67,111,936", "268,441,600")],
)
def test_a_doubled_layer_is_one_of_the_model_itself(model, before, after):
    """Not of a model of nearly its sizes: T5 3B has 32 heads of 128 at a width of 1,024."""
    (asked,) = (q for q in questions.questions(Explored("model", "It", model)) if q.key == "double")
    assert f"the {before} numbers of the last layer become {after}." in asked.reason
    assert counted(asked.values["config"], is_config=True).layers[-1].total == int(after.replace(",", ""))


def test_what_is_too_large_to_double_is_not_asked_about():
    wide = Explored("config", "It", json.dumps({**GOOD, "n_embd": 100_000, "n_head": 4000}))
    assert wide.grown(width=2) is None
    assert [q.key for q in questions.questions(wide)] == ["largest", "cache"]
    assert len(questions.suggestions(wide)) == 3


def test_attention_overtakes_the_matrices_where_it_does_though_windows_bound_it():
    fields = {
        **{
            "model_type": "gemma3_text",
            "vocab_size": 262_144,
            "hidden_size": 1152,
            "intermediate_size": 6912,
        },
        **{"num_hidden_layers": 26, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256},
        **{"max_position_embeddings": 131_072, "sliding_window": 512},
    }
    model = Explored("config", "It", json.dumps(fields))
    said = costs.work_said(model, WORDS, 1024)
    first = int(re.search(r"From ([\d,]+) tokens on", said)[1].replace(",", ""))
    before, there = (token_flops(model.count, n)["decoder"] for n in (first - 1, first))
    assert before.attention <= before.matrices and there.attention > there.matrices
    assert first > 100_000


@pytest.mark.parametrize("name", ["Gemma 2 2B", "T5 3B"])
def test_the_formula_of_the_work_is_what_is_counted(name):
    """4 × layers × heads × width of a head × tokens: the heads of these are together not as wide as the model."""
    (entry,) = (entry for entry in published_configs() if entry.name == name)
    count, shape = counted(entry.id), counted(entry.id).architecture
    layers = shape.decoder_layers * (2 if shape.kind == "encoder-decoder" else 1)
    work = 4 * layers * shape.decoder_heads * shape.d_head * 100
    assert token_flops(count, 100)["decoder"].attention == work
    assert "4 × layers × heads × width of a head × tokens" in WORDS.say("work_source")
