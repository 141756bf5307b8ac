"""A Problem of a network and data that a script holds: nothing is read from files, and the script's own network is only copied."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from landscape_gui.checkpoint import Checkpoint
from landscape_gui.checkpoint.read import digest
from landscape_gui.core.splits import Split, call, place
from landscape_gui.errors import ProblemError
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.problem.assembly import Found, Network, about_checkpoint, assemble, fingerprint
from landscape_gui.problem.card import Card
from landscape_gui.problem.criteria import Criterion, Judged, judge, own_loss
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.fitting import load
from landscape_gui.problem.judges import shape_of
from landscape_gui.problem.loaders import few, first_examples
from landscape_gui.problem.problem import Parts, Problem
from landscape_gui.problem.settings import choose_device, own_randomness, prepare_torch
from landscape_gui.run import Run

PLACE = "in memory"
TRIED = 8
"""Examples on which a criterion is tried: one that is a mean alone is told from a sum by them."""
_numbers = itertools.count(1)
_settings = threading.RLock()


class InMemoryProblem(Problem):
    """A Problem whose checkpoint, and others that questions name, are weights in memory. Made by `in_memory`.

    Its fingerprint holds for this process alone: what a network of the script's own computes cannot be told from its weights.
    """

    def __init__(self, parts: Parts, others: dict[str, Checkpoint] | None = None) -> None:
        super().__init__(parts)
        self._others = {} if others is None else others
        self._others[self.checkpoint.digest] = self.checkpoint

    def remember(self, model: nn.Module | Mapping[str, Tensor], label: str) -> CheckpointRef:
        """Weights of the same architecture under a name, to be named in a question; they are copied. ProblemError: do not fit."""
        tensors = model.state_dict() if isinstance(model, nn.Module) else model
        checkpoint = checkpoint_of(tensors, label)
        self._fit(checkpoint)
        self._others.setdefault(checkpoint.digest, checkpoint)
        return CheckpointRef(str(checkpoint.path), checkpoint.digest, label)

    def forget(self, reference: CheckpointRef) -> None:
        """Let go of weights that were remembered; the problem's own stay."""
        if reference.digest != self.checkpoint.digest:
            self._others.pop(reference.digest, None)

    def state_of(self, reference: CheckpointRef) -> Tensor:
        found = self._others.get(reference.digest)
        if found is None:
            return super().state_of(reference)
        return self.layout.flatten(self._fit(found), device=self.device)

    def at(self, reference: CheckpointRef) -> Problem:
        found = self._others.get(reference.digest)
        if found is None or found is self.checkpoint:
            return super().at(reference)
        module = copy.deepcopy(self.module)
        load(module, self._fit(found), self._parts.model_name)
        parts = dataclasses.replace(
            self._parts,
            title=f"{self.description.get('title', self.title)}, {reference.label}",
            fingerprint=fingerprint({**self._parts.identity, "weights": found.digest}),
            checkpoint=found,
            module=module,
            state=self.layout.flatten(module.state_dict(), device=self.device),
            description={**self._parts.description, "checkpoint": about_checkpoint(found)},
        )
        return InMemoryProblem(parts, self._others)

    def differences(self, reference: CheckpointRef) -> tuple[str, ...]:
        return () if reference.digest in self._others else super().differences(reference)

    def run_at(self, path: str | Path) -> Run | None:
        return None if Path(path).parent == Path(PLACE) else super().run_at(path)


def in_memory(
    model: nn.Module,
    data: Data,
    criterion: Criterion | str | None = None,
    *,
    device: str | torch.device = "cpu",
    threads: int = 1,
    title: str = "",
) -> InMemoryProblem:
    """The loss of a network on data in memory, about a copy of its weights as they are now.

    model: any nn.Module, copied in evaluation mode and float32; which parameters require a gradient counts, as everywhere. What
    torch.compile and DataParallel wrap is taken out. criterion: see `criteria.judge`. data: see `loaders.read_loaders`. Answers
    equal those of the same weights, data and loss opened from files, bit for bit at the same device and number of threads.
    Call it inside `computing(threads)`. Raises ProblemError.
    """
    where = choose_device(str(device))
    network, notes = copied(model)
    name = title or type(bare(model)).__name__
    checkpoint = checkpoint_of(bare(model).state_dict(), name)
    judged = judged_by(network.to(where), data.splits[0], criterion, where)
    config = {"class": f"{type(network).__module__}.{type(network).__qualname__}", PLACE: next(_numbers)}
    said = (*notes, *judged.notes)
    found = Found(checkpoint, None, Card(title=name), data, Network(network, type(network).__name__, config, said), judged.judges)
    return InMemoryProblem(assemble(found, where, threads))


@contextmanager
def computing(threads: int) -> Iterator[None]:
    """Inside, torch computes as it does for every answer (math attention, no fast path, so many threads); afterwards it is set as
    it was."""
    kernels = [
        kernel for kernel in ("flash", "mem_efficient", "cudnn", "math") if hasattr(torch.backends.cuda, f"{kernel}_sdp_enabled")
    ]
    with _settings:
        before = {kernel: getattr(torch.backends.cuda, f"{kernel}_sdp_enabled")() for kernel in kernels}
        fast, count = torch.backends.mha.get_fastpath_enabled(), torch.get_num_threads()
        prepare_torch(threads)
        try:
            with own_randomness():
                yield
        finally:
            torch.set_num_threads(count)
            torch.backends.mha.set_fastpath_enabled(fast)
            for kernel, on in before.items():
                getattr(torch.backends.cuda, f"enable_{kernel}_sdp")(on)


def bare(model: nn.Module) -> nn.Module:
    """The network inside what torch.compile, DataParallel and DistributedDataParallel wrap."""
    inner = getattr(model, "_orig_mod", None)
    if isinstance(inner, nn.Module):
        return bare(inner)
    wrapped = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    return bare(model.module) if isinstance(model, wrapped) else model


def checked(model: Any) -> nn.Module:
    """The bare network. ProblemError where it is none, or has no weights (yet)."""
    if not isinstance(model, nn.Module):
        raise ProblemError(f"The model is a {type(model).__name__}; an nn.Module was expected.")
    source = bare(model)
    unready = next((name for name, p in (*source.named_parameters(), *source.named_buffers()) if is_lazy(p)), "")
    if unready:
        raise ProblemError(
            f"The parameter {unready} has no shape yet.", remedy="Run the network once, so that lazy layers are made."
        )
    if not any(True for _ in source.parameters()):
        raise ProblemError(f"{type(source).__name__} has no parameters: there is no landscape around it.")
    return source


def copied(model: nn.Module) -> tuple[nn.Module, tuple[str, ...]]:
    """A copy to compute with, and what was cast. Gradients are not copied. Raises ProblemError."""
    source = checked(model)
    every = [*source.named_parameters(), *source.named_buffers()]
    memo: dict[int, Any] = {id(p.grad): None for p in source.parameters() if p.grad is not None}
    try:
        network = copy.deepcopy(source, memo)
    except Exception as error:  # modules may hold anything
        raise ProblemError(
            f"{type(source).__name__} cannot be copied: {type(error).__name__}: {error}.",
            remedy="Give it a __deepcopy__, or take out what cannot be copied (open files, locks, tensors that were computed).",
        ) from error
    stored = sorted({str(t.dtype).removeprefix("torch.") for _, t in every if t.is_floating_point() and t.dtype != torch.float32})
    notes = (f"Weights in {' and '.join(stored)} were taken as float32.",) if stored else ()
    for parameter in network.parameters():
        parameter.grad = None
    return network.float().eval(), notes


def checkpoint_of(tensors: Mapping[str, Tensor], label: str) -> Checkpoint:
    """Weights as they are now, copied, as the checkpoint that a file of them would be."""
    kept = {name: t.detach().to("cpu", copy=True) for name, t in tensors.items() if isinstance(t, Tensor)}
    return Checkpoint(Path(PLACE) / label.replace("/", " "), PLACE, kept, digest(kept))


def logits_of(output: Any) -> Any:
    """What criteria and metrics take of an answer that is an object, as networks of transformers give it."""
    if isinstance(output, Tensor):
        return output
    found = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    return found if isinstance(found, Tensor) else output


def judged_by(network: nn.Module, split: Split, criterion: Criterion | str | None, device: torch.device) -> Judged:
    """The criterion, tried on a few examples. Raises ProblemError: the forward pass does, with its own words."""
    if criterion is None:
        with torch.no_grad():
            own_loss(network, place(few(split, TRIED), device, torch.float32))
        return judge(None, None, None)
    inputs, targets = first_examples(split, TRIED)
    inputs, targets = place(inputs, device, torch.float32), place(targets, device, torch.float32)
    try:
        with torch.no_grad():
            output = call(network, inputs)
    except Exception as error:  # a network of the script's own may raise anything
        raise ProblemError(
            f"The network's forward pass on inputs of shape {shape_of(inputs)} raises {type(error).__name__}: {error}.",
            remedy="The loaders' batches must be (inputs, targets) as the network takes its inputs.",
        ) from error
    if logits_of(output) is not output:  # a hook costs a network without need its faster forms
        network.register_forward_hook(lambda _module, _inputs, answered: logits_of(answered))
    return judge(criterion, logits_of(output), targets)
