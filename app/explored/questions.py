"""What can be tried on the model explorer, and asked about models and sizes that are not on screen."""

from __future__ import annotations

from app.explored.model import Explored, counted, grouped
from app.widgets.lesson import Question, Try
from attnviz.analysis.memory import cache_bytes
from attnviz.figures.quantities import percent, size
from attnviz.models.catalog import title_of
from attnviz.models.configs import published_config
from attnviz.models.parameter_count import ParameterCount

_AT_HAND = ("HuggingFaceTB/SmolLM2-135M-Instruct", "sentence-transformers/all-MiniLM-L6-v2")


def suggestions(model: Explored) -> list[Try]:
    """States worth seeing, each with what is found there."""
    llama, small, large = (published_config(i) for i in ("meta-llama/Meta-Llama-3-8B", "gpt2", "gpt2-xl"))
    assert llama and small and large
    times = counted(large.id).total / counted(small.id).total
    other = next(i for i in _AT_HAND if title_of(i) != model.title)
    share = grouped(counted(other))["embeddings"] / counted(other).total
    wide = model.grown(width=2)
    double = (
        Try(
            f"Double the width of {model.title}",
            f"a layer grows {_layer(wide.count) / _layer(model.count):.2f} times",
            {"source": "Pasted", "config": wide.described},
        )
        if wide
        else None
    )
    return [
        Try(
            f"Open {title_of(other)}",
            f"{counted(other).total:,} numbers, {percent(share)} of them where tokens come in",
            {"source": "Model at hand", "model": other},
        ),
        Try(
            "Grow GPT-2 to its largest",
            f"48 layers for 12, width 1,600 for 768: {times:.1f} times the numbers",
            {"source": "Published", "published": large.name},
        ),
        Try(
            "Share keys and values",
            f"Llama 3 8B: 32 heads share 8 keys, {size(cache_bytes(counted(llama.id), 1))} a token",
            {"source": "Published", "published": llama.name},
        ),
        *([double] if double else []),
    ]


def questions(model: Explored) -> list[Question]:
    """Predictions about models and sizes that are not on screen."""
    asked = next(i for i in ("t5-small", "bert-base-uncased") if i != model.described)
    entry = published_config(asked)
    assert entry
    groups = grouped(counted(asked))
    names = {"embeddings": "Embeddings", "attention": "Attention", "feed_forward": "Feed-forward"}
    largest = max(names, key=lambda name: groups.get(name, 0))
    shares = ", ".join(
        f"{names[name].lower()} {percent(groups.get(name, 0) / counted(asked).total)}" for name in names
    )
    xl = published_config("gpt2-xl")
    assert xl
    small, large = counted("gpt2"), counted(xl.id)
    return [
        Question(
            "largest",
            f"Where do most of the numbers of {entry.name} sit?",
            list(names.values()),
            names[largest],
            f"{shares[0].upper()}{shares[1:]}.",
            {"source": "Published", "published": entry.name},
        ),
        *_about_width(model),
        Question(
            "cache",
            "GPT-2 XL has 4 times the layers of GPT-2 and about twice the width. "
            "How much more must it keep of each token?",
            ["2 times", "4 times", "8 times", "16 times"],
            f"{round(cache_bytes(large, 1) / cache_bytes(small, 1))} times",
            f"{size(cache_bytes(small, 1))} becomes {size(cache_bytes(large, 1))}: "
            "layers × width, without a square.",
            {"source": "Published", "published": xl.name},
        ),
    ]


def _about_width(model: Explored) -> list[Question]:
    """What twice the width does to a layer; none where that is too large to be built."""
    wide = model.grown(width=2)
    if wide is None:
        return []
    before, after = _layer(model.count), _layer(wide.count)
    return [
        Question(
            "double",
            f"You double every width in {model.title}. How much larger is a layer?",
            ["2 times", "3 times", "4 times", "8 times"],
            f"{round(after / before)} times",
            f"A matrix doubles on both sides: the {before:,} numbers of the last layer become {after:,}.",
            {"source": "Pasted", "config": wide.described},
        )
    ]


def _layer(count: ParameterCount) -> int:
    return count.layers[-1].total
