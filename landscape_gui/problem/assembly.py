"""From what was found to a Problem: flat weights, data on the device, fingerprint and description."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import xxhash
from torch import Tensor, nn

from landscape_gui.checkpoint import Checkpoint
from landscape_gui.core.splits import Split, map_tensors
from landscape_gui.core.vector import Layout
from landscape_gui.problem.card import Card
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.judges import Judges
from landscape_gui.problem.problem import Parts
from landscape_gui.run import Run

VERSION = 1
"""Raised when the same files would be opened as another function: old answers are then not found any more."""

UNNAMED = frozenset({"model.safetensors", "pytorch_model.bin"})
"""What every Hugging Face folder's file is called."""


@dataclass(frozen=True)
class Network:
    """A module with the checkpoint's weights loaded. config: what decides what it computes; name: in a sentence; own_names: gives
    another file's tensors the names of the module's, where files have others; fits: all architectures that the tensors fit, where
    `chosen` is the one among them that a person took."""

    module: nn.Module
    name: str
    config: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    own_names: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] | None = None
    fits: tuple[str, ...] = ()
    chosen: str = ""


@dataclass(frozen=True)
class Found:
    """Everything that opening found. code: the digest of the user's own code where any was run, else ""; asked: the arguments of
    `open_problem` that a person gave beside the path."""

    checkpoint: Checkpoint
    run: Run | None
    card: Card
    data: Data
    network: Network
    judges: Judges
    code: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The card's, the run's, the file's name, or that of the folder that is one checkpoint."""
        place = self.checkpoint.path
        alone = place.absolute().parent.name if place.name.partition(".index")[0] in UNNAMED else place.stem
        return self.card.title or (self.run.name if self.run is not None else alone)

    @property
    def label(self) -> str:
        """Which of the run's checkpoints it is: "epoch 3"."""
        entries = self.run.checkpoints if self.run is not None and len(self.run.checkpoints) > 1 else ()
        return next((entry.label for entry in entries if entry.path == self.checkpoint.path), "")

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.checkpoint.notes, *self.network.notes, *self.data.notes)


def assemble(found: Found, device: torch.device, threads: int) -> Parts:
    """The parts of a Problem, weights and data on the device."""
    module = found.network.module.to(device)
    layout = Layout.from_module(module)
    return Parts(
        title=f"{found.title}, {found.label}" if found.label else found.title,
        fingerprint=fingerprint(identity(found)),
        identity=identity(found),
        own_names=found.network.own_names,
        checkpoint=found.checkpoint,
        run=found.run,
        module=module,
        layout=layout,
        state=layout.flatten(module.state_dict(), device=device),
        splits=[split if split.streams else _placed(split, device) for split in found.data.splits],
        head=found.judges.head,
        metrics=found.judges.metrics,
        classes=found.judges.classes,
        device=device,
        threads=threads,
        model_name=found.network.name,
        description=description(found, layout),
        defaults=found.card.defaults,
        expected=expected_metrics(found),
        notes=found.notes,
    )


def identity(found: Found) -> dict[str, Any]:
    """All that decides the loss at every point: weights, network, code, data, loss. Not device, threads or titles."""
    return {
        "version": VERSION,
        "weights": found.checkpoint.digest,
        "network": found.network.config,
        "code": found.code,
        "data": found.data.digest,
        "loss": found.judges.head.name,
        "metrics": sorted(found.judges.metrics),
    }


def fingerprint(identity: Mapping[str, Any]) -> str:
    """xxh3-128 over an identity."""
    return xxhash.xxh3_128_hexdigest(json.dumps(identity, sort_keys=True).encode())


def description(found: Found, layout: Layout) -> dict[str, Any]:
    """What was opened, JSON-able; goes into every answer's provenance."""
    examples = {split.name: split.examples for split in found.data.splits}
    return {
        "title": found.title,
        "summary": found.card.summary,
        "model": found.network.name,
        **({"fits": list(found.network.fits), "chosen": found.network.chosen} if found.network.fits else {}),
        "parameters": layout.parameters,
        "layers": [[name, [list(segment.shape) for segment in segments]] for name, segments in layout.layers()],
        "checkpoint": about_checkpoint(found.checkpoint),
        "data": {**found.data.about, "examples": examples, "digest": found.data.digest},
        "loss": found.judges.head.name,
        **({"code": found.code} if found.code else {}),
        **({"asked": dict(found.asked)} if found.asked else {}),
        "training": dict(found.card.training),
        "licence": found.card.licence,
        "notes": list(found.notes),
    }


def about_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "path": str(checkpoint.path),
        "format": checkpoint.format,
        "digest": checkpoint.digest,
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
    }


def expected_metrics(found: Found) -> dict[str, float]:
    """The card's metrics where they are this checkpoint's: it is alone, or the last of those that the card lies beside."""
    if found.card.path is None:
        return {}
    folder, place = found.card.path.resolve().parent, found.checkpoint.path.resolve()
    entries = found.run.checkpoints if found.run is not None else ()
    beside = [entry.path.resolve() for entry in entries if folder in entry.path.resolve().parents]
    if beside and beside[-1] != place:
        return {}
    return {k: float(v) for k, v in found.card.metrics.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}


def _placed(split: Split, device: torch.device) -> Split:
    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device)

    return Split(split.name, map_tensors(split.inputs, move), map_tensors(split.targets, move), split.examples)
