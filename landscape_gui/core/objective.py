"""The loss of one network on one data set as a function of a flat vector of the parameters that require a gradient."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from landscape_gui.core import memory
from landscape_gui.core.convolution import CONVOLUTIONS
from landscape_gui.core.differentiation import differentiating, flatten, gradient_of, parameters_of, rows_of, write
from landscape_gui.core.frozen import NORMS, quicken
from landscape_gui.core.losses import LossHead
from landscape_gui.core.splits import Chunk, Split, call, length_of, map_tensors, place
from landscape_gui.core.stack import stages_of
from landscape_gui.core.sweep import Data
from landscape_gui.core.vector import Layout, Segment, owner
from landscape_gui.core.weight_norm import make_twice_differentiable
from landscape_gui.core.weights import install, private_copy
from landscape_gui.errors import ProblemError

CHECKED_EXAMPLES = 16
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}
"""Differences of a row's loss, relative to the mean, up to which a faster form of the network is taken: some hundred roundings."""

BATCH_LOSS_EXAMPLES = 128
"""Examples per chunk of a loss that runs the network itself, as an Evaluator takes them."""

NOT_FINITE = "Open an earlier checkpoint, or check the data, its normalisation and the architecture."


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
            make_twice_differentiable(self._module)
            if state is not None:
                whole = state.detach().to(device=self.device, dtype=self.dtype, copy=True)
                install(self._module, layout.unflatten(whole))
            self._data = Data([_placed(split, self.device, self.dtype)], head, self.device, self.dtype)
            self._data.batch = batch or self._choose_batch()
            self.form = self._quicken()
            if head.kind != "batch" and stages_of(self._module):
                self.form["derivatives"] = "written out"
            self._leaves = parameters_of(self._module, [segment.name for segment in self.segments])
            self.origin = flatten(self._leaves)
            self._moved = False
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
            "form": dict(self.form),
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

    def chunks(self, most: int = 1 << 62) -> Iterator[Chunk]:
        """The data in the pieces that go through the network at once, in the same order at each call; `most` examples at once."""
        if most >= self._data.batch or self.split.streams:
            smaller = replace(self._data, batch=most)
            return (part for whole in self._data.chunks(self.split) for part in smaller.smaller(whole))
        return replace(self._data, batch=most).chunks(self.split)

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
        return self.loss_and_gradient(at)[1]

    def loss_and_gradient(self, at: Tensor | None = None) -> tuple[float, Tensor]:
        """The mean loss at a vector (n,), summed in float64, and its gradient (n,), for the cost of the gradient."""
        weight, loss = self.weight, 0.0
        total = torch.zeros(self.size, dtype=torch.float64, device=self.device)
        with differentiating():
            self._move(at)
            for chunk in self.chunks():
                rows, _ = rows_of(self.head, self._module, chunk)
                loss += float(rows.detach().sum(dtype=torch.float64))
                total += gradient_of([rows.sum() / weight], self._leaves)
        return loss / weight, total.to(self.dtype)

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

    def sample(self, few: int) -> Chunk:
        """The first few examples."""
        small = Data([self.split], self.head, self.device, self.dtype, min(few, self.split.examples or few))
        for whole in small.chunks(self.split):
            return small.smaller(whole)[0]
        raise ProblemError(f"The split {self.split.name} is empty.")

    def halved(self, chunk: Chunk) -> list[Chunk]:
        """A chunk, and its first half where it has two examples or more."""
        half = replace(self._data, batch=max(1, chunk.examples // 2))
        return [chunk, half.smaller(chunk)[0]] if chunk.examples > 1 else [chunk]

    def _quicken(self) -> dict[str, Any]:
        """Put the network into the form that differentiates fastest, where that agrees with it as it is; says what was done."""
        kinds = [type(part) for part in self._module.modules()]
        channels_last = nn.Conv2d in kinds and self.device.type == "cpu" and isinstance(self.split.inputs, Tensor)
        if not any(kind in (*NORMS, *CONVOLUTIONS, nn.Linear) for kind in kinds):
            return {"path": "plain"}
        sample = self.sample(CHECKED_EXAMPLES)
        for fold in (True, False):
            quick = private_copy(self._module)
            try:
                with differentiating(), torch.no_grad():
                    norms, products = quicken(quick, fold=fold)
                    if channels_last:
                        quick.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
                    difference = self._disagreement(quick, sample)
            except Exception:  # a forward pass may read what a replaced layer does not have; the network as it is serves
                continue
            if difference <= TOLERANCE[self.dtype]:
                self._module = quick
                return {
                    "path": "quick",
                    "norms": norms,
                    "products": products,
                    "channels_last": channels_last,
                    "difference": difference,
                }
        return {"path": "plain"}

    def _disagreement(self, quick: nn.Module, chunk: Chunk) -> float:
        """The largest difference of a row's loss between two forms of the network, relative to the mean."""
        rows = [rows_of(self.head, module, chunk)[0].double() for module in (quick, self._module)]
        return float((rows[0] - rows[1]).abs().max() / rows[1].abs().mean().clamp(min=torch.finfo(torch.float64).tiny))

    def _choose_batch(self) -> int:
        if self.split.streams or self.head.kind == "batch":
            return 1 << 62 if self.split.streams else BATCH_LOSS_EXAMPLES
        sample = self.sample(2)
        with differentiating():
            size = memory.largest_activation(
                self._module, lambda: call(self._module, sample.inputs), sample.inputs, sample.examples
            )
        return memory.choose_batch(self._module, size, self.device)


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
