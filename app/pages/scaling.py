"""Scaling: what grows when a model grows, on published configs and on the learner's own."""

import streamlit as st

from app.lessons import lesson
from app.scaled import published, questions, sentences
from app.scaled.own import Scaled
from app.widgets import costs, described, figure, formula, page, scaling_view, waiting
from app.widgets import lesson as blocks
from app.widgets.guard import fragment
from app.widgets.markup import html
from attnviz.analysis.scaling import TOKENS_PER_PARAMETER
from attnviz.figures.scaling import CHARTS, layer_chart, scaling_chart, share_chart, size_table
from attnviz.figures.training import training_chart

WORDS = lesson("scaling")
EXPLORER = lesson("model_explorer")
MODE = figure.mode()


@fragment
def charts(own: Scaled | None) -> None:
    """All that follows the choice of a family."""
    size = own.size if own else None
    with st.container(key="scale"):
        with st.container(key="scale_margin"):
            family = scaling_view.choose(WORDS, MODE)
        with st.container(key="scale_main"):
            with st.container(key="scale_charts"):
                for chart in CHARTS:
                    with st.container(key=f"scale_{chart}"):
                        html("<p class='av-label'>{}</p>", WORDS.say(f"chart_{chart}"))
                        fig = scaling_chart(published.sizes(), chart, MODE, family, size)
                        alt = sentences.described(chart, family)
                        figure.show(fig, f"scaling_{chart}", alt, size_table(published.sizes()))
            html("<p class='av-source'>{}</p>", WORDS.say("caption"))
    with blocks.section("law", WORDS.say("law"), WORDS.say("law_remark")):
        said = f"{sentences.law_said(WORDS, family)} {sentences.surprise_said(WORDS, family)}"
        html("<p class='av-say' role='status'>{}</p>", said)
        formula.show(r"N \approx 12 \cdot \text{layers} \cdot \text{width}^2")
        html("<p class='av-text'>{}</p>", WORDS.say("law_lead"))
        figure.show(
            layer_chart(published.sizes(), MODE, family, size), "layer", said, size_table(published.sizes())
        )
        html("<p class='av-source'>{}</p>", WORDS.say("law_dotted"))
        if own and (grown := own.growth_said(WORDS)):
            html("<p class='av-text'>{}</p>", grown)
        scaling_view.laws(WORDS, family)
        html("<p class='av-source'>{}</p>", WORDS.say("law_source"))
    with blocks.section("share", WORDS.say("share"), WORDS.say("share_remark")):
        said = sentences.share_said(WORDS, family)
        html("<p class='av-say' role='status'>{}</p>", said)
        html("<p class='av-text'>{}</p>", WORDS.say("share_lead"))
        figure.show(
            share_chart(published.sizes(), MODE, family, size), "share", said, size_table(published.sizes())
        )


@fragment
def cost(own: Scaled) -> None:
    """Memory and work of the learner's own model."""
    with blocks.section("memory", EXPLORER.say("memory"), EXPLORER.say("memory_remark")):
        length = costs.memory(own.model, EXPLORER, MODE)
    with blocks.section("work", EXPLORER.say("work"), EXPLORER.say("work_remark")):
        costs.work(own.model, EXPLORER, length, MODE)


@fragment
def training(own: Scaled) -> None:
    """What it takes to train it on the chosen number of tokens."""
    with blocks.section("training", WORDS.say("training"), WORDS.say("training_remark")):
        tokens = scaling_view.tokens(own, WORDS)
        said, best = own.training_said(WORDS, tokens)
        html("<p class='av-say' role='status'>{}</p><p class='av-text'>{}</p>", said, best)
        formula.show(r"C = 6 \cdot N \cdot D \qquad\qquad D_{\text{best}} \approx 20 \cdot N")
        html("<p class='av-text'>{}</p>", WORDS.say("training_lead"))
        fig = training_chart(published.sizes(), own.read(tokens), MODE)
        figure.show(fig, "training", f"{said} {best}", size_table(published.sizes()))
        html("<p class='av-source'>{}</p>", WORDS.say("training_dotted", rule=TOKENS_PER_PARAMETER))
        html("<p class='av-text'>{}</p>", sentences.readers_said(WORDS))
        html("<p class='av-source'>{}</p>", WORDS.say("training_source"))


def described_model() -> Scaled:
    """The model that the controls describe, counted: a bad config fails here, in one sentence."""
    own = Scaled(described.show(())[0])
    say(own.lead(WORDS))
    return own


say = page.head("scaling", WORDS)
with waiting.skeleton(WORDS.say("counting"), height=470):
    published.sizes()
own = page.guarded(described_model)
charts(own)
if own:
    cost(own)
    training(own)
with blocks.section("configs", WORDS.say("configs"), WORDS.say("configs_remark")):
    scaling_view.sources(WORDS)
if own:
    blocks.try_this(questions.suggestions(own))
blocks.check_yourself(questions.questions())
if own:
    blocks.the_code(own.code(WORDS))
page.foot("scaling")
