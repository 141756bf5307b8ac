"""The loss of a network as it is trained, on one mini-batch after another, as a function of a flat vector."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core import memory
from landscape_gui.core.batchnorm import moving_norms
from landscape_gui.core.differentiation import rows_of
from landscape_gui.core.forward import full_precision
from landscape_gui.core.losses import LossHead
from landscape_gui.core.splits import Chunk, Split, length_of, map_tensors, place, unpack
from landscape_gui.core.vector import Layout
from landscape_gui.core.weights import install, private_copy
from landscape_gui.errors import ProblemError


class MiniBatchLoss:
    """Loss and gradient on mini-batches at any weights: BatchNorm by the batch's own statistics as in training, dropout off.

    Each epoch is a new order of the examples, drawn from `seed` and the epoch's number alone, so that batch number k is the same
    however one came there; what is left at an epoch's end, less than a batch, is left out of it. Data that stream come in their own
    batches. The caller's module is only read; parameters that require no gradient and buffers have gradient 0.

    weights: (layout.size,) the network's own tensors are views of it: write there, then call `gradient`. Memory: two copies of the
    weights beside the network, and the data. Not thread-safe.
    """

    def __init__(
        self,
        module: nn.Module,
        layout: Layout,
        split: Split,
        head: LossHead,
        *,
        batch: int = 64,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        memory.keep_allocations()
        self.layout, self.head, self.seed, self.dtype, self.device = layout, head, seed, dtype, torch.device(device)
        trainable = {name for name, p in module.named_parameters() if p.requires_grad and p.is_floating_point()}
        with torch.inference_mode(False):
            self.split = _placed(split, self.device, dtype)
            self._module = private_copy(module).to(device=self.device, dtype=dtype)
            state = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
            self.weights = layout.flatten(state, dtype=dtype, device=self.device)
            install(self._module, layout.unflatten(self.weights))
            self._leaves = [p for name, p in self._module.named_parameters() if name in trainable]
            for leaf in self._leaves:
                leaf.requires_grad_(True)
        if not self._leaves:
            raise ProblemError(
                "No parameter of this network requires a gradient, so that nothing can be trained.",
                remedy="Call requires_grad_(True) on the parameters that may move.",
            )
        self.trained = _merged([(s.start, s.stop) for s in layout.segments if not s.buffer and s.name in trainable])
        _train_as_needed(self._module)
        examples = self.split.examples
        self.batch = 0 if self.split.streams else min(batch, examples)
        self._epoch: tuple[int, Tensor] = (-1, torch.empty(0))
        self._stream: tuple[int, Iterator[Any]] = (0, iter(()))

    @property
    def batches(self) -> int:
        """Batches in an epoch; 0 where the data stream and do not tell."""
        return 0 if self.split.streams else self.split.examples // self.batch

    @property
    def environment(self) -> dict[str, Any]:
        """What the bits of a gradient depend on beside versions and the machine."""
        return {
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device),
            "threads": torch.get_num_threads(),
            "dtype": str(self.dtype).removeprefix("torch."),
            "batch": self.batch,
        }

    def chunk(self, number: int) -> Chunk:
        """Batch number 0, 1, ... of the endless sequence."""
        with torch.inference_mode(False):
            return self._streamed(number) if self.split.streams else self._drawn(number)

    def _drawn(self, number: int) -> Chunk:
        epoch, place_ = divmod(number, self.batches)
        if epoch != self._epoch[0]:
            order = torch.randperm(self.split.examples, generator=generator(self.seed, epoch))
            self._epoch = epoch, order.to(self.device)
        return self.of(self._epoch[1][place_ * self.batch : (place_ + 1) * self.batch])

    def of(self, chosen: Tensor) -> Chunk:
        """The examples of these indices."""

        def take(tensor: Tensor) -> Tensor:
            return tensor.index_select(0, chosen) if tensor.dim() and tensor.shape[0] == self.split.examples else tensor

        return Chunk(map_tensors(self.split.inputs, take), map_tensors(self.split.targets, take), len(chosen), 0, -1)

    def _streamed(self, number: int) -> Chunk:
        came, batches = self._stream
        if number < came:
            came, batches = 0, iter(())
        found = None
        for _ in range(came, number + 1):
            found = next(batches, None)
            if found is None:
                batches = iter(self.split.inputs)
                found = next(batches, None)
            if found is None:
                raise ProblemError(f"The split {self.split.name} is empty.")
        self._stream = number + 1, batches
        found = map_tensors(place(found, self.device, self.dtype), _differentiable)
        inputs, targets = (found, None) if self.head.kind == "batch" else unpack(found)
        return Chunk(inputs, targets, length_of(inputs), 0, -1)

    def gradient(self, chunk: Chunk, out: Tensor) -> float:
        """The mean loss on a chunk at `weights`; its gradient goes into out (layout.size,) where something is trained."""
        with self._differentiating():
            rows, weight = rows_of(self.head, self._module, chunk)
            loss = rows.sum() / max(weight, 1.0)
            found = torch.autograd.grad(loss, self._leaves, allow_unused=True)
        parts = [torch.zeros_like(p) if g is None else g for g, p in zip(found, self._leaves, strict=True)]
        if len(self.trained) == 1:
            start, stop = self.trained[0]
            torch.cat([part.reshape(-1) for part in parts], out=out[start:stop])
        else:
            flat, start = torch.cat([part.reshape(-1) for part in parts]), 0
            for first, last in self.trained:
                out[first:last] = flat[start : start + last - first]
                start += last - first
        return loss.item()

    def freeze_statistics(self) -> None:
        """Let BatchNorm go by the running statistics in `weights` from now on, not by each batch's own."""
        for norm in moving_norms(self._module):
            norm.track_running_stats = True  # type: ignore[assignment]
            norm.eval()

    @property
    def normed_by_batch(self) -> bool:
        """Whether examples that go through together go by statistics of their own."""
        return any(norm.training for norm in moving_norms(self._module))

    def loss(self, chunk: Chunk) -> float:
        """The mean loss on a chunk at `weights`. One forward pass."""
        with torch.no_grad(), full_precision():
            rows, weight = rows_of(self.head, self._module, chunk)
            return float(rows.sum(dtype=torch.float64)) / max(weight, 1.0)

    @staticmethod
    @contextlib.contextmanager
    def _differentiating() -> Iterator[None]:
        with torch.inference_mode(False), torch.enable_grad(), full_precision():
            yield


def generator(seed: int, number: int) -> torch.Generator:
    """Random numbers of their own for each `number`, from one seed: none depends on how many were drawn for another."""
    mixed = (seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03) & (2**64 - 1)
    for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
        mixed = ((mixed ^ (mixed >> 30)) * factor) & (2**64 - 1)
    return torch.Generator().manual_seed((mixed ^ (mixed >> 31)) & (2**63 - 1))


def _train_as_needed(module: nn.Module) -> None:
    """Let normalisations go by the batch, and recurrent layers be differentiated on a GPU, which want training mode for that."""
    for norm in moving_norms(module):
        norm.train()
        norm.track_running_stats = False  # type: ignore[assignment]
    for part in module.modules():
        if isinstance(part, nn.RNNBase):
            part.train()
            part.dropout = 0.0


def _differentiable(tensor: Tensor) -> Tensor:
    """A tensor that autograd may keep: a copy of one that was made in inference mode."""
    return tensor.clone() if tensor.is_inference() else tensor


def _placed(split: Split, device: torch.device, dtype: torch.dtype) -> Split:
    if split.streams:
        return split
    inputs, targets = (map_tensors(place(tree, device, dtype), _differentiable) for tree in (split.inputs, split.targets))
    examples = split.examples or length_of(inputs)
    if not examples:
        raise ProblemError(f"The split {split.name} is empty.")
    return Split(split.name, inputs, targets, examples)


def _merged(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same stretches of a vector with those that touch made one."""
    found: list[tuple[int, int]] = []
    for start, stop in stretches:
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], stop
        else:
            found.append((start, stop))
    return found
