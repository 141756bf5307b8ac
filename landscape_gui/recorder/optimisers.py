"""What an optimiser says of itself: learning rates as they change, and how it was set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from landscape_gui.errors import RecorderError
from landscape_gui.recorder.scalars import Value, handed

SETTINGS = ("lr", "momentum", "dampening", "nesterov", "weight_decay", "betas", "eps", "amsgrad", "rho", "alpha", "maximize")


def named(optimizers: Any) -> dict[str, Any]:
    """Optimisers by name: one is called "", those of a list "1", "2", ... Raises RecorderError for what is none."""
    if optimizers is None:
        return {}
    if isinstance(optimizers, Mapping):
        found = {str(name): each for name, each in optimizers.items()}
    elif isinstance(optimizers, Sequence):
        found = {str(number) if number > 1 else "": each for number, each in enumerate(optimizers, 1)}
    else:
        found = {"": optimizers}
    for each in found.values():
        if not hasattr(each, "param_groups"):
            raise RecorderError(
                f"The optimizer is a {type(each).__name__}, which has no param_groups.",
                remedy="Give a torch optimizer, several in a list or by name, or None.",
            )
    return found


class Rates:
    """Learning rates by name, read at every step: named anew where one has changed."""

    def __init__(self, optimizers: Mapping[str, Any]) -> None:
        self._optimizers = optimizers
        self._each = tuple(optimizers.values())
        self._only = self._each[0] if len(self._each) == 1 else None
        self._values: list[Any] | None = None
        self._found: dict[str, Value] = {}

    def now(self) -> Mapping[str, Value]:
        """The rates, which nobody changes afterwards. A schedule changes tensors in place: they are read each time."""
        if self._only is not None and self._values is not None:
            groups = self._only.param_groups
            if len(groups) == 1 and groups[0].get("lr") is self._values[0]:
                return self._found
        values = [group.get("lr") for each in self._each for group in each.param_groups]
        if self._values is None or values != self._values:
            self._found = dict(rates(self._optimizers))
            self._values = None if any(isinstance(value, Tensor) for value in values) else values
        return self._found


def rates(optimizers: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """ "lr" of the first group, "lr_2", ... of the others; of named optimisers "lr_NAME". A rate may be a tensor."""
    for name, optimizer in optimizers.items():
        front = "lr" if not name else f"lr_{name}"
        for number, group in enumerate(optimizer.param_groups, 1):
            if "lr" in group:
                place = front if number == 1 else f"{front}_{number}"
                yield place, handed(place, group["lr"])


def first_rate(optimizers: Mapping[str, Any]) -> float:
    """The learning rate of the first group; NaN where there is none."""
    return next((float(rate) for _, rate in rates(optimizers)), float("nan"))


def settings(optimizers: Mapping[str, Any]) -> dict[str, Any]:
    """The first optimiser's class and how its first group is set, JSON-able, as a card's `training` holds it."""
    if not optimizers:
        return {}
    first = next(iter(optimizers.values()))
    wrapped = getattr(first, "optimizer", None)
    kind = wrapped if isinstance(wrapped, Optimizer) and not isinstance(first, Optimizer) else first
    found: dict[str, Any] = {"optimizer": type(kind).__name__}
    group = first.param_groups[0]
    for name in SETTINGS:
        value = group.get(name)
        value = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
        value = list(value) if isinstance(value, tuple) else value
        if is_said(value):
            found[name] = value
    if len(optimizers) > 1:
        found["optimizers"] = [type(each).__name__ for each in optimizers.values()]
    if sum(len(each.param_groups) for each in optimizers.values()) > 1:
        found["groups"] = sum(len(each.param_groups) for each in optimizers.values())
    return found


def is_said(value: Any) -> bool:
    """Numbers, lists of numbers, and switches that are on."""
    if isinstance(value, list):
        return all(isinstance(v, (int, float)) for v in value)
    return value is True or (isinstance(value, (int, float)) and not isinstance(value, bool))
