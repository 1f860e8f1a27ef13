import numpy as np
import pytest

from attnviz.analysis.reading import Look, farthest_look, hardest_looks, spaced_words
from attnviz.tracing.tokens import Tokens
from attnviz.tracing.trace import Trace


def tokens(*surfaces, special=(), words=None):
    n = len(surfaces)
    return Tokens(
        ids=range(n),
        labels=surfaces,
        pieces=surfaces,
        surfaces=surfaces,
        raw_bytes=[b""] * n,
        special=[i in special for i in range(n)],
        words=words or [-1 if i in special else i for i in range(n)],
        segments=[0] * n,
    )


def test_words_as_a_reader_sees_them():
    assert spaced_words(tokens("", "It", " didn", "'", "t", " tire", "d", ".", "", special=(0, 8))) == (
        (1,),
        (2, 3, 4),
        (5, 6, 7),
    )
    assert spaced_words(tokens("one ", "two", "\n", "three")) == ((0,), (1,), (3,))


def test_a_script_without_spaces_is_cut_as_the_tokenizer_sees_words():
    assert spaced_words(tokens("猫" * 20, "が" * 15, "す", words=[0, 1, 1])) == ((0,), (1, 2))


def hand_made(every, words):
    """A trace whose weights are ``every`` (layer, head, query, key): scores are their logarithms."""
    from attnviz.tracing.trace import AttentionCall

    n = every.shape[-1]
    calls = tuple(
        AttentionCall(
            "encoder",
            i,
            np.zeros((heads.shape[0], n, 1)),
            np.zeros((1, n, 1)),
            np.zeros((1, n, 1)),
            1.0,
            np.log(np.maximum(heads, 1e-20)),
        )
        for i, heads in enumerate(every)
    )
    return Trace("hand/made", tokens(*words), calls, np.zeros((1, n, 1)))


def test_the_head_that_looks_hardest_at_a_word_further_back():
    every = np.full((2, 2, 4, 4), 1 / 4)
    every[1, 0, 3] = [0.1, 0.6, 0.1, 0.2]
    every[0, 1, 3] = [0.05, 0.0, 0.9, 0.05]  # the word just before does not count
    every[0, 0, 2] = [0.05, 0.05, 0.0, 0.9]  # nor do later ones
    looks = hardest_looks(hand_made(every, ("a", " b", " c", " d")), "encoder")
    assert looks[0].key is None
    assert looks[1].key is None
    assert (looks[2].key, looks[2].weights[0]) == (0, pytest.approx(1 / 4))
    assert (looks[3].layer, looks[3].head, looks[3].key) == (1, 0, 1)
    np.testing.assert_allclose(looks[3].weights, [0.1, 0.6, 0.1, 0.2], rtol=1e-5)


def look(key, weight, n=6):
    weights = np.zeros(n, np.float32)
    if key is not None:
        weights[key] = weight
    return Look(weights, key, 0, 0)


def test_the_farthest_strong_look_opens():
    looks = (look(None, 0), look(0, 0.9), look(0, 0.6), look(2, 0.7), look(0, 0.4))
    assert farthest_look(looks) == 2
    assert farthest_look((look(None, 0), look(0, 0.1), look(1, 0.2))) == 2
    assert farthest_look((look(None, 0),)) == 0
