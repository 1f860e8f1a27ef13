"""Tokens: what the model reads instead of words."""

from app import selection
from app.lessons import lesson
from app.tokenized import left_out, side_by_side, suggestions, tokenized
from app.widgets import facts, page, table, token_strip, waiting
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.viewer.tokens import chip_labels

WORDS = lesson("tokens")
page.head("tokens", WORDS)


@fragment
def the_tokens(model_id: str, text: str) -> None:
    """The tokens, and the facts of the chosen one."""
    here = tokenized(model_id, text)
    chosen = selection.picked("token", len(here.tokens), "token", here.start, of=(model_id, text))
    token_strip.show(here.tokens, chosen, here.all_facts(WORDS), here.rtl, here.title, WORDS.say("hint"))
    html(
        "<h2 class='av-section'>{}</h2>",
        WORDS.say("chosen", i=chosen, label=chip_labels(here.tokens)[chosen]),
    )
    facts.show(here.facts(WORDS, chosen))
    html("<p class='av-source'>{}</p>", WORDS.say("facts_say"))
    html("<p class='av-say'>{}</p>", here.said(WORDS))


def all_of_it(model_id: str, text: str) -> None:
    """A text that cannot be read is told once, before both parts."""
    tokenized(model_id, text)
    the_tokens(model_id, text)
    the_rest(model_id, text)


def the_rest(model_id: str, text: str) -> None:
    """Other readers, split words, and the lesson."""
    here = tokenized(model_id, text)
    with blocks.section("side", WORDS.say("side"), WORDS.say("side_remark")):
        table.show(side_by_side(text, model_id), WORDS.say("side"), marked=selection.title())
        others = left_out(text, model_id)
        if others:
            html("<p class='av-source'>{}</p>", WORDS.say("side_left_out", titles=", ".join(others)))
        html("<p class='av-source'>{}</p>", WORDS.say("side_say"))
    with blocks.section("splits", WORDS.say("splits"), WORDS.say("splits_remark")):
        words, pieces = here.splits()
        if words:
            table.show({"Word": words, "Pieces": pieces}, WORDS.say("splits"))
        else:
            html("<p>{}</p>", here.not_split(WORDS))
    blocks.try_this(suggestions(model_id, WORDS))
    blocks.check_yourself(here.questions(WORDS))
    blocks.the_code(WORDS.code.format(model=model_id, text=text))


model = waiting.model(selection.model_id())
page.guarded(lambda: all_of_it(model.id, selection.text()))
page.foot("tokens")
