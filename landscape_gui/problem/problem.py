"""Problem: model, data and loss at a checkpoint; a loss over one flat parameter vector. The only thing the numerics see."""

from __future__ import annotations

import copy
import dataclasses
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from landscape_gui.checkpoint import Checkpoint, read_checkpoint
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import LossHead, Metric
from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.objective import Objective
from landscape_gui.core.passes import Passes
from landscape_gui.core.splits import Split, length_of, map_tensors
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.problem.elsewhere import check_network, differences, training_beside
from landscape_gui.problem.fitting import fit, load, shapes_of
from landscape_gui.problem.locate import find_checkpoint, find_file
from landscape_gui.problem.saving import write_state
from landscape_gui.run import Run

CHANCE = "Wrong architecture or normalisation, or not trained yet?"
DIVERGED = "Wrong architecture or normalisation, or did training diverge?"


@dataclass(frozen=True)
class Parts:
    """What a Problem is made of; `open_problem` puts it together.

    model_name: what the network is called in sentences; expected: metrics that the card says; notes: what was assumed, cast or
    stripped; identity: what the fingerprint is made of; own_names: as of assembly.Network.
    """

    title: str
    fingerprint: str
    checkpoint: Checkpoint
    run: Run | None
    module: nn.Module
    layout: Layout
    state: Tensor
    splits: Sequence[Split]
    head: LossHead
    metrics: Mapping[str, Metric]
    classes: int | None
    device: torch.device
    threads: int
    model_name: str
    description: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    identity: Mapping[str, Any] = field(default_factory=dict)
    own_names: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] | None = None


class Problem:
    """One loss over one flat vector. Everything here is read-only; evaluators work on copies of the module.

    state: (layout.size,) float32 on `device`, parameters first, then float buffers; splits: name -> number of examples, the first
    is the default; metrics: names beside "loss"; loss_unit: "nat" for cross-entropies, else ""; classes: of a classifier, else
    None; fingerprint: the same for the same weights, network, data and loss, whatever the device or threads.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.title, self.fingerprint = parts.title, parts.fingerprint
        self.checkpoint, self.run = parts.checkpoint, parts.run
        self.module, self.layout, self.state = parts.module, parts.layout, parts.state
        self.splits: Mapping[str, int] = {split.name: split.examples for split in parts.splits}
        self.metrics = tuple(parts.metrics) if parts.head.kind != "batch" else ()
        self.loss_name, self.loss_unit = parts.head.name, parts.head.unit
        self.classes, self.device, self.threads = parts.classes, parts.device, parts.threads
        self.description: dict[str, Any] = dict(parts.description)
        self.defaults: Mapping[str, Any] = dict(parts.defaults)
        self.notes = parts.notes
        self._found: dict[str, float] | None = None
        self._references: dict[tuple[str, int, int], CheckpointRef] = {}
        self._lock = threading.Lock()

    @property
    def has_batchnorm(self) -> bool:
        """Whether a BatchNorm layer has running statistics."""
        kinds = (nn.modules.batchnorm._BatchNorm,)
        return any(isinstance(m, kinds) and m.running_mean is not None for m in self.module.modules())

    def at_checkpoint(self) -> dict[str, float]:
        """ "<split>_loss" and "<split>_<metric>" at the checkpoint, on all data; computed once, cached."""
        with self._lock:
            if self._found is None:
                values = _finish(self.evaluator(tier="exact"), self.state)
                self._found = {name: float(mean[0]) for name, mean in values.items()}
            return dict(self._found)

    def warnings(self) -> tuple[str, ...]:
        """Sentences about what looks wrong at the checkpoint: loss not finite, accuracy at chance, other values than the card's."""
        found = self.at_checkpoint()
        said = []
        for split, examples in self.splits.items():
            loss, accuracy = found[f"{split}_loss"], found.get(f"{split}_accuracy")
            if not math.isfinite(loss):
                said.append(f"The {split} loss at the checkpoint is {loss}. {DIVERGED}")
            elif accuracy is not None and accuracy <= self._chance(split, examples):
                said.append(f"{split.capitalize()} accuracy is {accuracy:.1%}: chance. {CHANCE}")
        for name, value in self._parts.expected.items():
            if name in found and not math.isclose(found[name], value, rel_tol=0.02, abs_tol=2e-3):
                said.append(f"The card says {name.replace('_', ' ')} {value:.4g}; here it is {found[name]:.4g}.")
        return tuple(said)

    def reference(self, path: str | Path) -> CheckpointRef:
        """Another checkpoint of this architecture, to name in a question (a folder means its last one).

        Raises CheckpointError, or ProblemError naming the tensor that does not fit.
        """
        place = find_file(path)
        status = place.stat()
        key = (str(place.resolve()), status.st_mtime_ns, status.st_size)
        if key not in self._references:
            checkpoint = read_checkpoint(place)
            self._fit(checkpoint)
            label = self._labels.get(str(place), self._labels.get(key[0], f"{place.parent.name}/{place.name}"))
            self._references[key] = CheckpointRef(str(place), checkpoint.digest, label)
        return self._references[key]

    @cached_property
    def _labels(self) -> dict[str, str]:
        """What the run calls its checkpoints, by their paths as it names them and without links."""
        entries = self.run.checkpoints if self.run is not None else ()
        return {name: entry.label for entry in entries for name in (str(entry.path), str(entry.path.resolve()))}

    def run_at(self, path: str | Path) -> Run | None:
        """The run that a checkpoint, or a folder of them, belongs to; None where it stands alone. Raises CheckpointError."""
        return find_checkpoint(path)[1]

    def differences(self, reference: CheckpointRef) -> tuple[str, ...]:
        """Sentences on what the card beside another checkpoint says differently of data and loss; this problem's own count."""
        return differences(self.description, reference.path)

    def training_at(self, reference: CheckpointRef) -> dict[str, Any]:
        """How another checkpoint was trained, as the card beside it says: optimizer, lr, momentum, ...; empty where none does."""
        return training_beside(reference.path)

    def state_of(self, reference: CheckpointRef) -> Tensor:
        """The weights that a reference names, (layout.size,) float32 on `device`.

        Raises ProblemError where the file holds other weights by now, or the tensor that does not fit.
        """
        if reference.digest and reference.digest == self.checkpoint.digest:
            return self.state
        checkpoint = read_checkpoint(find_file(reference.path))
        if reference.digest and checkpoint.digest != reference.digest:
            raise ProblemError(f"{reference.path} holds other weights than when it was chosen.", remedy="Choose it again.")
        return self.layout.flatten(self._fit(checkpoint), device=self.device)

    def at(self, reference: CheckpointRef) -> Problem:
        """The problem of another checkpoint of this architecture, as if that file had been opened in the same way: its answers are
        found under the same keys. Raises ProblemError as `state_of` does."""
        from landscape_gui.problem.assembly import about_checkpoint, fingerprint

        if reference.digest and reference.digest == self.checkpoint.digest:
            return self
        checkpoint = read_checkpoint(find_file(reference.path))
        if reference.digest and checkpoint.digest != reference.digest:
            raise ProblemError(f"{reference.path} holds other weights than when it was chosen.", remedy="Choose it again.")
        module = copy.deepcopy(self.module)
        load(module, self._fit(checkpoint), self._parts.model_name)
        title = f"{self.description.get('title', self.title)}, {reference.label}"
        parts = dataclasses.replace(
            self._parts,
            title=title,
            fingerprint=fingerprint({**self._parts.identity, "weights": checkpoint.digest}),
            checkpoint=checkpoint,
            module=module,
            state=self.layout.flatten(module.state_dict(), device=self.device),
            description={**self._parts.description, "checkpoint": about_checkpoint(checkpoint)},
            expected={},
        )
        return Problem(parts)

    def with_run(self, run: Run) -> Problem:
        """The same problem in a run that has gone on: same fingerprint, same answers."""
        grown = Problem(dataclasses.replace(self._parts, run=run))
        grown._found, grown._references = self._found, self._references
        return grown

    def evaluator(
        self,
        *,
        splits: Sequence[str] = (),
        limit: int = 0,
        seed: int = 0,
        tier: str = "fast",
        precision: str = "float32",
        batchnorm: str = "frozen",
        further: Mapping[str, Metric] | None = None,
    ) -> Evaluator:
        """What evaluates this loss at many weights. splits: names, () for all; limit: a random subset of so many examples, drawn
        once a split from `seed` (0: all; of data that stream, the first ones). BatchNorm statistics that are recalculated come
        from the first split, or from its subset, whether it is asked about or not. further: metrics beside the problem's own."""
        unknown = [name for name in splits if name not in self.splits]
        if unknown:
            raise ProblemError(f"There is no split {unknown[0]!r}.", remedy=f"The splits are {', '.join(self.splits)}.")
        chosen = [split for split in self._parts.splits if not splits or split.name in splits]
        training = self._parts.splits[0]
        elsewhere = batchnorm == "recalculated" and all(split.name != training.name for split in chosen)
        return Evaluator(
            self.module,
            self.layout,
            [draw(split, limit, seed) for split in chosen],
            self._parts.head,
            {**self._parts.metrics, **(further or {})},
            tier=cast(Any, tier),
            precision=cast(Any, precision),
            batchnorm=cast(Any, batchnorm),
            device=self.device,
            statistics=draw(training, limit, seed) if elsewhere else None,
        )

    def objective(
        self,
        *,
        split: str = "",
        limit: int = 0,
        seed: int = 0,
        precision: str = "float32",
        parameters: Sequence[str] = (),
        state: Tensor | None = None,
    ) -> Objective:
        """This loss as a function of the parameters that require a gradient, to be differentiated; on a private copy.

        split: a name, "" for the first; limit, seed: as of `evaluator`; parameters: names of layers or groups, () for all; state:
        (layout.size,) weights of another checkpoint, None for this one's. Raises ProblemError.
        """
        name = split or next(iter(self.splits))
        if name not in self.splits:
            raise ProblemError(f"There is no split {name!r}.", remedy=f"The splits are {', '.join(self.splits)}.")
        chosen = next(part for part in self._parts.splits if part.name == name)
        return Objective(
            self.module,
            self.layout,
            draw(chosen, limit, seed),
            self._parts.head,
            state=self.state if state is None else state,
            precision=cast(Any, precision),
            device=self.device,
            parameters=parameters,
        )

    def minibatches(self, *, split: str = "", batch: int = 64, seed: int = 0) -> MiniBatchLoss:
        """This loss on mini-batches as in training, to train paths by; on a private copy. split: a name, "" for the first; seed: of
        the order of examples. Raises ProblemError."""
        name = split or next(iter(self.splits))
        if name not in self.splits:
            raise ProblemError(f"There is no split {name!r}.", remedy=f"The splits are {', '.join(self.splits)}.")
        chosen = next(part for part in self._parts.splits if part.name == name)
        return MiniBatchLoss(self.module, self.layout, chosen, self._parts.head, batch=batch, seed=seed, device=self.device)

    def passes(self, *, split: str = "", limit: int = 0, seed: int = 0) -> Passes:
        """The network's forward passes over one split at any weights, to look inside; on a private copy. split: a name, "" for the
        first; limit, seed: as of `evaluator`. Raises ProblemError."""
        name = split or next(iter(self.splits))
        if name not in self.splits:
            raise ProblemError(f"There is no split {name!r}.", remedy=f"The splits are {', '.join(self.splits)}.")
        chosen = next(part for part in self._parts.splits if part.name == name)
        return Passes(self.module, self.layout, draw(chosen, limit, seed), self._parts.head, device=self.device)

    def save_state(self, state: Tensor, path: str | Path) -> None:
        """Write weights (layout.size,) as .safetensors that opens like the checkpoint, whole or not at all."""
        metadata = {
            "title": self.title,
            "source": self.checkpoint.name,
            "source_digest": self.checkpoint.digest,
            "fingerprint": self.fingerprint,
        }
        write_state(Path(path), self.module, self.layout, state, metadata)

    def _fit(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        model = f"{self._parts.model_name}, the network of {self.title}"
        try:
            named = self._parts.own_names
            found = fit(self.module, checkpoint.tensors if named is None else named(checkpoint.tensors), model)[0]
        except ProblemError as error:
            raise ProblemError(f"{checkpoint.path}: {error.message}", remedy=error.remedy) from error
        network = self._parts.identity.get("network", {})
        inputs = self._parts.splits[0].inputs
        example = tuple(inputs.shape[1:]) if isinstance(inputs, Tensor) else None
        check_network(network, model, checkpoint.path, shapes_of(checkpoint.tensors), example)
        return found

    def _chance(self, split: str, examples: int) -> float:
        """The accuracy up to which a classifier is no better than always naming the commonest class, three standard errors up."""
        classes = self.classes or 0
        if classes < 2 or examples < 1:
            return -1.0
        targets = next(s.targets for s in self._parts.splits if s.name == split)
        share = 1 / classes
        if isinstance(targets, Tensor) and not targets.is_floating_point() and targets.numel():
            share = max(share, torch.bincount(targets.flatten().clamp(min=0)).max().item() / targets.numel())
        return min(share + 3 * math.sqrt(share * (1 - share) / examples), (1 + share) / 2)


def draw(split: Split, limit: int, seed: int) -> Split:
    """A random subset of `limit` examples, in the split's order, drawn from `seed`; the whole split where it is no larger."""
    if not limit or (split.examples and limit >= split.examples):
        return split
    if split.streams:
        return Split(split.name, split.inputs.limited(limit), None, limit)
    chosen = torch.randperm(split.examples, generator=torch.Generator().manual_seed(seed))[:limit].sort().values

    def take(tensor: Tensor) -> Tensor:
        whole = tensor.dim() > 0 and tensor.shape[0] == split.examples
        return tensor[chosen.to(tensor.device)] if whole else tensor

    assert length_of(split.inputs) == split.examples
    return Split(split.name, map_tensors(split.inputs, take), map_tensors(split.targets, take), limit)


def _finish(evaluator: Evaluator, state: Tensor) -> dict[str, np.ndarray[Any, Any]]:
    steps = evaluator.evaluate(state, (), ())
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return dict(stop.value.mean)
