"""A loss as training code writes it, a criterion of (outputs, targets), as the mean over examples that numerics differentiate."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.core.losses import ACCURACY, BINARY_ACCURACY, IGNORED, LossHead, Metric, batch_head, loss_head
from landscape_gui.core.splits import length_of, map_tensors
from landscape_gui.errors import ProblemError
from landscape_gui.problem.judges import Judges

Criterion = Callable[..., Any]
NAT = (nn.CrossEntropyLoss, nn.NLLLoss, nn.BCEWithLogitsLoss, nn.BCELoss)
CLOSE = 1e-3
"""A batch and the same batch twice give the same mean, or twice the sum, up to so much."""


@dataclass(frozen=True)
class Judged:
    """The loss with its metrics, and sentences on how the criterion was understood."""

    judges: Judges
    notes: tuple[str, ...] = ()


def judge(criterion: Criterion | str | None, output: Any, targets: Any) -> Judged:
    """What a criterion is, tried on the outputs and targets of a few examples.

    criterion: a name of core.losses.HEADS; an nn loss, class weights, smoothing and any reduction included; or a function of
    (outputs, targets) that gives a value per example, a mean or a sum. A sum counts as the sum over each example's own terms,
    divided by the number of examples; "none" as the mean over all values. None: the network computes its own loss from a batch
    with labels (transformers). Raises ProblemError with the criterion's own words.
    """
    if criterion is None:
        return Judged(Judges(batch_head(own_loss, "the network's own loss")))
    head, notes = head_of(criterion, output, targets)
    tried(head, output, targets)
    return Judged(Judges(head, metrics_of(head, output, targets), classes_of(head, output, targets)), notes)


def own_loss(module: nn.Module, batch: Any) -> Tensor:
    """What a network of transformers answers to a batch with labels."""
    try:
        output = module(**batch) if isinstance(batch, Mapping) else module(*batch) if isinstance(batch, tuple) else module(batch)
    except TypeError as error:
        raise ProblemError(
            f"No criterion was given, and the network does not take a whole batch: {error}.",
            remedy="Give a criterion of (outputs, targets).",
        ) from error
    found = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if not isinstance(found, Tensor):
        raise ProblemError(
            f"No criterion was given, and the network's answer to a batch, a {type(output).__name__}, holds no loss.",
            remedy="Give a criterion of (outputs, targets), or batches with labels to a network that computes its own loss.",
        )
    return found


def head_of(criterion: Criterion | str, output: Any, targets: Any) -> tuple[LossHead, tuple[str, ...]]:
    """The loss as a head, with what was assumed."""
    reduction, plain = reduction_of(criterion)
    if isinstance(plain, nn.CrossEntropyLoss | nn.NLLLoss) and reduction == "mean" and classed(targets) and not usual(plain):
        return LossHead(name_of(criterion), Weighted(plain), unit="nat"), ()
    if reduction == "sum":
        note = "The criterion is a sum: here the loss is that sum over each example's terms, averaged over examples."
        if isinstance(plain, nn.CrossEntropyLoss) and kept_rows(plain, targets):
            return loss_head(plain, output, targets), (note,)
        return LossHead(f"{name_of(criterion)}, summed", Summed(unreduced(criterion)), unit=unit_of(criterion)), (note,)
    if reduction == "none":
        note = "The criterion gives a value for each example or output: here the loss is their mean."
        return as_rows(criterion, plain, output, targets), (note,)
    head = placed_head(criterion, output, targets)
    return head_of_mean(head, output, targets) if head.kind == "mean" else (head, ())


def reduction_of(criterion: Criterion | str) -> tuple[str, Any]:
    """How a criterion says that it reduces, "" where it does not say; and an nn loss as one that takes the mean."""
    if isinstance(criterion, nn.Module) and isinstance(getattr(criterion, "reduction", None), str):
        plain: Any = copy.deepcopy(criterion)
        plain.reduction = "mean"
        return str(criterion.reduction), plain
    if isinstance(criterion, functools.partial):
        return str(criterion.keywords.get("reduction", "")), None
    return "", None


def unreduced(criterion: Any) -> Criterion:
    """The same criterion with a value for each term."""
    if isinstance(criterion, functools.partial):
        return functools.partial(criterion, reduction="none")
    each = copy.deepcopy(criterion)
    each.reduction = "none"
    return Placed(each)


def as_rows(criterion: Any, plain: Any, output: Any, targets: Any) -> LossHead:
    if plain is not None and getattr(plain, "weight", None) is None and getattr(plain, "pos_weight", None) is None:
        known = loss_head(plain, output, targets)
        if known.unit or known.stackable:  # our own form, exact where the loss is tiny
            return known
    return LossHead(name_of(criterion), unreduced(criterion), unit=unit_of(criterion))


def placed_head(criterion: Criterion | str, output: Any, targets: Any) -> LossHead:
    """As `core.losses.loss_head`; what an nn loss holds follows the outputs to their device and precision."""
    if not isinstance(criterion, nn.Module):
        return loss_head(criterion, output, targets)
    mine: Any = copy.deepcopy(criterion).requires_grad_(False)
    head = loss_head(mine, output, targets)
    if head.stackable:
        return head
    if head.kind == "rows" and getattr(mine, "reduction", None) == "mean":
        mine.reduction = "none"
    return LossHead(type(criterion).__name__, Placed(mine), head.kind, unit_of(criterion))


def head_of_mean(head: LossHead, output: Any, targets: Any) -> tuple[LossHead, tuple[str, ...]]:
    """A criterion that gives one number for a batch: whether it is a mean or a sum shows when the batch is doubled."""
    ratio = doubled(head, output, targets)
    if math.isfinite(ratio) and abs(ratio - 2) < CLOSE:
        note = "The criterion is a sum over the batch (twice the batch, twice the loss): it is divided by the number of examples."
        return LossHead(f"{head.name}, summed", Shared(head.function), "mean", head.unit), (note,)
    if math.isfinite(ratio) and abs(ratio - 1) < CLOSE:
        return head, ()
    told = f"changes it {ratio:.4g}-fold" if math.isfinite(ratio) else "tells nothing"
    note = (
        f"Whether the criterion {head.name} is a mean or a sum over examples cannot be told (doubling a batch {told}): it is taken "
        "as a mean over each batch, so the numbers depend on how many examples go through the network at once."
    )
    return head, (note,)


def doubled(head: LossHead, output: Any, targets: Any) -> float:
    """The loss of a batch taken twice over that of the batch; NaN where that says nothing."""

    def again(tree: Any) -> Any:
        return map_tensors(tree, lambda t: torch.cat([t, t]) if t.dim() else t)

    try:
        with torch.no_grad():
            once = float(head.function(output, targets))
            twice = float(head.function(again(output), again(targets)))
    except Exception:  # a criterion that wants batches of one size
        return math.nan
    return twice / once if once != 0 else math.nan


class Placed:
    """An nn loss, copied once to each device and precision that outputs come in."""

    def __init__(self, loss: nn.Module) -> None:
        self.loss = loss
        self._copies: dict[tuple[torch.device, torch.dtype], nn.Module] = {}

    def __call__(self, output: Any, target: Any) -> Any:
        if not isinstance(output, Tensor):
            return self.loss(output, target)
        key = (output.device, output.dtype)
        if key not in self._copies:
            self._copies[key] = copy.deepcopy(self.loss).to(device=key[0], dtype=key[1])
        return self._copies[key](output, target)


class Weighted:
    """Cross-entropy with class weights w or classes left out: rows w_y l and their weights w_y, so that their mean is torch's."""

    def __init__(self, loss: nn.CrossEntropyLoss | nn.NLLLoss) -> None:
        self.weight, self.ignored = loss.weight, loss.ignore_index
        smoothing = getattr(loss, "label_smoothing", 0.0)
        entropy = isinstance(loss, nn.CrossEntropyLoss)
        self.function: Criterion = functools.partial(F.cross_entropy, label_smoothing=smoothing) if entropy else F.nll_loss

    def __call__(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        weight = None if self.weight is None else self.weight.to(output)
        kept = target != self.ignored
        values = self.function(output, target, weight=weight, ignore_index=self.ignored, reduction="none")
        return values, kept.to(values.dtype) if weight is None else weight[torch.where(kept, target, 0)] * kept


class Summed:
    """A value for each example: the sum of its own terms."""

    def __init__(self, each: Criterion) -> None:
        self.each = each

    def __call__(self, output: Any, target: Any) -> Tensor:
        values: Tensor = self.each(output, target)
        return values.flatten(1).sum(1) if values.dim() > 1 else values


class Shared:
    """A sum over a batch, divided by its examples."""

    def __init__(self, total: Criterion) -> None:
        self.total = total

    def __call__(self, output: Any, target: Any) -> Any:
        return self.total(output, target) / length_of(output)


def tried(head: LossHead, output: Any, targets: Any) -> None:
    """ProblemError where the loss of a few examples raises or is no tensor."""
    try:
        with torch.no_grad():
            value = head.function(output, targets)
    except ProblemError:
        raise
    except Exception as error:
        raise ProblemError(
            f"The criterion {head.name} raised {type(error).__name__}: {error}.",
            remedy=how_called(output),
        ) from error
    value = value[0] if isinstance(value, tuple) else value
    if not isinstance(value, Tensor):
        raise ProblemError(f"The criterion {head.name} gave a {type(value).__name__}, not a tensor.")


def how_called(output: Any) -> str:
    """With what a criterion is called, and what to do where the network's answer is no single tensor."""
    said = "It is called as criterion(outputs, targets), as in training."
    if isinstance(output, Tensor):
        return said
    names = [str(key) for key in output] if isinstance(output, Mapping) else []
    which = f"[{names[0]!r}]" if names else "[0]" if isinstance(output, (tuple, list)) else ".NAME"
    kind = f"a {type(output).__name__}{' of ' + ', '.join(names) if names else ''}"
    example = f"lambda outputs, targets: loss(outputs{which}, targets)"
    return f"{said} The network's outputs are {kind}: give a criterion that takes its part, {example}."


def metrics_of(head: LossHead, output: Any, targets: Any) -> dict[str, Metric]:
    """Accuracy, where targets are classes."""
    if head.name == "binary_cross_entropy" and isinstance(targets, Tensor):
        return {"accuracy": BINARY_ACCURACY}
    return {"accuracy": ACCURACY} if classes_of(head, output, targets) else {}


def classes_of(head: LossHead, output: Any, targets: Any) -> int | None:
    """How many classes the outputs tell apart, where targets are class indices."""
    if head.name == "binary_cross_entropy":
        return 2
    if not isinstance(output, Tensor) or output.ndim < 2 or not classed(targets) or targets.ndim != output.ndim - 1:
        return None
    return int(output.shape[1]) if output.shape[1] > 1 else None


def classed(targets: Any) -> bool:
    return isinstance(targets, Tensor) and targets.dtype == torch.int64


def usual(loss: nn.CrossEntropyLoss | nn.NLLLoss) -> bool:
    """Whether it is the plain cross-entropy of logits, which core.losses has in a form of its own."""
    plain = loss.weight is None and loss.ignore_index == IGNORED
    return isinstance(loss, nn.CrossEntropyLoss) and plain and loss.label_smoothing == 0


def kept_rows(loss: nn.CrossEntropyLoss, targets: Any) -> bool:
    """Whether the sum over a batch is a term an example: no places inside an example, none left out, no smoothing."""
    return usual(loss) and classed(targets) and targets.ndim == 1 and not bool((targets == IGNORED).any())


def name_of(criterion: Any) -> str:
    if isinstance(criterion, functools.partial):
        return name_of(criterion.func)
    return str(getattr(criterion, "__name__", type(criterion).__name__))


def unit_of(criterion: Any) -> str:
    """ "nat" for torch's cross-entropies."""
    functions = (F.cross_entropy, F.nll_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits)
    bare = criterion.func if isinstance(criterion, functools.partial) else criterion
    return "nat" if isinstance(bare, NAT) or any(bare is each for each in functions) else ""
