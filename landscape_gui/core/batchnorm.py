"""BatchNorm's running statistics, recalculated from data for the weights as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn

from landscape_gui.core.splits import call

BATCH = 256
"""Examples per batch of a recalculation; its batches are of equal size to within one."""


def moving_norms(module: nn.Module) -> list[nn.Module]:
    """The normalisations with running statistics, of any dimension."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
    return [part for part in module.modules() if isinstance(part, kinds) and getattr(part, "running_mean", None) is not None]


def has_batchnorm(module: nn.Module) -> bool:
    """Whether moving the weights raises the question what becomes of running statistics."""
    return bool(moving_norms(module))


def recalculate(module: nn.Module, batches: Iterable[Any]) -> Iterator[None]:
    """Replace running statistics by the plain mean over batches of inputs; yields after each batch.

    As in stochastic weight averaging: every normalisation uses its batch's own statistics meanwhile, all else is as in evaluation.
    Doing it twice is the same as once. The module ends in the modes it had; ended early, its statistics are of the batches seen.
    """
    norms = moving_norms(module)
    before = [(norm.training, norm.momentum) for norm in norms]
    try:
        for norm in norms:
            norm.reset_running_stats()  # type: ignore[operator]
            norm.momentum = None  # type: ignore[assignment]
            norm.train()
        for inputs in batches:
            with torch.no_grad():
                call(module, inputs)
            yield
    finally:
        for norm, (training, momentum) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.train(training)
