"""Train the model: python -m training.spelling_to_sound.train --hours 1.3

Resumable after a kill: the last state is read from the work folder. The same seeds give the same batches.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from pathlib import Path
from typing import Any

import platformdirs
import torch
from tqdm import tqdm

from training.spelling_to_sound import data
from training.spelling_to_sound.model import tokenizer as make_tokenizer
from training.spelling_to_sound.model import untrained
from training.spelling_to_sound.scoring import score, write

YOUTH = (0, 30, 100, 300, 1000, 3000, 6000)
"""Steps whose weights are kept, log-spaced: what "Watch it learn" shows."""

SMOOTHING = 0.1
PEAK = 2.5e-3
WARM_UP = 500
AVERAGE = 0.9995
"""Decay of the moving average of the weights, which is what is shipped at the end."""


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then a cosine down to a hundredth."""
    if step < WARM_UP:
        return PEAK * (step + 1) / WARM_UP
    done = min(1.0, (step - WARM_UP) / max(1, steps - WARM_UP))
    return PEAK * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """A kill while saving leaves the state before."""
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)


def main() -> None:
    """Train until the wanted step, from the last state that was saved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument(
        "--work", type=Path, default=platformdirs.user_cache_path("attnviz-training") / "spelling"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_flush_denormal(
        True
    )  # Adam's second moments get tiny, and tiny floats are slow on some processors
    options.work.mkdir(parents=True, exist_ok=True)

    lexicon = data.read(data.dictionary_file())
    parts = data.split(lexicon)
    tokenizer = make_tokenizer(lexicon)
    tokenizer.save_pretrained(options.work / "tokenizer")
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    model = untrained(len(tokenizer), options.seed).to(device)
    average = untrained(len(tokenizer), options.seed).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=0.01)
    sample = dict(sorted(parts["validation"].items(), key=lambda item: hash_of(item[0]))[:500])
    step, epoch, seconds, loss_mean = 0, 0, 0.0, float("nan")
    last = options.work / "last.pt"
    if last.is_file():
        state = torch.load(last, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, epoch, seconds = state["step"], state["epoch"], state["seconds"]

    def keep() -> None:
        state = {
            "model": model.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
        }
        save_atomically({**state, "step": step, "epoch": epoch, "seconds": seconds}, last)

    def keep_youth() -> None:
        current = model if step < 2000 else average
        weights = {name: value.half() for name, value in current.state_dict().items()}
        torch.save(weights, options.work / f"step-{step:05d}.pt")

    def measure() -> None:
        current = model if step < 2000 else average
        scores = score(write(current, tokenizer, list(sample)), sample)
        row = [
            step,
            f"{loss_mean:.4f}",
            f"{scores.word_accuracy:.4f}",
            f"{scores.phoneme_errors:.4f}",
            round(seconds),
        ]
        path = options.work / "metrics.csv"
        new = not path.is_file()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "loss", "word_accuracy", "phoneme_errors", "seconds"])
            writer.writerow(row)
        print(*row, flush=True)
        model.train()

    measured = {0, 10, 30, 60, 100, 200, 300, 500, 700, 1000, 1500}
    bar = tqdm(total=options.steps, initial=step, mininterval=10)
    model.train()
    if step == 0:
        keep_youth()
        measure()
    while step < options.steps:
        for spellings, sounds in data.batches(parts["train"], options.batch, options.seed * 1000 + epoch):
            started = time.perf_counter()
            source = tokenizer(spellings, padding=True, return_tensors="pt").to(device)
            labels = tokenizer(text_target=sounds, padding=True, return_tensors="pt").input_ids.to(device)
            labels[labels == tokenizer.pad_token_id] = -100
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, options.steps)
            logits = model(
                input_ids=source.input_ids, attention_mask=source.attention_mask, labels=labels
            ).logits
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), labels.flatten(), label_smoothing=SMOOTHING, ignore_index=-100
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            decay = min(AVERAGE, (1 + step) / (10 + step))
            with torch.no_grad():
                for mean, value in zip(average.parameters(), model.parameters(), strict=True):
                    mean.lerp_(value, 1 - decay)
            seconds += time.perf_counter() - started
            value = loss.item()
            loss_mean = value if math.isnan(loss_mean) else 0.95 * loss_mean + 0.05 * value
            bar.update()
            if step in YOUTH:
                keep_youth()
            if step in measured or step % 1000 == 0:
                measure()
            if step % 500 == 0:
                keep()
            if step >= options.steps:
                break
        epoch += 1
    keep()
    keep_youth()
    measure()


def hash_of(word: str) -> str:
    """A fixed random order of words."""
    import hashlib

    return hashlib.md5(word.encode(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    main()
