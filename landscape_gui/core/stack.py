"""Second derivatives of stacks of linear layers and elementwise functions, written out: a product runs no autograd.

Forward over reverse (Pearlmutter 1994), with what does not depend on the vector computed once: half a step of a small network would
else go to the graph's bookkeeping, and each pass over the activations that can be written into a product's output is one less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.linear import TwiceLinear, TwiceReLU

ELEMENTWISE = (nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Softplus, nn.ELU, nn.LeakyReLU, nn.Mish, nn.Softsign, nn.LogSigmoid)
PASSED = (nn.Identity, nn.Dropout, nn.Flatten)
"""Without effect on rows of numbers in evaluation mode."""


def stages_of(module: nn.Module) -> list[nn.Module] | None:
    """The linear layers and elementwise functions that a network applies one after the other, nn.Flatten among them; None for a
    network that does anything else."""
    if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
        return None
    if type(module) is nn.Sequential:
        parts = [stages_of(part) for part in module]
        return None if any(part is None for part in parts) else [stage for part in parts if part for stage in part]
    if type(module) in PASSED:
        plain = type(module) is not nn.Flatten or (module.start_dim, module.end_dim) == (1, -1)
        return [module] if plain and not module.training else None
    return [module] if type(module) in (TwiceLinear, nn.Linear, TwiceReLU, nn.ReLU, *ELEMENTWISE) else None


def rows_for(stages: Sequence[nn.Module], inputs: Any) -> Tensor | None:
    """Inputs as rows (examples, features), where the stages take them so."""
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point() or inputs.requires_grad:
        return None
    if inputs.dim() > 2 and stages and type(stages[0]) is nn.Flatten:
        return inputs.flatten(1)
    return inputs if inputs.dim() == 2 else None


class _Linear:
    """x -> x W^T + b. places: where W and b begin and end in the flat vector; None where they do not move."""

    def __init__(self, layer: nn.Module, x: Tensor, places: dict[int, tuple[int, int]]) -> None:
        weight: Tensor = layer.weight  # type: ignore[assignment]
        bias: Tensor | None = layer.bias  # type: ignore[assignment]
        self.x, self.weight, self.shape = x, weight.detach(), weight.shape
        self.weight_place = places.get(id(weight))
        self.bias_place = None if bias is None else places.get(id(bias))
        self.output = torch.nn.functional.linear(x, self.weight, None if bias is None else bias.detach())
        self.cotangent: Tensor | None = None

    @property
    def held(self) -> tuple[Tensor | None, ...]:
        return self.x, self.weight, self.cotangent

    def push(self, along: Tensor | None, vector: Tensor) -> Tensor | None:
        """The output's change as the input changes along `along` and the parameters along the vector."""
        bias = None if self.bias_place is None else vector[slice(*self.bias_place)]
        found: Tensor | None = None
        if self.weight_place is not None:
            weight = self.taken(vector)
            found = self.x @ weight.t() if bias is None else torch.addmm(bias, self.x, weight.t())
        elif bias is not None:
            found = bias.expand(len(self.x), -1)
        if along is None:
            return found
        if found is None:
            return along @ self.weight.t()
        return torch.addmm(found, along, self.weight.t()) if self.weight_place is None else found.addmm_(along, self.weight.t())

    def taken(self, vector: Tensor) -> Tensor:
        assert self.weight_place is not None
        return vector[slice(*self.weight_place)].view(self.shape)

    def collect(self, cotangent: Tensor, gradient: Tensor, along: Tensor | None) -> None:
        """Add the parameters' part to a flat gradient; along: the input's change, for the second derivative."""
        if self.weight_place is not None:
            part = self.taken(gradient)
            part.addmm_(cotangent.t(), self.x)
            if along is not None and self.cotangent is not None:
                part.addmm_(self.cotangent.t(), along)
        if self.bias_place is not None:
            gradient[slice(*self.bias_place)] += cotangent.sum(0)

    def pull(self, cotangent: Tensor, vector: Tensor | None) -> Tensor:
        found = cotangent @ self.weight
        if vector is not None and self.weight_place is not None and self.cotangent is not None:
            found.addmm_(self.cotangent, self.taken(vector))
        return found


class _Elementwise:
    """y = f(x). curved: f'' times the output's cotangent, None where f is linear piece by piece."""

    def __init__(self, function: nn.Module, x: Tensor) -> None:
        self.rectifies = type(function) in (TwiceReLU, nn.ReLU)
        self.curved: Tensor | None = None
        self.second: Tensor | None = None
        if self.rectifies:
            self.output = self.slope = x.clamp_min(0)
            return
        with torch.enable_grad():
            leaf = x.detach().requires_grad_(True)
            output = function(leaf.clone())  # which may be overwritten in place
            (slope,) = torch.autograd.grad(output.sum(), leaf, create_graph=True)
            if slope.requires_grad:
                (self.second,) = torch.autograd.grad(slope.sum(), leaf, allow_unused=True)
        self.output, self.slope = output.detach(), slope.detach()

    @property
    def held(self) -> tuple[Tensor | None, ...]:
        return self.slope, self.second, self.curved

    def scale(self, change: Tensor) -> Tensor:
        """f'(x) times a change."""
        if self.rectifies:
            return torch.ops.aten.threshold_backward(change, self.slope, 0)  # type: ignore[no-any-return]
        return change * self.slope


class Stack:
    """A stack's output on one chunk: products with its Jacobian both ways, and, once told the loss's gradient there, with the
    Hessian.

    output: (rows, outputs), without a graph. held: the tensors that it keeps.
    """

    def __init__(self, stages: Sequence[nn.Module], leaves: Sequence[nn.Parameter], rows: Tensor) -> None:
        places: dict[int, tuple[int, int]] = {}
        start = 0
        for leaf in leaves:
            places[id(leaf)] = (start, start + leaf.numel())
            start += leaf.numel()
        self.size, self._stages = start, list[_Linear | _Elementwise]()
        self.output = rows.detach()
        with torch.no_grad():
            for stage in stages:
                if type(stage) in PASSED:
                    continue
                linear = type(stage) in (TwiceLinear, nn.Linear)
                self._stages.append(_Linear(stage, self.output, places) if linear else _Elementwise(stage, self.output))
                self.output = self._stages[-1].output
        for step in self._stages:
            del step.output
        moves = [isinstance(s, _Linear) and (s.weight_place or s.bias_place) is not None for s in self._stages]
        self._first = moves.index(True) if True in moves else len(moves)

    @property
    def held(self) -> list[Tensor]:
        return [self.output, *(tensor for stage in self._stages for tensor in stage.held if tensor is not None)]

    def expect(self, cotangent: Tensor) -> None:
        """Take the loss's gradient with respect to the output: what `product` differentiates."""
        with torch.no_grad():
            for stage in reversed(self._stages[self._first :]):
                if isinstance(stage, _Linear):
                    stage.cotangent = cotangent
                    cotangent = cotangent @ stage.weight
                else:
                    stage.curved = None if stage.second is None else stage.second * cotangent
                    stage.second = None
                    cotangent = stage.scale(cotangent)

    def push(self, vector: Tensor) -> Tensor:
        """J v, of the output's shape."""
        return self._push(vector)[0]

    def _push(self, vector: Tensor) -> tuple[Tensor, list[Tensor | None]]:
        """And the change of each stage's input."""
        along: Tensor | None = None
        changes: list[Tensor | None] = []
        with torch.no_grad():
            for stage in self._stages[self._first :]:
                changes.append(along)
                if isinstance(stage, _Linear):
                    along = stage.push(along, vector)
                elif along is not None:
                    along = stage.scale(along)
        return (torch.zeros_like(self.output) if along is None else along), changes

    def pull(self, weights: Tensor) -> Tensor:
        """J^T u, (n,), for u of the output's shape."""
        return self._pull(weights, None, [None] * len(self._stages[self._first :]))

    def _pull(self, cotangent: Tensor, vector: Tensor | None, changes: Sequence[Tensor | None]) -> Tensor:
        gradient = torch.zeros(self.size, dtype=self.output.dtype, device=self.output.device)
        moving = self._stages[self._first :]
        with torch.no_grad():
            for place in range(len(moving) - 1, -1, -1):
                stage, change = moving[place], changes[place]
                if isinstance(stage, _Linear):
                    stage.collect(cotangent, gradient, change)
                    if place:
                        cotangent = stage.pull(cotangent, vector)
                else:
                    cotangent = stage.scale(cotangent)
                    if change is not None and stage.curved is not None:
                        cotangent.addcmul_(change, stage.curved)
        return gradient

    def product(self, vector: Tensor, curvature: Any) -> Tensor:
        """H v, (n,). curvature: the loss's OutputCurvature on the output."""
        change, changes = self._push(vector)
        return self._pull(curvature.product(change), vector, changes)
