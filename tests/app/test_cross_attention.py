"""The cross-attention page on the real translators, and its record on other encoder-decoders."""

import base64
import contextlib
import io
import re

import numpy as np
import pytest

import attnviz
from app import cache, translation
from app.head_count import HeadCount, head_count
from app.lessons import lesson
from app.translation import TRANSLATOR, Translated
from app.translation_errors import errors_of
from app.widgets.heads_off import head_table
from attnviz.analysis.alignment import word_alignment
from attnviz.analysis.writing import HeadChanges, single_heads
from attnviz.engine import Engine
from attnviz.models.catalog import catalog
from attnviz.tracing.forward import write
from tests.app.conftest import errors, markup, notes
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
    return attnviz.load(TRANSLATOR)


def test_the_sentence_crosses_where_it_should(open_page, english):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    assert not errors(app) and not notes(app)
    assert app.selectbox(key="cross").value == "L1H0"
    assert app.select_slider(key="step").value == "madeira"
    assert looks(app) == "madeira looks 99 % at wooden. Layer 1, head 0"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(app.code[0].value, "the code", "exec"), {})
    lines = printed.getvalue().splitlines()
    assert lines[0] == "Ela comprou uma velha mesa de madeira no mercado."
    assert "mesa table 0.96" in lines and "madeira wooden 0.99" in lines


def test_head_and_step_change_what_is_said_without_a_new_page(open_page, english):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    app.selectbox(key="cross").set_value("L0H5").run()
    app.select_slider(key="step").set_value("mesa").run()
    words = word_alignment(attnviz.trace(english, TABLE), 0, 5)
    row = words.weights[words.target_labels.index("mesa")]
    best = words.source_labels[int(row.argmax())]
    assert looks(app).startswith(f"mesa looks {100 * row.max():.0f} % at {best}")
    assert looks(app).endswith("Layer 0, head 5")
    (likely,) = [t for t in said(app, "av-plain") if t.startswith(WORDS.say("likely_table"))]
    assert "mesa99.1 %" in likely and "tabela0.7 %" in likely


def test_a_deep_link_with_a_target_of_ones_own(open_page, english):
    own = "Ela comprou uma mesa velha no mercado."
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE, own=own, cross="L1H7", step="velha")
    assert not errors(app)
    trace = attnviz.trace(english, TABLE, own)
    row = word_alignment(trace, 1, 7)
    strongest = row.weights[row.target_labels.index("velha")]
    assert f"{100 * strongest.max():.0f} % at {row.source_labels[int(strongest.argmax())]}" in looks(app)
    assert any("You see your own text" in n and "velha mesa de madeira" in n for n in told(app))
    scores = [
        float(translation.translated(TRANSLATOR, TABLE, target).log_probabilities.sum())
        for target in (own, None)
    ]
    (verdict,) = [s for s in said(app, "av-say") if s.startswith("Yours has")]
    assert f"{scores[0]:.2f}".replace("-", "−") in verdict and f"{scores[1]:.2f}".replace("-", "−") in verdict
    app.button(key="go_own").click().run()
    assert not told(app) and app.text_input(key="own").value == ""


def test_targets_that_a_learner_may_type(open_page):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    for own, expected in (
        ("猫 猫", "tokens are unknown to this model"),
        ("uma casa " * 500, "Your target has 4,499 characters; at most 1,000 can be read here."),
        ("!?" * 500, "tokens; at most 511 can be read here."),
        ("<b>Ela</b> {x} %s", "It holds its own to be"),
        ("Ela comprou uma velha mesa de madeira no mercado.", "They are the same text"),
    ):
        app.text_input(key="own").set_value(own).run()
        assert not app.exception and not any("Something went wrong" in e for e in errors(app))
        assert any(expected in plain(body) for body in markup(app)), own
        assert not any("<b>Ela" in body for body in markup(app))


def test_texts_that_it_has_not_learnt_to_read(open_page):
    app = open_page(SCRIPT, model=TRANSLATOR)
    for text, expected in (
        ("Le chat noir dort sur la chaise.", "7 of 7 words came through unchanged. This model reads English"),
        (TABLE.upper(), "In capitals your text falls into 20 tokens, in small letters into 10"),
        ("the animal was tired and " * 40, "stopped after 64 tokens"),
        ("🙂 猫 ok", "unknown to this model"),
        ("<script>alert(1)</script>", "unknown to this model"),
        (".", None),
    ):
        app.text_area(key="text").set_value(text).run()
        assert not errors(app)
        assert [expected in note for note in told(app)] == ([True] if expected else [])
        assert not any("<script>alert" in body for body in markup(app))


def test_a_text_in_the_other_language_offers_the_other_direction(open_page):
    app = open_page(SCRIPT, model=BACK, text=TABLE)
    assert any("This model reads Portuguese" in n for n in told(app))
    app.button(key="go_turn").click().run()
    assert app.selectbox(key="model").value == TRANSLATOR and not told(app)
    assert looks(app).startswith("madeira looks 99 % at wooden")


def test_the_way_back(open_page):
    app = open_page(SCRIPT, model=BACK, text=HOUSE)
    assert not errors(app) and not notes(app)
    best = translation.translated(BACK, HOUSE)
    assert app.selectbox(key="cross").value == best.best
    assert best.scores.shares.max() > 0.85
    assert (
        "The red house is small." in app.code[0].value
        or best.written.text.strip() == "The red house is small."
    )


def test_a_model_of_one_stack_says_so_and_shows_the_translator(open_page):
    app = open_page(SCRIPT, text=TABLE)
    (note,) = told(app)
    assert "has one stack" in note and "English to Portuguese" in note
    assert looks(app).startswith("madeira looks 99 % at wooden")
    app.button(key="go_use").click().run()
    assert app.selectbox(key="model").value == TRANSLATOR and not told(app)


def test_nonsense_in_the_address(open_page):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE, cross="L9H9", step="zzz", off="nonsense")
    assert not errors(app) and len(notes(app)) == 2
    assert looks(app).startswith("madeira looks 99 % at wooden")


def test_heads_off_give_what_the_library_gives(open_page, english):
    app = open_page(SCRIPT, model=TRANSLATOR, text=TABLE)
    plain_text, *others = write(english, TABLE, single_heads(2, 8))
    changed = [o.text.strip() for o in others if o.ids != plain_text.ids]
    shown = " ".join(said(app, "av-written"))
    assert f"{len(changed)} of 16 heads change what is written" in " ".join(said(app, "av-say"))
    assert all(text in shown for text in changed)
    pills = next(group for group in app.get("button_group") if "L1H6" in str(group.options))
    pills.set_value(["L1H6", "L0H5"]).run()
    edits = attnviz.Edits(ablate_heads=(("cross", 1, 6), ("cross", 0, 5)))
    (expected,) = write(english, TABLE, [edits])
    (marked,) = [body for body in markup(app) if "Without L1H6, L0H5" in body]
    assert expected.text.strip() in plain(marked) and "<mark>" in marked


def test_without_cross_attention_every_sentence_is_the_same(english):
    one = translation.translated(TRANSLATOR, TABLE)
    other = translation.translated(TRANSLATOR, "The red house is small.")
    assert one.one_by_one[-1].ids == other.one_by_one[-1].ids != one.one_by_one[0].ids
    assert one.blind_alike() is not None


def test_the_count_of_heads(english):
    texts = (TABLE, "The red house is small.", "We live in a quiet street.")
    engine = Engine()
    count = HeadCount(engine, TRANSLATOR, texts)
    count.run()
    assert count.done and not count.failed and count.changes.texts == 3
    expected = np.zeros((2, 8), int)
    for text in texts:
        first, *rest = write(english, text, single_heads(2, 8))
        expected += np.array([other.ids != first.ids for other in rest]).reshape(2, 8)
    np.testing.assert_array_equal(count.changes.changed, expected)
    shown = translation.translated(TRANSLATOR, TABLE)
    rows = head_table(shown.names, shown.scores, count.changes)
    assert rows["Head"][8] == "L1H0" and re.fullmatch(r"9\d % \(19\d of 206\)", rows["Aligned right"][8])
    assert rows["Texts changed"][5] == f"{expected[0, 5]} of 3"
    engine.close()


def test_a_count_on_a_server_that_ends_gives_up_quietly():
    engine = Engine()
    engine.model(TRANSLATOR)
    engine.close()
    count = HeadCount(engine, TRANSLATOR, (TABLE,))
    count.run()
    assert count.done and count.failed


def test_errors_are_made_and_their_words_are_there():
    for model in (TRANSLATOR, BACK):
        found = translation.known_errors(model, WORDS)
        assert len(found) == len(errors_of(model)) >= 4
        for error, attempt in zip(errors_of(model), found, strict=True):
            shown = translation.translated(model, error.text)
            assert error.wrong in shown.alignment(*shown.scores.best).target_labels
            assert re.search(rf"‘{error.wrong}’ had \d+ %", attempt.detail)
            assert attempt.values["step"] in shown.steps


def test_the_question_of_crossing_is_about_another_sentence_and_right(english):
    shown = translation.translated(TRANSLATOR, TABLE)
    crossing, needed = shown.questions(WORDS)
    suggested = shown.suggestions(WORDS, 1, 0)[0].values["text"]
    asked = crossing.values["text"]
    assert asked not in (TABLE, suggested)
    links = dict(word_alignment(attnviz.trace(english, asked), *shown.scores.best).links)
    words = word_alignment(attnviz.trace(english, asked), *shown.scores.best)
    first, second = (words.source_labels.index(w) for w in crossing.answer.split(" and "))
    of = {source: target for target, source in links.items()}
    assert second == first + 1 and of[second] < of[first]
    changed = len(shown.changes())
    assert f"{changed} of 16" in needed.reason


@pytest.fixture(params=["t5", "bart"])
def tiny(request, tmp_path, monkeypatch):
    """An encoder-decoder with self-attention in its decoder, in place of a bundled one."""
    model = attnviz.load(save_tiny(tmp_path, request.param))
    name = f"made/{request.param}"
    monkeypatch.setattr(
        cache, "trace", lambda _, text, target=None, edits=None: attnviz.trace(model, text, target, edits)
    )
    monkeypatch.setattr(cache, "write", lambda _, text, edits: write(model, text, edits))

    class Tokenizers:
        def tokenizer(self, _):
            return model.tokenizer

        def tokens(self, _, text):
            from attnviz.tracing.tokens import encode, tokens

            ids, segments = encode(model.tokenizer, text, 512, reader=name)
            return tokens(model.tokenizer, ids, segments, text)

    monkeypatch.setattr(cache, "engine", Tokenizers)
    return name, model


def test_any_encoder_decoder(tiny):
    name, model = tiny
    text = "the cat sat on the mat"
    trace = attnviz.trace(model, text, "the dog ran to the street")
    shown = Translated(name, text, "the dog ran to the street", trace)
    layer, head = shown.scores.best
    assert not shown.scores.marked and 0 <= shown.scores.shares.min() <= shown.scores.shares.max() <= 1
    for step in shown.steps:
        payload = shown.payload(WORDS, layer, head, step)
        assert len(payload["heads"]) == 8 and payload["cells"] == [6, 6]
        assert len(base64.b64decode(payload["heads"][0]["places"])) == 36
        labels, shares = shown.earlier(step)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
        assert len(labels) == shares.shape[1] and shares.shape[0] == 2
        assert shown.looks(layer, head, step) and shown.next_tokens(step)
    view = shown.view(layer, head)
    np.testing.assert_allclose(view.weights.sum(axis=1), 1, atol=1e-5)
    assert shown.suggestions(WORDS, layer, head)
    assert [q.key for q in shown.questions(WORDS)] == ["needed"]
    plain_text, other = shown.without(["L0H1", "L1H2"])
    assert plain_text == shown.one_by_one[0].text.strip() and len(other.words) == len(other.changed)
    assert translation.remark(shown, WORDS) == ""
    assert translation.known_errors(name, WORDS) == []


def test_the_count_is_shared_shown_while_it_runs_and_said_when_it_is_done(open_page):
    texts = translation.sentences_of(TRANSLATOR)
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


@pytest.mark.skipif(
    translation.LETTERS not in [e.id for e in catalog() if e.bundled], reason="not trained yet"
)
def test_letters_and_sounds(open_page):
    app = open_page(SCRIPT, model=translation.LETTERS, text="though")
    assert not errors(app) and not notes(app)
    shown = translation.translated(translation.LETTERS, "though")
    assert not shown.merged and shown.trace.gates is None
    assert shown.said(shown.written).split() == list(shown.written.labels[1:])
    assert any("This decoder has self-attention" in plain(body) for body in markup(app))
    assert len(shown.names) == shown.layers * shown.heads == 12
