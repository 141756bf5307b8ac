"""BatchNorm's running statistics, recalculated from data for the weights as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

SCALARS = 1 << 24
"""Scalars of the largest activation up to which one pass takes all examples; the same on every machine: numbers depend on it."""


class Statistics:
    """Mean and unbiased variance per channel of one normalisation's inputs, pooled over the calls that it sees, in float64."""

    def __init__(self, norm: Any) -> None:
        self.norm = norm
        self.means: list[Tensor] = []
        self.variances: list[Tensor] = []
        self.rows: list[float] = []

    def see(self, _norm: nn.Module, inputs: tuple[Tensor, ...], _output: Any) -> None:
        """A forward hook: with a momentum of 1, torch has just stored this call's own statistics."""
        self.means.append(self.norm.running_mean.to(torch.float64, copy=True))
        self.variances.append(self.norm.running_var.to(torch.float64, copy=True))
        self.rows.append(inputs[0].numel() / self.means[0].numel())
        self.norm.reset_running_stats()

    def pooled(self) -> tuple[Tensor, Tensor]:
        """Over all rows of all calls; one call gives back torch's own numbers. InstanceNorm takes means over its examples."""
        means, variances = torch.stack(self.means), torch.stack(self.variances)
        if len(self.rows) == 1:
            return means[0], variances[0]
        rows = means.new_tensor(self.rows)[:, None]
        mean = (rows * means).sum(0) / rows.sum()
        if isinstance(self.norm, nn.modules.instancenorm._InstanceNorm):
            return mean, (rows * variances).sum(0) / rows.sum()
        return mean, ((rows - 1) * variances + rows * (means - mean).square()).sum(0) / (rows.sum() - 1)

    def install(self) -> None:
        """Let the normalisation use what was found; without a call it keeps torch's initial statistics."""
        if self.rows:
            mean, variance = self.pooled()
            self.norm.running_mean.copy_(mean)
            self.norm.running_var.copy_(variance)


def moving_norms(module: nn.Module) -> list[nn.Module]:
    """The normalisations with running statistics, of any dimension."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
    return [part for part in module.modules() if isinstance(part, kinds) and getattr(part, "running_mean", None) is not None]


def has_batchnorm(module: nn.Module) -> bool:
    """Whether moving the weights raises the question what becomes of running statistics."""
    return bool(moving_norms(module))


def recalculate(module: nn.Module, passes: Iterable[Callable[[], Any]]) -> Iterator[None]:
    """Replace running statistics by those of the data at the weights as they are. passes: each runs the module on a batch.

    With one batch: torch's own after one pass in training mode over all of it (momentum 1): at each layer the mean over all rows
    and their unbiased variance, where the layers before it normalised by the batch's own mean and biased variance. With several,
    each normalises by its own, and the layer's moments are pooled over all rows, sum [(n_i - 1) v_i + n_i (m_i - m)^2] / (n - 1):
    nothing is lost between batches, as it is in a mean of variances (torch.optim.swa_utils.update_bn), and neither the order of
    the batches nor unequal sizes matter. All else is as in evaluation. Doing it twice is the same as once.
    Yields after each batch. The module ends in the modes it had; ended early, its statistics are torch's initial ones.
    """
    norms = moving_norms(module)
    before = [(norm.training, norm.momentum) for norm in norms]
    found = [Statistics(norm) for norm in norms]
    handles = [norm.register_forward_hook(each.see) for norm, each in zip(norms, found, strict=True)]
    try:
        for norm in norms:
            norm.reset_running_stats()  # type: ignore[operator]
            norm.momentum = 1.0  # type: ignore[assignment]
            norm.train()
        for run in passes:
            with torch.no_grad():
                run()
            yield
        for each in found:
            each.install()
    finally:
        for handle in handles:
            handle.remove()
        for norm, (training, momentum) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.train(training)
