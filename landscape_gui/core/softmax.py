"""Cross-entropy of class indices, with first and second derivatives that are right also where the loss is tiny."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from landscape_gui.core.losses import IGNORED, classes_last, margin_cross_entropy


class _CrossEntropy(torch.autograd.Function):
    """Rows of losses. others: softmax with 0 at the target, so that 1 - p there is their sum and nothing cancels."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor) -> Tensor:
        losses = margin_cross_entropy(logits, target)
        others = torch.softmax(logits, 1).scatter_(1, target[:, None], 0)
        ctx.save_for_backward(logits, others, target)
        return losses

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        logits, others, target = ctx.saved_tensors
        return _Residual.apply(grads[0], logits, others, target), None  # type: ignore[no-untyped-call]


class _Residual(torch.autograd.Function):
    """(softmax - indicator of the target), times a weight per row; its derivative is diag p - p p^T."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, logits: Tensor, others: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(weights, others, target)
        found = others * weights[:, None]
        return found.scatter_(1, target[:, None], -found.sum(1, keepdim=True))

    @staticmethod
    def backward(ctx: Any, *along: Any) -> Any:
        weights, others, target = ctx.saved_tensors
        index = target[:, None]
        relative = along[0] - along[0].gather(1, index)
        mean = (others * relative).sum(1, keepdim=True)
        found = None
        if ctx.needs_input_grad[1]:
            found = others * (relative - mean) * weights[:, None]
            found.scatter_(1, index, -found.sum(1, keepdim=True))
        return mean[:, 0] if ctx.needs_input_grad[0] else None, found, None, None


def differentiable_cross_entropy(output: Tensor, target: Tensor) -> Tensor | None:
    """Losses per row; None where targets are probabilities or some of them do not count."""
    if target.is_floating_point() or bool((target == IGNORED).any()):
        return None
    return _CrossEntropy.apply(*classes_last(output, target))  # type: ignore[no-any-return, no-untyped-call]
