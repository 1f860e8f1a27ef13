"""What a learner should know of a text before trusting what was made of it."""

from __future__ import annotations

from app import cache
from app.lessons import Lesson
from app.translation.record import Translated
from app.translation.sentences import DIRECTIONS, language_of


def remark(shown: Translated, words: Lesson) -> str:
    """The gravest doubt about what was made of this text; mostly nothing."""
    read = shown.trace.key_tokens("cross")
    ordinary = len(read) - sum(read.special)
    said = []
    if shown.target is None and shown.is_cut:
        said.append(words.say("cut", tokens=len(shown.steps)))
    if sum(read.unknown):
        said.append(words.say("unknown", unknown=sum(read.unknown), tokens=ordinary))
    elif len(shown.text) > 3 and shown.text.isupper():
        small = cache.engine().tokens(shown.model_id, shown.text.lower())
        said.append(words.say("capitals", pieces=ordinary, small=len(small) - sum(small.special)))
    elif is_copied(shown):
        copied, of_text = _copied(shown)
        said.append(words.say("copied", copied=copied, words=of_text, language=language_of(shown.model_id)))
    elif shown.merged and (groups := len({w for w in read.words if w >= 0})) >= 3 and ordinary > 2.2 * groups:
        said.append(words.say("split", pieces=f"{ordinary / groups:.1f}"))
    return " ".join(said)


def is_copied(shown: Translated) -> bool:
    """Whether a translator left most of the text as it is, as they do with languages that they cannot read."""
    copied, of_text = _copied(shown)
    return shown.model_id in DIRECTIONS and copied >= 3 and 2 * copied > of_text


def _copied(shown: Translated) -> tuple[int, int]:
    """How many different words of the text came through unchanged, of how many."""
    of_text = {word for word in shown.text.lower().split() if any(map(str.isalpha, word))}
    return len(of_text.intersection(shown.written.text.lower().split())), len(of_text)
