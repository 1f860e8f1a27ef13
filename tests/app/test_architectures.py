"""The architectures page: a model of each kind, its blocks, its masks and the table."""

import re

import pytest

from app.compared import blocks, questions, told
from app.compared.models import KINDS, Compared, kind_of, options
from app.lessons import lesson
from attnviz.models.catalog import catalog
from attnviz.models.configs import published_configs
from attnviz.models.parameters import count_parameters
from tests.app.conftest import errors, markup, notes

SCRIPT = "architectures"
WORDS = lesson(SCRIPT)
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
TRANSLATOR = "attnviz/translate-en-pt"


def seen(app):
    """All HTML of the page as one text."""
    return "\n".join(markup(app))


def test_a_model_of_each_kind(open_page):
    app = open_page(SCRIPT)
    assert not errors(app) and not notes(app)
    page = seen(app)
    assert [app.selectbox(key=key).value for _, key in KINDS.values()] == [MINILM, SMOLLM2, TRANSLATOR]
    assert (
        "Norm: MiniLM after each block, SmolLM2 before each block, English to Portuguese after each block."
        in page
    )
    assert "SmolLM2 rotary, inside attention, English to Portuguese sine and cosine" in page
    assert "A gated feed-forward network: SmolLM2." in page
    assert "MiniLM: each token sees all" in page and "in place of self-attention it has a recurrence" in page
    pairs, total = map(int, re.search(r"(\d+) of (\d+) pairs are left", page).groups())
    n = int(total**0.5)
    assert pairs == n * (n + 1) // 2


def test_the_chosen_model_stands_in_its_column(open_page):
    app = open_page(SCRIPT, model="attnviz/translate-pt-en")
    assert app.selectbox(key="both_model").value == "attnviz/translate-pt-en"
    assert not errors(app)


def test_a_block_and_its_numbers(open_page):
    app = open_page(SCRIPT, architecture="Decoder-only", block="Feed-forward")
    count = count_parameters(SMOLLM2)
    one = sum(n for c, n in count.layers[0].by_component.items() if c.startswith("feed_forward"))
    assert f"{one:,} numbers in a layer of SmolLM2, {30 * one:,} in all 30 layers" in seen(app)
    assert "1,536 × 576" in seen(app)
    app.selectbox(key="architecture").set_value("Encoder-decoder").run()
    assert not errors(app) and not notes(app)
    assert app.selectbox(key="block").value.startswith("Encoder: ")
    for name in app.selectbox(key="block").options:
        app.selectbox(key="block").set_value(name).run()
        assert not errors(app), name


def test_a_published_model_is_drawn_and_its_masks_are_those_of_its_kind(open_page):
    app = open_page(SCRIPT, decoder_model="EleutherAI/pythia-410m", both_model="t5-small")
    page = seen(app)
    assert not errors(app)
    assert (
        "attention and feed-forward side by side" in page and "a bias by distance, inside attention" in page
    )
    assert (
        "The weights of Pythia 410M are not needed for its diagram and not opened here: SmolLM2 was read"
        in page
    )
    assert "The decoder of T5 small has self-attention, with a causal mask." in page


def test_the_model_that_is_read_instead_is_the_one_most_alike(open_page):
    page = seen(open_page(SCRIPT, both_model="t5-small", text="cat"))
    assert "Spelling to sound was read in its place" in page and "needs no mask" not in page


def test_layers_that_see_only_what_is_near_are_told(open_page):
    page = seen(open_page(SCRIPT, decoder_model="google/gemma-2-2b"))
    assert (
        "In 13 of the 26 layers of Gemma 2 2B a token sees only the nearest 4,096 tokens; your text" in page
    )


def test_one_token_is_said_to_see_itself(open_page):
    page = seen(open_page(SCRIPT, text="Hello"))
    assert "SmolLM2: your text is one token here, which sees itself." in page and "all 1 " not in page


def test_an_address_with_the_names_on_the_page(open_page):
    app = open_page(SCRIPT, decoder_model="GPT-2", both_model="T5 small")
    assert not notes(app)
    assert (
        app.selectbox(key="decoder_model").value == "gpt2"
        and app.selectbox(key="both_model").value == "t5-small"
    )
    (note,) = notes(open_page(SCRIPT, decoder_model="GPT-99"))
    assert "you see SmolLM2." in note


def test_biases_are_called_so():
    model = Compared("encoder", MINILM)
    attention = next(block for block in model.blocks if block.part == "attention")
    named = blocks.shapes(model, attention)["Numbers for"]
    assert named[:2] == ["Query", "Query, bias"] and not any("vector" in name for name in named)


def test_nonsense_in_the_address_falls_back(open_page):
    app = open_page(SCRIPT, encoder_model="gpt2", architecture="<b>", block="Nothing", both_model="../..")
    assert not errors(app) and len(notes(app)) >= 3 and "<b></option" not in seen(app)


def test_try_this_leads_to_what_it_says(open_page):
    for number in range(4):
        app = open_page(SCRIPT)
        app.button(key=f"row_try_{number}").click().run()
        assert not errors(app) and not notes(app)
        assert "Compared" not in seen(app)
    assert app.selectbox(key="block").value == "Decoder: cross-attention"


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_of_its_kind_and_every_block_is_counted(kind):
    offered = options(kind)
    assert {e.id for e in catalog() if e.bundled and e.kind == kind} <= set(offered)
    assert len(offered) == len(set(offered)) >= 5
    for model_id in offered:
        model = Compared(kind, model_id)
        assert model.shape.kind == kind
        assert len({block.name for block in model.blocks}) == len(model.blocks)
        for block in model.blocks:
            assert "{" not in blocks.said(model, WORDS, block)
        assert all("{" not in said for said in told.column(model, WORDS).told.values())


@pytest.mark.parametrize("model_id", [MINILM, SMOLLM2, TRANSLATOR, "t5-small", "gpt2", "facebook/opt-350m"])
def test_blocks_hold_all_parameters_of_a_layer(model_id):
    """What the blocks of a stack say of one layer adds up to that layer."""
    model = Compared(kind_of(model_id), model_id)
    for stack in model.stacks:
        layer = next(layer for layer in model.model.count.layers if layer.stack == stack.stack)
        inside = [b for b in model.blocks if b.stack == stack.stack]
        counted = sum(part.count for b in inside for part in model.parts(b) if part.layer == 0)
        bias = layer.by_component.get("positions", 0)  # T5's table of distances is part of no block
        assert counted + bias == layer.total


def test_sentences_follow_the_models():
    first = [
        Compared("encoder", MINILM),
        Compared("decoder", SMOLLM2),
        Compared("encoder-decoder", TRANSLATOR),
    ]
    other = [first[0], Compared("decoder", "gpt2"), Compared("encoder-decoder", "t5-small")]
    assert told.summary(first, WORDS) != told.summary(other, WORDS)
    assert "None of them has a gated" in told.summary(other, WORDS)
    asked = {q.key: q for q in questions.questions(WORDS, first, [])}
    assert asked["recurrence"].answer == "Recurrence" and asked["norm"].answer == "before each block"
    again = {q.key: q for q in questions.questions(WORDS, other, [])}
    assert again["recurrence"].answer == "Self-attention"


def test_a_click_opens_its_block(monkeypatch):
    models = [
        Compared("encoder", MINILM),
        Compared("decoder", SMOLLM2),
        Compared("encoder-decoder", TRANSLATOR),
    ]
    chosen = {}
    monkeypatch.setattr(blocks.selection, "choose", lambda **values: chosen.update(values))
    blocks.choose_block(models, {"part": "cross.key", "stack": "decoder", "layer": None, "column": 2})
    assert chosen == {"architecture": "Encoder-decoder", "block": "Decoder: cross-attention"}
    chosen.clear()
    for value in (
        None,
        {"part": "<b>", "stack": "", "column": 0},
        {"part": "cross", "stack": "", "column": 0},
    ):
        blocks.choose_block(models, value)
    assert not chosen


def test_published_examples_of_each_kind():
    kinds = {kind_of(e.id) if e.id in {c.id for c in catalog()} else None for e in published_configs()}
    assert {"encoder", "decoder", "encoder-decoder"} <= kinds
