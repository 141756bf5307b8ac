"""The network at one place of a path after the other: losses, metrics, and the class that it names for every example."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.evaluate import Evaluator, Values
from landscape_gui.core.losses import IGNORED, Metric, classes_last

Array = NDArray[Any]
NONE = -1
"""The class of an example that does not count, or of an output that is not finite."""


def predicted_rows(output: Tensor, target: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """The number of the class named, per row, the first of equals; of single logits 1 where they are above 0. Rows that do not
    count have weight 0, as in the accuracy."""
    if target.is_floating_point():
        several = output.dim() > 1 and output.shape[1] > 1
        return (output.argmax(1) if several else (output.reshape(target.shape) > 0)).to(output.dtype)
    logits, classes = classes_last(output, target)
    named, kept = logits.argmax(1).to(logits.dtype) + 0 * logits.sum(1), classes != IGNORED  # not a number where a logit is not
    return named if bool(kept.all()) else (named * kept, kept.to(named.dtype))


def target_rows(output: Tensor, target: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """The number of the right class, per row, as `predicted_rows` counts them."""
    if target.is_floating_point():
        return (target.argmax(1) if target.dim() > 1 and target.shape[1] > 1 else target > 0.5).to(output.dtype)
    classes = classes_last(output, target)[1]
    kept = classes != IGNORED
    return classes.to(output.dtype) if bool(kept.all()) else (classes.clamp(min=0).to(output.dtype), kept.to(output.dtype))


CLASSES: Mapping[str, Metric] = {
    "predicted class": Metric("predicted class", predicted_rows, unit="", stackable=True),
    "target class": Metric("target class", target_rows, unit="", stackable=True),
}
"""What an evaluator is asked besides, so that `Waypoints` can read off classes."""


@dataclass(frozen=True)
class Seen:
    """The network at one place. values: of one point, without the classes; targets, predicted: (n,) of the split asked about, by
    example, NONE where there is none; empty unless every example has one class."""

    values: Values
    targets: Array
    predicted: Array


class Waypoints:
    """The network at t, whatever t is asked for next; made once, asked again and again.

    evaluator: with the metrics of CLASSES where the network is a classifier, BatchNorm as wanted; network: t -> its weights
    (size,); split: the one whose classes are read off. Cost: a forward pass over the evaluator's data, and what `network` takes.
    """

    def __init__(self, evaluator: Evaluator, network: Callable[[float], Generator[float, None, Tensor]], *, split: str) -> None:
        self.evaluator, self.network, self.split = evaluator, network, split
        self._ends: dict[float, Seen] = {}

    def steps(self, t: float) -> Generator[float, None, Seen]:
        """As `at`; yields the fraction done about every 50 ms: stop there to cancel."""
        if t in self._ends:
            return self._ends[t]
        state = yield from self.network(t)
        values = yield from self.evaluator.evaluate(state, (), (), keep=True)
        seen = Seen(_without_classes(values), *self._classes(values))
        if t in (0.0, 1.0):
            self._ends[t] = seen
        return seen

    def at(self, t: float) -> Seen:
        """The network at t. The ends, t = 0 and t = 1, are computed once."""
        seen: Seen = finish(self.steps(t))
        return seen

    def _classes(self, values: Values) -> tuple[Array, Array]:
        found = [values.rows.get(f"{self.split}_{name}") for name in reversed(list(CLASSES))]
        none = np.zeros(0, dtype=np.int64)
        if any(each is None or len(each[1]) != values.examples[f"{self.split}_loss"] for each in found):
            return none, none
        (targets, weights), (predicted, _) = (each for each in found if each is not None)
        if not np.isin(weights, (0.0, 1.0)).all():
            return none, none
        return _numbers(targets[0], weights), _numbers(predicted[0], weights)


def per_class(predicted: Array, targets: Array, classes: int) -> tuple[Array, Array]:
    """(classes,) share of each class's examples for which it is named, NaN without any; and how many there are."""
    counted = targets != NONE
    examples = np.bincount(targets[counted], minlength=classes)
    right = np.bincount(targets[counted & (predicted == targets)], minlength=classes)
    with np.errstate(invalid="ignore"):
        return right / examples, examples


def finish(steps: Iterator[float]) -> Any:
    """What comes out of work, without a look at how far it is."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def _numbers(rows: Array, weights: Array) -> Array:
    """Class numbers; NONE where a row does not count or was not computed."""
    known = np.isfinite(rows) & (weights > 0)
    return np.where(known, np.nan_to_num(rows), NONE).astype(np.int64)


def _without_classes(values: Values) -> Values:
    def kept(found: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in found.items() if not key.endswith(tuple(CLASSES))}

    return replace(
        values,
        mean=kept(values.mean),
        standard_error=kept(values.standard_error),
        examples=kept(values.examples),
        rows=kept(values.rows),
    )
