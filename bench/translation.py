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
    """On a warm server, to the ribbons of a sentence that nobody has asked for yet: in a browser that has not been there
    before, and from the page before by its link, which has read the sentence."""
    from playwright.sync_api import sync_playwright

    chromium = find()
    if chromium is None:
        return []
    new, title, onward = (
        "New browser, to the ribbons",
        "New browser, to the title",
        "From the page before, to the ribbons",
    )
    times: dict[str, list[float]] = {title: [], new: [], onward: []}
    with server() as (url, began), sync_playwright() as playwright:
        answered(f"{url}/ready", began)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for number in range(ROUNDS + 1):
            address = f"?model={TRANSLATE_EN_PT}&text=The old captain sold {number + 2} wooden boats"
            with browser.new_context() as context, context.new_page() as page:
                start = time.perf_counter()
                page.goto(f"{url}/cross_attention{address}.")
                page.wait_for_selector(".av-head h1", timeout=60_000)
                times[title].append(time.perf_counter() - start)
                page.wait_for_selector(RIBBON, timeout=60_000)
                times[new].append(time.perf_counter() - start)
            with browser.new_context() as context, context.new_page() as page:
                page.goto(f"{url}/attention_heatmaps{address} today.")
                link = page.locator(".st-key-foot_after a")
                link.wait_for(timeout=60_000)
                page.wait_for_timeout(2000)  # a person looks before going on
                start = time.perf_counter()
                link.click()
                page.wait_for_selector(RIBBON, timeout=60_000)
                times[onward].append(time.perf_counter() - start)
        browser.close()
    # the first round imports what the page needs
    return [
        ["English to Portuguese", name, milliseconds(statistics.median(seconds[1:]))]
        for name, seconds in times.items()
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
