"""The masks of the models side by side, read from a pass over the learner's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from app import selection
from app.compared.models import Compared, name_of
from app.lessons import Lesson
from app.widgets import waiting
from attnviz.analysis.masks import Mask, mask_of
from attnviz.errors import TextError
from attnviz.figures.quantities import percent
from attnviz.tracing.trace import Trace


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
