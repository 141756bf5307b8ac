"""Layers whose input does not depend on the weights: their output is affine in the plane's coordinates.

Such a Linear, Conv or Embedding gives W0 x + b0 at the origin and Wj x + bj along axis j, for each chunk of data once; at any point
the output is their weighted sum. For an MLP that is most of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.core.pooling import windows_of
from landscape_gui.core.splits import call

AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding)
TRIALS = 3


class FrontierReached(Exception):
    """Every affine layer has its values: the rest of the forward pass is not needed."""


@dataclass(frozen=True)
class Candidate:
    """A layer that may be affine: its name, the module, and the full names of its parameters."""

    name: str
    module: nn.Module
    parameters: tuple[str, ...]


def candidates(module: nn.Module) -> list[Candidate]:
    """Plain layers: of exactly these types, with nothing overridden, hooked, parametrised or shared."""
    users: dict[int, int] = {}
    for part in module.modules():
        for tensor in part.parameters(recurse=False):
            users[id(tensor)] = users.get(id(tensor), 0) + 1
    return [
        Candidate(name, part, tuple(f"{name}.{p}" if name else p for p, _ in part.named_parameters(recurse=False)))
        for name, part in module.named_modules()
        if type(part) in AFFINE and _plain(part) and all(users[id(p)] == 1 for p in part.parameters(recurse=False))
    ]


def _plain(part: nn.Module) -> bool:
    hooked = part._forward_hooks or part._forward_pre_hooks or part._backward_hooks or "forward" in vars(part)
    ordinary = isinstance(part._parameters.get("weight"), nn.Parameter) and set(part._parameters) <= {"weight", "bias"}
    return ordinary and not hooked and getattr(part, "max_norm", None) is None


def find_frontier(module: nn.Module, inputs: Any) -> list[Candidate]:
    """Candidates that are called once, with an input equal to the bit at three settings of the weights far from one another.

    inputs: two examples or so. The module's weights are moved and put back.
    """
    found = candidates(module)
    weights = list(module.parameters())
    before = [w.detach().clone() for w in weights]
    generator = torch.Generator().manual_seed(0)
    seen: list[dict[str, list[Any]]] = []
    try:
        for trial in range(TRIALS):
            if trial:
                for weight, kept in zip(weights, before, strict=True):
                    noise = torch.randn(kept.shape, generator=generator).to(kept)
                    weight.copy_(kept + noise * (0.1 + kept.abs().mean()))
            seen.append(_record_inputs(module, inputs, found))
    finally:
        for weight, kept in zip(weights, before, strict=True):
            weight.copy_(kept)
    return [c for c in found if _same(*(record[c.name] for record in seen))]


def _record_inputs(module: nn.Module, inputs: Any, layers: Sequence[Candidate]) -> dict[str, list[Any]]:
    seen: dict[str, list[Any]] = {c.name: [] for c in layers}

    def recorder(name: str) -> Callable[..., None]:
        def record(_module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
            plain = len(args) == 1 and not kwargs and isinstance(args[0], Tensor)
            seen[name].append(args[0].detach().clone() if plain else None)

        return record

    handles = [c.module.register_forward_pre_hook(recorder(c.name), with_kwargs=True) for c in layers]
    try:
        call(module, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _same(*calls: list[Any]) -> bool:
    if any(len(c) != 1 or c[0] is None for c in calls):
        return False
    return all(torch.equal(calls[0][0], c[0]) for c in calls[1:])


def worthwhile(layer: Candidate, outputs: int, chunk_examples: int) -> bool:
    """Whether adding outputs beats computing them: always for products; for a table only if it is larger than what it gives.

    outputs: scalars the layer gives per example.
    """
    module = layer.module
    return not isinstance(module, nn.Embedding) or module.weight.numel() > 2 * outputs * chunk_examples


class AffineLayer:
    """One frontier layer in a private copy of the network, which it takes over by replacing its `forward`."""

    def __init__(self, layer: Candidate, tensors: Mapping[str, Sequence[Tensor]], windows: Any = None) -> None:
        """tensors: full parameter name -> (origin, step along axis 0, ...). windows: give the output as a pool's windows of this
        size, side by side."""
        self.layer, self._tensors = layer, tensors
        self.windows = windows
        self.axes = len(next(iter(tensors.values()))) - 1
        self.values: list[Tensor | None] | None = None
        self._base: Tensor | None = None
        self._base_at: tuple[float, ...] | None = None
        self._point: Sequence[float] = ()
        layer.module.forward = self.forward

    def release(self) -> None:
        """Give the module its own forward back."""
        del self.layer.module.forward

    def use(self, values: list[Tensor | None] | None) -> None:
        """Take a chunk's values; None: compute them at the next call."""
        self.values, self._base_at = values, None

    def move(self, point: Sequence[float]) -> None:
        self._point = point

    def forward(self, x: Tensor) -> Tensor:
        if self.values is None:
            self.use([self._arranged(self._apply(x, j)) for j in range(self.axes + 1)])
        values = self.values
        assert values is not None
        rest = tuple(self._point[1:])
        if self._base is None or rest != self._base_at:
            self._base, self._base_at = _weighted(values[0], values[2:], rest), rest
        if len(values) < 2 or values[1] is None:
            return self._base.clone()
        return torch.add(self._base, values[1], alpha=self._point[0])

    def _arranged(self, value: Tensor | None) -> Tensor | None:
        return value if value is None or self.windows is None else windows_of(value, self.windows)

    def _apply(self, x: Tensor, j: int) -> Tensor | None:
        """The layer with its parameters at the origin (j = 0) or those of a step along axis j - 1; None where these are zero."""
        own = [name.rpartition(".")[2] for name in self.layer.parameters]
        parts = {name: self._tensors[full][j] for name, full in zip(own, self.layer.parameters, strict=True)}
        if j and not any(bool(t.any()) for t in parts.values()):
            return None
        module: Any = self.layer.module
        weight, bias = parts["weight"], parts.get("bias")
        if isinstance(module, nn.Linear):
            return F.linear(x, weight, bias)
        if isinstance(module, nn.Embedding):
            return F.embedding(x, weight, module.padding_idx)
        if weight.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous():
            weight = weight.contiguous(memory_format=torch.channels_last)
        return module._conv_forward(x, weight, bias)  # type: ignore[no-any-return]


def _weighted(base: Tensor | None, steps: Sequence[Tensor | None], point: Sequence[float]) -> Tensor:
    assert base is not None
    total = base
    for step, c in zip(reversed(steps), reversed(point), strict=True):
        if step is not None:
            total = torch.add(total, step, alpha=c)
    return total
