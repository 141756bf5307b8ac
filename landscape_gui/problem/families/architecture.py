"""What a family answers: an architecture that can be built, said in a sentence and told apart from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

Shapes = Mapping[str, tuple[int, ...]]
"""Names and shapes of a checkpoint's tensors, in the file's order."""

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "leaky_relu": nn.LeakyReLU,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
}


class Misfit(Exception):
    """A family does not fit: the sentence says which tensor, its shape and what was expected."""


@dataclass(frozen=True)
class Architecture:
    """A network that a checkpoint's tensors fill.

    family: "mlp", "cnn" or "resnet"; sentence: what it is, for people; config: JSON-able, all that decides what it computes
    (goes into the fingerprint); build: a fresh module whose state dict has the file's own names; assumptions: sentences about
    what the file does not say and was guessed.
    """

    family: str
    sentence: str
    config: Mapping[str, Any]
    build: Callable[[], nn.Module]
    assumptions: tuple[str, ...] = ()


def activation(name: object) -> nn.Module:
    """The activation called `name`. Raises Misfit for one that is not offered."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise Misfit(f"The activation is {name!r}; it must be one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]()


def with_channel(x: Tensor, dimensions: int) -> Tensor:
    """Inputs of so many dimensions an example as (examples, 1, ...); others as they are.

    Where it is used it is marked for torch.fx as one operation, since symbols have no answer to the question: the faster ways to
    run a network need its graph.
    """
    return x.unsqueeze(1) if x.ndim == dimensions + 1 else x
