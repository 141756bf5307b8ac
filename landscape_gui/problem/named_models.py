"""Networks by a usual name, "resnet20" say, with fresh weights from a seed, sized to the data they are for."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from landscape_gui.errors import ProblemError
from landscape_gui.problem.extras import is_there
from landscape_gui.problem.families import cnn, mlp, resnet
from landscape_gui.problem.vision_origin import LIBRARIES, Model, build

WIDE: Mapping[int, tuple[tuple[int, ...], int]] = {18: ((2, 2, 2, 2), 2), 34: ((3, 4, 6, 3), 2), 50: ((3, 4, 6, 3), 3)}
"""Depth -> blocks a stage and convolutions a block of the ResNets that have widths 64 to 512."""
HIDDEN = (128, 64)
NAMES = {
    "mlp": "Linear layers of 128 and 64 units with ReLU; mlp-256-128 has others",
    "cnn": "two convolutions (8 and 16 filters) with pools, two Linear layers; three strided ones for signals",
    "lenet": "LeNet-5 with ReLU and max pools",
    "resnet8, resnet14, resnet20, ... (6 n + 2)": "the ResNets for CIFAR of He et al. 2016, widths 16-32-64; -plain: no shortcuts",
    "resnet18, resnet34, resnet50": "widths 64 to 512, with the 3 x 3 stem for small images",
    "timm:NAME, torchvision:NAME": "where these packages are installed",
}


@dataclass(frozen=True)
class NamedModel:
    """A network with fresh weights, and what its checkpoint's card says of it; note: what a reader should know of the name."""

    module: nn.Module
    architecture: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


def named_model(name: str, *, example: tuple[int, ...], classes: int, seed: int = 0) -> NamedModel:
    """The network called `name` (see NAMES) for inputs of shape `example` and so many classes, weights drawn from `seed`.

    Global random states stay as they are. ProblemError: no such name, or the network cannot take such inputs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        made = _made(name.strip().lower(), name.strip(), example, classes)
    try:
        with torch.no_grad():
            made.module.eval()(torch.zeros(2, *example))
    except Exception as error:  # a network for other data says so in its own words
        raise ProblemError(
            f"{name} cannot take inputs of shape {example}: {type(error).__name__}: {error}.", remedy=f"Try one of {names()}."
        ) from error
    return made


def names() -> str:
    return "; ".join(NAMES)


def _made(name: str, written: str, example: tuple[int, ...], classes: int) -> NamedModel:
    if written.partition(":")[0] in LIBRARIES and ":" in written:
        return _of_library(written, example, classes)
    if found := re.fullmatch(r"resnet-?(\d+)(-plain)?", name):
        return _resnet(int(found[1]), bool(found[2]), example, classes)
    if found := re.fullmatch(r"mlp((?:-\d+)*)", name):
        hidden = tuple(int(width) for width in found[1].split("-") if width) or HIDDEN
        module = mlp.create([math.prod(example), *hidden, classes], "relu")
        return NamedModel(module, {"family": "mlp", "activation": "relu"})
    makers: Mapping[str, Callable[[tuple[int, ...], int], NamedModel]] = {"cnn": _cnn, "lenet": _lenet, "lenet5": _lenet}
    if name in makers:
        return makers[name](example, classes)
    for library in LIBRARIES[::-1]:
        if is_there(library):
            return _of_library(f"{library}:{written}", example, classes)
    known = ["mlp", "cnn", "lenet", "resnet8", "resnet18", "resnet20", "resnet34", "resnet44", "resnet50", "resnet56", "resnet110"]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise ProblemError(
        f"There is no built-in network called {written!r}.",
        remedy=f"{hint}Built in are {names()}. With --code you can name a network of your own.",
    )


def _resnet(depth: int, plain: bool, example: tuple[int, ...], classes: int) -> NamedModel:
    channels = example[0] if len(example) == 3 else 1
    if depth in WIDE:
        return _wide(depth, plain, channels, classes)
    if depth < 8 or (depth - 2) % 6:
        raise ProblemError(
            f"There is no resnet{depth}.", remedy="Depths are 6 n + 2 (8, 14, 20, 26, 32, 44, 56, 110), and 18, 34 and 50."
        )
    shortcut = "none" if plain else "A"
    return NamedModel(
        resnet.create(depth, channels=channels, classes=classes, shortcut=shortcut), {"family": "resnet", "shortcut": shortcut}
    )


def _wide(depth: int, plain: bool, channels: int, classes: int) -> NamedModel:
    blocks, convolutions = WIDE[depth]
    inner = (64, 128, 256, 512)
    widths = inner if convolutions == 2 else tuple(4 * width for width in inner)
    projected = () if plain else tuple((stage, 0) for stage in range(4) if convolutions == 3 or stage)
    shortcut = "none" if plain else "B"
    plan = resnet.Plan(channels, classes, 64, 3, blocks, widths, inner, convolutions, shortcut, projected, True, False)
    note = (
        f"resnet{depth} is the network for small images, with a 3 × 3 stem and no first pool; torchvision:resnet{depth} is the one "
        "for images of 224 × 224."
    )
    return NamedModel(resnet.ResNet(plan), {"family": "resnet", "shortcut": shortcut}, note)


def _cnn(example: tuple[int, ...], classes: int) -> NamedModel:
    if len(example) == 1 or (len(example) == 2 and example[0] == 1):
        options: dict[str, Any] = {"stride": 2, "padding": 1, "pool": "none"}
        length = example[-1]
        for kernel in (5, 3, 3):
            length = (length + 2 - kernel) // 2 + 1
        module = cnn.create([(25, 1, 5), (25, 25, 3), (25, 25, 3)], [(classes, 25 * max(length, 1))], **options)
        return NamedModel(module, {"family": "cnn", "activation": "relu", **options})
    channels, height, width = (1, *example) if len(example) == 2 else example
    options = {"stride": 1, "padding": "same", "pool": "max", "pool_after": [0, 1]}
    size = 16 * (height // 4) * (width // 4)
    module = cnn.create([(8, channels, 3, 3), (16, 8, 3, 3)], [(32, size), (classes, 32)], **options)
    return NamedModel(module, {"family": "cnn", "activation": "relu", **options})


def _lenet(example: tuple[int, ...], classes: int) -> NamedModel:
    channels, height, width = (1, *example) if len(example) == 2 else example if len(example) == 3 else (1, 0, 0)
    options: dict[str, Any] = {"stride": 1, "padding": [2, 0] if height < 32 else 0, "pool": "max", "pool_after": [0, 1]}
    border = 4 if height < 32 else 0
    sides = [((side + border - 4) // 2 - 4) // 2 for side in (height, width)]
    if min(sides) < 1:
        raise ProblemError(f"lenet cannot take inputs of shape {example}.", remedy="It needs images of 12 by 12 pixels or more.")
    linear = [(120, 16 * math.prod(sides)), (84, 120), (classes, 84)]
    module = cnn.create([(6, channels, 5, 5), (16, 6, 5, 5)], linear, **options)
    return NamedModel(module, {"family": "cnn", "activation": "relu", **options})


def _of_library(name: str, example: tuple[int, ...], classes: int) -> NamedModel:
    library = name.partition(":")[0]
    options: dict[str, Any] = {"num_classes": classes}
    if library == "timm" and len(example) == 3 and example[0] != 3:
        options["in_chans"] = example[0]
    return NamedModel(build(Model(name=name, options=options), "The network"), {"family": name, **options})
