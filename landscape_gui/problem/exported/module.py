"""An exported program as an ordinary module: its graph, run operation by operation, its weights under their own names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.problem.exported.calling import Calling
from landscape_gui.problem.exported.graph import Program
from landscape_gui.problem.exported.inlining import flat_graph
from landscape_gui.problem.exported.layers import layers_of
from landscape_gui.problem.exported.steps import DEVICE, TYPE, Compiler, Step
from landscape_gui.problem.exported.weights import Weights

Watch = Callable[[Step, Sequence[Any], Mapping[str, Any]], None]


class Exported(nn.Module):
    """The network that an exported program is, in evaluation mode, for any number of examples.

    Parameters and buffers have the names and the order that they had; linear, convolution, embedding and normalisation layers are
    torch's own modules again. Where the program says float32 (or what it was exported in) or a device, the parameters' type and
    device are taken, so that it runs in float64 or elsewhere. Call it as the network before its export. It gives what that gave, or
    where `whole` is False of several results the one called `logits`, else the first tensor.
    """

    def __init__(self, program: Program, tensors: Mapping[str, Tensor], constants: Mapping[str, Tensor]) -> None:
        """tensors, constants: the file's; values of parameters are not loaded. Raises ProblemError: something in it is not run."""
        super().__init__()
        graph = flat_graph(program)
        weights = Weights(program.weights, tensors, constants, program.modules)
        layers, places = layers_of(graph, weights.stored, weights.shapes)
        weights.install(self, layers, graph.trainable)
        compiler = Compiler(graph, program)
        self.whole = False
        self.calling = Calling(program)
        self._steps = compiler.steps({at: (self.get_submodule(name), value) for at, (name, value) in places.items()})
        self._count, self._inputs, self._results = compiler.count, compiler.inputs, compiler.results
        self._reads = [(number, *weights.place(self, name)) for number, name in compiler.weights]
        self._leader = weights.leader(self)
        self._copied: frozenset[int] = frozenset()

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        return self.run(self.calling.flatten(arguments, keywords))

    def run(self, inputs: Sequence[Any], watch: Watch | None = None) -> Any:
        """The results for the program's inputs, one after the other. watch: called before each operation with what it gets."""
        values = self._begin(inputs)
        for step in self._steps:
            arguments, keywords = step.filled(values)
            if watch is not None:
                watch(step, arguments, keywords)
            step.keep(step.function(*arguments, **keywords), values)
            for number in step.drops:
                values[number] = None
        results = [values[item] if isinstance(item, int) else item[0] for item in self._results]
        return self.calling.rebuild(results) if self.whole else results[self.calling.main]

    def copy_inputs(self, places: Iterable[int]) -> None:
        """Give the program copies of these inputs: it writes into them."""
        self._copied = frozenset(places)

    def _begin(self, inputs: Sequence[Any]) -> list[Any]:
        values: list[Any] = [None] * self._count
        owner, last = self._leader
        leader = torch.empty(0) if owner is None else getattr(owner, last)
        values[TYPE], values[DEVICE] = leader.dtype, leader.device
        for number, owner, last in self._reads:
            values[number] = getattr(owner, last)
        for place, (number, given) in enumerate(zip(self._inputs, inputs, strict=True)):
            values[number] = given.clone() if place in self._copied else given
        return values


class OneInput(Exported):
    """A program of one input, whose forward pass can be traced."""

    def forward(self, value: Any) -> Any:
        return self.run(self.calling.flatten((value,), {}))
