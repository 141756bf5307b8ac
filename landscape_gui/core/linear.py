"""Linear layers whose second derivatives take as few passes over the activations as can be."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.convolution import operands_are_constant


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None
        return x @ weight.t() if bias is None else torch.addmm(bias, x, weight.t())

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, weight = ctx.saved_tensors
        if operands_are_constant():
            x, weight = x.detach(), weight.detach()
        mask = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], ctx.biased and ctx.needs_input_grad[2]]
        return _LinearBackward.apply(grads[0], x, weight, mask)  # type: ignore[no-untyped-call]


class _LinearBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grad: Tensor, x: Tensor, weight: Tensor, mask: list[bool]) -> Any:
        ctx.save_for_backward(grad, x, weight)
        ctx.set_materialize_grads(False)
        to_x = grad @ weight if mask[0] else None
        to_weight = grad.t() @ x if mask[1] else None
        return to_x, to_weight, grad.sum(0) if mask[2] else None

    @staticmethod
    def backward(ctx: Any, *along: Any) -> Any:
        along_x, along_weight, along_bias = along
        grad, x, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_grad: Tensor | None = None
        if needs[0]:
            for left, right in ((x, along_weight), (along_x, weight)):
                if left is None or right is None:
                    continue
                if to_grad is None:
                    to_grad = left @ right.t() if along_bias is None else torch.addmm(along_bias, left, right.t())
                else:
                    to_grad.addmm_(left, right.t())
            if to_grad is None and along_bias is not None:
                to_grad = along_bias.expand_as(grad)
        to_x = grad @ along_weight if needs[1] and along_weight is not None else None
        to_weight = grad.t() @ along_x if needs[2] and along_x is not None else None
        return to_grad, to_x, to_weight, None


class TwiceLinear(nn.Module):
    """A plain nn.Linear with the same parameters under the same names."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.in_features, self.out_features = linear.in_features, linear.out_features

    def forward(self, x: Tensor) -> Tensor:
        flat: Tensor = _Linear.apply(x.reshape(-1, x.shape[-1]), self.weight, self.bias)  # type: ignore[no-untyped-call]
        return flat.view(*x.shape[:-1], flat.shape[-1])


def is_plain_linear(part: nn.Module) -> bool:
    return type(part) is nn.Linear and not (part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part))


class _ReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.clamp_min(0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _Gate.apply(grads[0], ctx.saved_tensors[0].detach())  # type: ignore[no-untyped-call]


class _Gate(torch.autograd.Function):
    """What passes where y is positive; linear, with no derivative to y."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return torch.ops.aten.threshold_backward(grad, y, 0)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *along: Any) -> Any:
        return torch.ops.aten.threshold_backward(along[0], ctx.saved_tensors[0], 0), None


class TwiceReLU(nn.Module):
    """nn.ReLU, whose second derivative is nowhere written out as zeros."""

    def forward(self, x: Tensor) -> Tensor:
        return _ReLU.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def is_plain_relu(part: nn.Module) -> bool:
    return type(part) is nn.ReLU and not (part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part))
