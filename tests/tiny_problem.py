"""A problem small enough for tests, with a real network and the real evaluator; also for the processes that tests start."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import ACCURACY, CROSS_ENTROPY
from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.objective import Objective
from landscape_gui.core.passes import Passes
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.probes.base import CheckpointRef


def make_module(kind: str = "mlp") -> nn.Module:
    torch.manual_seed(0)
    if kind == "batchnorm":
        return nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 4))
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 4))


def make_data(examples: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(examples, 6, generator=generator)
    weights = torch.randn(6, 4, generator=torch.Generator().manual_seed(7))
    return x, (x @ weights + 0.3 * torch.randn(examples, 4, generator=generator)).argmax(1)


def checkpoint(place: int) -> SimpleNamespace:
    """What a problem says of the file that it was opened from: the state of that number."""
    return SimpleNamespace(path=Path(f"epoch_{place}"), digest=f"{place:032x}")


@dataclass(eq=False)
class TinyProblem:
    """What probes need of a Problem. broken: called with each evaluator that is made, to spoil it."""

    kind: str = "mlp"
    train: int = 200
    test: int = 90
    broken: Callable[[Evaluator], None] | None = None

    def __post_init__(self) -> None:
        self.module = make_module(self.kind).eval()
        if self.kind == "batchnorm":
            self.module.train()
            self.module(make_data(self.train, 1)[0])
            self.module.eval()
        self.layout = Layout.from_module(self.module)
        self.states = self.every = self._train()
        self.title = f"tiny {self.kind}"
        self.fingerprint = f"tiny-{self.kind}-{self.train}-{self.test}"
        self.checkpoint = checkpoint(len(self.states) - 1)
        self.run = SimpleNamespace(
            checkpoints=tuple(
                SimpleNamespace(path=Path(f"epoch_{k}"), epoch=float(k), step=None, label=f"epoch {k}")
                for k in range(len(self.states))
            )
        )
        self.splits: Mapping[str, int] = {"train": self.train, "test": self.test}
        self.metrics = ("accuracy",)
        self.loss_unit = "nat"
        self.loss_name = "cross_entropy"
        self.classes = 4
        self.has_batchnorm = self.kind == "batchnorm"
        self.device = "cpu"
        self.threads = 1
        self.description: dict[str, Any] = {"title": self.title, "checkpoint": "epoch_5", "digest": "0" * 32, "model": self.kind}
        self.defaults: dict[str, Any] = {}
        self.made = 0

    @property
    def state(self) -> Tensor:
        return self.states[-1]

    def _train(self) -> list[Tensor]:
        """Six states of a short gradient descent, the last one being the network's own."""
        x, y = make_data(self.train, 1)
        states = [self.layout.flatten(self.module.state_dict())]
        for _ in range(5):
            for _ in range(8):
                loss = nn.functional.cross_entropy(self.module(x), y)
                for p, g in zip(self.module.parameters(), torch.autograd.grad(loss, list(self.module.parameters())), strict=True):
                    p.data.sub_(g, alpha=0.5)
            states.append(self.layout.flatten(self.module.state_dict()))
        return states

    def at_checkpoint(self) -> dict[str, float]:
        return {"train_loss": 1.0, "train_accuracy": 0.5, "test_loss": 1.0, "test_accuracy": 0.5}

    def reference(self, path: str) -> CheckpointRef:
        place = checkpoint(int(str(path).rsplit("_", 1)[1]))
        return CheckpointRef(str(path), digest=place.digest, label=str(path).replace("_", " "))

    def at(self, reference: CheckpointRef) -> TinyProblem:
        """The same problem with the states up to the one named: its own fingerprint, as if that file had been opened."""
        place = int(reference.digest, 16)
        if place == len(self.states) - 1:
            return self
        other = copy.copy(self)
        other.states, other.checkpoint = self.every[: place + 1], checkpoint(place)
        suffix = "" if place == len(self.every) - 1 else f"-{place}"
        other.fingerprint, other.title = f"tiny-{self.kind}-{self.train}-{self.test}{suffix}", reference.label
        return other

    def state_of(self, reference: CheckpointRef) -> Tensor:
        place = int(reference.digest, 16)
        return (self.states if place < len(self.states) else self.every)[place]

    def differences(self, reference: CheckpointRef) -> tuple[str, ...]:
        return ()

    def objective(
        self,
        *,
        split: str = "",
        limit: int = 0,
        seed: int = 0,
        precision: Any = "float32",
        parameters: Any = (),
        state: Tensor | None = None,
    ) -> Objective:
        return Objective(
            self.module,
            self.layout,
            self.part(split or next(iter(self.splits)), limit, seed),
            CROSS_ENTROPY,
            state=self.state if state is None else state,
            precision=precision,
            parameters=parameters,
        )

    def minibatches(self, *, split: str = "", batch: int = 64, seed: int = 0) -> MiniBatchLoss:
        part = self.part(split or next(iter(self.splits)))
        return MiniBatchLoss(self.module, self.layout, part, CROSS_ENTROPY, batch=batch, seed=seed)

    def passes(self, *, split: str = "", limit: int = 0, seed: int = 0) -> Passes:
        return Passes(self.module, self.layout, self.part(split or next(iter(self.splits)), limit, seed), CROSS_ENTROPY)

    def part(self, name: str, limit: int = 0, seed: int = 0) -> Split:
        x, y = make_data(self.splits[name], {"train": 1, "test": 2}[name])
        if limit and limit < len(x):
            keep = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:limit]
            x, y = x[keep], y[keep]
        return Split(name, x, y, len(x))

    def evaluator(
        self,
        *,
        splits: Any = (),
        limit: int = 0,
        seed: int = 0,
        tier: Any = "fast",
        precision: Any = "float32",
        batchnorm: Any = "frozen",
        further: Any = None,
    ) -> Evaluator:
        parts = [self.part(name, limit, seed) for name in splits or self.splits]
        made = Evaluator(
            self.module,
            self.layout,
            parts,
            CROSS_ENTROPY,
            {"accuracy": ACCURACY, **(further or {})},
            tier=tier,
            precision=precision,
            batchnorm=batchnorm,
        )
        self.made += 1
        if self.broken is not None:
            self.broken(made)
        return made
