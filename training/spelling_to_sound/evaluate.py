"""Score the shipped model on all held-out words: python -m training.spelling_to_sound.evaluate."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.utils import logging

from training.spelling_to_sound import data
from training.spelling_to_sound.publish import SHIPPED
from training.spelling_to_sound.scoring import Scores, score, write

SILENT = "–"


def table(rows: dict[str, Scores]) -> str:
    """Scores as lines of text, one for each set of words."""
    lines = [f"{'':<34}{'words':>7}{'right':>9}{'errors':>9}{'right':>11}{'errors':>9}"]
    lines.insert(0, f"{'':<41}{'without stress':>18}{'with stress':>20}")
    for name, s in rows.items():
        lines.append(
            f"{name:<34}{s.words:>7,}{s.word_accuracy:>9.1%}{s.phoneme_errors:>9.2%}"
            f"{s.word_accuracy_stressed:>11.1%}{s.phoneme_errors_stressed:>9.2%}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print word accuracy, phoneme error rate and the commonest confusions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=SHIPPED, help="of another model, such as one of its youth"
    )
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if not (options.folder / "model.safetensors").is_file():
        raise SystemExit(
            f"There is no model in {options.folder}: make train-spelling, then publish it (see the README)."
        )
    logging.disable_progress_bar()

    parts = data.split(data.read(data.dictionary_file()))
    tokenizer = AutoTokenizer.from_pretrained(options.folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(options.folder, dtype=torch.float32).to(device)
    started = time.perf_counter()
    written = write(model, tokenizer, list(parts["test"]), progress=True)
    seconds = time.perf_counter() - started
    scores = score(written, parts["test"])
    related = data.relatives(list(parts["test"]), list(parts["train"]))
    alone = {word: sound for word, sound in written.items() if word not in related}
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, greedy, {seconds:.0f} s on {device}.")
    print(
        "Right: share of words written exactly as one of their listed pronunciations. Errors: edits per phoneme.\n"
    )
    print(
        table(
            {"all held-out words": scores, "those with no relative in training": score(alone, parts["test"])}
        )
    )
    print("\nCommonest confusions without stress (written for right; – is nothing):")
    print(
        "  " + "  ".join(f"{a or SILENT} for {b or SILENT}: {count}" for (a, b), count in scores.confusions)
    )


if __name__ == "__main__":
    main()
