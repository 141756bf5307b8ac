"""A fresh network of a built-in family that takes the data's examples and answers their targets."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.families import ACTIVATIONS, cnn, mlp, resnet
from landscape_gui.problem.families.architecture import Misfit
from landscape_gui.problem.settings import own_randomness
from landscape_gui.training.recipe import Recipe

MOST_CHANNELS = 4
"""Of a signal: fewer rows than that are no picture."""


def make_network(recipe: Recipe, data: Data) -> tuple[nn.Module, dict[str, Any]]:
    """The network, initialised from the recipe's seed, and its `architecture` on a card. Raises ProblemError: the data's examples
    do not suit the family."""
    example, outputs = data.example, outputs_of(data)
    if example is None or not is_floating(data):
        raise ProblemError(
            f"The {recipe.family} takes tensors of numbers; these data are of another kind.",
            remedy="Give images, signals or a table.",
        )
    if recipe.activation not in ACTIVATIONS:
        raise ProblemError(f"The activation is {recipe.activation!r}.", remedy=f"Choose one of {', '.join(ACTIVATIONS)}.")
    make = {"mlp": make_mlp, "cnn": make_cnn, "resnet": make_resnet}[recipe.family]
    with own_randomness(recipe.seed):
        try:
            module, options = make(recipe, example, outputs)
        except Misfit as error:
            raise ProblemError(f"{error}", remedy="Give another depth.") from error
        initialise(module, recipe.initialisation)
    return module, {"family": recipe.family, **options}


def outputs_of(data: Data) -> int:
    """One output a class, or a number."""
    targets = data.splits[0].targets
    if not isinstance(targets, Tensor):
        raise ProblemError("These data have no plain targets.", remedy="Give inputs and targets as arrays.")
    if targets.is_floating_point():
        return math.prod(targets.shape[1:])
    return int(max(int(split.targets.max()) for split in data.splits)) + 1


def is_floating(data: Data) -> bool:
    return isinstance(data.splits[0].inputs, Tensor) and data.splits[0].inputs.is_floating_point()


def make_mlp(recipe: Recipe, example: tuple[int, ...], outputs: int) -> tuple[nn.Module, dict[str, Any]]:
    widths = [math.prod(example), *recipe.hidden, outputs]
    return mlp.create(widths, recipe.activation), {"activation": recipe.activation}


def make_cnn(recipe: Recipe, example: tuple[int, ...], outputs: int) -> tuple[nn.Module, dict[str, Any]]:
    """Convolutions of signals (L,) or (C, L), or images (H, W) or (C, H, W), each with a pool after it while there is room."""
    if len(example) > 3:
        raise ProblemError(f"Examples of shape {example} are no signals and no images.", remedy="Train an mlp on them.")
    apart = len(example) == 3 or is_signal(example)
    channels, size = (example[0], list(example[1:])) if apart else (1, list(example))
    pools = []
    for number in range(len(recipe.channels)):
        if min(size) >= 4:
            pools.append(number)
            size = [n // 2 for n in size]
    kernel = (recipe.kernel,) * len(size)
    widths = [channels, *recipe.channels]
    shapes = [(after, before, *kernel) for before, after in itertools.pairwise(widths)]
    if recipe.kernel % 2 == 0:
        raise ProblemError(
            f"The kernel is {recipe.kernel}; convolutions that keep the size have odd ones.", remedy="Give 3, 5, ..."
        )
    options: dict[str, Any] = {"activation": recipe.activation, "stride": 1, "padding": "same"}
    options |= {"pool": "max", "pool_after": pools} if pools else {"pool": "none"}
    flat = widths[-1] * math.prod(size)
    linear = list(zip([*recipe.hidden[:1], outputs], [flat, *recipe.hidden[:1]], strict=True))
    return cnn.create(shapes, linear, **options), options


def make_resnet(recipe: Recipe, example: tuple[int, ...], outputs: int) -> tuple[nn.Module, dict[str, Any]]:
    if len(example) not in (2, 3) or is_signal(example):
        raise ProblemError(f"A resnet takes images; the examples have shape {example}.", remedy="Train an mlp or a cnn on them.")
    channels = example[0] if len(example) == 3 else 1
    made = resnet.create(recipe.depth, recipe.width, channels=channels, classes=outputs, shortcut=recipe.shortcut)
    return made, {"shortcut": recipe.shortcut}


def is_signal(example: tuple[int, ...]) -> bool:
    """Whether two dimensions are a signal's few channels and its length, and no image's height and width."""
    return len(example) == 2 and example[0] <= MOST_CHANNELS < example[1]


@torch.no_grad()
def initialise(module: nn.Module, how: str) -> None:
    """Write the first weights of convolutions and Linear layers, from the global generator."""
    for layer in module.modules():
        if how == "default" or not isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            continue
        if how == "xavier":
            nn.init.xavier_normal_(layer.weight)
        else:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
