"""Losses and metrics as functions of (output, target) that give a value per row, exact where losses are tiny.

A row is an example, or a token or pixel of one: rows stand in the order of `target`, examples first.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.errors import ProblemError

IGNORED = -100
"""Target class that does not count, as in torch."""

RowFunction = Callable[[Any, Any], "Tensor | tuple[Tensor, Tensor]"]


@dataclass(frozen=True)
class LossHead:
    """What turns a network's output into a loss.

    kind "rows": `function(output, target)` gives a value per row, or (values, weights) where some rows do not count; the loss is
    their mean. kind "mean": it gives the mean over the batch alone; standard errors then come from batches. kind "batch":
    `function(module, batch)` runs the network itself and gives either. unit: "nat" for cross-entropies, else "".
    stackable: rows do not depend on one another, so several outputs may be judged in one call.
    """

    name: str
    function: Callable[..., Any]
    kind: Literal["rows", "mean", "batch"] = "rows"
    unit: str = ""
    stackable: bool = False


@dataclass(frozen=True)
class Metric:
    """A value per row beside the loss, e.g. 1.0 where the answer is right. `function` as in a LossHead of kind "rows"; None: the
    metric is exp of the mean loss (a mean of exps is another number)."""

    name: str
    function: RowFunction | None
    unit: str = "1"
    stackable: bool = False

    @property
    def of_mean(self) -> bool:
        """Whether it is exp of the mean loss, known once all rows are."""
        return self.function is None


def classes_last(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (rows, classes) and targets (rows,) of class indices; accepts (N, C), (N, C, ...) as torch does, and (N, ..., C)."""
    if output.dim() == target.dim() + 1 and output.dim() > 2:
        if tuple(target.shape) == (output.shape[0], *output.shape[2:]):
            output = output.movedim(1, -1)
        elif target.shape != output.shape[:-1]:
            raise ProblemError(
                f"The network's output has shape {tuple(output.shape)}, the targets {tuple(target.shape)}.",
                remedy="Cross-entropy wants (N, C, ...) or (N, ..., C) for targets (N, ...).",
            )
    elif output.dim() != target.dim() + 1:
        raise ProblemError(
            f"The network's output has shape {tuple(output.shape)}, the targets {tuple(target.shape)}.",
            remedy="Cross-entropy wants outputs (N, C) and class indices (N,).",
        )
    return output.reshape(-1, output.shape[-1]), target.reshape(-1)


def margin_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-log softmax at the target, per row, from margins and log1p: right to float precision also at a loss of 1e-30.

    logits: (rows, C) float; target: (rows,) class indices. float32 log_softmax is 60 % off at 5e-8 and 0 at 4e-14.
    """
    return _margins(logits, target)[0]


def _margins(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Per row: losses; by how much the largest logit exceeds the target's; the other classes' sum of exp(logit - largest)."""
    index = target[:, None]
    top = logits.amax(1, keepdim=True)
    shift = (top - logits.gather(1, index))[:, 0]
    rest = (logits - top).scatter_(1, index, -torch.inf).exp_().sum(1)
    return shift + torch.log1p(rest + torch.expm1(-shift)), shift, rest  # exp(-shift) is the target's own term


def cross_entropy_rows(output: Tensor, target: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """Cross-entropy in nats per row; targets are class indices (IGNORED ones get weight 0) or probabilities (N, C)."""
    if target.is_floating_point():
        logits, probabilities = output.movedim(1, -1), target.movedim(1, -1)
        return -(F.log_softmax(logits, -1) * probabilities).sum(-1)
    logits, classes = classes_last(output, target)
    kept = classes != IGNORED
    if bool(kept.all()):
        return margin_cross_entropy(logits, classes)
    losses = margin_cross_entropy(logits, classes.clamp(min=0))
    return torch.where(kept, losses, torch.zeros_like(losses)), kept.to(losses.dtype)


def accuracy_rows(output: Tensor, target: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """1.0 per row where the first largest logit is the target's (index, or largest probability), else 0.0."""
    if target.is_floating_point():
        return (output.argmax(1) == target.argmax(1)).to(output.dtype)
    logits, classes = classes_last(output, target)
    right = (logits.argmax(1) == classes).to(logits.dtype)
    kept = classes != IGNORED
    return right if bool(kept.all()) else (right * kept, kept.to(right.dtype))


def cross_entropy_and_accuracy(output: Tensor, target: Tensor, *, accuracy: bool = True) -> tuple[Tensor, Tensor]:
    """Both at once for class indices none of which is IGNORED: the margin that gives the loss also tells whether it is right."""
    logits, classes = classes_last(output, target)
    losses, shift, rest = _margins(logits, classes)
    if not accuracy:
        return losses, losses
    right = shift == 0
    unsure = (right & (rest >= 1)).nonzero()[:, 0]  # another class may be as large as the target: the first one counts
    if unsure.numel():
        right[unsure] = logits[unsure].argmax(1) == classes[unsure]
    return losses, right.to(losses.dtype)


def squared_error_rows(output: Tensor, target: Tensor) -> Tensor:
    """Squared error per row, averaged over all outputs of an example as torch's mean MSE does."""
    if output.shape != target.shape:
        raise ProblemError(f"Mean squared error of outputs {tuple(output.shape)} and targets {tuple(target.shape)}: shapes differ.")
    return (output - target).square().flatten(1).mean(1) if output.dim() > 1 else (output - target).square()


def binary_rows(output: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of logits in nats per output, exact where it is tiny; targets in [0, 1], same shape."""
    if output.dim() == target.dim() + 1 and output.shape[-1] == 1:
        output = output[..., 0]
    target = target.to(output.dtype)
    return target * F.softplus(-output) + (1 - target) * F.softplus(output)


def binary_accuracy_rows(output: Tensor, target: Tensor) -> Tensor:
    """1.0 per output where the logit's sign agrees with a target of 0 or 1."""
    if output.dim() == target.dim() + 1 and output.shape[-1] == 1:
        output = output[..., 0]
    return ((output > 0) == (target > 0.5)).to(output.dtype)


CROSS_ENTROPY = LossHead("cross_entropy", cross_entropy_rows, unit="nat", stackable=True)
MSE = LossHead("mse", squared_error_rows, stackable=True)
BINARY_CROSS_ENTROPY = LossHead("binary_cross_entropy", binary_rows, unit="nat", stackable=True)
HEADS = {head.name: head for head in (CROSS_ENTROPY, MSE, BINARY_CROSS_ENTROPY)}
ACCURACY = Metric("accuracy", accuracy_rows, stackable=True)
BINARY_ACCURACY = Metric("accuracy", binary_accuracy_rows, stackable=True)
PERPLEXITY = Metric("perplexity", None)


def loss_head(loss: str | Callable[..., Any], output: Any, target: Any) -> LossHead:
    """The head for a name in HEADS or for a user's `loss(output, target)`, tried on one batch of at least two examples.

    torch's own plain losses become ours, which are exact for tiny values; a loss that takes reduction="none" or gives a value per
    example keeps standard errors; one that gives only a mean is taken as such. ProblemError if it raises or gives anything else.
    """
    if isinstance(loss, str):
        if loss not in HEADS:
            raise ProblemError(f"There is no loss named {loss!r}.", remedy=f"Choose one of {', '.join(HEADS)}.")
        return HEADS[loss]
    known = _known(loss)
    if known is not None:
        return known
    name = getattr(loss, "__name__", type(loss).__name__)
    unreduced = _without_reduction(loss)
    if unreduced is not None:
        rows = _attempt(unreduced, output, target)
        if isinstance(rows, Tensor) and rows.numel() > 1:
            return LossHead(name, unreduced)
    value = _attempt(loss, output, target)
    if isinstance(value, Exception):
        raise ProblemError(f"The loss {name} raised {type(value).__name__}: {value}") from value
    if not isinstance(value, Tensor):
        raise ProblemError(f"The loss {name} gave a {type(value).__name__}, not a tensor.")
    return LossHead(name, loss, kind="mean" if value.numel() == 1 else "rows")


def batch_head(function: Callable[[nn.Module, Any], Any], name: str = "batch_loss") -> LossHead:
    """The head for a user's `batch_loss(module, batch)`: the mean over the batch, or a value per example."""
    return LossHead(name, function, kind="batch")


def _known(loss: Callable[..., Any]) -> LossHead | None:
    """Our own form of torch's losses where they are used with their default options."""
    functions: dict[Any, LossHead] = {
        F.cross_entropy: CROSS_ENTROPY,
        F.mse_loss: MSE,
        F.binary_cross_entropy_with_logits: BINARY_CROSS_ENTROPY,
    }
    if inspect.isfunction(loss) or inspect.isbuiltin(loss):
        return functions.get(loss)
    plain_weight = getattr(loss, "weight", None) is None and getattr(loss, "pos_weight", None) is None
    if not plain_weight or getattr(loss, "reduction", "mean") != "mean":
        return None
    if type(loss) is nn.CrossEntropyLoss and loss.label_smoothing == 0 and loss.ignore_index == IGNORED:
        return CROSS_ENTROPY
    classes: dict[Any, LossHead] = {nn.MSELoss: MSE, nn.BCEWithLogitsLoss: BINARY_CROSS_ENTROPY}
    return classes.get(type(loss))


def _without_reduction(loss: Callable[..., Any]) -> Callable[..., Any] | None:
    """The same loss with reduction="none": its argument, or a torch loss module's attribute. Weighted means stay means."""
    weighted = getattr(loss, "weight", None) is not None or getattr(loss, "ignore_index", IGNORED) != IGNORED
    if isinstance(loss, nn.Module):
        if weighted or getattr(loss, "reduction", None) != "mean":
            return None
        return lambda output, target: _call_unreduced(loss, output, target)
    try:
        takes = "reduction" in inspect.signature(loss).parameters
    except (TypeError, ValueError):
        return None
    return (lambda output, target: loss(output, target, reduction="none")) if takes else None


def _call_unreduced(loss: Any, output: Any, target: Any) -> Any:
    before = loss.reduction
    loss.reduction = "none"
    try:
        return loss(output, target)
    finally:
        loss.reduction = before


def _attempt(function: Callable[..., Any], output: Any, target: Any) -> Any:
    try:
        with torch.no_grad():
            return function(output, target)
    except Exception as error:  # a user's code may raise anything; the caller names it
        return error
