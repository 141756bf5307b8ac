"""Convolutions whose second derivatives are made of the same fast kernels as their first ones.

torch's own double backward computes the weights' part as a convolution with kernels as large as the images, which takes most of the
time of a Hessian-vector product of a residual network.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)

_state = threading.local()


@contextlib.contextmanager
def constant_operands() -> Iterator[None]:
    """While open, a gradient's graph leads back to what it was pulled from alone, not to inputs and weights: u -> J^T u."""
    before = operands_are_constant()
    _state.constant = True
    try:
        yield
    finally:
        _state.constant = before


def operands_are_constant() -> bool:
    return getattr(_state, "constant", False)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, window: tuple[Any, ...]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.window, ctx.biased = window, bias is not None
        stride, padding, dilation, groups = window
        return torch.convolution(x, weight, bias, stride, padding, dilation, False, [0] * len(stride), groups)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, weight = ctx.saved_tensors
        if operands_are_constant():
            x, weight = x.detach(), weight.detach()
        mask = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], ctx.biased and ctx.needs_input_grad[2]]
        return (*_ConvolutionBackward.apply(grads[0], x, weight, ctx.window, mask), None)  # type: ignore[no-untyped-call]


class _ConvolutionBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grad: Tensor, x: Tensor, weight: Tensor, window: tuple[Any, ...], mask: list[bool]) -> Any:
        ctx.save_for_backward(grad, x, weight)
        ctx.window = window
        ctx.set_materialize_grads(False)
        return _backward(grad, x, weight, window, mask)

    @staticmethod
    def backward(ctx: Any, *along: Any) -> Any:
        along_x, along_weight, along_bias = along
        grad, x, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        stride, padding, dilation, groups = ctx.window
        to_grad = to_x = to_weight = None
        if needs[0]:
            for left, right in ((along_x, weight), (x, along_weight)):
                if left is not None and right is not None:
                    part = torch.convolution(left, right, None, stride, padding, dilation, False, [0] * len(stride), groups)
                    to_grad = part if to_grad is None else to_grad.add_(part)
            if along_bias is not None:
                shaped = along_bias.view(-1, *[1] * (grad.dim() - 2))
                to_grad = shaped.expand_as(grad) if to_grad is None else to_grad.add_(shaped)
        if needs[1] and along_weight is not None:
            to_x = _backward(grad, x, along_weight, ctx.window, [True, False, False])[0]
        if needs[2] and along_x is not None:
            to_weight = _backward(grad, along_x, weight, ctx.window, [False, True, False])[1]
        return to_grad, to_x, to_weight, None, None


def _backward(grad: Tensor, x: Tensor, weight: Tensor, window: tuple[Any, ...], mask: list[bool]) -> Any:
    stride, padding, dilation, groups = window
    return torch.ops.aten.convolution_backward(
        grad, x, weight, [weight.shape[0]], stride, padding, dilation, False, [0] * len(stride), groups, mask
    )


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, window: tuple[Any, ...]) -> Tensor:
    """A convolution that may be differentiated twice. window: stride, padding, dilation (tuples) and groups."""
    return _Convolution.apply(x, weight, bias, window)  # type: ignore[no-any-return, no-untyped-call]


def window_of(convolution: nn.Module) -> tuple[Any, ...]:
    """Stride, padding, dilation and groups of a plain convolution."""
    return tuple(getattr(convolution, name) for name in ("stride", "padding", "dilation", "groups"))


def is_plain(part: nn.Module) -> bool:
    """Whether a module is a convolution with zero padding told in numbers, and nothing else done to it."""
    if type(part) not in CONVOLUTIONS or part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part):
        return False
    return part.padding_mode == "zeros" and not isinstance(part.padding, str)


class TwiceConvolution(nn.Module):
    """A plain convolution by `convolve`, with the same parameters under the same names. Batches only."""

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__()
        self.weight: Any = convolution.weight
        self.bias: Any = convolution.bias
        self._window = window_of(convolution)

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.weight, self.bias, self._window)
