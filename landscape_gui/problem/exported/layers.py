"""Operations of an exported program that are layers of torch.nn: made as such again, at the names that their weights have.

What goes by kinds of layers then works as on the network before its export: BatchNorm that is recalculated, layers in matching,
faster paths. An operation is a layer where all tensors under its weight's name are the layer's own, and every use agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from landscape_gui.problem.exported.graph import Graph, Here, Node, Ref
from landscape_gui.problem.exported.operators import bound

Shapes = Mapping[str, tuple[int, ...]]
Named = Callable[[Any], str]
"""Gives the stored name of a weight that a value is, "" for any other value."""


@dataclass(frozen=True)
class Layer:
    """A layer of torch.nn by its settings. values: the one that goes through it; names: its tensors, last part -> stored name."""

    kind: type[nn.Module]
    settings: tuple[tuple[str, Any], ...]
    value: Ref
    names: tuple[tuple[str, str], ...]

    @property
    def place(self) -> str:
        """The module's name: what its tensors' names begin with; "" where they have no common one."""
        places = {name.rpartition(".")[0] for _, name in self.names if name.rpartition(".")[2]}
        own = all(name.rpartition(".")[2] == last for last, name in self.names)
        return places.pop() if own and len(places) == 1 else ""

    def make(self) -> nn.Module:
        """The layer with memory of its own, not initialised; no random number is drawn."""
        settings = dict(self.settings)
        with torch.device("meta"):
            if self.kind is nn.Embedding:  # its own start would bring in torch's compiler, which takes seconds
                settings["_weight"] = torch.empty(settings["num_embeddings"], settings["embedding_dim"])
            layer = self.kind(**settings)
        return layer.to_empty(device="cpu")


def layers_of(graph: Graph, named: Named, shapes: Shapes) -> tuple[dict[str, nn.Module], dict[int, tuple[str, Ref]]]:
    """Layers by name, and for each node (by its place) that is one: the layer's name and what goes through it.

    shapes: of all tensors in the file; a layer is made where those under its name are exactly its own.
    """
    found: dict[int, Layer] = {}
    read = names_read(graph)
    for place, node in enumerate(graph.nodes):
        layer = _layer(node, graph, named, shapes) if read.isdisjoint(node.outputs[1:]) else None
        if layer is not None and layer.place:
            found[place] = layer
    kinds: dict[str, set[str]] = {}
    for layer in found.values():
        kinds.setdefault(layer.place, set()).add(repr((layer.kind, layer.settings, layer.names)))
    there = _families(shapes)
    made: dict[str, nn.Module] = {}
    for name, layer in {layer.place: layer for layer in found.values() if len(kinds[layer.place]) == 1}.items():
        module = _whole(layer, there[name])
        if module is not None:
            made[name] = module
    return made, {place: (layer.place, layer.value) for place, layer in found.items() if layer.place in made}


def _families(shapes: Shapes) -> dict[str, dict[str, tuple[int, ...]]]:
    """Every module's tensors by the last part of their names, in those that have modules inside under "." too."""
    families: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        place, _, last = name.rpartition(".")
        families.setdefault(place, {})[last] = shape
        while place:
            place = place.rpartition(".")[0]
            families.setdefault(place, {})["."] = ()
    return families


def _whole(layer: Layer, there: Shapes) -> nn.Module | None:
    """The module, where the file's tensors under its name are its own, of the same shapes; else None."""
    try:
        module = layer.make()
    except (ValueError, RuntimeError, TypeError, ZeroDivisionError):
        return None
    own = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    return module if own == there else None


def _layer(node: Node, graph: Graph, named: Named, shapes: Shapes) -> Layer | None:
    reader = _READERS.get(node.target.removeprefix("torch.ops.aten."))
    if reader is None:
        return None
    given = bound(node.target, node.arguments)
    tensors = {
        key: named(given.get(key)) for key in ("weight", "bias", "running_mean", "running_var") if given.get(key) is not None
    }
    value = given.get("indices" if "embedding" in node.target else "input")
    rest = {key: item for key, item in given.items() if key not in tensors and item is not value}
    if not isinstance(value, Ref) or not all(tensors.values()) or any(map(_moves, rest.values())):
        return None
    rank = len(graph.sizes.get(value.name, ()))
    try:
        made = reader(given, {key: shapes[name] for key, name in tensors.items()}, rank)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    if made is None:
        return None
    kind, settings = made
    return Layer(kind, tuple(sorted(settings.items())), value, tuple(sorted(tensors.items())))


def names_read(graph: Graph) -> set[Any]:
    """Names of all values that an operation reads or that are results."""
    read = {ref.name for node in graph.nodes for _, value, _ in node.arguments for ref in refs_of(value)}
    return read | {ref.name for value in graph.results for ref in refs_of(value)}


def refs_of(value: Any) -> Iterable[Ref]:
    """The values that an argument reads."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from refs_of(item)


def _moves(value: Any) -> bool:
    return isinstance(value, (Here, Graph)) or any(True for _ in refs_of(value))


def _linear(given: Mapping[str, Any], shapes: Shapes, rank: int) -> Any:
    out, width = shapes["weight"]
    return nn.Linear, {"in_features": width, "out_features": out, "bias": "bias" in shapes}


def _embedding(given: Mapping[str, Any], shapes: Shapes, rank: int) -> Any:
    count, width = shapes["weight"]
    at = given["padding_idx"]
    return nn.Embedding, {"num_embeddings": count, "embedding_dim": width, "padding_idx": None if at < 0 else at}


def _convolution(given: Mapping[str, Any], shapes: Shapes, rank: int) -> Any:
    if given.get("transposed") or any(given.get("output_padding") or ()):
        return None
    out, width, *kernel = shapes["weight"]
    kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(kernel)]
    window = {key: _spread(given[key], len(kernel)) for key in ("stride", "padding", "dilation")}
    groups = given["groups"]
    channels = {"in_channels": width * groups, "out_channels": out, "kernel_size": tuple(kernel), "groups": groups}
    return kind, {**channels, **window, "bias": "bias" in shapes}


def _spread(value: Any, count: int) -> Any:
    """A tuple of `count` numbers; torch lets one number stand for all."""
    if isinstance(value, str):
        return value
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * count if len(values) == 1 else values


def _batch_norm(given: Mapping[str, Any], shapes: Shapes, rank: int) -> Any:
    (width,) = shapes["running_mean"]
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[rank]
    return kind, {"num_features": width, "eps": given["eps"], "momentum": given["momentum"], "affine": "weight" in shapes}


def _layer_norm(given: Mapping[str, Any], shapes: Shapes, rank: int) -> Any:
    return nn.LayerNorm, {"normalized_shape": tuple(given["normalized_shape"]), "eps": given["eps"], "bias": "bias" in shapes}


def _group_norm(given: Mapping[str, Any], shapes: Shapes, rank: int) -> Any:
    groups = given["num_groups"] if "num_groups" in given else given["group"]
    return nn.GroupNorm, {"num_groups": groups, "num_channels": shapes["weight"][0], "eps": given["eps"]}


_READERS: Mapping[str, Callable[[Mapping[str, Any], Shapes, int], Any]] = {
    "linear.default": _linear,
    "embedding.default": _embedding,
    "conv1d.default": _convolution,
    "conv2d.default": _convolution,
    "conv3d.default": _convolution,
    "conv1d.padding": _convolution,
    "conv2d.padding": _convolution,
    "conv3d.padding": _convolution,
    "convolution.default": _convolution,
    "batch_norm.default": _batch_norm,
    "_native_batch_norm_legit_no_training.default": _batch_norm,
    "layer_norm.default": _layer_norm,
    "native_layer_norm.default": _layer_norm,
    "group_norm.default": _group_norm,
    "native_group_norm.default": _group_norm,
}
