"""Run a network and find out which dimension of which tensor carries which units.

Every operation that reaches torch's dispatcher in this thread is seen, whatever Python the network is written in; nothing in the
process is replaced. Each tensor carries one symbol a dimension (`symbolic_axes`); the rules of `axis_rules` say what an operation
does to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from landscape_gui.core.splits import call, tensors_of
from landscape_gui.core.symbolic_axes import Atom, Node, held, hold, unify

Dims = tuple[Node, ...]
INPUT, OUTPUT = "it is an axis of the network's inputs", "it is an axis of the network's outputs"
CONSTANT = "values that are no weights differ along it"
UNUSED = "the outputs do not depend on it"
READ = "aten._local_scalar_dense"


class ValueRead(Exception):
    """The network looks at a value that it made of its inputs, so that other examples may go another way."""


class Symbols:
    """The symbols of every tensor that the run has met, and of what has been picked by position but not been read yet."""

    def __init__(self) -> None:
        self._dims: dict[int, tuple[Tensor, Dims]] = {}
        self._uniform: dict[int, list[tuple[Tensor, Callable[[], None] | None]]] = {}
        self._indices: dict[int, tuple[Node, str]] = {}
        self._used: set[int] = set()

    def known(self, tensor: Tensor) -> bool:
        return id(tensor) in self._dims

    def put_uniform(self, tensor: Tensor, replay: Callable[[], None] | None = None) -> None:
        """A new tensor of one value everywhere: whoever reads it gets symbols of his own, until somebody writes into its memory.

        replay: for a view of one, what puts its symbols by those of what it is a view of.
        """
        self._uniform.setdefault(_memory(tensor), []).append((tensor, replay))

    def is_uniform(self, tensor: Tensor) -> bool:
        return any(tensor is each for each, _ in self._uniform.get(_memory(tensor), ()))

    def write(self, tensor: Tensor) -> None:
        """Somebody writes here: from now on its memory's tensors have symbols like any other."""
        for each, replay in self._uniform.pop(_memory(tensor), ()):
            if replay is None:
                self.put(each, [Atom(size) for size in each.shape])
            else:
                replay()

    def of(self, tensor: Tensor) -> Dims:
        """The symbols of a tensor; of a constant, held where its values differ and free where they repeat."""
        if self.is_uniform(tensor):
            return tuple(Atom(size) for size in tensor.shape)
        self._used.add(id(tensor))
        pending = self._indices.pop(id(tensor), None)
        if pending is not None:
            hold(*pending)
        if id(tensor) not in self._dims:
            self.put(tensor, tuple(_constant_axis(tensor, d) for d in range(tensor.dim())))
        return self._dims[id(tensor)][1]

    def used(self, tensor: Tensor) -> bool:
        """Whether somebody has asked for its symbols."""
        return id(tensor) in self._used

    def put(self, tensor: Tensor, dims: Sequence[Node]) -> None:
        if len(dims) != tensor.dim():
            raise ValueError(f"{len(dims)} symbols for {tensor.dim()} dimensions")
        self._dims[id(tensor)] = (tensor, tuple(dims))

    def put_index(self, tensor: Tensor, dims: Sequence[Node], along: Node, reason: str) -> None:
        """A tensor of positions along a dimension: that dimension is held once somebody reads them."""
        self.put(tensor, dims)
        self._indices[id(tensor)] = (along, reason)


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _constant_axis(tensor: Tensor, dim: int) -> Node:
    if tensor.numel() == 0 or bool((tensor == tensor.narrow(dim, 0, 1)).all()):
        return Atom(tensor.shape[dim])
    return held(tensor.shape[dim], CONSTANT)


Rule = Callable[[Symbols, Any, tuple[Any, ...], Mapping[str, Any], Any], None]
"""(symbols, operation, arguments, keywords, what came out) -> symbols are put for what came out."""


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation of the network."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; with True, torch would import its compiler for it, which takes a second."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        self.before(func, [*tensors_of(args), *tensors_of(kwargs)])
        out = func(*args, **(kwargs or {}))
        with torch.utils._python_dispatch._disable_current_modes():
            self.after(func, args, kwargs or {}, out)
        return out

    def before(self, func: Any, inputs: Sequence[Tensor]) -> None:
        """An operation is about to run."""

    def after(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        """An operation has run."""


@dataclass(frozen=True)
class _Step:
    func: Any
    read: tuple[Tensor, ...]
    made: tuple[Tensor, ...]


class _Tape(_Mode):  # type: ignore[no-untyped-call]
    """Which operations run, and which of them the outputs depend on.

    ValueRead where the network looks at what it made of its inputs; a look at the inputs alone (are they finite, say) is allowed.
    """

    def __init__(self, inputs: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
        super().__init__()
        self._steps: list[_Step] = []
        self._from = [{id(tensor) for tensor in tensors} for tensors in (inputs, weights)]

    def before(self, func: Any, inputs: Sequence[Tensor]) -> None:
        if str(func).startswith(READ) and all(any(id(tensor) in known for tensor in inputs) for known in self._from):
            raise ValueRead

    def after(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        read = (*tensors_of(args), *tensors_of(kwargs))
        made = (*tensors_of(out), *(read if func._schema.is_mutable else ()))
        self._steps.append(_Step(func, read, made))
        for known in self._from:
            if any(id(tensor) in known for tensor in read):
                known.update(map(id, made))

    def needed(self, results: Sequence[Tensor]) -> list[tuple[Any, bool]]:
        """Every operation, and whether these results depend on it, by the memory that it writes and reads."""
        wanted = set(map(_memory, results))
        found: list[tuple[Any, bool]] = []
        for step in reversed(self._steps):
            needed = any(_memory(tensor) in wanted for tensor in step.made)
            if needed:
                wanted.update(map(_memory, step.read))
            found.append((step.func, needed))
        return found[::-1]


class _Symbolic(_Mode):  # type: ignore[no-untyped-call]
    """Gives symbols to what operations make, as far as they are needed: what comes to nothing asks nothing of anyone."""

    def __init__(self, symbols: Symbols, apply: Rule, needed: Sequence[tuple[Any, bool]]) -> None:
        super().__init__()
        self._symbols, self._apply = symbols, apply
        self._needed = iter(needed)

    def after(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        known, needed = next(self._needed, (None, True))
        if needed or known is not func:
            self._apply(self._symbols, func, args, kwargs, out)


def run(module: nn.Module, tensors: Mapping[str, Tensor], inputs: Any, apply: Rule) -> tuple[dict[str, Dims], dict[str, Dims]]:
    """The symbols of named tensors and of the outputs of the modules that own parameters, once the network has run.

    module: a private copy, in evaluation mode; it is run twice. Inputs and outputs are held. Raises ValueRead.
    """
    symbols = Symbols()
    for tensor in tensors.values():
        symbols.put(tensor, tuple(Atom(size) for size in tensor.shape))
    for tensor in tensors_of(inputs):
        symbols.put(tensor, tuple(held(size, INPUT) for size in tensor.shape))
    outputs: dict[str, Dims] = {}

    def record(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, out: Any) -> None:
            if isinstance(out, Tensor) and name not in outputs and symbols.known(out):
                outputs[name] = symbols.of(out)

        return hook

    parts = [(name, part) for name, part in module.named_modules() if any(True for _ in part.parameters(recurse=False))]
    hooks = [part.register_forward_hook(record(name)) for name, part in parts]
    tape = _Tape(list(tensors_of(inputs)), list(tensors.values()))
    try:
        with tape:
            results = results_of(call(module, inputs))
        needed = tape.needed(results)
        outputs.clear()
        del tape, results  # each held all that the network made
        with _Symbolic(symbols, apply, needed):
            results = results_of(call(module, inputs))
    finally:
        for hook in hooks:
            hook.remove()
    for tensor in tensors.values():
        if not symbols.used(tensor):
            symbols.put(tensor, [held(size, UNUSED) for size in tensor.shape])
    for result in results:
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
