"""The models that stand side by side, one of each kind, and the blocks that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from app import selection
from app.explored import Explored, counted
from attnviz.models.architecture import Architecture, ModelKind, family
from attnviz.models.catalog import catalog, entry, title_of
from attnviz.models.configs import published_config, published_configs
from attnviz.models.parameter_count import Part
from attnviz.viewer.block import Stack, stacks_of

KINDS: dict[ModelKind, tuple[str, str]] = {
    "encoder": ("Encoder-only", "encoder_model"),
    "decoder": ("Decoder-only", "decoder_model"),
    "encoder-decoder": ("Encoder-decoder", "both_model"),
}
"""Each kind of model with its name on screen and the key of the control that chooses one."""

NAMES = tuple(name for name, _ in KINDS.values())


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
    def traced_ids(self) -> list[str]:
        """Whose masks can be shown for it: its own where it is at hand, else those of bundled ones, the most alike first."""
        at_hand = [e.id for e in catalog() if e.bundled and e.kind == self.kind]
        return (
            [self.model_id]
            if self.model_id in (*at_hand, selection.model_id())
            else sorted(at_hand, key=self._unlike)
        )

    def _unlike(self, model_id: str) -> tuple[bool, bool]:
        """Whether another model is of another family, and whether one of both has a recurrence and the other none."""
        other = Compared(self.kind, model_id).shape
        return other.model_type != self.shape.model_type, other.recurrent != self.shape.recurrent

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
