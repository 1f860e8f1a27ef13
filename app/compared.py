"""What the architectures page compares: one model of each kind, its blocks, its masks, and what a token meets in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from app import course, selection
from app.course import Page
from app.explored import Explored, counted
from app.lessons import Lesson
from app.widgets import waiting
from app.widgets.lesson import Question, Try
from attnviz.analysis.masks import Mask, mask_of
from attnviz.errors import TextError
from attnviz.figures.quantities import amount, percent
from attnviz.models.architecture import Architecture, ModelKind, family
from attnviz.models.catalog import catalog, entry, title_of
from attnviz.models.configs import published_config, published_configs
from attnviz.models.parameter_count import COMPONENTS, Part
from attnviz.tracing.trace import Trace
from attnviz.viewer.block import Stack, stacks_of
from attnviz.viewer.stacks import Column, chosen_block

KINDS: dict[ModelKind, tuple[str, str]] = {
    "encoder": ("Encoder-only", "encoder_model"),
    "decoder": ("Decoder-only", "decoder_model"),
    "encoder-decoder": ("Encoder-decoder", "both_model"),
}
"""Each kind of model with its name on screen and the key of the control that chooses one."""

NAMES = tuple(name for name, _ in KINDS.values())

_EXPLAINED = {
    "embeddings": "tokens",
    "positions": "positions",
    "attention": "self_attention",
    "cross": "cross_attention",
    "recurrence": "home",
    "feed_forward": "feed_forward",
    "head": "predictions",
}
"""The page that explains a block; the model explorer where there is none."""

_BLOCK_OF = "_block_of"

_PLACES = ("before", "after", "both", "output")


def options(kind: ModelKind) -> list[str]:
    """Ids of models of this kind: those at hand, the chosen one, then the published ones."""
    bundled = [e.id for e in catalog() if e.bundled and e.kind == kind]
    chosen = [selection.model_id()] if kind_of(selection.model_id()) == kind else []
    published = [e.id for e in published_configs() if family(e.config["model_type"]).kind == kind]
    return list(dict.fromkeys((*bundled, *chosen, *published)))


def kind_of(model_id: str) -> ModelKind:
    """The kind of a model, from the catalog where that knows it, else from its config."""
    known = entry(model_id)
    if known:
        return known.kind
    shape = counted(model_id).architecture
    assert shape is not None
    return shape.kind


def name_of(model_id: str) -> str:
    """What a model is called: by the catalog, or as it was published."""
    published = published_config(model_id)
    return title_of(model_id) if entry(model_id) or not published else published.name


def start(kind: ModelKind) -> str:
    """The model of this kind to begin with: the chosen one, or the first at hand."""
    return selection.model_id() if kind_of(selection.model_id()) == kind else options(kind)[0]


@dataclass(frozen=True)
class Block:
    """A block of a diagram: ``name`` as in the list of blocks."""

    stack: str
    part: str
    name: str


@dataclass(frozen=True)
class Compared:
    """A model of one kind."""

    kind: ModelKind
    model_id: str

    @property
    def name(self) -> str:
        """The kind on screen."""
        return KINDS[self.kind][0]

    @property
    def title(self) -> str:
        """The model on screen."""
        return name_of(self.model_id)

    @property
    def model(self) -> Explored:
        """The counted model."""
        return Explored("model", self.title, self.model_id)

    @property
    def shape(self) -> Architecture:
        """Its architecture."""
        return self.model.shape

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        """What is drawn of it."""
        return stacks_of(self.shape, self.model.count)

    @property
    def traced_id(self) -> str:
        """The model whose masks are shown: this one where it is at hand, else a bundled one of its kind."""
        at_hand = [e.id for e in catalog() if e.bundled and e.kind == self.kind]
        return self.model_id if self.model_id in (*at_hand, selection.model_id()) else at_hand[0]

    @cached_property
    def blocks(self) -> list[Block]:
        """Every block that can be pointed at, in the order of the diagram, each once."""
        found: list[Block] = []
        two = len(self.stacks) > 1
        for stack in self.stacks:
            inside = [(box.part, box.title) for box in stack.before]
            inside += [(sublayer.kind, sublayer.title) for sublayer in stack.sublayers]
            inside += [("norm", "Norm"), *((box.part, box.title) for box in stack.after)]
            for part, title in inside:
                name = f"{stack.title}: {title[0].lower()}{title[1:]}" if two else title
                found.append(Block(stack.stack, part, name))
        return found

    def column(self, words: Lesson) -> Column:
        """It as a column of the picture, with what happens to a token on its way."""
        return Column(self.name, self.title, self.shape, self.model.count, self._told(words))

    def parts(self, block: Block) -> list[Part]:
        """The parameters of a block, of one layer where it is in every layer."""
        inside = [
            part
            for part in self.model.count.parts
            if part.component.partition(".")[0] == block.part or part.component == block.part
        ]
        if block.part in ("embeddings", "head", "pooler") or (block.part == "positions"):
            return [part for part in inside if part.layer is None and self._belongs(part, block)]
        return [part for part in inside if part.layer == 0 and part.stack == block.stack]

    def _belongs(self, part: Part, block: Block) -> bool:
        """Tables of one stack are that stack's; shared ones belong to both."""
        steps = part.name.split(".")
        other = "decoder" if block.stack == "encoder" else "encoder"
        return len(self.stacks) < 2 or other not in steps or block.stack in steps

    def detail(self, block: Block) -> dict[str, list[str]]:
        """The shapes of a block and how many numbers they hold, in columns."""
        parts = self.parts(block)
        rows: dict[str, list[str]] = {"Numbers for": [], "Shape": [], "In one": []}
        for part in parts:
            rows["Numbers for"].append(
                f"{COMPONENTS[part.component]}{'' if len(part.shape) > 1 else ', vector'}"
            )
            sizes = " × ".join(f"{size:,}" for size in part.shape)
            rows["Shape"].append(sizes if len(part.shape) > 1 else f"vector of {sizes}")
            rows["In one"].append(f"{part.count:,}")
        return rows

    def detail_said(self, words: Lesson, block: Block) -> str:
        """How many numbers a block has, in one layer and in all."""
        parts, count = self.parts(block), self.model.count
        one = sum(part.count for part in parts)
        if not parts:
            tied = block.part == "head" and count.tied_head
            return words.say(
                "block_tied" if tied else "block_none", title=self.title, number=f"{count.tied_head:,}"
            )
        if parts[0].layer is None:
            return words.say("block_once", title=self.title, one=f"{one:,}", share=percent(one / count.total))
        layers = [layer for layer in count.layers if layer.stack == block.stack]
        every = sum(
            part.count
            for layer in layers
            for part in layer.parts
            if part.component.partition(".")[0] == block.part
        )
        return words.say(
            "block_layers",
            title=self.title,
            one=f"{one:,}",
            layers=len(layers),
            all=f"{every:,}",
            share=percent(every / count.total),
        )

    def explained(self, block: Block) -> Page:
        """The page that explains a block."""
        wanted = course.page(_EXPLAINED.get(block.part, "model_explorer"))
        return wanted if wanted.exists else course.page("model_explorer")

    def facts(self, words: Lesson) -> list[str]:
        """What its config says, for the table: norm, positions, feed-forward, output, size."""
        shape, count = self.shape, self.model.count
        heads = max(shape.encoder_heads, shape.decoder_heads)
        layers = " + ".join(str(n) for n in (shape.encoder_layers, shape.decoder_layers) if n)
        head = "tied" if count.tied_head else "own" if "head" in count.by_component else "none"
        return [
            self.title,
            words.say(
                "fact_size", total=amount(count.total), layers=layers, heads=heads, width=f"{shape.d_model:,}"
            ),
            words.say(f"norm_{shape.norm_placement}"),
            words.say(f"positions_{shape.positions.replace(' ', '_')}"),
            words.say(
                "gated" if shape.gated else "plain", activation=shape.activation, d_ff=f"{shape.d_ff:,}"
            ),
            words.say(f"head_{head}"),
            words.say(
                "inside_recurrent"
                if shape.recurrent
                else "inside_parallel"
                if shape.parallel
                else "inside_usual"
            ),
        ]

    def _told(self, words: Lesson) -> dict[str, str]:
        shape = self.shape
        place = words.say(f"flow_norm_{shape.norm_placement}")
        gaps = {
            "width": f"{shape.d_model:,}",
            "vocabulary": f"{shape.vocabulary:,}",
            "d_ff": f"{shape.d_ff:,}",
            "activation": shape.activation,
            "place": place,
            "limit": f"{shape.max_positions or 0:,}",
        }
        two = len(self.stacks) > 1
        told = {
            "embeddings": words.say("flow_embeddings", **gaps),
            "positions": words.say(
                "flow_learned" if shape.positions == "learned" else "flow_sinusoidal", **gaps
            ),
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
        for stack in self.stacks:
            decoder = stack.stack == "decoder"
            heads = shape.decoder_heads if decoder else shape.encoder_heads
            told[f"{stack.stack}.attention"] = words.say(
                "flow_before" if decoder else "flow_everything", heads=heads, **gaps
            )
            told[f"{stack.stack}.feed_forward"] = words.say(
                "flow_gated" if shape.gated else "flow_plain", layers=stack.layers, **gaps
            )
        return told


def opened(compared: Sequence[Compared]) -> tuple[Compared, Block]:
    """The block whose shapes are shown, from the controls; what the address asks for is checked."""
    name = selection.one_of("architecture", NAMES, "kind of model")
    model = next(one for one in compared if one.name == name)
    names = [block.name for block in model.blocks]
    moved = st.session_state.get(_BLOCK_OF, model.model_id) != model.model_id
    if moved and st.session_state.get("block") not in names:  # another model may lack the block that was open
        st.session_state["block"] = _first(names)
    st.session_state[_BLOCK_OF] = model.model_id
    chosen = selection.one_of("block", names, "block", start=_first(names))
    return model, model.blocks[names.index(chosen)]


def first_block(model: Compared) -> str:
    """The block to begin with: the attention."""
    return _first([block.name for block in model.blocks])


def _first(names: Sequence[str]) -> str:
    return next((name for name in names if name.lower().endswith("attention")), names[0])


def choose_block(compared: Sequence[Compared], value: object) -> None:
    """A block was clicked in the picture: show its shapes below."""
    chosen = chosen_block(value, len(compared))
    if chosen is None:
        return
    model = compared[chosen["column"]]
    part = chosen["part"].partition(".")[0]
    names = [b.name for b in model.blocks if b.part == part and chosen["stack"] in ("", b.stack)]
    if names:
        selection.choose(architecture=model.name, block=names[0])


def held(compared: Sequence[Compared], model: Compared, block: Block) -> dict[str, Any]:
    """The open block as the picture holds it lit."""
    column = [one.kind for one in compared].index(model.kind)
    return {"part": block.part, "stack": block.stack, "layer": None, "column": column}


@dataclass(frozen=True, eq=False)
class Masked:
    """The masks of one model, on the learner's text."""

    model: Compared
    trace: Trace

    @property
    def title(self) -> str:
        """The model that was run."""
        return name_of(self.model.traced_id)

    @cached_property
    def masks(self) -> dict[str, Mask]:
        """By kind of attention."""
        return {kind: mask_of(self.trace, kind) for kind in self.trace.kinds}

    @property
    def typical(self) -> Mask:
        """The mask that is this kind's own: of an encoder-decoder the one between its stacks."""
        return self.masks["cross" if "cross" in self.masks else self.model.kind]

    def said(self, words: Lesson) -> str:
        """What the mask allows, counted."""
        mask = self.typical
        rows, columns = mask.visible.shape
        said = words.say(
            f"mask_{'cross' if mask.kind == 'cross' else mask.pattern}",
            title=self.title,
            rows=rows,
            columns=columns,
            pairs=f"{mask.pairs:,}",
            all=f"{rows * columns:,}",
            share=percent(mask.share),
        )
        if self.model.traced_id != self.model.model_id:
            said = f"{said} {words.say('mask_instead', title=self.model.title)}"
        return said

    def others(self, words: Lesson) -> str:
        """Of an encoder-decoder, what its stacks see of themselves."""
        if "cross" not in self.masks:
            return ""
        encoder = self.masks["encoder"]
        said = words.say(
            "mask_own_encoder", title=self.title, pairs=f"{encoder.pairs:,}", all=f"{encoder.visible.size:,}"
        )
        decoder = self.masks.get("decoder")
        if decoder is None:
            return f"{said} {words.say('mask_recurrence')}"
        return f"{said} {words.say('mask_own_decoder', pairs=f'{decoder.pairs:,}', all=f'{decoder.visible.size:,}')}"


def masked(compared: Sequence[Compared]) -> tuple[list[Masked], list[tuple[Compared, TextError]]]:
    """The masks on the learner's text, and which models cannot read it. Raises the first error where none can."""
    found: list[Masked] = []
    failed: list[tuple[Compared, TextError]] = []
    for model in compared:
        try:
            found.append(Masked(model, waiting.trace(model.traced_id, selection.text(), height=360)))
        except TextError as error:
            failed.append((model, error))
    if not found:
        raise failed[0][1]
    return found, failed


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
                words.say("ask_pairs", title=name_of(decoder.traced_id), n=n),
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
        traced=decoder.traced_id,
        text=selection.text(),
    )
