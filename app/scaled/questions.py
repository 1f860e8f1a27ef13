"""What can be tried on the scaling page, and asked about models that can be looked up in its charts."""

from __future__ import annotations

from app.scaled import published
from app.scaled.own import TOKENS, Scaled
from app.scaled.published import alike
from app.scaled.sentences import two_digits
from app.widgets.lesson import Question, Try
from attnviz.analysis.scaling import TrainingBudget, compute_optimal_tokens
from attnviz.figures.quantities import amount, percent


def suggestions(own: Scaled) -> list[Try]:
    """States worth seeing, each with what is found there."""
    small, large = alike(published.families()["T5"])
    giant = max(published.sizes(), key=lambda size: size.parameters)
    even = published.law("Pythia")
    assert even is not None
    wide = own.model.grown(width=2)
    return [
        Try(
            "Look at Pythia alone",
            f"width to the power {two_digits(even.width.value)}, depth {two_digits(even.layers.value)}",
            {"among": "Pythia"},
            "section_law",
        ),
        Try(
            "Find the family that breaks the law",
            f"{large.name} has {large.rest / small.rest:.1f} times the layers' parameters of {small.name}, at one width",
            {"among": "T5"},
            "section_law",
        ),
        Try(
            f"Put {giant.name} among them",
            f"{amount(giant.parameters)} parameters, {percent(giant.share)} of them embeddings",
            {"source": "Published", "published": giant.name},
        ),
        *([_twice_as_wide(own, Scaled(wide))] if wide else []),
    ]


def _twice_as_wide(own: Scaled, wide: Scaled) -> Try:
    return Try(
        f"Double the width of {own.size.name}",
        f"its layers grow {wide.size.rest / own.size.rest:.2f} times",
        {"source": "Pasted", "config": wide.model.described},
    )


def questions() -> list[Question]:
    """Predictions about models that can be looked up in the charts."""
    by_name = {size.name: size for size in published.sizes()}
    small, large = by_name["Pythia 1B"], by_name["Pythia 1.4B"]
    ratio = large.rest / small.rest
    asked = [by_name[name] for name in ("Gemma 3 1B", "BERT large", "Llama 2 7B", "Qwen2.5 72B")]
    most = max(asked, key=lambda size: size.share)
    shares = ", ".join(f"{size.name} {percent(size.share)}" for size in asked)
    budget = TrainingBudget(10**9, compute_optimal_tokens(10**9))
    more = TrainingBudget(10**9, 10 * budget.tokens).optimal
    times = more.parameters / budget.parameters
    choices = ["10 times the parameters, equal tokens", "equal parameters, 10 times the tokens"]
    answer = f"about {times:.1f} times both"
    return [
        Question(
            "depth",
            f"{small.name} and {large.name} are both {small.width:,} wide; one has {small.layers} layers, the other "
            f"{large.layers}. How many times as many parameters do the layers of {large.name} have?",
            ["1.2 times", "1.5 times", "2.3 times", "3.4 times"],
            f"{ratio:.1f} times",
            f"{amount(large.rest)} against {amount(small.rest)}: at equal width only the depth counts, and "
            f"{large.layers} is {large.layers / small.layers:.1f} times {small.layers}.",
            {"among": "Pythia"},
        ),
        Question(
            "share",
            "Which of these spends the largest share of its parameters on embeddings?",
            [size.name for size in asked],
            most.name,
            f"{shares}. The embeddings grow with the width, the layers with its square, and {most.name} knows many tokens.",
            {"among": most.family},
            "section_share",
        ),
        Question(
            "compute",
            "You have 10 times the compute. What do you train, if you want the lowest loss?",
            [*choices, answer],
            answer,
            f"{budget.parameters / 1e9:g} billion parameters on {amount(budget.tokens)} tokens become "
            f"{amount(more.parameters)} on {amount(more.tokens)}: compute is a product, and both factors grow alike.",
            {"tokens_read": TOKENS[-1]},
            "section_training",
        ),
    ]
