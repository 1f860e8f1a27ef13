"""The translators: to open one, to translate and trace, to switch every head off; and what its heads are worth."""

from __future__ import annotations

import gc
import statistics
import time

import attnviz
from attnviz.analysis.alignment import head_alignments
from attnviz.analysis.alignment_pairs import Language, aligned_pairs
from attnviz.analysis.writing import HeadChanges, single_heads
from attnviz.models.bundled import TRANSLATE_EN_PT, TRANSLATE_PT_EN
from attnviz.tracing.forward import write
from bench.measuring import medians, milliseconds, table
from bench.startup import answered, server
from tests.chromium import FLAGS, find

DIRECTIONS: tuple[tuple[str, Language, str], ...] = (
    (TRANSLATE_EN_PT, "en", "Yesterday my old neighbour sold the small red boat to a young doctor."),
    (TRANSLATE_PT_EN, "pt", "Ontem o meu velho vizinho vendeu o pequeno barco vermelho a uma médica."),
)
ROUNDS = 5
RIBBON = ".st-key-picture_ribbons svg path"


def main() -> None:
    """Print the table of times and, for each direction, the table of its heads."""
    rows = []
    for model_id, _, text in DIRECTIONS:
        model = attnviz.load(model_id)
        edits = single_heads(2, 8)[1:]
        runs = {
            "Opened": lambda model_id=model_id: attnviz.load(model_id),
            "Translated and traced": lambda model=model, text=text: attnviz.trace(model, text),
            "All 16 heads off, one by one, in one batch": lambda model=model, text=text, edits=edits: write(
                model, text, edits
            ),
            "The same in 16 passes": lambda model=model, text=text, edits=edits: [
                write(model, text, [one]) for one in edits
            ],
        }
        found = medians(runs, ROUNDS)
        rows += [[model.title, name, milliseconds(seconds)] for name, seconds in found.items()]
        gc.collect()
    words = len(DIRECTIONS[0][2].split())
    table(
        f"Translators: a sentence of {words} words", ["Model", "What", "Median"], [*rows, *_first_pictures()]
    )
    for model_id, language, _ in DIRECTIONS:
        _heads(model_id, language)


def _first_pictures() -> list[list[str]]:
    """From a press on the address to the ribbons, on a warm server, in a browser that has not been there before."""
    from playwright.sync_api import sync_playwright

    chromium = find()
    if chromium is None:
        return []
    times = []
    with server() as (url, began), sync_playwright() as playwright:
        answered(f"{url}/ready", began)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for number in range(ROUNDS + 1):
            with browser.new_context() as context, context.new_page() as page:
                text = f"The old captain sold {number + 2} wooden boats."  # one that nobody has read yet
                start = time.perf_counter()
                page.goto(f"{url}/cross_attention?model={TRANSLATE_EN_PT}&text={text}")
                page.wait_for_selector(RIBBON, timeout=60_000)
                times.append(time.perf_counter() - start)
        browser.close()
    return [
        [
            "English to Portuguese",
            "First picture, warm server, new browser",
            milliseconds(statistics.median(times[1:])),
        ]
    ]


def _heads(model_id: str, language: Language) -> None:
    """Alignment accuracy and error rate over the marked sentences, and how many translations change without the head."""
    model = attnviz.load(model_id)
    pairs = aligned_pairs(language)
    scores = head_alignments(
        (attnviz.trace(model, p.source, p.target), p.sure, p.possible) for p in pairs
    ).scores
    edits = single_heads(2, 8)
    changes = HeadChanges.none(2, 8)
    for pair in pairs:
        changes = changes.with_text(write(model, pair.source, edits))
    rows = [
        [
            f"L{layer}H{head}",
            f"{score.right} of {score.words}",
            f"{100 * (score.accuracy or 0):.0f} %",
            f"{score.error_rate or 0:.2f}",
            f"{changes.changed[layer, head]} of {changes.texts}",
        ]
        for layer, of_layer in enumerate(scores)
        for head, score in enumerate(of_layer)
    ]
    heads = ["Head", "Words aligned right", "Accuracy", "Error rate", "Translations changed without it"]
    table(f"Heads of cross-attention: {model.title}", heads, rows)


if __name__ == "__main__":
    main()
