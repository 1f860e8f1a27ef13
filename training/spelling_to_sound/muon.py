"""The optimiser: Muon for the matrices inside the layers, AdamW for all else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, so that all directions of a matrix move alike (Jordan et al. 2024).

    Matrices of one shape are treated together, as one batched product; each shape by a thread of its own.
    """

    def __init__(
        self, matrices: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._threads = ThreadPoolExecutor(2)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            updates: dict[Any, list[Tensor]] = defaultdict(list)
            matrices: dict[Any, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum"] = torch.zeros_like(matrix)
                state["momentum"].lerp_(matrix.grad, 1 - group["momentum"])
                update = matrix.grad.lerp(state["momentum"], group["momentum"])  # as Nesterov's
                shape = tuple(sorted(matrix.shape))
                matrices[shape].append(matrix)
                updates[shape].append(update if update.shape[0] <= update.shape[1] else update.T)
            made = self._threads.map(orthogonal, map(torch.stack, updates.values()))
            for shape, directions in zip(matrices, made, strict=True):
                for matrix, update in zip(matrices[shape], directions, strict=True):
                    rows, columns = matrix.shape
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    scale = max(1.0, rows / columns) ** 0.5
                    matrix.sub_(update if rows <= columns else update.T, alpha=group["lr"] * scale)


@torch.no_grad()
def orthogonal(matrices: Tensor, iterations: int = 4) -> Tensor:
    """Matrices (batch, rows <= columns) with singular values brought near one by a polynomial of fifth order."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x


def optimisers(model: nn.Module, muon: float, adam: float) -> list[torch.optim.Optimizer]:
    """The two optimisers of a T5, with their peak learning rates noted in each group as "peak"."""
    inner, outer = [], []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim == 2 and "shared" not in name and "relative_attention_bias" not in name
        (inner if is_matrix else outer).append(parameter)
    made: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(outer, lr=adam, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
        Muon(inner, lr=muon, weight_decay=0.02),
    ]
    for optimiser in made:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return made
