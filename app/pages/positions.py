"""Positional encoding: how order gets in, in five ways, and what is left without it."""

import streamlit as st

from app.lessons import lesson
from app.positions import alibi, learned, relative, rotary, shuffle, sinusoidal
from app.positions.here import ALIBI, LEARNED, RELATIVE, ROTARY, SHUFFLE, SINUSOIDAL, VIEWS, Here, here
from app.widgets import lesson as blocks
from app.widgets import page, segments
from app.widgets.guard import fragment

WORDS = lesson("positions")
SHOW = {
    SINUSOIDAL: sinusoidal.show,
    LEARNED: learned.show,
    ROTARY: rotary.show,
    RELATIVE: relative.show,
    ALIBI: alibi.show,
    SHUFFLE: shuffle.show,
}


@fragment
def body(at_hand: Here) -> None:
    """The chosen view, and what can be tried, asked and run there."""
    with st.container(key="pos_views"):
        view = segments.choose(WORDS.say("view"), VIEWS, "scheme", "view", at_hand.fitting)
    taught = SHOW[view](at_hand, WORDS)
    blocks.try_this(taught.suggestions)
    blocks.check_yourself(taught.questions)
    if taught.code:
        blocks.the_code(taught.code)


page.head("positions", WORDS)
page.guarded(lambda: body(here()))
page.foot("positions")
