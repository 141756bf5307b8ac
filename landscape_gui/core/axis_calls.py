"""One operation as the rules about axes see it, and where rules are kept.

A rule is right where the operation commutes with every permutation of the axes left free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from landscape_gui.core.axis_tracing import Dims, Symbols
from landscape_gui.core.splits import tensors_of
from landscape_gui.core.symbolic_axes import ONE, Node, resolve, unify

POSITION = "the order of the positions along it matters"
PICKED = "units along it are picked by their position"
STACKED = "different tensors are stacked along it"

Answer = Sequence[Node] | Sequence[Sequence[Node]] | None
"""The dimensions of what came out: of one tensor, or of each of several; None: nothing is said, all is held."""


class Call:
    """One operation: its arguments by the schema's names, and the symbols of tensors."""

    def __init__(self, symbols: Symbols, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        self.symbols, self.func, self.out = symbols, func, out
        self.values: dict[str, Any] = {}
        for i, argument in enumerate(func._schema.arguments):
            default = argument.default_value if argument.has_default_value() else None
            self.values[argument.name] = args[i] if i < len(args) else kwargs.get(argument.name, default)
        self.tensors = [*tensors_of(args), *tensors_of(kwargs)]
        self.inputs = [value for value in self.values.values() if isinstance(value, Tensor)]

    def dims(self, value: Tensor) -> Dims:
        return self.symbols.of(value)

    def first(self) -> list[Node]:
        """The symbols of the first tensor."""
        return list(self.dims(self.tensors[0]))

    def axis(self, name: str = "dim") -> int:
        """A dimension given as an argument, counted from the front."""
        dim = self.values[name]
        return int(dim) % max(1, self.tensors[0].dim())


RuleOf = Callable[[Call], Answer]
RULES: dict[str, RuleOf] = {}


def rule(*names: str) -> Callable[[RuleOf], RuleOf]:
    def register(function: RuleOf) -> RuleOf:
        for name in names:
            RULES[name] = function
        return function

    return register


def broadcast_all(many: Sequence[Sequence[Node]]) -> list[Node]:
    """The dimensions of tensors broadcast against one another, joined."""
    out: list[Node] = []
    for i in range(1, max(map(len, many), default=0) + 1):
        column = [dims[-i] for dims in many if len(dims) >= i]
        wide = [node for node in column if node.size != 1] or [ONE]
        for other in wide[1:]:
            unify(wide[0], other)
        out.append(resolve(wide[0]))
    return out[::-1]
