"""Run a network once and find out which dimension of which tensor carries which units.

Every operation that reaches torch's dispatcher in this thread is seen, whatever Python the network is written in; nothing in the
process is replaced. Each tensor carries one symbol a dimension (`symbolic_axes`); the rules of `axis_rules` say what an operation
does to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from landscape_gui.core.splits import call, tensors_of
from landscape_gui.core.symbolic_axes import Atom, Node, held, hold, unify

Dims = tuple[Node, ...]
INPUT, OUTPUT = "it is an axis of the network's inputs", "it is an axis of the network's outputs"
CONSTANT = "values that are no weights differ along it"
READ = "aten._local_scalar_dense"


class ValueRead(Exception):
    """The network looks at a value that depends on its inputs, so that other examples may go another way."""


class Symbols:
    """The symbols of every tensor that the run has met, and of what has been picked by position but not been read yet."""

    def __init__(self) -> None:
        self._dims: dict[int, tuple[Tensor, Dims]] = {}
        self._indices: dict[int, tuple[Node, str]] = {}
        self._data: set[int] = set()

    def known(self, tensor: Tensor) -> bool:
        return id(tensor) in self._dims

    def of(self, tensor: Tensor) -> Dims:
        """The symbols of a tensor; of a constant, held where its values differ and free where they repeat."""
        pending = self._indices.pop(id(tensor), None)
        if pending is not None:
            hold(*pending)
        if id(tensor) not in self._dims:
            self.put(tensor, tuple(_constant_axis(tensor, d) for d in range(tensor.dim())))
        return self._dims[id(tensor)][1]

    def put(self, tensor: Tensor, dims: Sequence[Node]) -> None:
        if len(dims) != tensor.dim():
            raise ValueError(f"{len(dims)} symbols for {tensor.dim()} dimensions")
        self._dims[id(tensor)] = (tensor, tuple(dims))

    def put_index(self, tensor: Tensor, dims: Sequence[Node], along: Node, reason: str) -> None:
        """A tensor of positions along a dimension: that dimension is held once somebody reads them."""
        self.put(tensor, dims)
        self._indices[id(tensor)] = (along, reason)

    def mark_data(self, tensors: Sequence[Tensor]) -> None:
        self._data.update(id(tensor) for tensor in tensors)

    def is_data(self, tensor: Tensor) -> bool:
        return id(tensor) in self._data


def _constant_axis(tensor: Tensor, dim: int) -> Node:
    if tensor.numel() == 0 or bool((tensor == tensor.narrow(dim, 0, 1)).all()):
        return Atom(tensor.shape[dim])
    return held(tensor.shape[dim], CONSTANT)


Rule = Callable[[Symbols, Any, tuple[Any, ...], Mapping[str, Any], Any], None]
"""(symbols, operation, arguments, keywords, what came out) -> symbols are put for what came out."""


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, symbols: Symbols, apply: Rule) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._symbols, self._apply, self._busy = symbols, apply, False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; with True, torch would import its compiler for it, which takes a second."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        inputs = [*tensors_of(args), *tensors_of(kwargs)]
        data = any(map(self._symbols.is_data, inputs))
        if data and str(func).startswith(READ):
            raise ValueRead
        out = func(*args, **kwargs)
        with torch.utils._python_dispatch._disable_current_modes():
            self._apply(self._symbols, func, args, kwargs, out)
        if data:
            self._symbols.mark_data([*tensors_of(out), *(t for t in inputs if _written(func))])
        return out


def _written(func: Any) -> bool:
    return bool(func._schema.is_mutable)


def run(module: nn.Module, tensors: Mapping[str, Tensor], inputs: Any, apply: Rule) -> tuple[dict[str, Dims], dict[str, Dims]]:
    """The symbols of named tensors and of the outputs of the modules that own parameters, once the network has run.

    module: a private copy, in evaluation mode. Inputs and outputs are held.
    """
    symbols = Symbols()
    for tensor in tensors.values():
        symbols.put(tensor, tuple(Atom(size) for size in tensor.shape))
    for tensor in tensors_of(inputs):
        symbols.put(tensor, tuple(held(size, INPUT) for size in tensor.shape))
        symbols.mark_data([tensor])
    outputs: dict[str, Dims] = {}

    def record(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, out: Any) -> None:
            if isinstance(out, Tensor) and name not in outputs and symbols.known(out):
                outputs[name] = symbols.of(out)

        return hook

    parts = [(name, part) for name, part in module.named_modules() if any(True for _ in part.parameters(recurse=False))]
    hooks = [part.register_forward_hook(record(name)) for name, part in parts]
    try:
        with _Mode(symbols, apply):
            results = call(module, inputs)
    finally:
        for hook in hooks:
            hook.remove()
    for result in results_of(results):
        for dim in symbols.of(result):
            hold(dim, OUTPUT)
    return {name: symbols.of(tensor) for name, tensor in tensors.items()}, outputs


def results_of(tree: Any) -> list[Tensor]:
    """Every tensor in what a network gives back, a dataclass-like output's too."""
    found = list(tensors_of(tree))
    if not found and hasattr(tree, "__dict__"):
        found = [t for value in vars(tree).values() for t in tensors_of(value)]
    return found


def same(dims: Sequence[Node], others: Sequence[Node]) -> None:
    """Unify two lists of dimensions, pair by pair."""
    for a, b in zip(dims, others, strict=True):
        unify(a, b)
