"""Texts to begin with, for what each model reads."""

from __future__ import annotations

from attnviz.models.bundled import TRANSLATE_PT_EN
from attnviz.models.spelling import spells

ENGLISH = {
    "A pronoun": "The animal didn't cross the street because it was too tired.",
    "Two pronouns": "John said he was tired. Mary thought he needed rest.",
    "Agreement": "The keys to the cabinet are on the table.",
    "A fox and a cat": "The quick brown fox jumps over the lazy dog while the cat watches from a distance.",
    "A long word or two": "The transformer architecture revolutionized natural language processing.",
}
PORTUGUESE = {
    "A pronoun": "O animal não atravessou a rua porque ele estava muito cansado.",
    "Two pronouns": "João disse que estava cansado. Maria achou que ele precisava de descanso.",
    "Agreement": "As chaves do armário estão na mesa.",
    "An old wooden table": "Ela comprou uma velha mesa de madeira no mercado.",
    "A long word or two": "A arquitetura de transformadores revolucionou o processamento de linguagem natural.",
}
WORDS = {
    "A silent letter": "knight",
    "Two silent letters": "psychology",
    "Seven letters, three sounds": "through",
    "One letter, two sounds": "box",
    "Three words": "good morning class",
}
_ALL = (ENGLISH, PORTUGUESE, WORDS)


def examples(model_id: str) -> dict[str, str]:
    """Names and texts that this model can read; the first is what a page opens with."""
    if spells(model_id):
        return WORDS
    return PORTUGUESE if model_id == TRANSLATE_PT_EN else ENGLISH


def first(model_id: str) -> str:
    """What a page opens with."""
    return next(iter(examples(model_id).values()))


def is_for_others(text: str, model_id: str) -> bool:
    """Whether a text is an example, but none for this model: nobody wrote it, so it may give way."""
    return text not in examples(model_id).values() and any(text in one.values() for one in _ALL)
