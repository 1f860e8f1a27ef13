import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attnviz
from attnviz.analysis.masks import Mask, mask_of
from attnviz.errors import SelectionError
from tests.analysis.records import even, made_tokens, made_trace
from tests.tiny import save_tiny


def mask(visible, kind="encoder"):
    rows, columns = visible.shape
    return Mask(kind, visible, tuple(map(str, range(rows))), tuple(map(str, range(columns))))


@given(st.integers(1, 30))
def test_a_causal_mask_leaves_a_triangle(n):
    causal = mask(np.tri(n, dtype=bool))
    assert causal.pairs == n * (n + 1) // 2
    assert causal.pattern == ("before" if n > 1 else "everything")
    assert causal.share == pytest.approx((n + 1) / (2 * n))


@given(st.integers(3, 20), st.integers(1, 18), st.booleans())
def test_a_window_is_near(n, reach, causal):
    reach = min(reach, n - 2)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n))
    visible = (distance <= reach) & (np.tri(n, dtype=bool) if causal else True)
    assert mask(visible).pattern == "near"


def test_other_masks():
    assert mask(np.ones((3, 5), bool), "cross").pattern == "everything"
    holes = np.ones((4, 4), bool)
    holes[1, 2] = False
    assert mask(holes).pattern == "other" and mask(holes).pairs == 15
    assert mask(np.tri(4, k=-1, dtype=bool)).pattern == "other"  # a token that does not see itself
    with pytest.raises(ValueError, match="labels"):
        Mask("encoder", holes, ("a",), ("b",))


def test_masks_are_read_from_the_scores():
    tokens = made_tokens("a b c d")
    trace = made_trace(even(4, causal=True)[None, None], tokens, kind="decoder", causal=True)
    found = mask_of(trace, "decoder")
    assert found.pattern == "before" and found.query_labels == ("a", "b", "c", "d")
    assert (found.visible == (trace.weights("decoder", 0, 0) > 0)).all()
    with pytest.raises(SelectionError):
        mask_of(trace, "cross")


@pytest.mark.parametrize(
    ("model_type", "kind", "patterns"),
    [
        ("bert", "encoder", {"everything"}),
        ("gpt2", "decoder", {"before"}),
        ("mistral", "decoder", {"near"}),
        ("gemma3_text", "decoder", {"near", "before"}),
        ("modernbert", "encoder", {"near", "everything"}),
        ("t5", "encoder", {"everything"}),
        ("t5", "decoder", {"before"}),
        ("t5", "cross", {"everything"}),
    ],
)
def test_masks_of_real_families(model_type, kind, patterns, tmp_path):
    """A model sees where its own weights are above 0, and windows, causality and both sides are told apart."""
    model = attnviz.load(save_tiny(tmp_path, model_type))
    trace = attnviz.trace(model, "the cat sat on the mat and the dog on the rug")
    found = [mask_of(trace, kind, layer) for layer in range(trace.layers(kind))]
    assert {one.pattern for one in found} == patterns
    for layer, one in enumerate(found):
        assert (one.visible >= (trace.weights(kind, layer).max(axis=0) > 0)).all()
