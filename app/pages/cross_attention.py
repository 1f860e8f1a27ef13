"""Cross-attention: one text read, another written, and where each written word looked."""

from functools import partial

import streamlit as st

from app import selection
from app.lessons import lesson
from app.translation import choices, matrix, ribbons
from app.translation import lesson as asked
from app.translation.errors import known_errors
from app.translation.record import Translated, translated
from app.translation.sentences import shown_model
from app.widgets import cross_notes, figure, heads_off, looks, own_target, page, picture, steps, waiting
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.errors import TooManyTokens, UserError
from attnviz.figures.heatmap import attention_heatmap

WORDS = lesson("cross_attention")


def read(model_id: str, text: str) -> tuple[Translated, Translated | None, str]:
    """The text with the model's own target, with the learner's where there is one, and why not where there is none."""
    waiting.trace(model_id, text, height=470)
    model = translated(model_id, text)
    own = own_target.typed()
    if own is None:
        return model, None, ""
    if len(own) > own_target.LONGEST:
        return model, None, WORDS.say("own_long", count=len(own), what="characters", limit=own_target.LONGEST)
    try:
        return model, translated(model_id, text, own), ""
    except TooManyTokens as error:
        return model, None, WORDS.say("own_long", count=error.count, what="tokens", limit=error.limit)
    except UserError as error:
        return model, None, f"{error.message} {error.way_out}".strip()


@fragment
def body(shown: Translated, model: Translated, own: Translated | None, problem: str) -> None:
    """All that follows a change of head or step: no pass of the model, no rerun of the page."""
    names, first = shown.names, shown.best
    name = selection.one_of("cross", names, "head", start=first)
    step = selection.one_of("step", shown.steps, "token", start=shown.opening)
    with st.container(key="cross_place"):
        name = st.selectbox(WORDS.say("head"), names, names.index(first), key="cross", bind="query-params")
        if len(shown.steps) > 1:
            step = st.select_slider(
                WORDS.say("step"), shown.steps, shown.opening, key="step", bind="query-params"
            )
    layer, head = divmod(names.index(name), shown.heads)
    picture.show(
        "ribbons",
        ribbons.payload(shown, WORDS, layer, head, step),
        key="ribbons",
        answers={
            "word": partial(choices.choose_word, shown),
            "head": partial(choices.choose_head, shown),
        },
    )
    looked = matrix.looks(shown, layer, head, step)
    where = WORDS.say("where", layer=layer, head=head)
    looks.show(shown.word_label(step), looked, where, matrix.chosen_in(shown, WORDS, layer, head, step))
    steps.show(shown, step, WORDS)
    with blocks.section("matrix", WORDS.say("matrix"), WORDS.say("matrix_remark")):
        view = matrix.view(shown, layer, head)
        figure.show(
            attention_heatmap(view, figure.mode(), chosen=view.row_of(shown.row_of(step) + 1), height=480),
            "alignment",
            matrix.described(shown, WORDS, layer, head, step),
            partial(matrix.table, view),
        )
    own_target.show(own, model, problem, WORDS)
    heads_off.show(model, WORDS)
    heads_off.counts(model, WORDS)
    heads_off.blind(model, WORDS)
    blocks.try_this(
        known_errors(model.model_id, WORDS),
        "try_errors",
        WORDS.say("errors"),
        WORDS.say("errors_remark"),
    )
    blocks.try_this(asked.suggestions(model, WORDS, layer, head))
    blocks.check_yourself(asked.questions(model, WORDS))
    blocks.the_code(asked.code(shown, WORDS, layer, head))


def all_of_it() -> None:
    """Read the text, write the other, and show where the one looks at the other."""
    chosen, text = selection.model_id(), selection.text()
    model_id = shown_model(waiting.model(chosen))
    if model_id != chosen:
        cross_notes.other_model(chosen, model_id, WORDS)
    model, own, problem = read(model_id, text)
    with waiting.skeleton(WORDS.say("scoring"), height=470):
        shown = own or model
        ready = bool(shown.steps) and bool(shown.scores.shares.size)
    cross_notes.warned(model, WORDS)
    if not ready:
        html("<p class='av-text'>{}</p>", WORDS.say("nothing"))
        own_target.show(own, model, problem, WORDS)
        return
    if own:
        own_target.banner(model, WORDS)
    choices.follow(shown)
    body(shown, model, own, problem)


page.head("cross_attention", WORDS)
page.guarded(all_of_it)
page.foot("cross_attention")
