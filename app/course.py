"""The course: its chapters and pages, in order. A page that has a script is in the navigation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from attnviz.models.bundled import SPELLING, is_bundled

PAGES = Path(__file__).parent / "pages"
CHAPTERS = ("Foundations", "Attention", "The whole block", "Experiments", "Review")


@dataclass(frozen=True)
class Page:
    """One page of the course. ``script`` is its file in ``app/pages`` without the ending, and its address.

    ``title`` is short, for the navigation; ``subject`` is what the page is about where its title does not say so.
    ``model`` is the only one that the page shows, if it shows one alone.
    """

    script: str
    chapter: str
    title: str
    about: str
    subject: str = ""
    model: str = ""

    @property
    def exists(self) -> bool:
        """Whether the page is built and its model is here; the map of the course shows the others as coming."""
        return (PAGES / f"{self.script}.py").is_file() and (not self.model or is_bundled(self.model))

    @property
    def path(self) -> str:
        """Its script, from the root of the project."""
        return f"app/pages/{self.script}.py"

    @property
    def tab(self) -> str:
        """What the browser calls the page: on its tab, in bookmarks, read aloud."""
        return f"{self.subject or self.title} · AttnViz"

    @property
    def number(self) -> int:
        """Its place in the course, from 1."""
        return COURSE.index(self) + 1


COURSE = (
    Page(
        "home",
        "Foundations",
        "Home",
        "Why a token should reach any other in one step",
        "From recurrence to attention",
    ),
    Page("tokens", "Foundations", "Tokens", "What the model reads instead of words"),
    Page("model_explorer", "Foundations", "Model explorer", "Where all those numbers sit"),
    Page(
        "self_attention", "Attention", "Self-attention, step by step", "From x to Q, K, V to a weighted sum"
    ),
    Page("attention_heatmaps", "Attention", "Attention heatmaps", "Which token looks at which"),
    Page("cross_attention", "Attention", "Cross-attention", "How one text reads another"),
    Page("multi_head", "Attention", "Multi-head attention", "What each head is for, measured"),
    Page("positions", "The whole block", "Positional encoding", "How order gets in"),
    Page(
        "feed_forward",
        "The whole block",
        "Feed-forward network",
        "What a token does alone, between the heads",
    ),
    Page("architectures", "The whole block", "Architectures", "Encoder, decoder, and both"),
    Page("predictions", "The whole block", "Predictions", "From the last vector to a word"),
    Page("compare", "Experiments", "Compare models", "One sentence, several readers"),
    Page("phenomena", "Experiments", "Language phenomena", "Is there a head for grammar?"),
    Page("variants", "Experiments", "Attention variants", "No scaling, windows, slopes"),
    Page("scaling", "Experiments", "Scaling", "What grows when a model grows"),
    Page("learning", "Review", "Watch it learn", "From noise to a diagonal", model=SPELLING),
    Page("takeaways", "Review", "Takeaways and self-check", "What you know now"),
)


def page(script: str) -> Page:
    """The page of this script."""
    return next(p for p in COURSE if p.script == script)


def neighbours(current: Page) -> tuple[Page | None, Page | None]:
    """The pages before and after this one, of those that exist."""
    built = [p for p in COURSE if p.exists]
    at = built.index(current)
    return (built[at - 1] if at else None, built[at + 1] if at + 1 < len(built) else None)
