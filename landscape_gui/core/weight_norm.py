"""Weight normalisation that may be differentiated twice.

torch's fused kernel (2.13) takes the norms for constants in its second derivative: Hessian-vector products are not symmetric.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.weight_norm import WeightNorm


def normalise(g: Tensor, v: Tensor, dim: int) -> Tensor:
    """g v/||v||, the norm over all dimensions but `dim` (-1: over all)."""
    return v * (g / torch.norm_except_dim(v, 2, dim))


class TwiceWeightNorm(parametrizations._WeightNorm):
    """The parametrisation of torch.nn.utils.parametrizations.weight_norm."""

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normalise(weight_g, weight_v, self.dim)


class TwiceWeightNormHook(WeightNorm):
    """The hook of torch.nn.utils.weight_norm."""

    def compute_weight(self, module: nn.Module) -> Any:
        return normalise(getattr(module, self.name + "_g"), getattr(module, self.name + "_v"), self.dim)


def make_twice_differentiable(module: nn.Module) -> None:
    """Replace torch's weight normalisation in a module, in place; the values stay."""
    for part in module.modules():
        if type(part) is parametrizations._WeightNorm:
            part.__class__ = TwiceWeightNorm
        for hook in part._forward_pre_hooks.values():
            if type(hook) is WeightNorm:
                hook.__class__ = TwiceWeightNormHook
