"""The cross-attention page on the real translators, and on other encoder-decoders."""

import contextlib
import io
import re

import numpy as np
import pytest

from app import cache
from app.head_count import head_count
from app.lessons import lesson
from app.translation.record import translated
from app.translation.sentences import LETTERS, TRANSLATOR, sentences_of
from attnviz.analysis.alignment import word_alignment
from attnviz.analysis.writing import HeadChanges, single_heads
from attnviz.models.catalog import catalog
from attnviz.tracing.forward import write
from attnviz.tracing.trace import Edits
from tests.app.conftest import errors, markup, notes
from tests.models.conftest import configure, hub_cache  # noqa: F401 - fixtures
from tests.models.hub import Hub, Repository
from tests.tiny import save_tiny

SCRIPT = "cross_attention"
BACK = "attnviz/translate-pt-en"
TABLE = "She bought an old wooden table at the market."
HOUSE = "A casa vermelha é pequena."
WORDS = lesson(SCRIPT)


def plain(body):
    """Markup as a reader sees it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body)).strip()


def said(app, hook):
    """The text of everything with this class."""
    return [plain(body) for body in markup(app) if hook in body]


def told(app):
    """What the page says of the model or the text before the picture."""
    return said(app, "class='av-note'")


def looks(app):
    (body,) = [e for e in markup(app) if "av-looks" in e]
    return plain(body.partition("</p>")[0])


@pytest.fixture(scope="module")
def english():
    return cache.engine().model(TRANSLATOR)


def test_the_sentence_crosses_and_head_and_step_change_what_is_said(open_page, english):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    assert not errors(app) and not notes(app)
    assert app.selectbox(key="cross").value == "L1H0"
    assert app.select_slider(key="step").value == "madeira"
    assert looks(app) == "madeira looks 99 % at wooden. Layer 1, head 0"
    assert "plot_alignment" in app.session_state["_drawn"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(app.code[0].value, "the code", "exec"), {})
    lines = printed.getvalue().splitlines()
    assert lines[0] == "Ela comprou uma velha mesa de madeira no mercado."
    assert lines.index("mesa table 0.96") < lines.index("madeira wooden 0.99")  # wooden table: they cross
    app.selectbox(key="cross").set_value("L0H5")
    app.select_slider(key="step").set_value("mesa").run()
    words = word_alignment(cache.trace(TRANSLATOR, TABLE), 0, 5)
    row = words.weights[words.target_labels.index("mesa")]
    assert looks(app).startswith(
        f"mesa looks {100 * row.max():.0f} % at {words.source_labels[int(row.argmax())]}"
    )
    assert looks(app).endswith("Layer 0, head 5")
    (likely,) = [t for t in said(app, "av-plain") if t.startswith(WORDS.say("likely_table"))]
    assert "mesa99.1 %" in likely and "tabela0.7 %" in likely


def test_a_deep_link_with_a_target_of_ones_own(open_page):
    own = "Ela comprou uma mesa velha no mercado."
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE, own=own, cross="L1H7", step="velha")
    assert not errors(app)
    row = word_alignment(cache.trace(TRANSLATOR, TABLE, own), 1, 7)
    strongest = row.weights[row.target_labels.index("velha")]
    assert f"{100 * strongest.max():.0f} % at {row.source_labels[int(strongest.argmax())]}" in looks(app)
    assert any("You see your own text" in n and "velha mesa de madeira" in n for n in told(app))
    scores = [float(translated(TRANSLATOR, TABLE, target).log_probabilities.sum()) for target in (own, None)]
    (verdict,) = [s for s in said(app, "av-say") if s.startswith("Yours has")]
    assert all(f"{score:.2f}".replace("-", "−") in verdict for score in scores)
    for typed, expected in (
        ("猫 猫", "Your tokens that it does not know: 2 of 4."),
        ("O gato dorme.", "It holds its own to be"),
        ("uma casa " * 500, "Your target has 4,499 characters; at most 1,000 can be read here."),
        ("!?" * 500, "tokens; at most 511 can be read here."),
        ("<b>Ela</b> {x} %s", "It holds its own to be"),
        ("Ela comprou uma velha mesa de madeira no mercado.", "They are the same text"),
    ):
        app.text_input(key="own").set_value(typed).run()
        assert not app.exception and not any("Something went wrong" in e for e in errors(app))
        assert any(expected in plain(body) for body in markup(app)), typed
        assert not any("<b>Ela" in body for body in markup(app))
    app.button(key="go_own").click().run()
    assert not told(app) and app.text_input(key="own").value == ""


def test_what_the_decoder_had_in_mind_and_kept_at_the_first_step_and_at_an_unlikely_one(open_page):
    own = "O gato dorme."
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE, own=own, step="O")
    told_here = said(app, "av-text")
    assert any(
        "Reading ‘start’, nothing was kept, as the state is still empty." in body for body in told_here
    )
    for token in translated(TRANSLATOR, TABLE, own).steps:
        app.select_slider(key="step").set_value(token).run()
        (rows,) = [body for body in markup(app) if WORDS.say("likely_table") in body]
        count = rows.count("scope='row'")
        expected = WORDS.say("likely" if count == 5 else "likely_other", word=token)
        assert expected in said(app, "av-text") and count in (5, 6)
    assert any("kept" in body and "%" in body for body in said(app, "av-text"))


def test_the_controls_stand_above_the_picture_which_can_be_long(open_page):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    order = [getattr(e.proto, "component_name", "") or e.key for e in app.main]
    assert order.index("cross") < order.index("step") < order.index("attnviz_ribbons")


def test_a_head_of_another_model_in_the_address_is_not_dropped_without_a_word(open_page):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE, off="L9H1")
    assert any("There is no head L9H1 here" in plain(body) for body in notes(app))
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE, off="L1H6")
    assert not notes(app) and any("Without L1H6" in body for body in markup(app))


def test_texts_of_signs_are_shown_as_text(open_page):
    app = open_page(SCRIPT, model=TRANSLATOR, text="<script>alert(1)</script>")
    assert not errors(app) and not any("<script>alert" in body for body in markup(app))
    assert any("Tokens that this model does not know" in note for note in told(app))
    for text, notes_wanted in (("🙂 猫", 1), (".", 0)):
        app.text_area(key="text").set_value(text).run()
        assert not errors(app) and len(told(app)) == notes_wanted
        assert looks(app)


def test_a_text_in_the_other_language_offers_the_other_direction(open_page):
    app = open_page(SCRIPT, model=BACK, text=TABLE)
    assert any("This model reads Portuguese" in n for n in told(app))
    app.button(key="go_turn").click().run()
    assert app.selectbox(key="model").value == TRANSLATOR and not told(app)
    assert looks(app).startswith("madeira looks 99 % at wooden")


def test_the_way_back(open_page):
    app = open_page(SCRIPT, model=BACK, text=HOUSE)
    assert not errors(app) and not notes(app)
    shown = translated(BACK, HOUSE)
    assert app.selectbox(key="cross").value == shown.best and shown.scores.shares.max() > 0.85
    assert shown.written.text.strip() == "The red house is small."


def test_a_model_of_one_stack_says_so_and_nonsense_in_the_address_falls_back(open_page):
    app = open_page(SCRIPT, text=TABLE, cross="L9H9", step="zzz", off="nonsense")
    assert not errors(app) and len(notes(app)) == 3
    assert any("There is no head nonsense here to switch off" in plain(body) for body in notes(app))
    (note,) = [n for n in told(app) if "has one stack" in n]
    assert "English to Portuguese" in note
    assert looks(app).startswith("madeira looks 99 % at wooden")
    app.button(key="go_use").click().run()
    assert app.selectbox(key="model").value == TRANSLATOR
    assert not any("has one stack" in n for n in told(app))


def test_heads_off_give_what_the_library_gives(open_page, english):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    plain_text, *others = write(english, TABLE, single_heads(2, 8))
    changed = [o.text.strip() for o in others if o.ids != plain_text.ids]
    shown = " ".join(said(app, "av-written"))
    assert WORDS.say("off_every", changed=len(changed), heads=16) in said(app, "av-say")
    assert all(text in shown for text in changed)
    pills = next(group for group in app.get("button_group") if "L1H6" in str(group.options))
    pills.set_value(["L1H6", "L0H5"]).run()
    (expected,) = write(english, TABLE, [Edits(ablate_heads=(("cross", 1, 6), ("cross", 0, 5)))])
    (marked,) = [body for body in markup(app) if "Without L1H6, L0H5" in body]
    assert expected.text.strip() in plain(marked) and "<mark>" in marked


def test_the_count_is_shared_shown_while_it_runs_and_said_when_it_is_done(open_page):
    texts = sentences_of(TRANSLATOR)
    count = head_count(TRANSLATOR, texts)
    assert head_count(TRANSLATOR, texts) is count and count.changes.texts == 0
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    assert any("0 of 44 texts" in bar.proto.text for bar in app.get("progress"))
    shared = count.changes
    try:
        changed = np.arange(16).reshape(2, 8)[::-1].copy()  # L0H7 changes most, L1H0 none
        count.changes = HeadChanges(changed, 44)
        app.run()
        sentence = next(s for s in said(app, "av-say") if "clearest map" in s)
        assert (
            "The clearest map is not the most needed head. L1H0 scores 94 % and changes 0 of 44" in sentence
        )
        assert "L0H7 scores 41 % and changes 15" in sentence
        (rows,) = [t for t in said(app, "av-plain") if t.startswith(WORDS.say("counts_table"))]
        assert "L0H7" in rows and "15 of 44" in rows
    finally:
        count.changes = shared


@pytest.fixture(params=["t5", "bart", "marian"])
def fetched(request, configure, hub_cache, tmp_path):  # noqa: F811
    """The id of a tiny model that a hub on loopback has."""
    hub = Hub()
    model_id = f"someone/{request.param}"
    hub.repositories[model_id] = Repository.of(save_tiny(tmp_path / "tiny", request.param))
    configure(hub_endpoint=hub.address)
    yield model_id
    hub.close()


def test_an_encoder_decoder_of_the_hub(open_page, fetched):
    model_id, text, own = fetched, "the cat sat on the mat", "the dog ran to the street"
    app = open_page(SCRIPT, model=model_id, text=text, own=own)
    assert not errors(app)
    shown = translated(model_id, text, own)
    assert not shown.scores.marked and shown.trace.gates is None and len(shown.names) == 8
    assert list(app.selectbox(key="cross").options) == shown.names
    assert list(app.select_slider(key="step").options) == list(shown.steps)
    assert looks(app).startswith(f"{shown.word_label(shown.opening)} looks")
    assert any("This decoder has self-attention" in body for body in markup(app))
    plain_text, *others = write(cache.model(model_id), text, single_heads(2, 4))
    changed = sum(other.ids != plain_text.ids for other in others)
    assert WORDS.say("off_every", changed=changed, heads=8) in said(app, "av-say")
    if len(plain_text) == 1:  # a start and nothing more
        assert any("The model would write nothing." in note for note in told(app))
        app.text_input(key="own").set_value("").run()
        assert not errors(app) and WORDS.say("nothing") in [plain(body) for body in markup(app)]
        assert app.text_input(key="own").value == ""


@pytest.mark.skipif(LETTERS not in [e.id for e in catalog() if e.bundled], reason="not trained yet")
def test_letters_and_sounds(open_page):
    app = open_page(SCRIPT, model=LETTERS, text="though")
    assert not errors(app) and not notes(app)
    shown = translated(LETTERS, "though")
    assert not shown.merged and shown.trace.gates is None
    assert shown.said(shown.written).split() == list(shown.written.labels[1:])
    assert any("This decoder has self-attention" in plain(body) for body in markup(app))
    assert len(shown.names) == shown.layers * shown.heads == 12
    app.text_area(key="text").set_value("good morning class").run()
    assert not errors(app) and not told(app)
    assert any(
        body.startswith("Tokens that are left with cross-attention off") for body in said(app, "av-say")
    )
