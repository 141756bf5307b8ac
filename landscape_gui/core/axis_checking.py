"""The check behind `axis_groups`: does a network stay the same function when its tensors are permuted?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from landscape_gui.core.axis_tracing import results_of
from landscape_gui.core.splits import call, map_tensors, place
from landscape_gui.core.vector import Layout
from landscape_gui.core.weights import install, private_copy

if TYPE_CHECKING:
    from landscape_gui.core.axis_groups import Group


class Check:
    """Outputs of the original and of permuted networks on random inputs, in float64 and with perturbed weights.

    Perturbed, because a layer that is still zero would let anything pass; in float64, because rounding of a deep network may
    reach 1e-5 in float32, which is taken only where the network insists on it. state: (layout.size,) the weights, None for the
    module's own.
    """

    def __init__(self, module: nn.Module, layout: Layout, inputs: Any, *, seed: int, state: Tensor | None = None) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.layout = layout
        self._module = private_copy(module).cpu()
        self._inputs = map_tensors(inputs, self._random)
        if state is None:
            own = dict(self._module.named_parameters()) | dict(self._module.named_buffers())
            state = layout.flatten(own, dtype=torch.float64)
        self._own = state.detach().to("cpu", torch.float64)
        self._state = self._perturbed(self._own)
        self._reference: list[Tensor] | None = None
        self._wide = torch.float64

    def difference(self, moves: Sequence[tuple[Group, Tensor]]) -> float:
        """Largest difference of the outputs over their largest magnitude; NaN where they are not finite."""
        if self._reference is None:
            self._reference = self._first_outputs()
        return relative(self._reference, self._outputs(self._moved(self._state, moves), self._wide))

    def in_own_precision(self, moves: Sequence[tuple[Group, Tensor]]) -> float:
        """The same for the weights as they are, in float32."""
        moved = self._moved(self._own, moves)
        return relative(self._outputs(self._own, torch.float32), self._outputs(moved, torch.float32))

    def _first_outputs(self) -> list[Tensor]:
        try:
            return self._outputs(self._state, self._wide)
        except (RuntimeError, TypeError):
            self._wide = torch.float32
            return self._outputs(self._state, self._wide)

    def _moved(self, state: Tensor, moves: Sequence[tuple[Group, Tensor]]) -> Tensor:
        from landscape_gui.core.axis_groups import move

        return move(self.layout, state, moves)

    def _outputs(self, state: Tensor, dtype: torch.dtype) -> list[Tensor]:
        self._module.to(dtype=dtype)
        install(self._module, {name: t.to(dtype).clone() for name, t in self.layout.unflatten(state).items()})
        with torch.no_grad():
            results = call(self._module, place(self._inputs, torch.device("cpu"), dtype))
        return [torch.view_as_real(t).double() if t.is_complex() else t.double() for t in results_of(results)]

    def _random(self, tensor: Tensor) -> Tensor:
        """Normal numbers with the sample's deviation; integers drawn from the sample's own."""
        if not tensor.is_floating_point():
            flat = tensor.reshape(-1)
            return flat[torch.randint(0, max(1, flat.numel()), (flat.numel(),), generator=self.generator)].view(tensor.shape)
        noise = torch.randn(tensor.shape, generator=self.generator, dtype=torch.float64)
        spread = float(tensor.double().std()) if tensor.numel() > 1 else 1.0
        return noise * (spread if spread > 0 else 1.0)

    def _perturbed(self, state: Tensor) -> Tensor:
        """Weights moved by a third of their size; buffers by a tenth, so that variances stay positive and masks stay masks."""
        result = state.clone()
        for segment in self.layout.segments:
            part = result[segment.start : segment.stop]
            if segment.buffer:
                part.mul_(1 + 0.1 * self._noise(part).tanh()).add_((part == 0) * 0.05 * self._noise(part).abs())
            else:
                size = float(part.square().mean().sqrt()) if part.numel() else 0.0
                part.add_(self._noise(part), alpha=0.3 * size if size > 0 else 0.1)
        return result

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator, dtype=torch.float64)


def relative(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    """Largest |a - b| over the largest |a|, over pairs of tensors; infinite where one is finite and the other is not."""
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        finite = x.isfinite()
        if not torch.equal(finite, y.isfinite()):
            return float("inf")
        if bool(finite.any()):
            scale = float(x[finite].abs().max())
            worst = max(worst, float((x - y)[finite].abs().max()) / (scale if scale > 0 else 1.0))
    return worst
