"""An exported program's graph as a list of steps that run one after the other over numbered values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from landscape_gui.checkpoint.limits import shown
from landscape_gui.problem.exported.graph import Graph, Here, Node, Program, Ref, malformed
from landscape_gui.problem.exported.operators import arguments_of, find_operator, is_dropped

TYPE, DEVICE = 0, 1
"""Numbers of the values that hold the type of numbers that the network computes with, and its device."""


@dataclass
class Step:
    """One operation, ready to run.

    arguments: what it is called with, keywords last (as many as `keys`); fills: (place, number of the value that goes there);
    lists: (place of a list, fills of it); gives: numbers of what comes out, -1 for what nobody reads, nested once where it is a
    list; drops: numbers of values that are not read any more.
    """

    operator: str
    function: Callable[..., Any]
    arguments: list[Any]
    keys: tuple[str, ...]
    fills: tuple[tuple[int, int], ...]
    lists: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]
    gives: tuple[Any, ...]
    drops: tuple[int, ...] = ()

    def filled(self, values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Positional arguments and keywords."""
        arguments = self.arguments.copy()
        for place, number in self.fills:
            arguments[place] = values[number]
        for place, items in self.lists:
            filled = arguments[place].copy()
            for inner, number in items:
                filled[inner] = values[number]
            arguments[place] = filled
        if not self.keys:
            return arguments, {}
        count = len(arguments) - len(self.keys)
        return arguments[:count], dict(zip(self.keys, arguments[count:], strict=True))

    def keep(self, given: Any, values: list[Any]) -> None:
        """Put what came out where it belongs."""
        gives = self.gives
        if len(gives) == 1:
            if isinstance(gives[0], int):
                values[gives[0]] = given
                return
            gives = gives[0]
        for place, number in enumerate(gives):
            values[number] = given[place]


class Compiler:
    """Numbers for a graph's values. weights: number and name of those that are read; inputs: numbers of the program's own inputs,
    -1 for a constant; results: a number each, or (constant,)."""

    def __init__(self, graph: Graph, program: Program) -> None:
        self._graph = graph
        self._numbers: dict[str, int] = {}
        self._follows = _followed(program, graph)
        self.weights = [(self._number(weight.name), weight.name) for weight in program.weights]
        self.inputs = [self._number(value.name) if isinstance(value, Ref) else -1 for value in program.inputs]

    @property
    def count(self) -> int:
        """How many values there are; one more, the last, takes what nobody reads."""
        return len(self._numbers) + 3

    def steps(self, layers: Mapping[int, tuple[nn.Module, Ref]]) -> list[Step]:
        """A step for each operation but checks. layers: modules that stand for operations, and what goes through them."""
        steps = []
        for place, node in enumerate(self._graph.nodes):
            if place in layers:
                module, value = layers[place]
                steps.append(self._step(node, module, [value], {}))
            elif not is_dropped(node.target):
                function = find_operator(node.target)
                steps.append(self._step(node, function, *arguments_of(node.target, node.arguments)))
        self.results = [self._read(value) if isinstance(value, Ref) else (value,) for value in self._graph.results]
        read = {number for step in steps for number in _reads(step)} | {item for item in self.results if isinstance(item, int)}
        self.weights = [(number, name) for number, name in self.weights if number in read]
        _drop(steps, {item for item in self.results if isinstance(item, int)} | {TYPE, DEVICE, -1})
        return steps

    def _step(self, node: Node, function: Callable[..., Any], positional: list[Any], keywords: dict[str, Any]) -> Step:
        arguments = [*positional, *keywords.values()]
        fills: list[tuple[int, int]] = []
        lists: list[tuple[int, tuple[tuple[int, int], ...]]] = []
        for place, value in enumerate(arguments):
            if isinstance(value, list):
                inner = tuple((i, self._filling(item)) for i, item in enumerate(value) if self._filling(item) >= 0)
                lists += [(place, inner)] if inner else []
            elif self._filling(value) >= 0:
                fills.append((place, self._filling(value)))
        gives = tuple(self._giving(output) for output in node.outputs)
        if isinstance(function, nn.Module):
            gives = gives[:1]
        return Step(node.target, function, arguments, tuple(keywords), tuple(fills), tuple(lists), gives)

    def _giving(self, output: str | tuple[str, ...] | None) -> int | tuple[int, ...]:
        if isinstance(output, tuple):
            return tuple(map(self._number, output))
        return -1 if output is None else self._number(output)

    def _filling(self, value: Any) -> int:
        """The number of the value that an argument is read from; -1: it is a constant."""
        if isinstance(value, Ref):
            return self._read(value)
        if isinstance(value, Here):
            return DEVICE
        return TYPE if isinstance(value, torch.dtype) and value in self._follows else -1

    def _read(self, ref: Ref) -> int:
        if ref.name not in self._numbers:
            raise malformed(f"it reads {shown(ref.name)} before anything gives it")
        return self._numbers[ref.name]

    def _number(self, name: str) -> int:
        if name in self._numbers:
            raise malformed(f"two operations give {shown(name)}")
        self._numbers[name] = len(self._numbers) + 2
        return self._numbers[name]


def _drop(steps: Sequence[Step], kept: set[int]) -> None:
    """Let each value go after the last step that reads or makes it."""
    seen = set(kept)
    for step in reversed(steps):
        touched = _reads(step)
        for give in step.gives:
            touched |= set(give) if isinstance(give, tuple) else {give}
        step.drops = tuple(touched - seen)
        seen |= touched


def _reads(step: Step) -> set[int]:
    return {number for _, number in step.fills} | {number for _, items in step.lists for _, number in items}


def _followed(program: Program, graph: Graph) -> frozenset[torch.dtype]:
    """Types of numbers in the program that mean the network's own: those up to the widest of its weights, and float32."""
    widths = {torch.float16: 2, torch.bfloat16: 2, torch.float32: 4, torch.float64: 8}
    own = [widths.get(graph.dtypes.get(weight.name, torch.float32), 0) for weight in program.weights if weight.kind == "parameter"]
    return frozenset(dtype for dtype, width in widths.items() if width <= max([4, *own]))
