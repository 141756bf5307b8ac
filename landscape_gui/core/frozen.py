"""A network in evaluation mode in the form that differentiates fastest: BatchNorm with frozen statistics within the convolution
before it or as an affine map, and convolutions and linear layers with a fast second derivative.

The modules keep their names and parameters, so that hooks, functional calls and the network's own forward pass go on as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from landscape_gui.core.convolution import TwiceConvolution, convolve, is_plain, window_of
from landscape_gui.core.folding import batchnorm_pairs
from landscape_gui.core.linear import TwiceLinear, TwiceReLU, is_plain_linear, is_plain_relu

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class FrozenNorm(nn.Module):
    """A BatchNorm's affine map per channel in evaluation mode. folded: a convolution has done it already."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.weight: nn.Parameter | None = norm.weight  # type: ignore[assignment]
        self.bias: nn.Parameter | None = norm.bias  # type: ignore[assignment]
        mean, variance = norm.running_mean, norm.running_var
        assert isinstance(mean, Tensor) and isinstance(variance, Tensor)
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", variance)
        self.eps, self.folded = float(norm.eps), False  # type: ignore[arg-type]

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """(channels,) each: the map is scale * x + shift."""
        mean, variance = self.running_mean, self.running_var
        assert isinstance(mean, Tensor) and isinstance(variance, Tensor)
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = -mean * scale
        return scale, shift if self.bias is None else shift + self.bias

    def forward(self, x: Tensor) -> Tensor:
        if self.folded:
            return x
        scale, shift = self.scale_and_shift()
        shape = (-1, *[1] * (x.dim() - 2))
        return torch.addcmul(shift.view(shape), x, scale.view(shape))


class NormedConvolution(nn.Module):
    """A convolution and the frozen BatchNorm after it as one convolution; the weights are scaled anew at each call."""

    def __init__(self, convolution: nn.Conv2d, norm: FrozenNorm) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self._norm = (norm,)  # in a tuple: the norm stays the network's own submodule under its own name
        self._window = window_of(convolution)
        norm.folded = True

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = self._norm[0].scale_and_shift()
        bias = shift if self.bias is None else shift + scale * self.bias
        return convolve(x, self.weight * scale.view(-1, 1, 1, 1), bias, self._window)


def quicken(module: nn.Module, *, fold: bool = True) -> tuple[int, int]:
    """Replace BatchNorms with running statistics, plain convolutions and linear layers in place, by forms that are equal up to
    rounding in evaluation mode; returns how many of each. fold: BatchNorm within the convolution before it where the network can
    be traced."""
    pairs = batchnorm_pairs(module) if fold else []
    named = dict(module.named_modules())
    norms = {part: FrozenNorm(part) for part in named.values() if _plain(part)}
    replaced: dict[nn.Module, nn.Module] = {part: TwiceConvolution(part) for part in named.values() if is_plain(part)}
    replaced.update((part, TwiceLinear(part)) for part in named.values() if isinstance(part, nn.Linear) and is_plain_linear(part))
    products = len(replaced)
    replaced.update((part, TwiceReLU()) for part in named.values() if is_plain_relu(part))
    for convolution, norm in pairs:
        first = named[convolution]
        if named[norm] in norms and isinstance(first, nn.Conv2d) and is_plain(first):
            replaced[first] = NormedConvolution(first, norms[named[norm]])
    replaced.update(norms)
    for parent in list(module.modules()):
        for name, child in list(parent._modules.items()):
            if child in replaced:
                parent._modules[name] = replaced[child].eval()
    return len(norms), products


def _plain(part: nn.Module) -> bool:
    hooked = part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part)
    return type(part) in NORMS and part.running_mean is not None and not hooked and not part.training
