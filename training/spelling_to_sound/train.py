"""Train the model: python -m training.spelling_to_sound.train --minutes 180.

Goes on from its last state after a kill. The same seed gives the same examples in the same order; how far a run gets in
its minutes depends on the machine.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import T5ForConditionalGeneration

from training.spelling_to_sound import data
from training.spelling_to_sound.data import Pair
from training.spelling_to_sound.model import BETWEEN_WORDS, set_dropout, untrained
from training.spelling_to_sound.model import tokenizer as make_tokenizer
from training.spelling_to_sound.muon import optimisers
from training.spelling_to_sound.scoring import score, write

YOUTH = (0, 10, 30, 100, 300, 1000, 3000)
"""Steps whose weights are kept, log-spaced: what "Watch it learn" shows before the final model."""

MEASURED = {*YOUTH, 60, 200, 500, 700, 1500}
"""Early steps at which the model is scored on the validation sample; later on, every thousandth."""

SMOOTHING = 0.1
WARM_UP = 100
COOLING = 0.4
"""The last share of the run, in which the learning rate falls to zero; before, it stays at its peak."""

AVERAGE = 0.998
"""Decay of the moving average of the weights, which is what is shipped at the end."""

SAVED_EVERY = 120
"""Seconds of work that a kill may cost at most."""

MICROBATCHES = 2
"""Parts of a step, each of examples of one length, worked off by as many threads as there are cores to spare."""


def learning_rate(step: int, used: float) -> float:
    """The share of the peak, 0 to 1: linear warm-up, a plateau, then linearly down to zero.

    ``used`` is the share of the run that is done. A finished run that is given more minutes goes on at the peak and
    cools down again at its new end.
    """
    return min(1.0, (step + 1) / WARM_UP, max(0.0, 1 - used) / COOLING)


def encoded(lexicon: data.Lexicon, tokenizer: Any) -> list[Pair]:
    """Ids of every word with each of its pronunciations."""
    words = [word for word, sounds in lexicon.items() for _ in sounds]
    sounds = [sound for sounds in lexicon.values() for sound in sounds]
    return list(zip(tokenizer(words).input_ids, tokenizer(text_target=sounds).input_ids, strict=True))


def examples(
    pairs: list[Pair], between: Pair, tokens: int, seed: int, step: int
) -> Iterator[list[list[Pair]]]:
    """The microbatches of each step, without end, from the given step on."""
    for epoch in itertools.count():
        lists = list(data.microbatches(pairs, between, tokens // MICROBATCHES, seed * 1000 + epoch))
        steps = len(lists) // MICROBATCHES
        for i in range(min(step, steps), steps):
            yield lists[i * MICROBATCHES : (i + 1) * MICROBATCHES]
        step = max(0, step - steps)


def padded(rows: list[list[int]], fill: int, device: str) -> Tensor:
    """(rows, longest) int64."""
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows], device=device)


def gradients(
    model: T5ForConditionalGeneration, pairs: list[Pair], of: int
) -> tuple[float, tuple[Tensor, ...]]:
    """Loss and its gradients, each a sum over the tokens of the pairs, divided by ``of``.

    Does not touch ``.grad``, so that threads do not meet there.
    """
    source = padded([spelling for spelling, _ in pairs], 0, str(model.device))
    labels = padded([sound for _, sound in pairs], -100, str(model.device))
    logits = model(
        input_ids=source, attention_mask=(source != 0).long(), labels=labels, use_cache=False
    ).logits
    loss = cross_entropy(
        logits.flatten(0, 1), labels.flatten(), label_smoothing=SMOOTHING, ignore_index=-100, reduction="sum"
    )
    loss = loss / of
    return loss.item(), torch.autograd.grad(loss, list(model.parameters()))


def read_rows(path: Path) -> list[dict[str, str]]:
    """What was measured so far."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """A kill while saving leaves the state before."""
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)


def main() -> None:
    """Train until the minutes or the steps are used up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=180, help="length of the run, those before a kill included"
    )
    parser.add_argument("--steps", type=int, default=40_000, help="length of the run, if that comes earlier")
    parser.add_argument("--tokens", type=int, default=3072, help="of spellings and sounds in a step")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--muon", type=float, default=0.02, help="peak learning rate of the matrices")
    parser.add_argument("--adam", type=float, default=2e-3, help="peak learning rate of all else")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--work", type=Path, default=platformdirs.user_cache_path("attnviz-training") / "spelling_to_sound"
    )
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    # one thread a microbatch rather than several a product, or on a busy machine each product waits for the last
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # Adam's second moments get tiny, which is slow on some processors
    options.work.mkdir(parents=True, exist_ok=True)

    lexicon = data.read(data.dictionary_file())
    parts = data.split(lexicon)
    tokenizer = make_tokenizer(lexicon)
    tokenizer.save_pretrained(options.work / "tokenizer")
    pairs = encoded(parts["train"], tokenizer)
    between = ([tokenizer.convert_tokens_to_ids(" ")], [tokenizer.convert_tokens_to_ids(BETWEEN_WORDS)])
    sample = dict(sorted(parts["validation"].items(), key=lambda item: data.order(item[0]))[:500])

    model = untrained(len(tokenizer), options.seed).to(device)
    average = untrained(len(tokenizer), options.seed).to(device)
    set_dropout(model, options.dropout)
    optimising = optimisers(model, options.muon, options.adam)
    step, seconds, loss_mean = 0, 0.0, float("nan")
    last = options.work / "last.pt"
    if last.is_file():
        state = torch.load(last, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for optimiser, saved in zip(optimising, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        step, seconds, loss_mean = state["step"], state["seconds"], state["loss"]
    metrics = options.work / "metrics.csv"
    rows = [row for row in read_rows(metrics) if int(row["step"]) <= step]  # later ones come again

    def keep(path: Path) -> None:
        save_atomically(
            {
                "model": model.state_dict(),
                "average": average.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in optimising],
                "step": step,
                "seconds": seconds,
                "loss": loss_mean,
            },
            path,
        )

    def shown() -> T5ForConditionalGeneration:
        return model if step < 1000 else average  # the average still remembers the beginning

    def keep_youth(name: str) -> None:
        weights = {name: value.half() for name, value in shown().state_dict().items()}
        torch.save(weights, options.work / f"{name}.pt")

    def measure() -> None:
        scores = score(write(shown(), tokenizer, list(sample)), sample)
        rows.append(
            {
                "step": str(step),
                "loss": f"{loss_mean:.4f}",
                "word_accuracy": f"{scores.word_accuracy:.4f}",
                "phoneme_errors": f"{scores.phoneme_errors:.4f}",
                "seconds": f"{seconds:.0f}",
            }
        )
        with metrics.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        tqdm.write(", ".join(f"{name} {value}" for name, value in rows[-1].items()))
        model.train()

    torch.manual_seed(options.seed + step)
    model.train()
    if step == 0:
        keep_youth("step-00000")
        measure()
    bar = tqdm(total=options.steps, initial=step, mininterval=20, unit="step")
    threads = ThreadPoolExecutor(options.threads if device == "cpu" else 1)
    asked_to_stop: list[int] = []
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda number, _: asked_to_stop.append(number))
    kept = seconds
    began = time.monotonic() - seconds
    for lists in examples(pairs, between, options.tokens, options.seed, step):
        seconds = time.monotonic() - began
        used = max(step / options.steps, seconds / 60 / options.minutes)
        if used >= 1 or asked_to_stop:
            break
        length = sum(len(sound) for pairs_of_one in lists for _, sound in pairs_of_one)
        losses, parts_of = zip(*threads.map(partial(gradients, model, of=length), lists), strict=True)
        for parameter, *summands in zip(model.parameters(), *parts_of, strict=True):
            parameter.grad = torch.stack(summands).sum(0)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimising:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * learning_rate(step, used)
            optimiser.step()
        step += 1
        decay = min(AVERAGE, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        loss = sum(losses)
        loss_mean = loss if math.isnan(loss_mean) else 0.95 * loss_mean + 0.05 * loss
        bar.set_postfix(loss=f"{loss_mean:.3f}", used=f"{used:.0%}", refresh=False)
        bar.update()
        if step in YOUTH:
            keep_youth(f"step-{step:05d}")
        if step in MEASURED or step % 1000 == 0:
            measure()
        if seconds - kept > SAVED_EVERY:
            keep(last)
            kept = seconds
    keep(last)
    bar.close()
    if asked_to_stop:
        print(f"Stopped after {step} steps. The same command goes on from there.")
        return
    keep_youth("final")
    measure()


if __name__ == "__main__":
    main()
