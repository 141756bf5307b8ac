"""Products with the Hessian, the Gauss-Newton matrix and the neural tangent kernel of an Objective, never formed as matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from landscape_gui.core.convolution import constant_operands
from landscape_gui.core.differentiation import differentiating, gradient_of, judged, pieces, refuse_single_derivatives, rows_of
from landscape_gui.core.losses import CROSS_ENTROPY, LossHead
from landscape_gui.core.objective import NOT_FINITE, Objective
from landscape_gui.core.retention import Retained
from landscape_gui.core.softmax import SoftmaxCurvature, all_count
from landscape_gui.core.splits import Chunk, call
from landscape_gui.core.stack import Stack, rows_for, stages_of
from landscape_gui.errors import ProblemError

Graph = TypeVar("Graph")


@dataclass(frozen=True)
class GradientGraph:
    """One chunk's part of the gradient, with its graph, to be differentiated again and again."""

    gradient: list[Tensor]
    leaves: list[nn.Parameter]

    def product(self, vector: Tensor) -> Tensor:
        return gradient_of(self.gradient, self.leaves, pieces(vector, self.leaves), retain=True)


class StackedGradient:
    """The same of a stack of linear layers and elementwise functions, written out."""

    def __init__(self, stack: Stack, curvature: OutputCurvature | SoftmaxCurvature) -> None:
        self._stack, self._curvature = stack, curvature
        self._stack.expect(curvature.gradient)

    @property
    def held(self) -> list[Tensor]:
        return [*self._stack.held, *getattr(self._curvature, "held", ())]

    def product(self, vector: Tensor) -> Tensor:
        return self._stack.product(vector, self._curvature)


def stack_on(module: nn.Module, leaves: list[nn.Parameter], chunk: Chunk, head: LossHead) -> Stack | None:
    """A network on a chunk as a Stack, where it is one."""
    stages = stages_of(module) if head.kind != "batch" else None
    rows = rows_for(stages, chunk.inputs) if stages else None
    return Stack(stages, leaves, rows) if stages and rows is not None else None


def over_chunks(graphs: Iterable[Graph], vectors: Tensor, product: Callable[[Graph, Tensor], Tensor]) -> Tensor:
    """Products with the rows of a block, summed over the chunks: in float64 where there is more than one."""
    total: Tensor | None = None
    for graph in graphs if len(vectors) else ():
        parts = [product(graph, vector) for vector in vectors]
        part = torch.stack(parts) if len(parts) > 1 else parts[0][None]
        total = part if total is None else total.double().add_(part)
    return torch.zeros_like(vectors) if total is None else total.to(vectors.dtype)


def check_finite(loss: Tensor, objective: Objective) -> None:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise ProblemError(f"The {objective.split.name} loss is {value}, so that it has no curvature.", remedy=NOT_FINITE)


class Hessian:
    """The Hessian of an Objective at a vector `at` (None: the checkpoint).

    A product is the derivative of the gradient along a vector (Pearlmutter 1994); chunks are weighted by size. The gradient's graph
    is built once and kept as far as it fits into `memory` bytes (see Retained; `graphs` says what is needed), and built anew for
    other chunks and each block: there, several vectors at once cost less than one after the other.
    Stacks of linear layers and elementwise functions need no graph: their products are written out (core.stack).
    Cost: 1.15 (such stacks) to 1.9 (convolutions) gradients. Raises ProblemError where the loss is not finite.
    """

    def __init__(self, objective: Objective, at: Tensor | None = None, memory: int | None = None) -> None:
        self.objective = objective
        self.size, self.dtype, self.device = objective.size, objective.dtype, objective.device
        self.products = 0
        self._module, self._leaves = objective.network(at)
        with differentiating():
            self.graphs = Retained(objective, self._build, memory)

    def _build(self, chunk: Chunk) -> GradientGraph | StackedGradient:
        stack = stack_on(self._module, self._leaves, chunk, self.objective.head)
        if stack is not None:
            return StackedGradient(stack, output_curvature(stack.output, chunk, self.objective))
        rows, _ = rows_of(self.objective.head, self._module, chunk)
        loss = rows.sum() / self.objective.weight
        check_finite(loss, self.objective)
        zeros = [torch.zeros_like(leaf) for leaf in self._leaves]
        if not loss.requires_grad:
            return GradientGraph(zeros, self._leaves)
        found = torch.autograd.grad(loss, self._leaves, create_graph=True, allow_unused=True)
        refuse_single_derivatives(found)
        return GradientGraph([z if g is None else g for g, z in zip(found, zeros, strict=True)], self._leaves)

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        with differentiating():
            return over_chunks(self.graphs, block.to(self.dtype), lambda graph, vector: graph.product(vector))


class GaussNewton:
    """J^T H_out J, the mean over the data: J the Jacobian of the outputs, H_out the loss's Hessian with respect to them.

    Positive semi-definite for a convex loss; equal to the Fisher matrix for softmax and cross-entropy. at, memory: as of Hessian.
    """

    def __init__(self, objective: Objective, at: Tensor | None = None, memory: int | None = None) -> None:
        self.objective = objective
        self.size, self.dtype, self.device = objective.size, objective.dtype, objective.device
        self.products = 0
        self._module, self._leaves = objective.network(at)
        with differentiating():
            self.graphs = Retained(objective, self._build, memory)

    def _build(self, chunk: Chunk) -> tuple[OutputGraph | Stack, OutputCurvature | SoftmaxCurvature]:
        graph = output_graph(self._module, self._leaves, chunk, self.objective.head)
        return graph, output_curvature(graph.output.detach(), chunk, self.objective)

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        with differentiating():
            return over_chunks(self.graphs, block.to(self.dtype), lambda pair, vector: self._product(*pair, vector))

    @staticmethod
    def _product(graph: OutputGraph | Stack, curvature: OutputCurvature | SoftmaxCurvature, vector: Tensor) -> Tensor:
        return graph.pull(curvature.product(graph.push(vector)))


def output_graph(module: nn.Module, leaves: list[nn.Parameter], chunk: Chunk, head: LossHead) -> OutputGraph | Stack:
    """What multiplies with the Jacobian of a network's output on one chunk."""
    return stack_on(module, leaves, chunk, head) or OutputGraph(module, leaves, chunk, head)


class OutputGraph:
    """The network's output on one chunk with its graph: products with its Jacobian, both ways, in reverse mode alone."""

    def __init__(self, module: nn.Module, leaves: list[nn.Parameter], chunk: Chunk, head: LossHead) -> None:
        if head.kind == "batch":
            raise ProblemError(
                f"The loss {head.name} runs the network itself, so that its outputs are not known.",
                remedy="Ask for the Hessian, or give model and loss apart.",
            )
        self.output = call(module, chunk.inputs)
        if not isinstance(self.output, Tensor):
            raise ProblemError(
                f"The network gives a {type(self.output).__name__}, not one tensor; the Gauss-Newton matrix wants one.",
                remedy="Ask for the Hessian, or let forward return the output alone.",
            )
        self._leaves = leaves
        self._weights = torch.zeros_like(self.output, requires_grad=True)
        zeros = [torch.zeros_like(leaf) for leaf in leaves]
        self._pulled: list[Tensor] = zeros
        if self.output.requires_grad:
            with constant_operands():
                found = torch.autograd.grad(self.output, leaves, self._weights, create_graph=True, allow_unused=True)
                refuse_single_derivatives(found)
            self._pulled = [z if g is None else g for g, z in zip(found, zeros, strict=True)]

    def push(self, vector: Tensor) -> Tensor:
        """J v, of the output's shape: the derivative of u -> J^T u along v."""
        parts = pieces(vector, self._leaves)
        pairs = [(g, part) for g, part in zip(self._pulled, parts, strict=True) if g.requires_grad]
        if not pairs:
            return torch.zeros_like(self.output)
        return torch.autograd.grad([g for g, _ in pairs], self._weights, [v for _, v in pairs], retain_graph=True)[0]

    def pull(self, weights: Tensor) -> Tensor:
        """J^T u, (n,), for u of the output's shape."""
        return gradient_of([self.output], self._leaves, [weights], retain=True)


def output_curvature(output: Tensor, chunk: Chunk, objective: Objective) -> OutputCurvature | SoftmaxCurvature:
    """The Hessian of a chunk's part of the loss with respect to the network's output."""
    target = chunk.targets
    if objective.head is CROSS_ENTROPY and output.dim() == 2 and target.dim() == 1 and all_count(target):
        found = SoftmaxCurvature(output, target, objective.weight)
        check_finite(found.loss, objective)
        return found
    return OutputCurvature(output, chunk, objective)


class OutputCurvature:
    """The Hessian of a chunk's part of the loss with respect to the network's output."""

    def __init__(self, output: Tensor, chunk: Chunk, objective: Objective) -> None:
        self._output = output.clone().requires_grad_(True)
        values, _ = judged(objective.head, self._output, chunk)
        loss = values.sum() / objective.weight
        check_finite(loss, objective)
        (self._gradient,) = torch.autograd.grad(loss, self._output, create_graph=True)
        refuse_single_derivatives([self._gradient])
        self.gradient = self._gradient.detach()

    def product(self, change: Tensor) -> Tensor:
        """H_out u, for u of the output's shape; zero where the loss is linear in the output."""
        if not self._gradient.requires_grad:
            return torch.zeros_like(change)
        found = torch.autograd.grad(self._gradient, self._output, change, retain_graph=True, allow_unused=True)[0]
        return torch.zeros_like(change) if found is None else found


class NeuralTangent:
    """The empirical neural tangent kernel (2/NC) J J^T over examples and outputs. size: outputs of all examples together.

    Its eigenvalues other than zero are those of the Gauss-Newton matrix of the mean squared error.

    Whatever the loss, N is the number of examples, C of outputs for each. A product costs one pass back and one forward.
    """

    def __init__(self, objective: Objective, at: Tensor | None = None, memory: int | None = None) -> None:
        self.objective = objective
        self.dtype, self.device = objective.dtype, objective.device
        self.products = 0
        self._module, self._leaves = objective.network(at)
        with differentiating():
            self.graphs = Retained(objective, lambda chunk: output_graph(self._module, self._leaves, chunk, objective.head), memory)
            self.size = sum(graph.output.numel() for graph in self.graphs)

    def apply(self, block: Tensor) -> Tensor:
        """Two passes over the chunks: J^T of all vectors, then J of what that gave."""
        self.products += len(block)
        vectors = block.to(self.dtype)
        pulled = torch.zeros(len(block), self.objective.size, dtype=torch.float64, device=self.device)
        with differentiating():
            start = 0
            for graph in self.graphs:
                stop = start + graph.output.numel()
                for row, vector in enumerate(vectors[:, start:stop]):
                    pulled[row] += graph.pull(vector.reshape(graph.output.shape))
                start = stop
            along = pulled.to(self.dtype)
            pushed = [torch.stack([graph.push(vector).reshape(-1) for vector in along]) for graph in self.graphs]
        found: Tensor = torch.cat(pushed, 1) * (2 / self.size)
        return found
