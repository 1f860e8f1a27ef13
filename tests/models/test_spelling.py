"""What the spelling-to-sound model is given to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.errors import TextError
from attnviz.models import spelling
from attnviz.models.spelling import LETTERS, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("knight", "knight"),
        ("Good Morning  class", "good morning class"),
        ("\tX-RAY\n", "x-ray"),
        ("o’clock", "o'clock"),
        ("x‑ray", "x-ray"),
        ("co\u00adoperate", "cooperate"),
    ],
)
def test_taken_as_it_is(text, expected):
    assert normalise(text) == (expected, ())


@pytest.mark.parametrize(
    ("text", "expected", "named"),
    [
        ("café", "cafe", ["é as e"]),
        ("cafe\u0301", "cafe", ["é as e"]),
        ("Ångström", "angstrom", ["å as a", "ö as o"]),
        ("straße", "strasse", ["ß as ss"]),
        ("Æsop", "aesop", ["æ as ae"]),
        ("naïve naïve", "naive naive", ["ï as i"]),
        ("smørrebrød", "smorrebrod", ["ø as o"]),
    ],
)
def test_accents_are_taken_off_with_a_word_about_it(text, expected, named):
    plain, notes = normalise(text)
    assert plain == expected
    assert [note.rpartition("reads ")[2].rstrip(".") for note in notes] == named


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no letter"),
        (" \n ", "no letter"),
        ("'-'", "no letter"),
        ("route 66", "“6”"),
        ("what?", "“?”"),
        ("a.b,c", "“.”, “,”"),
        ("мир", "“м”"),
        ("猫", "“猫”"),
        ("hi 🙂", "“🙂”"),
        ("a\x00b", "U+0000"),
        ("a\u200db", "U+200D"),
        ("good - morning", "“-” stands alone"),
        ("one two three four", "4 words"),
        ("a" * 31, "31 letters"),
    ],
)
def test_refused_with_a_clear_sentence(text, said):
    with pytest.raises(TextError) as caught:
        normalise(text)
    assert said in caught.value.message and caught.value.message.endswith(".")
    assert caught.value.way_out.endswith(".")


@given(st.one_of(st.text(max_size=40), st.text("aÉß'’- -K", max_size=40)))
def test_the_result_is_readable_and_stays_as_it_is(text):
    try:
        plain, _ = normalise(text)
    except TextError:
        return
    assert set(plain) <= set(LETTERS) | {" "}
    assert plain == " ".join(plain.split())
    assert normalise(plain) == (plain, ())


def test_a_pronunciation_may_be_typed_small():
    known = {"N", "AY1", "T", "|", "<pad>", "n"}
    assert spelling.sounds(" n ay1  t | t", known) == "N AY1 T | T"


@pytest.mark.parametrize("typed", ["N QQ", "<pad>", "AY"])
def test_a_sound_that_the_model_does_not_write_is_named(typed):
    with pytest.raises(TextError, match=typed.split()[-1].upper()):
        spelling.sounds(typed, {"N", "AY1", "T", "<PAD>"})


@pytest.mark.parametrize(
    ("model", "read"),
    [("attnviz/spelling-to-sound-step-30", "knight"), ("gpt2", "Knight ")],
)
def test_only_this_model_reads_so(model, read):
    assert spelling.readable(model, "Knight ") == read
