"""Put the trained model and its youth into the package: python -m training.spelling_to_sound.publish."""

from __future__ import annotations

import argparse
import csv
import shutil
from pathlib import Path

import platformdirs
import torch
from transformers import AutoTokenizer

from training.spelling_to_sound import data
from training.spelling_to_sound.model import tokenizer as make_tokenizer
from training.spelling_to_sound.model import untrained

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "src" / "attnviz" / "models" / "weights" / "spelling_to_sound"
SAMPLE = ROOT / "tests" / "models" / "held_out_words.tsv"
SAMPLED = 300
MOST_BYTES = 30_000_000
"""Of all weights of ours together, so that the repository stays quick to clone."""


def publish(weights: Path, folder: Path, tokenizer: object, vocabulary: int) -> None:
    """Write one set of weights as ordinary files of Transformers, in half precision."""
    model = untrained(vocabulary)
    model.load_state_dict(
        {name: value.float() for name, value in torch.load(weights, weights_only=True).items()}
    )
    model.config.dropout_rate = 0.1  # for those who train it further, as in t5-small
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(0o644)  # safetensors writes for its owner alone


def sample(lexicon: data.Lexicon, licence: str) -> str:
    """A fixed slice of the held-out words with all their pronunciations, as a file with the licence on top."""
    words = sorted(data.split(lexicon)["test"], key=data.order)[:SAMPLED]
    head = f"{SAMPLED} held-out words of the CMU Pronouncing Dictionary and their pronunciations. Its licence:\n\n{licence}"
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    return "\n".join([*lines, *(f"{word}\t{' / '.join(lexicon[word])}" for word in sorted(words))]) + "\n"


def main() -> None:
    """Publish what the work folder holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, default=platformdirs.user_cache_path("attnviz-training") / "spelling_to_sound"
    )
    options = parser.parse_args()
    dictionary = data.dictionary_file()
    lexicon = data.read(dictionary)
    tokenizer = make_tokenizer(lexicon)
    shutil.rmtree(SHIPPED, ignore_errors=True)
    publish(options.work / "final.pt", SHIPPED, tokenizer, len(tokenizer))
    for path in sorted(options.work.glob("step-*.pt")):
        publish(path, SHIPPED / "youth" / path.stem, tokenizer, len(tokenizer))
    rows = list(csv.reader((options.work / "metrics.csv").open(newline="")))
    with (SHIPPED / "training.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    SAMPLE.write_text(sample(lexicon, (dictionary.parent / "LICENSE").read_text("utf-8")), "utf-8")
    AutoTokenizer.from_pretrained(SHIPPED)
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*.safetensors"))
    print(f"{size / 1e6:.1f} MB of weights in {SHIPPED.relative_to(ROOT)}")
    if size > MOST_BYTES:
        raise SystemExit(f"That is more than {MOST_BYTES / 1e6:.0f} MB: publish fewer steps.")


if __name__ == "__main__":
    main()
