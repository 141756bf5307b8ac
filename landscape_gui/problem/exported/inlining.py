"""Graphs inside an exported program's graph (torch.no_grad, torch.autocast), put in the place where they are called."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from landscape_gui.errors import ProblemError
from landscape_gui.problem.exported.graph import Graph, Node, Program, Ref, malformed

NO_GRAD = "torch.ops.higher_order.wrap_with_set_grad_enabled"
AUTOCAST = "torch.ops.higher_order.wrap_with_autocast"
_BEFORE = {NO_GRAD: 1, AUTOCAST: 4}
"""How many arguments stand before the graph."""
NODES = 300_000
"""Operations of a whole program: graphs in graphs may repeat them."""


def flat_graph(program: Program) -> Graph:
    """A program's graph without graphs inside, whose results are those that the caller gets.

    What was computed without gradients is detached; autocast is left out, as everything is computed in one type. Raises
    ProblemError: there are too many operations, or a call does not fit.
    """
    whole = _Inlining(program.graph).whole()
    return dataclasses.replace(whole, results=tuple(whole.results[place] for place in program.results))


class _Inlining:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.sizes, self.dtypes = dict(graph.sizes), dict(graph.dtypes)
        self.calls = 0

    def whole(self) -> Graph:
        names: dict[str, Any] = {}
        self._take(self.graph, "", names)
        results = tuple(_renamed(value, "", names) for value in self.graph.results)
        return dataclasses.replace(self.graph, nodes=tuple(self.nodes), results=results, sizes=self.sizes, dtypes=self.dtypes)

    def _take(self, graph: Graph, prefix: str, names: dict[str, Any]) -> None:
        """Add a graph's operations, its names behind `prefix`. names: what stands for a value instead."""
        for node in graph.nodes:
            arguments = tuple((key, _renamed(value, prefix, names), keyword) for key, value, keyword in node.arguments)
            if node.target in _BEFORE:
                self._call(dataclasses.replace(node, arguments=arguments), prefix, names)
            else:
                self.nodes.append(Node(node.target, arguments, tuple(_named(output, prefix) for output in node.outputs)))
            if len(self.nodes) > NODES:
                raise ProblemError(f"Its program has more than {NODES:,} operations, more than are run.")

    def _call(self, node: Node, prefix: str, names: dict[str, Any]) -> None:
        before = _BEFORE[node.target]
        values = [value for _, value, _ in node.arguments]
        inner = values[before] if len(values) > before else None
        outputs = [part for output in node.outputs for part in (output if isinstance(output, tuple) else (output,))]
        if not isinstance(inner, Graph) or len(inner.inputs) != len(values) - before - 1 or len(inner.results) != len(outputs):
            raise malformed("a part of it is called with too little or too much")
        self.calls += 1
        own = f"{self.calls}:"
        stands: dict[str, Any] = dict(zip((own + name for name in inner.inputs), values[before + 1 :], strict=True))
        self.sizes |= {own + name: size for name, size in inner.sizes.items()}
        self.dtypes |= {own + name: dtype for name, dtype in inner.dtypes.items()}
        self._take(inner, own, stands)
        for output, result in zip(outputs, inner.results, strict=True):
            value = _renamed(result, own, stands)
            if output is None:
                continue
            if node.target == NO_GRAD and values[0] is False and isinstance(value, Ref):
                self.nodes.append(Node("torch.ops.aten.detach.default", (("self", value, False),), (prefix + output,)))
            else:
                names[prefix + output] = value


def _named(output: Any, prefix: str) -> Any:
    if isinstance(output, tuple):
        return tuple(prefix + name for name in output)
    return None if output is None else prefix + output


def _renamed(value: Any, prefix: str, names: Mapping[str, Any]) -> Any:
    if isinstance(value, Ref):
        name = prefix + value.name
        return names[name] if name in names else Ref(name)
    return [_renamed(item, prefix, names) for item in value] if isinstance(value, list) else value
