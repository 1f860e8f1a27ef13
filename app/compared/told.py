"""What is said of models side by side: what a token meets in each, what their configs say, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence

from app.compared.models import Compared
from app.lessons import Lesson
from attnviz.figures.quantities import amount
from attnviz.viewer.stacks import Column


def column(model: Compared, words: Lesson) -> Column:
    """It as a column of the picture, with what happens to a token on its way."""
    return Column(model.name, model.title, model.shape, model.model.count, _told(model, words))


def facts(model: Compared, words: Lesson) -> list[str]:
    """What its config says, for the table: norm, positions, feed-forward, output, size."""
    shape, count = model.shape, model.model.count
    head = "tied" if count.tied_head else "own" if "head" in count.by_component else "none"
    return [
        model.title,
        _size(model, words),
        words.say(f"norm_{shape.norm_placement}"),
        words.say(f"positions_{shape.positions.replace(' ', '_')}"),
        words.say("gated" if shape.gated else "plain", activation=shape.activation, d_ff=f"{shape.d_ff:,}"),
        words.say(f"head_{head}"),
        words.say(
            "inside_recurrent" if shape.recurrent else "inside_parallel" if shape.parallel else "inside_usual"
        ),
    ]


def summary(compared: Sequence[Compared], words: Lesson) -> str:
    """How the shown models differ, in a sentence."""
    named = {
        what: ", ".join(f"{one.title} {words.say(f'{what}_{value(one)}')}" for one in compared)
        for what, value in {
            "norm": lambda one: one.shape.norm_placement,
            "positions": lambda one: one.shape.positions.replace(" ", "_"),
        }.items()
    }
    gated = [one.title for one in compared if one.shape.gated]
    return words.say(
        "summary",
        norms=named["norm"],
        positions=named["positions"],
        gated=words.say("summary_gated", titles=" and ".join(gated)) if gated else words.say("summary_plain"),
    )


def _size(model: Compared, words: Lesson) -> str:
    """How large it is: parameters, layers, heads, width."""
    shape = model.shape
    return words.say(
        "fact_size",
        total=amount(model.model.count.total),
        layers=" + ".join(str(n) for n in (shape.encoder_layers, shape.decoder_layers) if n),
        heads=max(shape.encoder_heads, shape.decoder_heads),
        width=f"{shape.d_model:,}",
    )


def _told(model: Compared, words: Lesson) -> dict[str, str]:
    shape = model.shape
    place = words.say(f"flow_norm_{shape.norm_placement}")
    gaps = {
        "width": f"{shape.d_model:,}",
        "vocabulary": f"{shape.vocabulary:,}",
        "d_ff": f"{shape.d_ff:,}",
        "activation": shape.activation,
        "place": place,
        "limit": f"{shape.max_positions or 0:,}",
    }
    two = len(model.stacks) > 1
    told = {
        "rest": _size(model, words),
        "embeddings": words.say("flow_embeddings", **gaps),
        "positions": words.say("flow_learned" if shape.positions == "learned" else "flow_sinusoidal", **gaps),
        "norm": words.say("flow_norm"),
        "recurrence": words.say("flow_recurrence", **gaps),
        "cross": words.say("flow_cross", heads=shape.decoder_heads, **gaps),
        "parallel": words.say("flow_parallel", **gaps),
        "bridge": words.say("flow_bridge", **gaps),
        "pooler": words.say("flow_pooler"),
        "head": words.say("flow_head", **gaps),
        "encoder.": words.say("flow_end_both" if two else "flow_end_encoder", **gaps),
        "decoder.": words.say("flow_end_decoder"),
    }
    for stack in model.stacks:
        decoder = stack.stack == "decoder"
        heads = shape.decoder_heads if decoder else shape.encoder_heads
        told[f"{stack.stack}.attention"] = words.say(
            "flow_before" if decoder else "flow_everything", heads=heads, **gaps
        )
        told[f"{stack.stack}.feed_forward"] = words.say(
            "flow_gated" if shape.gated else "flow_plain", layers=stack.layers, **gaps
        )
    return told
