"""The tensors of an exported program's file, put into a module under their own names and in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.checkpoint.limits import shown
from landscape_gui.errors import ProblemError
from landscape_gui.problem.exported.graph import Ref, Weight, malformed


class Weights:
    """What a program calls by a name and what the file calls it. tensors: weights and buffers; constants: the rest; modules: names
    in their order."""

    def __init__(
        self, weights: Sequence[Weight], tensors: Mapping[str, Tensor], constants: Mapping[str, Tensor], modules: Sequence[str] = ()
    ) -> None:
        self._tensors = {**constants, **tensors}
        self._weights = {weight.name: weight for weight in weights}
        missing = [weight.stored for weight in weights if weight.stored not in self._tensors]
        if missing:
            raise ProblemError(f"Its program uses the tensor {shown(missing[0])}, which is not in the file or not read.")
        if len(self._weights) != len(weights):
            raise malformed("two of its weights have one name")
        self._first = _tied(tensors)
        self._order = list(tensors)
        self._modules = modules
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self._tensors.items()}

    def stored(self, value: Any) -> str:
        """The name in the file of the weight that a value of the graph is (of tied ones the first); "" for other values."""
        weight = self._weights.get(value.name) if isinstance(value, Ref) else None
        return "" if weight is None else self._first.get(weight.stored, weight.stored)

    def place(self, module: nn.Module, name: str) -> tuple[nn.Module, str]:
        """The module that owns a weight, by the graph's name of it, and the weight's name in there."""
        owner, _, last = self.stored(Ref(name)).rpartition(".")
        return module.get_submodule(owner), last

    def install(self, module: nn.Module, layers: Mapping[str, nn.Module], trainable: frozenset[str]) -> None:
        """Fill the module: layers where there are some, plain modules else. Parameters that were frozen at export stay so, unless
        all were. Values of parameters are not copied: the caller loads them."""
        try:
            self._make_places(module, layers)
            self._register(module)
        except (KeyError, AttributeError, TypeError) as error:
            raise malformed(f"a weight has a name that no module can have ({error})") from None
        kinds = {weight.stored: weight.name in trainable for weight in self._weights.values()}
        frozen = {name for name, _ in module.named_parameters() if not kinds.get(name, True)}
        everything = all(name in frozen for name, _ in module.named_parameters())
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(parameter.is_floating_point() and (everything or name not in frozen))

    def leader(self, module: nn.Module) -> tuple[nn.Module | None, str]:
        """Where a parameter of floating-point numbers lies, whose type and device the program follows."""
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point():
                owner, _, last = name.rpartition(".")
                return module.get_submodule(owner), last
        return None, ""

    def _make_places(self, module: nn.Module, layers: Mapping[str, nn.Module]) -> None:
        owners = {name.rpartition(".")[0] for name in self._tensors}
        first = [name for name in self._modules if name in owners]
        for place in dict.fromkeys([*first, *(name.rpartition(".")[0] for name in self._order), *sorted(owners)]):
            owner = module
            path = place.split(".") if place else []
            for depth, part in enumerate(path, 1):
                if part not in owner._modules:
                    owner.add_module(part, layers.get(".".join(path[:depth])) or nn.Module())
                owner = owner._modules[part]  # type: ignore[assignment]

    def _register(self, module: nn.Module) -> None:
        persistent = {weight.stored for weight in self._weights.values() if weight.persistent}
        parameters = {weight.stored for weight in self._weights.values() if weight.kind == "parameter"}
        for name in dict.fromkeys([*(weight.stored for weight in self._weights.values()), *self._order]):
            owner, _, last = name.rpartition(".")
            place = module.get_submodule(owner)
            if last in place._parameters or last in place._buffers:
                continue  # a layer's own
            tensor = self._tensors[name]
            if name in parameters:
                place.register_parameter(last, self._parameter(module, name, tensor))
            else:
                constant = name not in persistent and name not in self._order
                place.register_buffer(last, tensor.clone(), persistent=not constant)

    def _parameter(self, module: nn.Module, name: str, tensor: Tensor) -> nn.Parameter:
        """A parameter of its own, or the very one that it is tied to."""
        first = self._first.get(name, name)
        if first != name:
            owner, _, last = first.rpartition(".")
            found = module.get_submodule(owner)._parameters.get(last)
            if found is not None:
                return found
        return nn.Parameter(torch.empty_like(tensor), requires_grad=False)


def _tied(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Names of one and the same tensor: each but the first -> the first."""
    first: dict[Any, str] = {}
    tied: dict[str, str] = {}
    for name, tensor in tensors.items():
        if tensor.numel():
            key = (tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype)
            found = first.setdefault(key, name)
            if found != name:
                tied[name] = found
    return tied
