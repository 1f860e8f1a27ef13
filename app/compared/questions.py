"""What can be tried on the architectures page, asked there, and run in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from app import selection
from app.compared.blocks import first_block
from app.compared.masks import Masked
from app.compared.models import Compared, name_of
from app.lessons import Lesson
from app.widgets.lesson import Question, Try
from attnviz.figures.quantities import percent
from attnviz.models.architecture import ModelKind

_PLACES = ("before", "after", "both", "output")


def suggestions(words: Lesson) -> list[Try]:
    """Other models worth putting beside each other, each with what is found in it."""
    worth: tuple[tuple[ModelKind, str], ...] = (
        ("decoder", "gpt2"),
        ("decoder", "EleutherAI/pythia-410m"),
        ("decoder", "google/gemma-2-2b"),
        ("encoder-decoder", "t5-small"),
    )
    gpt2, pythia, gemma, t5 = (Compared(kind, model_id) for kind, model_id in worth)
    places = next(part for part in gpt2.model.count.parts if part.component == "positions")
    norms = sum(part.component == "norm" for part in gemma.model.count.layers[0].parts)
    cross = sum(
        number
        for layer in t5.model.count.layers
        for component, number in layer.by_component.items()
        if component.startswith("cross")
    )
    return [
        Try(
            words.say("try_gpt2"),
            f"{places.shape[0]:,} × {places.shape[1]:,} = {places.count:,} numbers for places",
            {"decoder_model": gpt2.model_id, "architecture": gpt2.name, "block": "Positions"},
        ),
        Try(
            words.say("try_pythia"),
            words.say("inside_parallel" if pythia.shape.parallel else "inside_usual"),
            {"decoder_model": pythia.model_id, "architecture": pythia.name, "block": first_block(pythia)},
        ),
        Try(
            words.say("try_gemma"),
            f"{norms} norms in a layer, {words.say(f'norm_{gemma.shape.norm_placement}')}",
            {"decoder_model": gemma.model_id, "architecture": gemma.name, "block": "Norm"},
        ),
        Try(
            words.say("try_t5"),
            f"{cross:,} numbers in cross-attention, {percent(cross / t5.model.count.total)}",
            {"both_model": t5.model_id, "architecture": t5.name, "block": "Decoder: cross-attention"},
        ),
    ]


def questions(words: Lesson, compared: Sequence[Compared], masks: Sequence[Masked]) -> list[Question]:
    """Predictions about the models and masks at hand."""
    encoder, decoder, both = compared
    places = {place: words.say(f"norm_{place}") for place in _PLACES}
    asked = [
        Question(
            "norm",
            words.say("ask_norm", title=decoder.title),
            list(places.values()),
            places[decoder.shape.norm_placement],
            words.say(
                "because_norm",
                a=decoder.title,
                at=places[decoder.shape.norm_placement],
                b=encoder.title,
                bt=places[encoder.shape.norm_placement],
            ),
            {"architecture": decoder.name, "block": "Norm"},
        ),
    ]
    causal = next((one.typical for one in masks if one.model.kind == "decoder"), None)
    if causal is not None and causal.visible.shape[0] > 2:
        n = causal.visible.shape[0]
        asked.append(
            Question(
                "pairs",
                words.say("ask_pairs", title=name_of(decoder.traced_ids[0]), n=n),
                list(dict.fromkeys(f"{number:,}" for number in sorted({n, 2 * n, causal.pairs, n * n}))),
                f"{causal.pairs:,}",
                words.say("because_pairs", n=n, pairs=f"{causal.pairs:,}", all=f"{n * n:,}"),
                {"architecture": decoder.name, "block": first_block(decoder)},
                "section_masks",
            )
        )
    inner = [sublayer.title for sublayer in both.stacks[-1].sublayers]
    asked.append(
        Question(
            "recurrence",
            words.say("ask_inside", title=both.title),
            ["Self-attention", "Cross-attention", "Recurrence", "Feed-forward"],
            inner[0],
            words.say("because_inside", title=both.title, order=", then ".join(t.lower() for t in inner)),
            {
                "architecture": both.name,
                "block": next(
                    b.name
                    for b in both.blocks
                    if b.name.lower().endswith(inner[0].lower()) and b.stack == "decoder"
                ),
            },
        )
    )
    return asked


def code(words: Lesson, compared: Sequence[Compared]) -> str:
    """The lines that give the facts of the shown models, and a mask, in a notebook."""
    decoder = next(one for one in compared if one.kind == "decoder")
    return words.code.format(
        models=", ".join(f'"{one.model_id}"' for one in compared),
        traced=decoder.traced_ids[0],
        text=selection.text(),
    )
