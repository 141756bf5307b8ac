"""Geometry that is measured while a network trains, on a few examples, without a trace in the training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from landscape_gui.core import dynamics
from landscape_gui.core.lanczos import eigenpairs
from landscape_gui.core.losses import LossHead, loss_head
from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import Hessian
from landscape_gui.core.splits import Split, call
from landscape_gui.core.vector import Layout, norm
from landscape_gui.core.weights import private_copy
from landscape_gui.errors import RecorderError

PROBES = ("probe_loss", "grad_norm", "lambda_max", "directional_sharpness", "weight_norm", "distance")
"""What can be measured: loss, norm of its gradient, largest eigenvalue of its Hessian and directional sharpness, all on the probes'
examples in evaluation mode; norm of the weights, and of their difference from the start."""
NEED_DATA = ("probe_loss", "grad_norm", "lambda_max", "directional_sharpness")
EXAMPLES = 512
ONE_BATCH = "Give some examples as tensors: data=(inputs, targets)."
TOLERANCE = 1e-3
"""Of lambda_max, relative: less than its change within a few steps of training."""
MOST_PRODUCTS = 80
CHECK = 3
"""Products that look for a larger eigenvalue beside the one that the last search's vector leads to."""


@contextmanager
def untouched(device: torch.device) -> Iterator[None]:
    """Every global random generator is afterwards where it was; autocast is off inside."""
    from landscape_gui.problem.settings import own_randomness

    devices = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), own_randomness(), torch.autocast(device.type, enabled=False):
        yield


@dataclass
class Geometry:
    """Measures `names` of a network on a fixed subset of its data. measure: may be called at any step; seconds: spent so far."""

    names: Sequence[str]
    split: Split | None
    head: LossHead | None
    seed: int = 0
    start: Tensor | None = None
    seconds: float = 0.0
    count: int = 0
    leading: Tensor | None = field(default=None, repr=False)
    """What the last search for lambda_max found, with which the next begins."""
    _objective: Objective | None = field(default=None, repr=False)

    def measure(self, module: nn.Module, lr: float) -> dict[str, float]:
        """The numbers by name, with the stability ratio and LGDI where their parts are among them."""
        device = next((p.device for p in module.parameters()), torch.device("cpu"))
        with untouched(device):
            found = self._of_weights(module)
            if any(name in NEED_DATA for name in self.names):
                found |= self._of_loss(module)
        ordered = {name: found[name] for name in self.names if name in found}
        return ordered | derived(found, lr)

    def begin(self, module: nn.Module) -> None:
        """Take the weights as the start that distances are from."""
        if "distance" in self.names:
            self.start = flat(module)

    def _of_weights(self, module: nn.Module) -> dict[str, float]:
        found: dict[str, float] = {}
        if "weight_norm" in self.names or "distance" in self.names:
            weights = flat(module)
            found["weight_norm"] = norm(weights)
            found["distance"] = math.nan if self.start is None else norm(weights - self.start.to(weights.device))
        return found

    def _of_loss(self, module: nn.Module) -> dict[str, float]:
        objective, at = self._objective_at(module)
        loss, gradient = objective.loss_and_gradient(at)
        found = {"probe_loss": loss, "grad_norm": norm(gradient)}
        if not math.isfinite(loss):
            return found | dict.fromkeys(("lambda_max", "directional_sharpness"), math.nan)
        if "lambda_max" in self.names:
            found["lambda_max"] = self._largest(objective, at)
        if "directional_sharpness" in self.names:
            rises = dynamics.directional_sharpness(objective, at=at, seed=self.seed, at_centre=loss)
            found["directional_sharpness"] = rises.value
        return found

    def _objective_at(self, module: nn.Module) -> tuple[Objective, Tensor | None]:
        """The loss at the network's weights: the same objective moved there, or a new one where statistics have moved too."""
        assert self.split is not None and self.head is not None
        moving = any(b.is_floating_point() for b in module.buffers())
        if self._objective is None or moving:
            device = next(p.device for p in module.parameters())
            self._objective = Objective(module, Layout.from_module(module), self.split, self.head, device=device)
            return self._objective, None
        own = dict(module.named_parameters())
        parts = [own[segment.name].detach().reshape(-1) for segment in self._objective.segments]
        return self._objective, torch.cat([part.to(self._objective.dtype) for part in parts])

    def _largest(self, objective: Objective, at: Tensor | None) -> float:
        search = eigenpairs(
            Hessian(objective, at),
            largest=1,
            tolerance=TOLERANCE,
            most_products=MOST_PRODUCTS,
            check=CHECK,
            seed=self.seed,
            start=self.leading,
        )
        while True:
            try:
                next(search)
            except StopIteration as stop:
                self.leading = stop.value.vectors
                return float(stop.value.values[0])


def derived(found: Mapping[str, float], lr: float) -> dict[str, float]:
    """What follows from the numbers and the learning rate."""
    more: dict[str, float] = {}
    if "lambda_max" in found:
        more["stability_ratio"] = dynamics.stability_ratio(lr, found["lambda_max"])
    if {"lambda_max", "grad_norm", "directional_sharpness"} <= found.keys():
        more["lgdi"] = dynamics.lgdi(lr, found["lambda_max"], found["grad_norm"], found["directional_sharpness"])
    return more


def flat(module: nn.Module) -> Tensor:
    """All parameters as one vector, a copy in float32."""
    return torch.cat([p.detach().reshape(-1).to(torch.float32) for p in module.parameters()])


def make_geometry(
    names: Sequence[str], module: nn.Module, data: Any, criterion: str | Callable[..., Any], *, examples: int, seed: int
) -> Geometry | None:
    """What measures these; None where nothing is asked. RecorderError: an unknown name, or no data for what needs some."""
    names = tuple(names)
    for name in names:
        if name not in PROBES:
            raise RecorderError(f"There is no probe {name!r}.", remedy=f"Choose from {', '.join(PROBES)}.")
    if not names:
        return None
    if data is None:
        needy = [name for name in names if name in NEED_DATA]
        if needy:
            raise RecorderError(
                f"The probe {needy[0]} needs examples.", remedy="Give data=(inputs, targets), a Dataset or a DataLoader."
            )
        return Geometry(names, None, None, seed)
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    with untouched(device):
        split = few(data, examples, seed)
        head = head_for(criterion, module, split)
    return Geometry(names, split, head, seed)


def head_for(criterion: str | Callable[..., Any], module: nn.Module, split: Split) -> LossHead:
    """The loss, tried on two examples where it is the caller's own."""
    if isinstance(criterion, str):
        return loss_head(criterion, None, None)
    from landscape_gui.core.splits import cut, place

    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    inputs, targets = (place(cut(tree, 0, 2, split.examples), device, torch.float32) for tree in (split.inputs, split.targets))
    with torch.inference_mode():
        output = call(private_copy(module).float(), inputs)
    return loss_head(criterion, output, targets)


def few(data: Any, examples: int, seed: int) -> Split:
    """A random subset of so many examples, drawn from the seed. RecorderError for data that only stream."""
    from landscape_gui.problem.dataset import gather
    from landscape_gui.problem.problem import draw

    if isinstance(data, (Dataset, DataLoader)):
        loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size=256)
        if isinstance(loader.dataset, IterableDataset) or loader.batch_size is None:
            raise RecorderError("The probes' data stream, so that no part of them can be drawn.", remedy=ONE_BATCH)
        if len(loader.dataset) > examples:  # type: ignore[arg-type]
            order = torch.randperm(len(loader.dataset), generator=torch.Generator().manual_seed(seed))  # type: ignore[arg-type]
            chosen = Subset(loader.dataset, order[:examples].sort().values.tolist())
            data = DataLoader(chosen, batch_size=loader.batch_size, collate_fn=loader.collate_fn)
    split = gather({"probes": data}, whole_batches=False, limit=4 << 30, about={}).splits[0]
    if split.streams:
        raise RecorderError("The probes' examples do not fit together into one batch.", remedy=ONE_BATCH)
    return draw(split, examples, seed)
