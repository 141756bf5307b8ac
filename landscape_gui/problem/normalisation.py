"""Which numbers are taken from inputs and divided by: those of well-known data by name, one's own, or the data's own statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_gui.errors import ProblemError

NORMALISATIONS: Mapping[str, tuple[Sequence[float], Sequence[float]]] = {
    "mnist": ((0.1307,), (0.3081,)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5,), (0.5,)),
}
"""Means and standard deviations by channel of pixels from 0 to 1; "half" takes them to -1 to 1."""
AT_ONCE = 1024
"""Examples whose deviations are summed in float64 at once, so that no second copy of all is made."""
NONE, STANDARD = "none", "standard"


def offered(x: Tensor) -> tuple[str, ...]:
    """The names that make sense for inputs (n, channels, ...): none; those of as many channels or of one; the data's own."""
    if not x.is_floating_point():
        return (NONE,)
    if x.ndim != 4:
        return (NONE, STANDARD)
    return (NONE, *(name for name, (mean, _) in NORMALISATIONS.items() if len(mean) in (1, x.shape[1])), STANDARD)


def statistics(normalise: Any, x: Tensor) -> tuple[Tensor, Tensor] | None:
    """Mean and standard deviation shaped to subtract from inputs (n, channels, ...); None where inputs stay as they are."""
    if normalise in (None, "", NONE) or not x.is_floating_point():
        return None
    mean, std = _named(normalise, x)
    channels = x.shape[1] if x.ndim > 2 else 1
    for word, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, channels) or not all(np.isfinite(values)) or (word == "std" and min(values) <= 0):
            kind = "positive numbers" if word == "std" else "numbers"
            raise ProblemError(f"The normalisation's {word} is {values}; 1 or {channels} {kind} were expected.")
    shape = (1, -1, *[1] * (x.ndim - 2)) if x.ndim > 2 else (1, -1)
    return torch.tensor(mean).view(shape), torch.tensor(std).view(shape)


def _named(normalise: Any, x: Tensor) -> tuple[list[float], list[float]]:
    if normalise == STANDARD:
        mean_of_all = x.mean(dtype=torch.float64).item()
        squares = sum((part.double() - mean_of_all).square_().sum().item() for part in torch.split(x, AT_ONCE))
        return [mean_of_all], [(squares / max(x.numel() - 1, 1)) ** 0.5]
    if isinstance(normalise, str) and normalise in NORMALISATIONS:
        mean, std = NORMALISATIONS[normalise]
        return list(mean), list(std)
    if isinstance(normalise, Mapping) and set(normalise) <= {"mean", "std"}:
        return _numbers(normalise.get("mean", 0.0)), _numbers(normalise.get("std", 1.0))
    raise ProblemError(
        f"The normalisation is {normalise!r}.",
        remedy=f'Give {{"mean": [...], "std": [...]}}, standard, none, or one of {", ".join(NORMALISATIONS)}.',
    )


def _numbers(value: Any) -> list[float]:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        raise ProblemError(f"The normalisation has {value!r} where numbers were expected.")
    return [float(v) for v in values]
