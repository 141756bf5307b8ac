"""Plain convolutional networks: convolutions (1-D or 2-D), pools and Linear layers in one chain, like LeNet and VGG.

Strides, padding, pools and activations are not in a file. A card may give them; otherwise the usual ones are tried, and those
that turn the data's images into as many numbers as the first Linear layer takes are candidates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from landscape_gui.problem.families.architecture import Architecture, Misfit, Shapes, activation
from landscape_gui.problem.families.chain import Chain, GlobalAverage, Layer, in_order, make_linear, make_norm, read_layers

FAMILY = "cnn"
OPTIONS = frozenset(
    {"family", "activation", "stride", "padding", "pool", "pool_after", "pool_size", "global_average", "eps", "input"}
)
MOST_CANDIDATES = 16


@dataclass(frozen=True)
class Plan:
    """What the file does not say. One stride and padding a convolution; pool_after: 0-based numbers of convolutions."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    pool: str
    pool_after: tuple[int, ...]
    pool_size: int
    global_average: bool
    activation: str
    eps: float


def match(shapes: Shapes, options: Mapping[str, Any], example: tuple[int, ...] | None = None) -> list[Architecture]:
    """The CNNs whose tensors these are, the usual ones first. options: any of `OPTIONS`; example: one input's shape.

    Raises Misfit, with the tensor and the shape that was expected.
    """
    layers = read_layers(shapes)
    convolutions = [layer for layer in layers if layer.kind == "conv"]
    if not convolutions:
        raise Misfit("there is no convolution")
    order = in_order(layers)
    convolutions = [layer for layer in order if layer.kind == "conv"]
    size = tuple(options.get("input", ())) or example
    image = None if size is None else _image(size, convolutions[0])
    plans = [plan for plan in _plans(convolutions, options) if _fits(order, plan, image)]
    if not plans:
        linear = next(layer for layer in order if layer.kind == "linear")
        raise Misfit(
            f"tensor '{linear.name}.weight' has shape {linear.shape}; no usual strides, padding and pools turn "
            f"{'the data' if image is None else f'images of {image}'} into {linear.shape[1]} numbers"
        )
    return [architecture(order, plan, options) for plan in plans[:MOST_CANDIDATES]]


def create(convolutions: Sequence[tuple[int, ...]], linear: Sequence[tuple[int, int]], **options: Any) -> nn.Module:
    """A fresh CNN: weights' shapes of its convolutions and Linear layers, and options as in a card."""
    layers = [Layer(f"conv{i}", "conv", tuple(shape), True) for i, shape in enumerate(convolutions, 1)]
    layers += [Layer(f"fc{i}", "linear", shape, True) for i, shape in enumerate(linear, 1)]
    plan = next(iter(_plans([x for x in layers if x.kind == "conv"], options)))
    return build(layers, plan)


def architecture(order: Sequence[Layer], plan: Plan, options: Mapping[str, Any]) -> Architecture:
    convolutions = [layer for layer in order if layer.kind == "conv"]
    linear = [layer for layer in order if layer.kind == "linear"]
    pools = f"{plan.pool} pool after {len(plan.pool_after)}" if plan.pool_after else "no pool"
    norms = ", BatchNorm" if any(layer.kind == "norm" for layer in order) else ""
    sentence = (
        f"CNN, convolutions {'-'.join(str(x.width) for x in convolutions)} of {'x'.join(map(str, convolutions[0].shape[2:]))}, "
        f"{pools}, Linear {'-'.join(str(n) for n in [linear[0].shape[1], *(x.width for x in linear)])}, {plan.activation}{norms}"
    )
    config = {"family": FAMILY, "layers": [[x.name, x.kind, list(x.shape), x.bias] for x in order], **asdict(plan)}
    guesses = [word for word in ("activation", "stride", "padding", "pool") if word not in options]
    text = f"Not in the file, guessed: {', '.join(guesses)}."
    return Architecture(FAMILY, sentence, config, lambda: build(order, plan), (text,) if guesses else ())


def build(order: Sequence[Layer], plan: Plan) -> nn.Module:
    dimensions = len(order[0].shape) - 2
    chain = Chain(dimensions)
    number = -1
    for i, layer in enumerate(order):
        following = order[i + 1] if i + 1 < len(order) else None
        if layer.kind == "conv":
            number += 1
            chain.add(layer.name, _convolution(layer, _groups(order, i), plan.stride[number], plan.padding[number]))
        elif layer.kind == "norm":
            convolved = any(x.kind == "linear" for x in order[:i])
            chain.add(layer.name, make_norm(layer, 0 if convolved else dimensions, plan.eps))
        else:
            chain.add(layer.name, make_linear(layer))
        if following is None or following.kind == "norm":
            continue
        chain.add(f"activation{i + 1}", activation(plan.activation))
        _after(chain, order[: i + 1], following, number, plan)
    return chain


def _after(chain: Chain, done: Sequence[Layer], following: Layer, number: int, plan: Plan) -> None:
    """The pool and the flattening that come after a convolution's activation."""
    if any(layer.kind == "linear" for layer in done):
        return
    if number in plan.pool_after:
        chain.add(f"pool{number + 1}", _pool(plan, chain.image_dimensions))
    if following.kind == "linear":
        chain.add("flatten", GlobalAverage() if plan.global_average else nn.Flatten())


def _convolution(layer: Layer, groups: int, stride: int, padding: int) -> nn.Module:
    kind: Any = nn.Conv1d if len(layer.shape) == 3 else nn.Conv2d
    kernel = layer.shape[2:]
    made: nn.Module = kind(layer.shape[1] * groups, layer.width, kernel, stride, padding, groups=groups, bias=layer.bias)
    return made


def _groups(order: Sequence[Layer], i: int) -> int:
    before = [layer for layer in order[:i] if layer.kind == "conv"]
    return before[-1].width // order[i].shape[1] if before else 1


def _pool(plan: Plan, dimensions: int) -> nn.Module:
    if plan.pool == "max":
        return nn.MaxPool1d(plan.pool_size) if dimensions == 1 else nn.MaxPool2d(plan.pool_size)
    return nn.AvgPool1d(plan.pool_size) if dimensions == 1 else nn.AvgPool2d(plan.pool_size)


def _plans(convolutions: Sequence[Layer], options: Mapping[str, Any]) -> Iterator[Plan]:
    """Plans to try, in order of how usual they are; where the card decides, only its."""
    n = len(convolutions)
    strides = [_each(options["stride"], n, "stride")] if "stride" in options else [(1,) * n, (2,) * n]
    paddings = [_padding(options["padding"], convolutions)] if "padding" in options else _paddings(convolutions)
    pools = [options["pool"]] if "pool" in options else ["max", "average"]
    if any(pool not in ("max", "average", "none") for pool in pools):
        raise Misfit(f"The pool is {pools[0]!r}; it must be max, average or none.")
    places = [tuple(int(i) for i in options["pool_after"])] if "pool_after" in options else _pool_places(convolutions)
    averages = [bool(options["global_average"])] if "global_average" in options else [False, True]
    name = options.get("activation", "relu")
    activation(name)
    size, eps = int(options.get("pool_size", 2)), float(options.get("eps", 1e-5))
    seen = set()
    for average, stride, place, padding, pool in itertools.product(averages, strides, places, paddings, pools):
        after = () if pool == "none" else place
        plan = Plan(stride, padding, pool if after else "none", after, size, average, name, eps)
        if plan not in seen:
            seen.add(plan)
            yield plan


def _each(value: Any, n: int, what: str) -> tuple[int, ...]:
    values = tuple(int(v) for v in value) if isinstance(value, (list, tuple)) else (int(value),) * n
    if len(values) != n:
        raise Misfit(f"The {what} has {len(values)} entries for {n} convolutions.")
    return values


def _padding(value: Any, convolutions: Sequence[Layer]) -> tuple[int, ...]:
    return tuple(layer.shape[2] // 2 for layer in convolutions) if value == "same" else _each(value, len(convolutions), "padding")


def _paddings(convolutions: Sequence[Layer]) -> list[tuple[int, ...]]:
    same = _padding("same", convolutions)
    none = (0,) * len(convolutions)
    return list(dict.fromkeys([same, none, (same[0], *none[1:]), (0, *same[1:])]))


def _pool_places(convolutions: Sequence[Layer]) -> list[tuple[int, ...]]:
    n = len(convolutions)
    wider = tuple(i for i in range(n) if i == n - 1 or convolutions[i + 1].width > convolutions[i].width)
    return list(dict.fromkeys([tuple(range(n)), wider, tuple(range(1, n, 2)), tuple(range(n - 1)), (n - 1,), ()]))


def _image(example: tuple[int, ...], first: Layer) -> tuple[int, ...]:
    dimensions = len(first.shape) - 2
    image = (1, *example) if len(example) == dimensions else tuple(example)
    if len(image) != dimensions + 1 or image[0] != first.shape[1]:
        raise Misfit(
            f"tensor '{first.name}.weight' takes {first.shape[1]} channels in {dimensions} dimensions; "
            f"the data's examples have shape {example}"
        )
    return image


def _fits(order: Sequence[Layer], plan: Plan, image: tuple[int, ...] | None) -> bool:
    linear = next(layer for layer in order if layer.kind == "linear")
    convolutions = [layer for layer in order if layer.kind == "conv"]
    channels = convolutions[-1].width
    if plan.global_average or image is None:
        return linear.shape[1] == channels or not plan.global_average
    size = list(image[1:])
    for i, layer in enumerate(convolutions):
        size = [(s + 2 * plan.padding[i] - k) // plan.stride[i] + 1 for s, k in zip(size, layer.shape[2:], strict=True)]
        if i in plan.pool_after:
            size = [s // plan.pool_size for s in size]
        if min(size) < 1:
            return False
    return channels * math.prod(size) == linear.shape[1]
