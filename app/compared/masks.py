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
    """The masks of one model, on the learner's text: its own, or those of the model that was run in its place."""

    model: Compared
    traced_id: str
    trace: Trace

    @property
    def title(self) -> str:
        """The model that was run."""
        return name_of(self.traced_id)

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
        rule = "alone" if rows == columns == 1 else "cross" if mask.kind == "cross" else mask.pattern
        said = words.say(
            f"mask_{rule}",
            title=self.title,
            rows=rows,
            columns=columns,
            pairs=f"{mask.pairs:,}",
            all=f"{rows * columns:,}",
            share=percent(mask.share),
        )
        return said if self.traced_id == self.model.model_id else f"{said} {self._instead(words)}"

    def _instead(self, words: Lesson) -> str:
        """That another model was run, and how the masks of this one differ from what is shown."""
        shape, title = self.model.shape, self.model.title
        said = [words.say("mask_instead", title=title, other=self.title)]
        windows = [window for window in shape.windows if window]
        if windows:
            longest = max(mask.visible.shape[1] for mask in self.masks.values())
            said.append(
                words.say(
                    "mask_windows" if min(windows) < longest else "mask_windows_wide",
                    title=title,
                    sliding=len(windows),
                    layers=len(shape.windows),
                    reach=f"{min(windows):,}",
                )
            )
        if "cross" in self.masks and "decoder" not in self.masks and not shape.recurrent:
            said.append(words.say("mask_has_decoder", title=title))
        return " ".join(said)

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


def masked(compared: Sequence[Compared]) -> tuple[list[Masked], list[tuple[str, TextError]]]:
    """The masks on the learner's text, and what cannot read it, by name. Raises the first error where nothing can."""
    found: list[Masked] = []
    failed: list[tuple[str, TextError]] = []
    for model in compared:
        refused: list[tuple[str, TextError]] = []
        for model_id in model.traced_ids:
            try:
                found.append(Masked(model, model_id, waiting.trace(model_id, selection.text(), height=420)))
                break
            except TextError as error:
                refused.append((name_of(model_id), error))
        else:
            failed.append(refused[0])
    if not found:
        raise failed[0][1]
    return found, failed
