"""Which loss and metrics judge a network's output, tried on two examples of the data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.losses import ACCURACY, BINARY_ACCURACY, LossHead, Metric, batch_head, loss_head
from landscape_gui.core.splits import Split, call, cut, length_of
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem.your_code import YourCode, guarded, place_of


@dataclass(frozen=True)
class Judges:
    """The loss, metrics beside it, and how many classes a classifier tells apart (else None)."""

    head: LossHead
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    classes: int | None = None


def choose_judges(module: nn.Module, split: Split, named: str, yours: YourCode | None) -> Judges:
    """The user's loss and metrics, else the loss that a card names, else what the targets' type suggests.

    named: a loss's name or "". Raises ProblemError where forward pass or loss raise: with their own words, and the line of the
    user's own file.
    """
    if yours is not None and yours.batch_loss is not None:
        return _of_batches(module, split, yours)
    inputs, targets = _few(split)
    where = f"The network's forward pass on inputs of shape {shape_of(inputs)}"
    output = _attempt(lambda: call(module, inputs), where, yours)
    loss = _own_loss(yours) or named or default_loss(targets)
    head = loss_head(loss, output, targets)
    where = f"The loss {head.name} of outputs {shape_of(output)} and targets {shape_of(targets)}"
    _attempt(lambda: head.function(output, targets), where, yours)
    own = yours.metrics if yours is not None else {}
    if own:
        metrics = {name: Metric(name, function) for name, function in own.items()}
        for name, function in own.items():
            _attempt(functools.partial(function, output, targets), f"The metric {name}", yours)
    else:
        usual = {"cross_entropy": ACCURACY, "binary_cross_entropy": BINARY_ACCURACY}.get(head.name)
        metrics = {} if usual is None else {usual.name: usual}
    return Judges(head, metrics, _classes(head, output))


def default_loss(targets: Any) -> str:
    """Mean squared error for targets of floats, cross-entropy for class indices."""
    return "mse" if isinstance(targets, Tensor) and targets.is_floating_point() else "cross_entropy"


def shape_of(tree: Any) -> str:
    """The shapes in a nest of tensors, for sentences."""
    if isinstance(tree, Tensor):
        return str(tuple(tree.shape))
    if isinstance(tree, Mapping):
        return "{" + ", ".join(f"{key}: {shape_of(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, (tuple, list)):
        return "(" + ", ".join(map(shape_of, tree)) + ")"
    return type(tree).__name__


def _of_batches(module: nn.Module, split: Split, yours: YourCode) -> Judges:
    function = yours.batch_loss
    assert function is not None
    if split.streams:
        first = next(iter(split.inputs))
        batch = cut(first, 0, 2, length_of(first))
    else:
        batch = cut(split.inputs, 0, 2, split.examples)
    value = _attempt(lambda: function(module, batch), "batch_loss", yours)
    if not isinstance(value, Tensor):
        raise ProblemError(f"{yours.path}: batch_loss returned a {type(value).__name__}; a tensor was expected.")
    return Judges(batch_head(function))


def _few(split: Split) -> tuple[Any, Any]:
    """Inputs and targets of two examples; of data that stream, of their first batch."""
    if split.streams:
        inputs, targets = next(iter(split.inputs))
        examples = length_of(inputs)
    else:
        inputs, targets, examples = split.inputs, split.targets, split.examples
    return cut(inputs, 0, 2, examples), cut(targets, 0, 2, examples)


def _own_loss(yours: YourCode | None) -> Any:
    """The user's loss; functions of their own files tell where they raise, and keep their signature."""
    loss: Any = yours.loss if yours is not None else None
    code = getattr(loss, "__code__", None)
    if yours is None or code is None or code.co_filename not in yours.source.filenames:
        return loss
    return functools.wraps(loss)(guarded(yours.source, loss, "loss"))


def _attempt(function: Callable[[], Any], what: str, yours: YourCode | None) -> Any:
    try:
        with torch.inference_mode():
            return function()
    except LandscapeError:
        raise
    except Exception as error:  # a network of the user's own may raise anything
        place = f" ({place_of(yours.source, error, what).rstrip(':')})" if yours is not None else ""
        raise ProblemError(
            f"{what} raises {type(error).__name__}: {error}{place}.", remedy="Do the data have the shape that the network expects?"
        ) from error


def _classes(head: LossHead, output: Any) -> int | None:
    if not isinstance(output, Tensor) or output.ndim < 2:
        return None
    return int(output.shape[1]) if head.name == "cross_entropy" else 2 if head.name == "binary_cross_entropy" else None
