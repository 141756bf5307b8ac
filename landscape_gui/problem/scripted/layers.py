"""Modules of a TorchScript program that are layers of torch.nn: made as such again, after a pass has shown what they compute.

What goes by kinds of layers then works as on the network before it was saved: BatchNorm that is recalculated, layers in matching,
faster paths. A module is a layer where it is one of torch.nn's by name, every call of it was a single operation of that kind on its
own tensors, and all calls agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.problem.scripted.module import Program, Scripted
from landscape_gui.problem.scripted.objects import Alias
from landscape_gui.problem.scripted.running import Call, Operation

PLACE = "__torch__.torch.nn.modules."


def install_layers(program: Program, calls: Sequence[Call]) -> int:
    """Put layers of torch.nn, with the very same tensors, where the calls of a pass show them; how many."""
    aliased = {id(alias.owner) for alias in _aliases(program)}
    found: dict[int, list[tuple[type[nn.Module], dict[str, Any]] | None]] = {}
    for call in calls:
        found.setdefault(id(call.module), []).append(_layer(call))
    made: dict[int, nn.Module] = {}
    for module in program.modules():
        seen = found.get(id(module), [None])
        first = seen[0]
        if first is None or any(other != first for other in seen) or id(module) in aliased or not isinstance(module, Scripted):
            continue
        layer = _made(module, *first)
        if layer is not None:
            made[id(module)] = layer
    for module in list(program.modules()):
        for name, child in module._modules.items():
            module._modules[name] = made.get(id(child), child)
    return len(made)


def _aliases(program: Program) -> Iterator[Alias]:
    stack: list[Any] = [module._script_values for module in program.modules() if isinstance(module, Scripted)]
    while stack:
        value = stack.pop()
        if isinstance(value, Alias):
            yield value
        elif isinstance(value, (list, tuple)):
            stack += value
        elif isinstance(value, dict):
            stack += value.values()


def _layer(call: Call) -> tuple[type[nn.Module], dict[str, Any]] | None:
    """The kind of layer and its settings; None where the call was anything else."""
    module = call.module
    if not module._script_class.plain_name.startswith(PLACE) or module._modules or call.inner or len(call.arguments) != 1:
        return None
    if len(call.operations) != 1 or call.operations[0].result is not call.result:
        return None
    operation = call.operations[0]
    reader = _READERS.get(operation.name)
    try:
        return reader(operation, call.arguments[0], module) if reader is not None else None
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _made(module: Scripted, kind: type[nn.Module], settings: dict[str, Any]) -> nn.Module | None:
    """The layer with the module's own tensors; None where it would have others."""
    try:
        with torch.device("meta"):
            if kind is nn.Embedding:  # its own start would bring in torch's compiler, which takes seconds
                settings = {**settings, "_weight": torch.empty(settings["num_embeddings"], settings["embedding_dim"])}
            layer = kind(**settings)
    except (ValueError, RuntimeError, TypeError, ZeroDivisionError):
        return None
    if _shapes(module._parameters) != _shapes(layer._parameters) or _shapes(module._buffers) != _shapes(layer._buffers):
        return None
    layer._parameters.update(module._parameters)
    layer._buffers.update(module._buffers)
    return layer.train(module.training)


def _shapes(tensors: Mapping[str, Tensor | None]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items() if tensor is not None}


def _own(module: nn.Module, value: Any, name: str, *, optional: bool = False) -> bool:
    """Whether the value is the module's tensor of that name."""
    found: Tensor | None = module._parameters.get(name)
    found = module._buffers.get(name) if found is None else found
    return value is found and (optional or found is not None)


def _linear(operation: Operation, value: Any, module: nn.Module) -> Any:
    x, weight, bias = operation.arguments
    if x is not value or not _own(module, weight, "weight") or not _own(module, bias, "bias", optional=True):
        return None
    return nn.Linear, {"in_features": weight.shape[1], "out_features": weight.shape[0], "bias": bias is not None}


def _convolution(operation: Operation, value: Any, module: nn.Module) -> Any:
    x, weight, bias, *rest = operation.arguments
    if x is not value or not _own(module, weight, "weight") or not _own(module, bias, "bias", optional=True):
        return None
    out, width, *kernel = weight.shape
    if operation.name == "_convolution":
        stride, padding, dilation, moved, further, groups = rest[:6]
        if moved or any(further):
            return None
    else:
        given: list[Any] = [*rest, *(1, 0, 1, 1)[len(rest) :]]
        stride, padding, dilation, groups = given
    kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(kernel)]
    window = {"stride": _spread(stride, kernel), "padding": _spread(padding, kernel), "dilation": _spread(dilation, kernel)}
    channels = {"in_channels": width * groups, "out_channels": out, "kernel_size": tuple(kernel), "groups": groups}
    return kind, {**channels, **window, "bias": bias is not None}


def _spread(value: Any, kernel: Sequence[int]) -> Any:
    if isinstance(value, str):
        return value
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * len(kernel) if len(values) == 1 else values


def _batch_norm(operation: Operation, value: Any, module: nn.Module) -> Any:
    x, weight, bias, mean, var, training, momentum, eps = operation.arguments[:8]
    named = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": var}
    if x is not value or training or not all(_own(module, item, name, optional=True) for name, item in named.items()):
        return None
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[x.dim()]
    settings = {"num_features": mean.shape[0], "eps": eps, "momentum": momentum, "affine": weight is not None}
    return kind, settings


def _layer_norm(operation: Operation, value: Any, module: nn.Module) -> Any:
    x, shape, weight, bias = [*operation.arguments, None, None][:4]
    eps = operation.arguments[4] if len(operation.arguments) > 4 else 1e-5
    if x is not value or not _own(module, weight, "weight") or not _own(module, bias, "bias", optional=True):
        return None
    return nn.LayerNorm, {"normalized_shape": tuple(shape), "eps": eps, "bias": bias is not None}


def _group_norm(operation: Operation, value: Any, module: nn.Module) -> Any:
    x, groups, weight, bias, eps = operation.arguments[:5]
    if x is not value or not _own(module, weight, "weight") or not _own(module, bias, "bias"):
        return None
    return nn.GroupNorm, {"num_groups": groups, "num_channels": weight.shape[0], "eps": eps}


def _embedding(operation: Operation, value: Any, module: nn.Module) -> Any:
    weight, ids, *rest = operation.arguments
    if ids is not value or not _own(module, weight, "weight"):
        return None
    padding = rest[0] if rest else -1
    settings = {"num_embeddings": weight.shape[0], "embedding_dim": weight.shape[1]}
    return nn.Embedding, {**settings, "padding_idx": None if padding < 0 else padding}


def _relu(operation: Operation, value: Any, module: nn.Module) -> Any:
    return (nn.ReLU, {}) if len(operation.arguments) == 1 and operation.arguments[0] is value else None


_READERS: Mapping[str, Callable[[Operation, Any, Any], Any]] = {
    "linear": _linear,
    "_convolution": _convolution,
    "conv1d": _convolution,
    "conv2d": _convolution,
    "conv3d": _convolution,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "embedding": _embedding,
    "relu": _relu,
}


def tensors_own(module: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
