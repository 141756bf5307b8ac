"""The loss of one network on one data set as a function of a flat vector of the parameters that require a gradient."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from landscape_gui.core import memory
from landscape_gui.core.forward import full_precision
from landscape_gui.core.losses import LossHead
from landscape_gui.core.splits import Chunk, Split, call, length_of, map_tensors, place
from landscape_gui.core.sweep import Data
from landscape_gui.core.vector import Layout, Segment, owner
from landscape_gui.core.weights import install, private_copy
from landscape_gui.errors import ProblemError

BATCH_LOSS_EXAMPLES = 128
"""Examples per chunk of a loss that runs the network itself, as an Evaluator takes them."""

NOT_FINITE = "Open an earlier checkpoint, or check the data, its normalisation and the architecture."


@contextlib.contextmanager
def differentiating() -> Iterator[None]:
    """What derivatives of any order need: gradients on, attention by the math kernel, no fused fast path, full precision."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.inference_mode(False), torch.enable_grad(), full_precision(), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class Objective:
    """The mean loss over a split as a function of the parameters that require a gradient: one flat vector of `size` scalars.

    The mean is over rows that count (examples, or tokens), as in core.evaluate; where a loss is known as means of batches alone, it
    is their mean weighted by their examples. The network is a private copy in evaluation mode: dropout off, BatchNorm with the
    statistics that `state` holds; the caller's module is only read. No weight decay.

    module, layout, split, head: as of an Evaluator. state: (layout.size,), None for the module's own weights. parameters: names of
    parameters, layers or groups ("layer3" is all below it), () for all that require a gradient. batch: examples per chunk; None
    chooses by the largest activation. Raises ProblemError where no parameter requires a gradient or a name is unknown.

    size: n; segments: names and shapes, with starts and stops within the n; origin: (n,) the checkpoint's values. Not thread-safe.
    """

    def __init__(
        self,
        module: nn.Module,
        layout: Layout,
        split: Split,
        head: LossHead,
        *,
        state: Tensor | None = None,
        precision: Literal["float32", "float64"] = "float32",
        device: torch.device | str = "cpu",
        batch: int | None = None,
        parameters: Sequence[str] = (),
    ) -> None:
        memory.keep_allocations()
        self.layout, self.head, self.precision = layout, head, precision
        self.device, self.dtype = torch.device(device), cast(torch.dtype, getattr(torch, precision))
        trainable = {name for name, p in module.named_parameters() if p.requires_grad and p.is_floating_point()}
        self._places = _chosen(layout, trainable, parameters)
        self.segments = _packed(self._places)
        self.size = self.segments[-1].stop
        with torch.inference_mode(False):
            self._module = private_copy(module).to(device=self.device, dtype=self.dtype)
            if state is not None:
                whole = state.detach().to(device=self.device, dtype=self.dtype, copy=True)
                install(self._module, layout.unflatten(whole))
            self._leaves = parameters_of(self._module, [segment.name for segment in self.segments])
            self.origin = flatten(self._leaves)
            self._data = Data([_placed(split, self.device, self.dtype)], head, self.device, self.dtype)
            self._moved = False
            self._data.batch = batch or self._choose_batch()
        self._weight: float | None = None

    @property
    def examples(self) -> int:
        """Examples of the split; 0 where a stream does not tell."""
        return self.split.examples

    @property
    def split(self) -> Split:
        """The data, on `device`."""
        return self._data.splits[0]

    @property
    def environment(self) -> dict[str, Any]:
        """What the bits of a product depend on. partition: chunks of the data, -1 for an iterable's own batches."""
        return {
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device),
            "threads": torch.get_num_threads(),
            "dtype": self.precision,
            "batch": 0 if self.split.streams else self._data.batch,
            "partition": -1 if self.split.streams else len(self._data.bounds(self.split)),
            "torch": torch.__version__,
            "attention": "math",
            "batchnorm": "frozen",
        }

    def layers(self) -> tuple[tuple[str, int, int], ...]:
        """(owning module's name, start, stop) of each stretch of the vector, in order, covering it; a layer is one stretch, but for
        modules whose parameters stand apart."""
        found: list[tuple[str, int, int]] = []
        for segment in self.segments:
            name = owner(segment.name)
            if found and found[-1][0] == name:
                found[-1] = (name, found[-1][1], segment.stop)
            else:
                found.append((name, segment.start, segment.stop))
        return tuple(found)

    def embed(self, vector: Tensor) -> Tensor:
        """A vector (n,) as one of the whole state (layout.size,), float32, zero elsewhere: an axis of a surface."""
        whole = torch.zeros(self.layout.size, dtype=torch.float32, device=vector.device)
        for there, here in zip(self._places, self.segments, strict=True):
            whole[there.start : there.stop] = vector[here.start : here.stop].to(torch.float32)
        return whole

    def extract(self, state: Tensor) -> Tensor:
        """The stretches of a state (layout.size,) that belong to this vector, (n,) in this objective's dtype."""
        parts = [state.detach()[place.start : place.stop] for place in self._places]
        return torch.cat(parts).to(device=self.device, dtype=self.dtype)

    def chunks(self) -> Iterator[Chunk]:
        """The data in the pieces that go through the network at once, in the same order at each call."""
        return self._data.chunks(self.split)

    @property
    def weight(self) -> float:
        """What the sum over rows is divided by: rows that count, or examples where only means are known."""
        if self._weight is None:
            self.loss()
        assert self._weight is not None
        return self._weight

    def loss(self, at: Tensor | None = None) -> float:
        """The mean loss at a vector (n,) (None: the checkpoint), summed in float64. One forward pass."""
        total, weight = 0.0, 0.0
        with differentiating(), torch.no_grad():
            self._move(at)
            for chunk in self.chunks():
                rows, counted = rows_of(self.head, self._module, chunk)
                total += float(rows.sum(dtype=torch.float64))
                weight += counted
        if not weight > 0:
            raise ProblemError(f"The split {self.split.name} has no rows that count.", remedy="Check its targets.")
        self._weight = weight
        return total / weight

    def losses(self, at: Tensor | None = None) -> Tensor:
        """(examples,) float64 on the CPU: each example's part of the loss, so that their mean is the loss. One forward pass.

        Raises ProblemError where a loss is known as means of batches alone.
        """
        parts: list[Tensor] = []
        weight = 0.0
        with differentiating(), torch.no_grad():
            self._move(at)
            for chunk in self.chunks():
                rows, counted = rows_of(self.head, self._module, chunk)
                if rows.numel() < chunk.examples or rows.numel() % chunk.examples:
                    raise ProblemError(
                        f"The loss {self.head.name} gives the mean over a batch, not a value per example.",
                        remedy="Give a loss that takes reduction='none', or one that returns a value per example.",
                    )
                parts.append(rows.double().reshape(chunk.examples, -1).sum(1).cpu())
                weight += counted
        found = torch.cat(parts)
        return found * (found.numel() / weight)

    def gradient(self, at: Tensor | None = None) -> Tensor:
        """(n,) the gradient at a vector (n,) (None: the checkpoint). One forward and backward pass."""
        weight = self.weight
        total = torch.zeros(self.size, dtype=torch.float64, device=self.device)
        with differentiating():
            self._move(at)
            for chunk in self.chunks():
                rows, _ = rows_of(self.head, self._module, chunk)
                total += gradient_of([rows.sum() / weight], self._leaves)
        return total.to(self.dtype)

    def check(self) -> float:
        """The loss at the checkpoint; raises ProblemError where it is not finite."""
        value = self.loss()
        if not math.isfinite(value):
            raise ProblemError(f"The {self.split.name} loss at the checkpoint is {value}.", remedy=NOT_FINITE)
        return value

    def network(self, at: Tensor | None = None) -> tuple[nn.Module, list[nn.Parameter]]:
        """A copy of the network at a vector (n,) (None: the checkpoint) and its parameters that move, to build graphs on."""
        with torch.inference_mode(False):
            copy = private_copy(self._module)
            leaves = parameters_of(copy, [segment.name for segment in self.segments])
            write(leaves, self.origin if at is None else self.taken(at))
        return copy, leaves

    def subset(self, start: int | Sequence[int] | Tensor, stop: int | None = None) -> Objective:
        """The same loss on part of the data: examples from start to stop, or those of the given indices.

        Costs a copy of the weights and of the chosen examples. Raises ProblemError for data that stream.
        """
        split = self.split
        if split.streams:
            raise ProblemError(
                f"The split {split.name} streams, so that no part of it can be taken.",
                remedy="Give the data as tensors or a Dataset.",
            )
        if isinstance(start, int):
            chosen = torch.arange(start, max(start, min(split.examples, split.examples if stop is None else stop)))
        else:
            chosen = torch.as_tensor(start, dtype=torch.long)
        if not chosen.numel():
            raise ProblemError(f"No examples of the split {split.name} were chosen.")

        def take(tensor: Tensor) -> Tensor:
            return tensor[chosen.to(tensor.device)] if tensor.dim() and tensor.shape[0] == split.examples else tensor

        part = Split(split.name, map_tensors(split.inputs, take), map_tensors(split.targets, take), chosen.numel())
        copy, _ = self.network()
        return Objective(
            copy,
            self.layout,
            part,
            self.head,
            precision=self.precision,
            device=self.device,
            batch=self._data.batch,
            parameters=[segment.name for segment in self.segments],
        )

    def taken(self, vector: Tensor) -> Tensor:
        """A vector (n,) on this device in this dtype; ProblemError where it has another length."""
        if vector.shape != (self.size,):
            raise ProblemError(f"A vector has shape {tuple(vector.shape)}, but {self.size} parameters require a gradient.")
        return vector.detach().to(device=self.device, dtype=self.dtype)

    def _move(self, at: Tensor | None) -> None:
        if at is not None or self._moved:
            write(self._leaves, self.origin if at is None else self.taken(at))
            self._moved = at is not None

    def _choose_batch(self) -> int:
        if self.split.streams or self.head.kind == "batch":
            return 1 << 62 if self.split.streams else BATCH_LOSS_EXAMPLES
        few = min(2, self.split.examples)
        sample = next(iter(Data([self.split], self.head, self.device, self.dtype, few).chunks(self.split)))
        with differentiating():
            size = memory.largest_activation(
                self._module, lambda: call(self._module, sample.inputs), sample.inputs, sample.examples
            )
        return memory.choose_batch(self._module, size, self.device)


def rows_of(head: LossHead, module: nn.Module, chunk: Chunk) -> tuple[Tensor, float]:
    """What a chunk adds to the sum over rows: values whose sum it is, and the weight that it adds."""
    if head.kind == "batch":
        return values_of(head.function(module, chunk.inputs), chunk.examples)
    return values_of(head.function(call(module, chunk.inputs), chunk.targets), chunk.examples)


def values_of(value: Any, examples: int) -> tuple[Tensor, float]:
    """A head's answer for so many examples as values to be summed, and their weight; a mean counts for all examples."""
    values, weights = value if isinstance(value, tuple) else (value, None)
    if not isinstance(values, Tensor):
        raise ProblemError(f"The loss of a batch is a {type(values).__name__}, not a tensor.")
    if values.numel() == 1 and examples != 1:
        return values.reshape(1) * examples, float(examples)
    weight = float(values.numel()) if weights is None else float(weights.sum(dtype=torch.float64))
    return values.reshape(-1), weight


def parameters_of(module: nn.Module, names: Sequence[str]) -> list[nn.Parameter]:
    """A module's parameters of these names, which alone require a gradient from now on."""
    own = dict(module.named_parameters())
    module.requires_grad_(False)
    for name in names:
        own[name].requires_grad_(True)
    return [own[name] for name in names]


def write(leaves: Sequence[Tensor], vector: Tensor) -> None:
    """Put a flat vector into tensors, in place."""
    with torch.no_grad():
        for leaf, part in zip(leaves, pieces(vector, leaves), strict=True):
            leaf.copy_(part)


def pieces(vector: Tensor, shaped: Sequence[Tensor]) -> list[Tensor]:
    """Views of a flat vector of the shapes of these tensors."""
    starts = itertools.accumulate((tensor.numel() for tensor in shaped), initial=0)
    return [vector[start : start + t.numel()].view(t.shape) for start, t in zip(starts, shaped, strict=False)]


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one after the other, a copy without gradients."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def gradient_of(
    values: Sequence[Tensor], leaves: Sequence[Tensor], along: Sequence[Tensor] | None = None, *, retain: bool = False
) -> Tensor:
    """The flat vector-Jacobian product of values with respect to leaves; zero where a leaf takes no part."""
    pairs = [(v, None if along is None else along[i]) for i, v in enumerate(values) if v.requires_grad]
    if not pairs:
        return torch.zeros(sum(leaf.numel() for leaf in leaves), dtype=leaves[0].dtype, device=leaves[0].device)
    outputs, directions = [v for v, _ in pairs], None if along is None else [d for _, d in pairs]
    found = torch.autograd.grad(outputs, leaves, directions, retain_graph=retain, allow_unused=True)
    zeros = [torch.zeros_like(leaf) if part is None else part for part, leaf in zip(found, leaves, strict=True)]
    return flatten(zeros)


def _chosen(layout: Layout, trainable: Collection[str], wanted: Sequence[str]) -> tuple[Segment, ...]:
    """Where in the layout the parameters lie that move."""
    places = [segment for segment in layout.segments if not segment.buffer and segment.name in trainable and segment.size]
    if not places:
        raise ProblemError(
            "No parameter of this network requires a gradient, so that its loss has no curvature to ask about.",
            remedy="Call requires_grad_(True) on the parameters in question.",
        )
    if not wanted:
        return tuple(places)
    for name in wanted:
        if not any(_within(segment.name, name) for segment in places):
            known = ", ".join(dict.fromkeys(owner(segment.name) for segment in places))
            raise ProblemError(f"No parameter that requires a gradient is in {name!r}.", remedy=f"The layers are {known}.")
    return tuple(segment for segment in places if any(_within(segment.name, name) for name in wanted))


def _within(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.") or owner(name) == group


def _packed(places: Sequence[Segment]) -> tuple[Segment, ...]:
    """The same tensors one after the other."""
    packed: list[Segment] = []
    for segment in places:
        start = packed[-1].stop if packed else 0
        packed.append(Segment(segment.name, segment.shape, start, start + segment.size, False))
    return tuple(packed)


def _placed(split: Split, device: torch.device, dtype: torch.dtype) -> Split:
    """The split on a device, tensors made in inference mode replaced by copies that autograd takes."""
    if split.streams:
        return split

    def plain(tensor: Tensor) -> Tensor:
        return tensor.clone() if tensor.is_inference() else tensor

    inputs, targets = (map_tensors(place(tree, device, dtype), plain) for tree in (split.inputs, split.targets))
    return Split(split.name, inputs, targets, split.examples or length_of(inputs))
