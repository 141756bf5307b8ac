"""Faster ways to run a network along a plane, equal to the plain one up to rounding; each is checked before it is used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.core.folding import fold, fold_tensors
from landscape_gui.core.forward import ForwardPath, PlainPath
from landscape_gui.core.frontier import AffineLayer, FrontierReached, find_frontier, worthwhile
from landscape_gui.core.splits import Chunk, call, map_tensors
from landscape_gui.core.tracing import quicken, trace
from landscape_gui.core.vector import Layout
from landscape_gui.core.weights import MovingTensor, MovingWeights, install, split_axes

KEPT_BYTES = 512 << 20
"""Frontier values kept from one call to the next on the same plane; what is beyond is computed again."""

NARROW = 16
"""Outputs of a Linear layer below which a product is faster with the roles of weight and input exchanged."""

WIDE_CHANNELS = 16
"""Convolutions with so many input channels run faster with channels last on a CPU."""


class NotApplicable(Exception):
    """This path does not fit this network or this plane; another one does."""


class FrontierPath(PlainPath):
    """Views of a flat buffer; layers at the frontier from stored values; channels last where that pays.

    sample: a few examples, as the network takes them; chunk: how many examples a chunk holds at most.
    """

    def __init__(
        self,
        module: nn.Module,
        layout: Layout,
        *,
        device: torch.device,
        dtype: torch.dtype,
        moving_buffers: bool,
        sample: Any,
        chunk: int,
        channels_last: bool,
    ) -> None:
        super().__init__(module, layout, device=device, dtype=dtype, moving_buffers=moving_buffers)
        self.channels_last = channels_last
        if channels_last:
            self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.no_grad():
            found = find_frontier(self.module, self._arranged(sample))
            sizes = output_sizes(self.module, self._arranged(sample))
        self._frontier = [c for c in found if worthwhile(c, sizes.get(c.name, 0), chunk)]
        self._windows: dict[str, Any] = {}
        traced = trace(self.module)
        if traced is not None:
            pooled = [] if channels_last else [c.name for c in self._frontier if isinstance(c.module, nn.Conv2d)]
            self._windows = quicken(traced, pooled)
            self.module = traced
        narrow = {c.name for c in self._frontier}
        for name, part in self.module.named_modules():
            if name not in narrow and is_narrow(part) and device.type == "cpu":
                part.forward = narrow_forward(part)
        self._layers: list[AffineLayer] = []
        self._kept: dict[tuple[int, int, int], list[list[Tensor | None] | None]] = {}
        self.description = {
            "path": "channels last" if channels_last else "flat",
            "affine": [layer.name for layer in self._frontier],
        }

    def _arranged(self, inputs: Any) -> Any:
        if not self.channels_last:
            return inputs
        return map_tensors(inputs, lambda t: t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t)

    def lay(self, origin: Tensor, axes: Sequence[Tensor]) -> None:
        moving, still = split_axes(self.layout, origin, axes, moving_buffers=self.moving_buffers)
        for layer in self._layers:
            layer.release()
        self._kept.clear()
        state = self.layout.unflatten(origin)
        steps = [self.layout.unflatten(axis) for axis in axes]
        self._layers = [
            AffineLayer(c, {p: (state[p], *(s[p] for s in steps)) for p in c.parameters}, self._windows.get(c.name))
            for c in self._frontier
        ]
        affine = {p for c in self._frontier for p in c.parameters}
        rest = [t for t in moving if t.name not in affine]
        if self.channels_last:
            rest = [dataclasses.replace(t, channels_last=t.origin.dim() == 4) for t in rest]
        self.weights = MovingWeights(rest)
        install(self.module, {name: self._arranged(tensor.clone()) for name, tensor in still.items()})
        install(self.module, self.weights.views)

    def begin(self, split: int, chunk: Chunk) -> Chunk:
        chunk = dataclasses.replace(chunk, inputs=self._arranged(chunk.inputs))
        if not self._layers:
            return chunk
        key = (split, chunk.start, chunk.examples)
        kept = self._kept.get(key, [None] * len(self._layers))
        for layer, values in zip(self._layers, kept, strict=True):
            layer.use(values)
        if key not in self._kept:
            self._compute(chunk)
            if chunk.start >= 0 and self._kept_bytes() < KEPT_BYTES:
                self._kept[key] = [layer.values for layer in self._layers]
        return chunk

    def _compute(self, chunk: Chunk) -> None:
        """Fill the layers' values by a forward pass that ends at the last of them."""
        waiting = {id(layer.layer.module) for layer in self._layers}

        def reached(module: nn.Module, _inputs: Any, _output: Any) -> None:
            waiting.discard(id(module))
            if not waiting:
                raise FrontierReached

        handles = [layer.layer.module.register_forward_hook(reached) for layer in self._layers]
        for layer in self._layers:
            layer.move((0.0,) * layer.axes)
        try:
            call(self.module, chunk.inputs)
        except FrontierReached:
            pass
        finally:
            for handle in handles:
                handle.remove()

    def _kept_bytes(self) -> int:
        return sum(t.numel() * t.element_size() for values in self._kept.values() for v in values for t in v or () if t is not None)

    def move(self, point: Sequence[float]) -> None:
        self.weights.move(point)
        for layer in self._layers:
            layer.move(point)


class FoldedPath(PlainPath):
    """Convolutions with the BatchNorm after them folded in, channels last, ReLU and residual sums inside the convolution."""

    def __init__(self, module: nn.Module, layout: Layout, *, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(module, layout, device=device, dtype=dtype)
        fused = device.type == "cpu" and dtype == torch.float32 and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
        folded = fold(self.module, fused=fused)
        if folded is None:
            raise NotApplicable
        parts = dict(self.module.named_modules())
        self._pairs = [(pair, float(cast(nn.BatchNorm2d, parts[pair.normalisation]).eps)) for pair in folded[1]]
        self.module = folded[0].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.description = {"path": "folded", "folded": len(self._pairs), "fused": fused, "affine": []}

    def lay(self, origin: Tensor, axes: Sequence[Tensor]) -> None:
        moving, still = split_axes(self.layout, origin, axes, moving_buffers=False)
        moves = {t.name for t in moving}
        norms = {pair.normalisation for pair, _ in self._pairs}
        if any(name.rpartition(".")[0] in norms for name in moves):
            raise NotApplicable
        gone = {pair.convolution for pair, _ in self._pairs} | norms
        tensors = [
            dataclasses.replace(t, channels_last=t.origin.dim() == 4) for t in moving if t.name.rpartition(".")[0] not in gone
        ]
        tensors += self._folded_tensors(origin, moving)
        self.weights = MovingWeights(tensors)
        install(self.module, {n: t.clone() for n, t in still.items() if n.rpartition(".")[0] not in gone})
        install(self.module, {n: v for n, v in self.weights.views.items() if not n.startswith("folded:")})
        for pair, _ in self._pairs:
            pair.module.weight_view = self.weights.views[f"folded:{pair.convolution}.weight"]
            pair.module.bias_view = self.weights.views[f"folded:{pair.convolution}.bias"]

    def _folded_tensors(self, origin: Tensor, moving: Sequence[MovingTensor]) -> Iterator[MovingTensor]:
        state = self.layout.unflatten(origin)
        count = len(moving[0].axes) if moving else 0
        steps = [{t.name: t.axes[j] for t in moving} for j in range(count)]
        for pair, epsilon in self._pairs:
            weights, biases = fold_tensors(state, steps, pair, epsilon)
            yield MovingTensor(f"folded:{pair.convolution}.weight", weights[0], tuple(weights[1:]), True)
            yield MovingTensor(f"folded:{pair.convolution}.bias", biases[0], tuple(biases[1:]))

    def begin(self, split: int, chunk: Chunk) -> Chunk:
        arranged = map_tensors(chunk.inputs, lambda t: t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t)
        return dataclasses.replace(chunk, inputs=arranged)


def output_sizes(module: nn.Module, inputs: Any) -> dict[str, int]:
    """Scalars that each leaf module gives per example, from one forward pass of a few examples."""
    sizes: dict[str, int] = {}
    handles = []
    for name, part in module.named_modules():

        def record(_module: nn.Module, _inputs: Any, output: Any, name: str = name) -> None:
            if isinstance(output, Tensor) and output.dim():
                sizes[name] = output.numel() // max(1, output.shape[0])

        if not list(part.children()):
            handles.append(part.register_forward_hook(record))
    try:
        call(module, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return sizes


def is_narrow(part: nn.Module) -> bool:
    """A plain Linear with so few outputs that a matrix product is faster the other way round."""
    hooked = part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part)
    return type(part) is nn.Linear and part.out_features < NARROW and not hooked and set(part._parameters) == {"weight", "bias"}


def narrow_forward(part: nn.Linear) -> Callable[[Tensor], Tensor]:
    """The layer's forward as weight times input; the output is stored by columns, which losses like too."""

    def forward(x: Tensor) -> Tensor:
        if x.dim() != 2 or part.bias is None:
            return F.linear(x, part.weight, part.bias)
        return torch.addmm(part.bias[:, None], part.weight, x.t()).t()

    return forward


def prefers_channels_last(module: nn.Module) -> bool:
    """Whether most of the convolutions' weights belong to wide ones (2-D, at least WIDE_CHANNELS inputs)."""
    wide = total = 0
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            total += part.weight.numel()
            wide += part.weight.numel() if part.in_channels >= WIDE_CHANNELS else 0
    return 2 * wide > total


def fast_paths(plain: PlainPath, *, dtype: torch.dtype, folds: bool, sample: Any, chunk: int) -> list[ForwardPath]:
    """The paths that this network allows, the fastest first. folds: BatchNorm stays; sample, chunk: as for a FrontierPath."""
    module, layout, device = plain.module, plain.layout, plain.device
    paths: list[ForwardPath] = []
    if folds:
        paths += _built(lambda: FoldedPath(module, layout, device=device, dtype=dtype))
    for channels_last in [True, False] if prefers_channels_last(module) else [False]:
        paths += _built(
            lambda last=channels_last: FrontierPath(  # type: ignore[misc]
                module,
                layout,
                device=device,
                dtype=dtype,
                moving_buffers=plain.moving_buffers,
                sample=sample,
                chunk=chunk,
                channels_last=last,
            )
        )
    return paths


def _built(make: Callable[[], ForwardPath]) -> list[ForwardPath]:
    """The path, or none where the network does not allow it."""
    try:
        return [make()]
    except (NotApplicable, RuntimeError):
        return []
