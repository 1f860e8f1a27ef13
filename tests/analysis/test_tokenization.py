"""Counts that tokenizers are compared by."""

import pytest

import attnviz
from attnviz.analysis.tokenization import split_words, token_count, word_count
from tests.analysis.records import made_tokens


def test_counts_by_hand():
    count = token_count(made_tokens("[CLS] the la -bel sat . [SEP]", ("[CLS]", "[SEP]")))
    # " the label sat ." is 16 bytes, 3 words, 5 tokens
    assert (count.tokens, count.special, count.unknown, count.split_words) == (5, 2, 0, 1)
    assert (count.words, count.bytes) == (3, 16)
    assert count.tokens_per_word == pytest.approx(5 / 3)
    assert count.bytes_per_token == pytest.approx(16 / 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The animal didn't cross.", 4),
        ("3.14 is not 1,000", 4),
        ("🙂 !? …", 0),
        ("你好吗", 3),
        ("नमस्ते दुनिया", 2),
        ("e\u0301te\u0301", 1),
        ("", 0),
    ],
)
def test_words_of_a_text(text, words):
    assert word_count(text) == words


def test_a_text_without_words_has_no_tokens_per_word():
    assert token_count(made_tokens("! ?")).tokens_per_word is None


def test_split_words_most_pieces_first_and_each_once():
    tokens = made_tokens("la -bel un -be -liev la -bel cat")
    assert split_words(tokens) == (("unbeliev", (2, 3, 4)), ("label", (0, 1)))


def test_a_sign_of_several_tokens_is_split_but_no_word():
    smol = attnviz.Engine().tokens("HuggingFaceTB/SmolLM2-135M-Instruct", "🙂")
    assert dict(split_words(smol)) == {"🙂": (0, 1)} and token_count(smol).split_words == 0


def test_the_bundled_tokenizers_see_the_same_words_in_the_same_bytes():
    text = "Mrs Dursley didn't cross the street. 🙂"
    engine = attnviz.Engine()
    mini = engine.tokens("sentence-transformers/all-MiniLM-L6-v2", text)
    smol = engine.tokens("HuggingFaceTB/SmolLM2-135M-Instruct", text)
    encoder, decoder = token_count(mini), token_count(smol)
    assert (encoder.words, encoder.bytes) == (decoder.words, decoder.bytes) == (6, len(text.encode()))
    assert (encoder.special, decoder.special, encoder.unknown, decoder.unknown) == (2, 0, 1, 0)
    assert dict(split_words(mini))["Dursley"] == (2, 3, 4)
    assert [smol.labels[i] for i in dict(split_words(smol))["Dursley"]] == ["D", "-urs", "-ley"]
    assert not engine.has_model("HuggingFaceTB/SmolLM2-135M-Instruct")  # counting needs no weights
