"""Multilayer perceptrons: any number of Linear layers, with BatchNorm between them or without."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from landscape_gui.problem.families.architecture import Architecture, Misfit, Shapes, activation
from landscape_gui.problem.families.chain import Affine, Chain, Layer, in_order, make_linear, make_norm, read_layers

FAMILY = "mlp"
OPTIONS = frozenset({"family", "activation", "widths", "eps"})


def match(shapes: Shapes, options: Mapping[str, Any], example: tuple[int, ...] | None = None) -> list[Architecture]:
    """The MLP whose tensors these are. options: `activation` (ReLU), `widths` to insist on, `eps` of BatchNorm.

    example: the shape of one input, checked against the first layer. Raises Misfit.
    """
    layers = read_layers(shapes)
    for layer in layers:
        if layer.kind == "conv":
            raise Misfit(f"tensor '{layer.name}.weight' has shape {layer.shape}; a matrix was expected")
    if not any(layer.kind == "linear" for layer in layers):
        raise Misfit("there is no Linear layer")
    order = in_order(layers)
    _check_widths(order, options.get("widths"))
    _check_example(order, example)
    name = options.get("activation", "relu")
    activation(name)
    return [architecture(order, name, float(options.get("eps", 1e-5)), assumed="activation" not in options)]


def create(widths: Sequence[int], name: str = "relu") -> nn.Module:
    """A fresh MLP of these widths, inputs first, layers called fc1, fc2, ...: the one that samples are trained as."""
    pairs = itertools.pairwise(widths)
    return build([Layer(f"fc{i}", "linear", (b, a), True) for i, (a, b) in enumerate(pairs, 1)], name)


def architecture(order: Sequence[Layer], name: str, eps: float, *, assumed: bool) -> Architecture:
    linear = [layer for layer in order if layer.kind == "linear"]
    widths = [linear[0].shape[1], *(layer.width for layer in linear)]
    norms = any(layer.kind == "norm" for layer in order)
    hidden = len(linear) > 1
    sentence = f"MLP {'-'.join(map(str, widths))}" + (f", {name}" if hidden else "") + (", BatchNorm" if norms else "")
    config = {"family": FAMILY, "layers": [[x.name, x.kind, list(x.shape), x.bias] for x in order], "activation": name, "eps": eps}
    guess = ("The activation is not in the file; ReLU is assumed.",) if assumed and hidden else ()
    return Architecture(FAMILY, sentence, config, lambda: build(order, name, eps), guess)


def build(order: Sequence[Layer], name: str, eps: float = 1e-5) -> nn.Module:
    if len(order) == 1 and order[0].name == "":
        return Affine(order[0].shape[1], order[0].shape[0], bias=order[0].bias)
    chain = Chain()
    for i, layer in enumerate(order):
        following = order[i + 1] if i + 1 < len(order) else None
        chain.add(layer.name, make_norm(layer, 0, eps) if layer.kind == "norm" else make_linear(layer))
        if following is not None and following.kind != "norm":
            chain.add(f"activation{i + 1}", activation(name))
    return chain


def _check_widths(order: Sequence[Layer], widths: Any) -> None:
    if widths is None:
        return
    linear = [layer for layer in order if layer.kind == "linear"]
    if len(widths) != len(linear) + 1:
        raise Misfit(f"there are {len(linear)} Linear layers; widths {list(widths)} ask for {len(widths) - 1}")
    for layer, inputs, outputs in zip(linear, widths, widths[1:], strict=False):
        if layer.shape != (outputs, inputs):
            raise Misfit(f"tensor '{layer.name}.weight' has shape {layer.shape}; ({outputs}, {inputs}) was expected")


def _check_example(order: Sequence[Layer], example: tuple[int, ...] | None) -> None:
    if example is None:
        return
    size = 1
    for n in example:
        size *= n
    first = order[0]
    if first.shape[1] != size:
        raise Misfit(
            f"tensor '{first.name}.weight' takes {first.shape[1]} inputs; the data's examples have shape {example}, {size} numbers"
        )
