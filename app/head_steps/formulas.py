"""Each step as a formula, with the sizes of the model at hand."""

from __future__ import annotations

from app.head_steps.walk import Walk


def formula(walk: Walk, step: int) -> str:
    """The step as a formula, with the sizes of this model."""
    size = walk.steps.query.shape[1]
    if step == 5:
        scores = r"\Q\,\K^\top"
        if walk.by_root and size > 1:
            scores = rf"\frac{{{scores}}}{{\sqrt{{{size}}}}}"
        elif not walk.is_unscaled:
            scores = rf"{walk.steps.scaling:.4g}\,{scores}"
        if walk.steps.softcap is not None:
            scores = rf"{walk.steps.softcap:g}\tanh\!\left({scores} / {walk.steps.softcap:g}\right)"
        return (
            "S = " + scores + (" + B" if walk.steps.has_bias else "") + (" + M" if walk.steps.masks else "")
        )
    rows, width = walk.steps.asking.shape
    made = {1: ("Q", "X"), 2: ("K", "X"), 3: ("V", "X")}
    if step in made:
        letter, x = made[step]
        if walk.heads.kind == "cross":
            x = r"X_\text{target}" if step == 1 else r"X_\text{source}"
        bias = rf" + b_{{\{letter}}}" if _has_bias(walk, letter) else ""
        return rf"\{letter} = {x}\,W_{{\{letter}}}{bias}"
    return {
        0: rf"X \in \mathbb{{R}}^{{{rows} \times {width}}}",
        4: r"\Q\,\K^\top",
        6: r"A = \operatorname{softmax}(S)",
        7: r"Z = A\,\V",
    }[step]


def _has_bias(walk: Walk, letter: str) -> bool:
    from app.widgets.matrix import loaded_count

    stack = "encoder" if walk.heads.kind == "encoder" else "decoder"
    name = {"Q": "query", "K": "key", "V": "value"}[letter]
    component = f"{'cross' if walk.heads.kind == 'cross' else 'attention'}.{name}"
    return any(
        part.component == component and part.stack == stack and len(part.shape) == 1
        for part in loaded_count(walk.heads.model_id).parts
    )
