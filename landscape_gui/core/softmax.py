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
        others = probabilities_elsewhere(logits, target)
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
        relative, mean = _relative(along[0], others, target[:, None])
        found = None
        if ctx.needs_input_grad[1]:
            found = _balanced((relative - mean).mul_(others).mul_(weights[:, None]), target[:, None])
        return mean[:, 0] if ctx.needs_input_grad[0] else None, found, None, None


def probabilities_elsewhere(logits: Tensor, target: Tensor) -> Tensor:
    """(rows, C) softmax with 0 at the target."""
    return torch.softmax(logits, 1).scatter_(1, target[:, None], 0)


def _relative(change: Tensor, others: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """By how much the logits change beside the target's, and the mean of that, (rows, 1)."""
    relative = change - change.gather(1, index)
    return relative, (others * relative).sum(1, keepdim=True)


def _balanced(rows: Tensor, index: Tensor) -> Tensor:
    """Rows, zero at the target, with minus the others' sum there, in place."""
    return rows.scatter_(1, index, -rows.sum(1, keepdim=True))


class SoftmaxCurvature:
    """Gradient and Hessian of the mean cross-entropy of class indices with respect to logits (rows, C), without autograd."""

    def __init__(self, logits: Tensor, target: Tensor, weight: float) -> None:
        self._others = probabilities_elsewhere(logits, target)
        self._scaled, self._index = self._others / weight, target[:, None]
        self.loss = margin_cross_entropy(logits, target).sum() / weight
        self.gradient = _balanced(self._scaled.clone(), self._index)

    @property
    def held(self) -> tuple[Tensor, ...]:
        """The tensors that it keeps."""
        return self._others, self._scaled, self.gradient

    def product(self, change: Tensor) -> Tensor:
        """H_out u, for u (rows, C)."""
        with torch.no_grad():
            relative, mean = _relative(change, self._others, self._index)
            return _balanced(relative.sub_(mean).mul_(self._scaled), self._index)


def differentiable_cross_entropy(output: Tensor, target: Tensor) -> Tensor | None:
    """Losses per row; None where targets are probabilities or some of them do not count."""
    if not all_count(target):
        return None
    return _CrossEntropy.apply(*classes_last(output, target))  # type: ignore[no-any-return, no-untyped-call]


def all_count(target: Tensor) -> bool:
    """Whether targets are class indices that all count."""
    return not target.is_floating_point() and not bool((target == IGNORED).any())
