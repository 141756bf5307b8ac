"""The optimisers that a recipe names, as torch's own, and SAM."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from landscape_gui.training.recipe import Recipe


class SAM(torch.optim.SGD):
    """Sharpness-aware minimisation (Foret et al. 2021) over SGD: a step descends along the gradient at w + rho g/||g||.

    `ascend` goes there from the gradient at w; then compute the gradient again, and `step` goes back to w and descends.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, rho: float, **options: Any) -> None:
        super().__init__(parameters, **options)
        for group in self.param_groups:
            group["rho"] = rho
        self._before: list[tuple[nn.Parameter, torch.Tensor]] = []

    @torch.no_grad()
    def ascend(self) -> None:
        """Go to the worst place of the ball to first order; nowhere where the gradient vanishes."""
        pairs = [(group["rho"], p) for group in self.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.stack([p.grad.norm() for _, p in pairs]).norm()
        self._before = [(p, p.clone()) for _, p in pairs]
        if float(norm) > 0:
            for rho, p in pairs:
                p.add_(p.grad * (rho / norm))

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Back to where `ascend` came from, and a step of SGD with the gradient found meanwhile."""
        for p, before in self._before:
            p.copy_(before)
        self._before.clear()
        return super().step(closure)


def make_optimiser(recipe: Recipe, module: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a recipe over a network's parameters."""
    options: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    if recipe.optimiser in ("adam", "adamw"):
        return (torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.AdamW)(module.parameters(), **options)
    if recipe.optimiser == "sam":
        return SAM(module.parameters(), rho=recipe.rho, momentum=recipe.momentum, **options)
    if recipe.optimiser != "sgd":
        options |= {"momentum": recipe.momentum, "nesterov": recipe.optimiser == "nesterov" and recipe.momentum > 0}
    return torch.optim.SGD(module.parameters(), **options)
