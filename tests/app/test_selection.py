"""What is chosen lives in the address, and nothing in an address can break a page."""

from app.examples import ENGLISH, PORTUGUESE, examples, first, is_for_others
from attnviz.models.catalog import catalog
from tests.app.conftest import errors, notes


def test_a_word_that_was_picked_is_in_the_address(open_page):
    app = open_page("home")
    assert "word" not in app.query_params
    rows = [b for b in app.button if (b.key or "").startswith("row_try_")]
    rows[0].click().run()
    assert app.query_params["word"] == str(app.session_state["word"])


def test_a_word_belongs_to_its_text(open_page):
    app = open_page("home", word="10")
    assert app.session_state["word"] == 10
    app.text_area(key="text").set_value("Short now.").run()
    assert not notes(app)
    assert not errors(app)
    assert "word" not in app.query_params


def test_what_was_picked_leaves_the_address_with_its_page_and_comes_back_with_it(open_page):
    app = open_page("home", word="3")
    app.switch_page("app/pages/model_explorer.py").run()
    assert "word" not in app.query_params
    app.switch_page("app/pages/home.py").run()
    assert app.query_params["word"] == "3"


def test_the_examples_are_the_reference_sentences(open_page):
    app = open_page("home")
    for name, sentence in list(ENGLISH.items())[::-1]:
        app.button(key=f"row_example_{name}").click().run()
        assert app.text_area(key="text").value == sentence
        assert not errors(app)
    assert app.text_area(key="text").value == next(iter(ENGLISH.values()))
    assert "text" not in app.query_params


def test_bundled_models_come_first(open_page):
    options = open_page("home").selectbox(key="model").options
    assert options[0].startswith("MiniLM")
    arrows = [option.startswith("↓") for option in options]
    assert arrows == sorted(arrows)


def test_another_model_is_typed_by_its_name(open_page, no_hub):
    app = open_page("home")
    app.text_input(key="_other_model").set_value("  no-such/model ").run()
    assert app.selectbox(key="model").value == "no-such/model"
    assert app.text_input(key="_other_model").value == ""
    assert errors(app)


def test_a_model_that_fails_offers_every_bundled_one(open_page, no_hub):
    app = open_page("home", model="no-such/model")
    ways = [b.label for b in app.button if (b.key or "").startswith("go_model_")]
    assert ways[:2] == ["Use MiniLM", "Use SmolLM2"]
    next(b for b in app.button if b.label == "Use SmolLM2").click().run()
    assert app.selectbox(key="model").value == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert not errors(app)


SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_the_address_names_the_model_by_its_id(open_page):
    app = open_page("home")
    assert "model" not in app.query_params
    app.selectbox(key="model").set_value(SMOLLM2).run()
    assert app.query_params["model"] == SMOLLM2
    app.switch_page("app/pages/tokens.py").run()
    assert app.query_params["model"] == SMOLLM2
    assert open_page("tokens", model=SMOLLM2).selectbox(key="model").value == SMOLLM2


def test_back_takes_the_model_of_the_page_that_it_leads_to(open_page):
    app = open_page("home", model=SMOLLM2)
    app.selectbox(key="model").set_value("sentence-transformers/all-MiniLM-L6-v2").run()
    app.switch_page("app/pages/tokens.py").run()
    assert app.selectbox(key="model").value.endswith("MiniLM-L6-v2")
    app.query_params["model"] = SMOLLM2  # as a browser asks for the page before
    app.switch_page("app/pages/home.py").run()
    assert app.selectbox(key="model").value == SMOLLM2


def test_a_fraction_in_an_address_is_cut_off_without_a_word(open_page):
    app = open_page("feed_forward", ff_neuron="5.5", layer="nan")
    assert app.number_input(key="ff_neuron").value == 5
    assert ["Layer cannot be nan" in note for note in notes(app)] == [True]


def test_an_example_gives_way_to_one_that_the_model_can_read(open_page):
    app = open_page("home", model="attnviz/translate-pt-en")
    assert app.text_area(key="text").value == next(iter(PORTUGUESE.values()))
    assert "text" not in app.query_params
    app.selectbox(key="model").set_value(SMOLLM2).run()
    assert app.text_area(key="text").value == next(iter(ENGLISH.values()))


def test_a_text_of_ones_own_stays(open_page):
    app = open_page("home", text="A sentence of mine.")
    app.selectbox(key="model").set_value("attnviz/translate-pt-en").run()
    assert app.text_area(key="text").value == "A sentence of mine."


def test_every_model_can_read_its_examples():
    import attnviz

    for entry in catalog():
        if entry.bundled:
            model = attnviz.load(entry.id)
            for text in examples(entry.id).values():
                assert model.as_read(text)
                assert not is_for_others(text, entry.id)
            assert first(entry.id) in examples(entry.id).values()
