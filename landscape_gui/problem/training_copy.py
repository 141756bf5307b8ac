"""Some steps of training on a copy of a network and of its optimiser; the originals stay as they are."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from landscape_gui.core.splits import Split, call, map_tensors, place
from landscape_gui.errors import ProblemError
from landscape_gui.problem.criteria import own_loss
from landscape_gui.problem.dataset import map_arrays, separate
from landscape_gui.problem.in_memory import bare

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


@dataclass(frozen=True)
class Step:
    """The network after so many steps. batch_loss: of the last batch, before its step, NaN at first; lr: of the next step."""

    number: int
    network: nn.Module
    batch_loss: float
    lr: float


def copied_together(model: nn.Module, optimizer: Optimizer | OptimizerFactory) -> tuple[nn.Module, Optimizer]:
    """A network and an optimiser over its parameters: copies, moments and all, or one made by a function of parameters.

    Raises ProblemError where the optimiser holds none of the network's parameters.
    """
    source = bare(model)
    memo: dict[int, Any] = {}
    network: nn.Module = copy.deepcopy(source, memo)
    if not isinstance(optimizer, Optimizer):
        return network, made(optimizer, network)
    held = [p for group in optimizer.param_groups for p in group["params"]]
    own = {id(p) for p in source.parameters()}
    if not any(id(p) in own for p in held):
        raise ProblemError(
            "The optimizer holds none of the model's parameters.",
            remedy="Make it with model.parameters(), or give a function: lambda parameters: torch.optim.SGD(parameters, lr=0.1).",
        )
    twin: Optimizer = copy.deepcopy(optimizer, memo)
    for name, value in vars(optimizer).items():  # what an optimiser of one's own holds besides, an inner one say
        if name not in vars(twin):
            setattr(twin, name, copy.deepcopy(value, memo))
    return network, twin


def made(factory: OptimizerFactory, network: nn.Module) -> Optimizer:
    if not callable(factory):
        raise ProblemError(
            f"The optimizer is a {type(factory).__name__}.",
            remedy="Give an optimizer, or a function of parameters: lambda parameters: torch.optim.SGD(parameters, lr=0.1).",
        )
    found = factory(network.parameters())
    if not isinstance(found, Optimizer):
        raise ProblemError(f"The function for the optimizer gave a {type(found).__name__}; a torch.optim.Optimizer was expected.")
    return found


def train(
    network: nn.Module,
    optimizer: Optimizer,
    batches: Iterable[Any],
    criterion: Callable[..., Any] | None,
    *,
    steps: int,
    every: int,
    device: torch.device,
) -> Iterator[Step]:
    """The network at the start, after every `every` steps and at the end; it must not be changed by who looks at it.

    batches: gone through again and again. criterion: as in training; None: the network's own loss. Raises ProblemError.
    """
    network.to(device)
    yield Step(0, network, float("nan"), rate_of(optimizer))
    source = endless(batches)
    for number in range(1, steps + 1):
        network.train()
        loss = loss_of_batch(network, next(source), criterion, device)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        stepped(optimizer, loss)
        if number % every == 0 or number == steps:
            yield Step(number, network, float(loss.detach()), rate_of(optimizer))


def stepped(optimizer: Optimizer, loss: Tensor) -> None:
    try:
        optimizer.step()
    except TypeError as error:
        raise ProblemError(
            f"{type(optimizer).__name__} cannot take a step by itself: {error}.",
            remedy="An optimizer that needs a closure (LBFGS, SAM) cannot be followed here; record its training with a Recorder.",
        ) from error


def loss_of_batch(network: nn.Module, batch: Any, criterion: Callable[..., Any] | None, device: torch.device) -> Tensor:
    """The loss that is differentiated: a value for each example counts by its mean."""
    dtype = next(p.dtype for p in network.parameters() if p.is_floating_point())
    tree = place(map_arrays(batch), device, dtype)
    if criterion is None:
        return own_loss(network, tree)
    inputs, targets = separate(tree)
    output = call(network, inputs)
    found = getattr(output, "logits", None)
    loss: Tensor = criterion(found if isinstance(found, Tensor) else output, targets)
    return loss.mean() if loss.dim() else loss


def endless(batches: Iterable[Any]) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        count = 0
        for batch in batches:
            count += 1
            yield batch
        if not count:
            raise ProblemError("The training loader gave no batch.")


@dataclass(frozen=True)
class Shuffled:
    """A split's examples in batches, in another order each epoch: for loaders that can be gone through once."""

    split: Split
    size: int
    generator: torch.Generator

    def __iter__(self) -> Iterator[Any]:
        order = torch.randperm(self.split.examples, generator=self.generator)
        for part in torch.split(order, self.size):
            yield self._taken(self.split.inputs, part), self._taken(self.split.targets, part)

    def _taken(self, tree: Any, chosen: Tensor) -> Any:
        count = self.split.examples
        return map_tensors(tree, lambda t: t[chosen.to(t.device)] if t.dim() and t.shape[0] == count else t)


def rate_of(optimizer: Optimizer) -> float:
    """The learning rate; of several groups the largest."""
    return max((float(group["lr"]) for group in optimizer.param_groups if "lr" in group), default=float("nan"))
