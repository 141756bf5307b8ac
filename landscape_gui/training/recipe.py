"""How a network is trained: everything that decides the result, as one frozen value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from landscape_gui.errors import QuestionError

CHEBYSHEV = "chebyshev"
DATA = {
    "digits": "8 x 8 digits, 1,437 to train on",
    "mnist1d": "signals of 40 numbers, 4,000 to train on",
    CHEBYSHEV: "20 points of Chebyshev's polynomial of degree 4 (chebyshev:5: of degree 5), as Cohen et al. 2021",
}
"""Data that have a name."""
FAMILIES = ("mlp", "cnn", "resnet")
OPTIMISERS = {
    "sgd": "gradient descent on batches",
    "momentum": "with heavy-ball momentum",
    "nesterov": "with Nesterov's momentum",
    "adam": "Adam, weight decay through the gradient",
    "adamw": "Adam with decoupled weight decay",
    "sam": "sharpness-aware: descends the gradient at the ascent's end",
}
SCHEDULES = {
    "constant": "the same throughout",
    "cosine": "down to 0 along half a cosine",
    "linear": "down to 0 along a line",
    "step": "a tenth from 75 % of training on",
}
LOSSES = {"cross_entropy": "of classes, in nats", "mse": "mean over examples and outputs; of classes, towards one-hot targets"}
INITIALISATIONS = {
    "default": "torch's own",
    "xavier": "Gaussian, variance 2/(in + out) (Glorot and Bengio 2010), biases 0",
    "he": "Gaussian, variance 2/out (He et al. 2015), biases 0",
}
PIECES = 200
"""Measurements of a training that is given no `every`, at most."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network, an optimiser, and for how long.

    hidden: widths of an MLP's hidden layers; channels, kernel: of a CNN's convolutions; depth (6 n + 2), width, shortcut: of a
    ResNet. batch 0: all examples at once. steps: in place of `epochs`. warmup: share of training in which the rate rises from 0.
    rho: SAM's radius. every: epochs between measurements (0: each, of long trainings every so many that there are 200); geometry:
    whether the probes are among them, on `probe_examples` of the training data. keep: checkpoints (0: the recorder's own choice).
    """

    family: str = "mlp"
    hidden: tuple[int, ...] = (64, 32)
    activation: str = "relu"
    channels: tuple[int, ...] = (8, 16)
    kernel: int = 3
    depth: int = 8
    width: int = 16
    shortcut: str = "A"
    initialisation: str = "default"
    optimiser: str = "momentum"
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    rho: float = 0.05
    schedule: str = "constant"
    warmup: float = 0.0
    batch: int = 64
    epochs: int = 20
    steps: int = 0
    loss: str = ""
    seed: int = 0
    every: int = 0
    geometry: bool = False
    probe_examples: int = 2048
    keep: int = 0

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise QuestionError(
                    f"The {name} is {getattr(self, name)!r}.", remedy=f"Choose one of {', '.join(filter(None, known))}."
                )
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise QuestionError(f"{name} is {value}.", remedy=f"Give {least} or more.")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise QuestionError(f"The learning rate is {self.lr}.", remedy="Give a number above 0.")
        if not (0 <= self.momentum < 1 and 0 <= self.warmup < 1):
            raise QuestionError(f"momentum is {self.momentum}, warmup {self.warmup}.", remedy="Both lie in [0, 1).")
        if min((*self.hidden, *self.channels), default=1) < 1:
            raise QuestionError("A layer has no width.", remedy="Give 1 or more for each.")

    def batches(self, examples: int) -> int:
        """Steps in an epoch. One example that is left over makes none: BatchNorm has no variance of it."""
        if not self.batch or self.batch >= examples:
            return 1
        whole, rest = divmod(examples, self.batch)
        return whole + (rest > 1)

    def length(self, examples: int) -> int:
        """Epochs of the whole training, the last one perhaps cut short."""
        return math.ceil(self.steps / self.batches(examples)) if self.steps else self.epochs

    def total(self, examples: int) -> int:
        """Steps of the whole training."""
        return self.steps or self.epochs * self.batches(examples)

    def lasting(self) -> str:
        """How long it is, in words."""
        number, what = (self.steps, "step") if self.steps else (self.epochs, "epoch")
        return f"{number:,} {what}{'' if number == 1 else 's'}"

    def stride(self, examples: int) -> int:
        """Epochs between measurements."""
        return self.every or max(1, math.ceil(self.length(examples) / PIECES))

    def rate(self, progress: float) -> float:
        """The learning rate after a fraction of training."""
        if progress < self.warmup:
            return self.lr * progress / self.warmup
        rest = (progress - self.warmup) / (1 - self.warmup)
        shape: dict[str, Callable[[float], float]] = {
            "constant": lambda t: 1.0,
            "cosine": lambda t: (1 + math.cos(math.pi * t)) / 2,
            "linear": lambda t: 1 - t,
            "step": lambda t: 1.0 if progress < 0.75 else 0.1,
        }
        return self.lr * shape[self.schedule](rest)

    def said(self) -> dict[str, Any]:
        """Everything that is not as it is by default, for the card."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


CHOICES = {
    "family": FAMILIES,
    "optimiser": tuple(OPTIMISERS),
    "schedule": tuple(SCHEDULES),
    "loss": ("", *LOSSES),
    "initialisation": tuple(INITIALISATIONS),
    "shortcut": ("A", "B", "none"),
}
LEAST = {
    "weight_decay": 0,
    "rho": 0,
    "batch": 0,
    "epochs": 1,
    "steps": 0,
    "every": 0,
    "probe_examples": 2,
    "kernel": 1,
    "width": 1,
    "keep": 0,
}
