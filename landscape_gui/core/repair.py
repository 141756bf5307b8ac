"""REPAIR: an interpolated network's layers rescaled so that their statistics lie between those of its two ends.

Units of two networks that agree only partly average to units of lower variance (identity 19), layer after layer; REPAIR puts mean
and deviation of every matched layer back (Jordan et al. 2023, arXiv 2211.08403).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.axis_groups import AxisGroups, find_groups
from landscape_gui.core.batchnorm import moving_norms
from landscape_gui.core.passes import Passes
from landscape_gui.core.repairable import Layer, choose
from landscape_gui.errors import ProblemError

CONSTANT = 1e-6
"""A unit whose deviation is below so much of its mean is constant up to float32's rounding: it is shifted and not rescaled."""


@dataclass
class Moments:
    """Mean and deviation of each channel, pooled over batches in float64."""

    means: list[Tensor] = field(default_factory=list)
    variances: list[Tensor] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def see(self, out: Tensor, channel: int) -> tuple[Tensor, Tensor]:
        """This batch's own mean and deviation (channels,); both are kept."""
        flat = out.detach().movedim(channel, 0).reshape(out.shape[channel], -1).double()
        variance, mean = torch.var_mean(flat, 1, correction=0)
        self.means.append(mean)
        self.variances.append(variance)
        self.rows.append(flat.shape[1])
        return mean, variance.sqrt()

    def pooled(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation over all rows of all batches."""
        means, variances = torch.stack(self.means), torch.stack(self.variances)
        share = means.new_tensor(self.rows)[:, None] / sum(self.rows)
        mean = (share * means).sum(0)
        return mean, (share * (variances + (means - mean).square())).sum(0).sqrt()


Statistics = dict[str, tuple[Tensor, Tensor]]
"""Layer -> (mean, deviation), (channels,) each."""


class Repair:
    """Networks between `a` (t = 0) and `b` (t = 1) with the statistics of their layers repaired.

    Call `measure` once, then `at` for each network on the way. A layer's mean and deviation become (1 - t) times a's plus t times
    b's own, over the examples of `passes`; b: already aligned to a. The correction goes into the layer's own weight and bias, so
    that what comes out is a state vector like any other, to be evaluated with frozen statistics. Layers right before a BatchNorm
    are left as they are and its running statistics recalculated instead, which amounts to the same; so for a network whose layers
    all have one, it is recalculating (core.batchnorm), to the bit. Layers: those that make units that can be matched. `notes`:
    which of them are left out or only rescaled, and why.

    groups: of `find_groups`, None to find them. Cost: `measure` two passes over the data, `at` one. With more data than one batch
    holds, each batch is normalised by its own statistics. Raises ProblemError where no layer can be repaired.
    """

    def __init__(self, passes: Passes, a: Tensor, b: Tensor, *, groups: AxisGroups | None = None) -> None:
        self._passes, self._ends = passes, (a, b)
        sample = passes.sample()
        self.groups = groups or find_groups(passes.module, passes.layout, sample)
        producers = dict.fromkeys(name for group in self.groups.groups for name in group.producers)
        self.layers, self.notes = choose(passes.module, passes.layout, list(producers), sample)
        self._statistics: tuple[Statistics, Statistics] | None = None
        if not self.layers and not moving_norms(passes.module):
            reason = " ".join(self.notes) or "None of its units that can be matched are made by a Linear or a convolution."
            raise ProblemError(f"No layer of this network can be repaired. {reason}", remedy="Take the path without repair.")

    def measure(self) -> Iterator[float]:
        """Find both ends' statistics. Yields the fraction done."""
        found: list[Statistics] = []
        for end in self._ends:
            for fraction in self._pass(end, None, into := {name: Moments() for name in self.layers}):
                yield (len(found) + fraction) / 2
            found.append({name: moments.pooled() for name, moments in into.items()})
        self._statistics = found[0], found[1]

    def at(self, state: Tensor, t: float) -> Generator[float, None, Tensor]:
        """The repaired network's state (size,) float32 for the network `state` at t. Yields the fraction done."""
        share = 1.0
        if self._statistics is None:
            share = 1 / 3
            for fraction in self.measure():
                yield (1 - share) * fraction
        assert self._statistics is not None
        first, second = self._statistics
        target = {name: _between(first[name], second[name], t) for name in self.layers}
        into = {name: Moments() for name in self.layers}
        for fraction in self._pass(state, target, into):
            yield 1 - share + share * fraction
        result = state.detach().to(self._passes.device, torch.float32, copy=True)
        tensors = self._passes.layout.unflatten(result)
        for name, layer in self.layers.items():
            _absorb(tensors, layer, *into[name].pooled(), *target[name])
        for name, tensor in self._passes.running().items():
            tensors[name].copy_(tensor)
        return result

    def _pass(self, state: Tensor, target: Statistics | None, into: dict[str, Moments]) -> Iterator[float]:
        """All examples once; each layer's statistics go `into`, and what it gives becomes as `target` says."""
        self._passes.install(state)
        own = dict(self._passes.module.named_modules())
        handles = [
            own[name].register_forward_hook(_hook(layer, into[name], target[name] if target is not None else None))
            for name, layer in self.layers.items()
        ]
        try:
            yield from self._passes.recalculate()
        finally:
            for handle in handles:
                handle.remove()


def _between(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], t: float) -> tuple[Tensor, Tensor]:
    return first[0].lerp(second[0], t), first[1].lerp(second[1], t)


def _scale(mean: Tensor, deviation: Tensor, wanted: Tensor) -> Tensor:
    """What a unit's values are multiplied by so that they get the deviation wanted."""
    constant = deviation <= CONSTANT * mean.abs()
    return torch.where(constant, torch.ones_like(wanted), wanted / torch.where(constant, torch.ones_like(wanted), deviation))


def _hook(layer: Layer, moments: Moments, target: tuple[Tensor, Tensor] | None) -> Callable[..., Tensor | None]:
    def hook(_module: nn.Module, _inputs: Any, out: Tensor) -> Tensor | None:
        mean, deviation = moments.see(out, layer.channel)
        if target is None:
            return None
        shape = [1] * out.dim()
        shape[layer.channel] = -1
        scale = _scale(mean, deviation, target[1])
        shift = target[0] - scale * mean if layer.bias else torch.zeros_like(mean)
        return out * scale.to(out.dtype).view(shape) + shift.to(out.dtype).view(shape)

    return hook


def _absorb(tensors: dict[str, Tensor], layer: Layer, mean: Tensor, deviation: Tensor, to: Tensor, wanted: Tensor) -> None:
    """Let a layer's own weight and bias do what the hook did."""
    scale = _scale(mean, deviation, wanted)
    weight = tensors[layer.weight]
    if layer.transposed:
        rows = weight.view(layer.groups, -1, *weight.shape[1:])  # (groups, inputs of a group, outputs of a group, ...)
        shape = (layer.groups, 1, -1, *[1] * (weight.dim() - 2))
    else:
        rows, shape = weight, (-1, *[1] * (weight.dim() - 1))
    rows.copy_(rows.double() * scale.view(shape))
    if layer.bias:
        bias = tensors[layer.bias]
        bias.copy_((bias.double() - mean) * scale + to)
