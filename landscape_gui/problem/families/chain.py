"""Networks that are one chain: convolutions, norms, pools and Linear layers one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from landscape_gui.problem.families.architecture import Misfit, Shapes, with_channel

fx.wrap("with_channel")

LEAVES = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})


@dataclass(frozen=True)
class Layer:
    """One layer as the file tells it: its dotted name, kind, weight's shape, and whether it has a bias.

    kind: "linear" (out, in), "conv" (out, in, k) or (out, in, k, k), "norm" (channels,), a batch norm.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    bias: bool

    @property
    def width(self) -> int:
        return self.shape[0]


def read_layers(shapes: Shapes) -> list[Layer]:
    """The file's tensors as layers, in the file's order. Raises Misfit for a tensor that no chain holds."""
    groups: dict[str, dict[str, tuple[int, ...]]] = {}
    for key, shape in shapes.items():
        name, _, leaf = key.rpartition(".")
        if leaf not in LEAVES:
            raise Misfit(f"tensor {key!r} {shape} belongs to no Linear, convolution or BatchNorm layer")
        groups.setdefault(name, {})[leaf] = shape
    return [_layer(name, group) for name, group in groups.items()]


def _layer(name: str, group: dict[str, tuple[int, ...]]) -> Layer:
    weight, bias = group.get("weight"), group.get("bias")
    if weight is None:
        raise Misfit(f"layer {name!r} has no weight")
    kind = {1: "norm", 2: "linear", 3: "conv", 4: "conv"}.get(len(weight))
    if kind is None:
        raise Misfit(f"tensor '{name}.weight' has shape {weight}; 1 to 4 dimensions were expected")
    if kind == "norm" and group.get("running_mean") != weight:
        raise Misfit(f"layer {name!r} is a norm without running statistics; only BatchNorm is expected in a chain")
    if bias is not None and bias != weight[:1]:
        raise Misfit(f"tensor '{name}.bias' has shape {bias}; {weight[:1]} was expected")
    return Layer(name, kind, weight, bias is not None)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key in which fc2 comes before fc10."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)


def in_order(layers: Sequence[Layer]) -> list[Layer]:
    """The layers in the order in which data passes them: the file's where that fits, else by name, convolutions first.

    safetensors files are sorted by name, so that the file's own order says nothing there.
    """
    rank = {"conv": 0, "norm": 1, "linear": 2}
    named = sorted(layers, key=lambda layer: natural(layer.name))
    split = sorted((x for x in named if x.kind != "norm"), key=lambda layer: rank[layer.kind])
    first: Misfit | None = None
    sorted_by_name = [layer.name for layer in layers] == sorted(layer.name for layer in layers)
    stored = named if sorted_by_name else list(layers)
    for order in (stored, named, _with_norms(split, [x for x in named if x.kind == "norm"]), _linked(split)):
        try:
            check_order(order)
        except Misfit as error:
            first = first or error
        else:
            return order
    assert first is not None
    raise first if len(layers) > 1 else Misfit(str(first))


def _with_norms(layers: list[Layer], norms: list[Layer]) -> list[Layer]:
    """Each norm after the first layer still without one of its width."""
    order, left = [], list(norms)
    for layer in layers:
        order.append(layer)
        fitting = next((norm for norm in left if norm.width == layer.width), None)
        if fitting is not None and layer is not layers[-1]:
            order.append(fitting)
            left.remove(fitting)
    return order + left


def _linked(layers: list[Layer]) -> list[Layer]:
    """Linear layers ordered by inputs and outputs alone: starts at the one whose inputs nobody puts out."""
    outputs = {layer.width for layer in layers}
    starts = [layer for layer in layers if layer.shape[1] not in outputs]
    if len(starts) != 1:
        return layers
    order, left = starts, [layer for layer in layers if layer is not starts[0]]
    while left:
        following = [layer for layer in left if layer.shape[1] == order[-1].width]
        if not following:
            return layers
        order.append(following[0])
        left.remove(following[0])
    return order


def check_order(order: Sequence[Layer]) -> None:
    """Raise Misfit unless each layer takes what the one before it puts out (a flattened image may be larger)."""
    previous: Layer | None = None
    for layer in order:
        if previous is None and layer.kind == "norm":
            raise Misfit(f"the first layer {layer.name!r} is a norm")
        if previous is not None:
            _check_pair(previous, layer)
        if layer.kind != "norm" or previous is None:
            previous = layer
    if previous is not None and previous.kind != "linear":
        raise Misfit(f"the last layer {previous.name!r} is a convolution; a Linear layer was expected")


def _check_pair(previous: Layer, layer: Layer) -> None:
    width, where = previous.width, f"after '{previous.name}', which has {previous.width} outputs"
    weight = f"tensor '{layer.name}.weight' has shape {layer.shape}"
    if layer.kind == "norm":
        if layer.width != width:
            raise Misfit(f"{weight}; ({width},) was expected {where}")
    elif layer.kind == "conv":
        if previous.kind == "linear" or len(layer.shape) != len(previous.shape) or width % layer.shape[1]:
            raise Misfit(f"{weight}; ({layer.width}, {width}, ...) was expected {where}")
    elif previous.kind == "linear" and layer.shape[1] != width:
        raise Misfit(f"{weight}; ({layer.width}, {width}) was expected {where}")
    elif previous.kind == "conv" and layer.shape[1] % width:
        raise Misfit(f"{weight}; a multiple of {width} inputs was expected {where}")


class Chain(nn.Module):
    """Runs its steps one after the other. Layers are registered under the file's own dotted names.

    Inputs: (examples, ...) for Linear layers, which see them flattened; (examples, channels, ...) for convolutions, for which a
    missing channel dimension is added.
    """

    def __init__(self, image_dimensions: int = 0) -> None:
        super().__init__()
        self.image_dimensions = image_dimensions
        self.order: list[str] = []

    def add(self, name: str, module: nn.Module) -> None:
        place(self, name, module)
        self.order.append(name)

    def forward(self, x: Tensor) -> Tensor:
        x = with_channel(x, self.image_dimensions) if self.image_dimensions else x.flatten(1)
        for name in self.order:
            x = self.get_submodule(name)(x)
        return x


class Affine(nn.Linear):
    """One Linear layer that flattens its input: softmax regression, saved as a bare `weight` and `bias`."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class GlobalAverage(nn.Module):
    """The mean over all places of an image or signal: (examples, channels, ...) -> (examples, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(x, 2).mean(2)


def place(root: nn.Module, name: str, module: nn.Module) -> None:
    """Register `module` under a dotted name, making the modules between."""
    *folders, last = name.split(".")
    for folder in folders:
        if folder not in root._modules:
            root.add_module(folder, nn.Module())
        root = root.get_submodule(folder)
    root.add_module(last, module)


def make_linear(layer: Layer) -> nn.Linear:
    return nn.Linear(layer.shape[1], layer.shape[0], bias=layer.bias)


def make_norm(layer: Layer, dimensions: int, eps: float) -> nn.Module:
    kind = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d}[dimensions]
    return kind(layer.width, eps=eps)
