"""Letters of a formula in the colours of the pictures."""

import pytest

from app.widgets import figure, formula


@pytest.mark.parametrize(("mode", "blue"), [("light", "#0072B2"), ("dark", "#56B4E9")])
def test_letters_get_the_colour_of_their_meaning(monkeypatch, mode, blue):
    monkeypatch.setattr(figure, "mode", lambda: mode)
    assert formula.coloured(r"\Q") == rf"\textcolor{{{blue}}}{{Q}}"
    assert formula.coloured(r"\Q{q_i}^\top") == rf"\textcolor{{{blue}}}{{q_i}}^\top"


def test_other_macros_stay():
    assert formula.coloured(r"\Quad \Kappa \sqrt{d}") == r"\Quad \Kappa \sqrt{d}"
